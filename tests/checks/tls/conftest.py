"""Authorities and certificates made afresh for every test run, sound ones and odd ones."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from checks.secrets import der
from checks.tls import deepenv
from checks.tls.facts import Chain, EndpointFacts, Target
from checks.tls.faults import Context
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificateIssuerPrivateKeyTypes,
        CertificatePublicKeyTypes,
    )

NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
HOST = "www.example.org"
_SERIAL = 0x1234567890ABCDEF


class Issued(NamedTuple):
    """A certificate with its key."""

    der: bytes
    key: Any
    subject: x509.Name

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.der).hexdigest()


@cache
def rsa_key(number: int = 0, bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    """Give RSA keys that are made once; NUMBER tells them apart."""
    assert number >= 0
    return rsa.generate_private_key(exponent, bits)


def tlv(tag: int, *parts: bytes) -> bytes:
    """Write an element of DER."""
    value = b"".join(parts)
    size = len(value).to_bytes((len(value).bit_length() + 7) // 8, "big")
    head = bytes([len(value)]) if len(value) < 128 else bytes([0x80 | len(size)]) + size
    return bytes([tag]) + head + value


class Maker:
    """Makes certificates; what a test does not say is as it should be."""

    now = NOW
    host = HOST
    rsa_key = staticmethod(rsa_key)
    tlv = staticmethod(tlv)

    def name(self, text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    def make(
        self,
        title: str = HOST,
        issuer: Issued | None = None,
        *,
        key: CertificateIssuerPrivateKeyTypes | None = None,
        public: CertificatePublicKeyTypes | None = None,
        ca: bool = False,
        names: Iterable[str] | None = None,
        life: int = 90,
        left: int = 80,
        start: datetime.datetime | None = None,
        extra: Iterable[x509.ExtensionType] = (),
        subject: x509.Name | None = None,
    ) -> Issued:
        """Make a certificate of LIFE days with LEFT days to go, or one that starts at START."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = subject or self.name(title)
        first = start or self.now - datetime.timedelta(days=life - left)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(public or key.public_key())
            .serial_number(_SERIAL)
            .not_valid_before(first)
            .not_valid_after(first + datetime.timedelta(days=life))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        wanted = ((title,) if names is None else tuple(names)) if not ca or names else ()
        if wanted:
            found = x509.SubjectAlternativeName([_general(name) for name in wanted])
            builder = builder.add_extension(found, critical=False)
        for extension in extra:
            builder = builder.add_extension(extension, critical=False)
        signer = issuer.key if issuer else key
        made = builder.sign(signer, _digest(signer))
        return Issued(made.public_bytes(Encoding.DER), key, subject)

    def authority(
        self,
        title: str,
        issuer: Issued | None = None,
        *,
        key: CertificateIssuerPrivateKeyTypes | None = None,
        left: int = 3000,
    ) -> Issued:
        """Make a root, or an intermediate under ISSUER, of ten years."""
        return self.make(title, issuer, key=key, ca=True, life=3650, left=left)

    def resigned(
        self, issued: Issued, issuer: Issued, changes: Iterable[tuple[bytes, bytes]] = ()
    ) -> Issued:
        """Change bytes of a certificate and have an EC authority sign it again."""
        body, algorithm, _ = der.read(issued.der).children
        text = body.value
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        text = tlv(0x30, text)
        signature = issuer.key.sign(text, ec.ECDSA(hashes.SHA256()))
        return issued._replace(der=tlv(0x30, text, algorithm.raw, tlv(3, b"\0", signature)))

    def signed_old(self, issued: Issued, issuer: Issued, digest: str) -> Issued:
        """Sign a certificate of an RSA authority anew with RSA and MD5 or SHA-1."""
        number, info = {
            "md5": (4, "3020300c06082a864886f70d020505000410"),
            "sha1": (5, "3021300906052b0e03021a05000414"),
        }[digest]
        old, new = (bytes.fromhex("2a864886f70d0101") + bytes([n]) for n in (11, number))
        body, algorithm, _ = der.read(issued.der).children
        text = body.raw.replace(old, new)
        made = hashlib.new(digest, text, usedforsecurity=False).digest()
        numbers = issuer.key.private_numbers()
        size = issuer.key.key_size // 8
        padded = b"\0" + bytes.fromhex(info) + made
        padded = b"\0\1" + b"\xff" * (size - len(padded) - 2) + padded
        modulus = numbers.public_numbers.n
        signature = pow(int.from_bytes(padded, "big"), numbers.d, modulus).to_bytes(size, "big")
        whole = tlv(0x30, text, algorithm.raw.replace(old, new), tlv(3, b"\0", signature))
        return issued._replace(der=whole)

    def facts(
        self, *chains: Iterable[Issued], server_name: str = HOST, staple: bytes = b""
    ) -> EndpointFacts:
        """Give what an endpoint shows that sends these chains."""
        sent = tuple(Chain(tuple(one.der for one in chain), staple) for chain in chains)
        target = Target("127.0.0.1", 443, server_name)
        return EndpointFacts(target=target, versions={Version.TLS13: True}, chains=sent)

    def context(
        self, *trusted: Issued, expiring: float = 1 / 3, public: frozenset[str] = frozenset()
    ) -> Context:
        """Give what a judge knows on a host that trusts these roots."""
        return Context(NOW, tuple(one.der for one in trusted), expiring, public)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.RFC822Name(name) if "@" in name else x509.DNSName(name)


def _digest(signer: CertificateIssuerPrivateKeyTypes) -> hashes.SHA256 | None:
    hashed = isinstance(signer, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey))
    return hashes.SHA256() if hashed else None


@pytest.fixture(scope="session")
def sslyze() -> deepenv.Interpreter:
    """What runs sslyze: packaging/test makes its environment inside that of the tests."""
    return deepenv.believed(deepenv.location(os.environ, sys.prefix))


@pytest.fixture(scope="session")
def maker() -> Maker:
    return Maker()


@pytest.fixture(scope="session")
def root(maker: Maker) -> Issued:
    return maker.authority("Test Root")


@pytest.fixture(scope="session")
def middle(maker: Maker, root: Issued) -> Issued:
    return maker.authority("Test Intermediate", root)


@pytest.fixture(scope="session")
def leaf(maker: Maker, middle: Issued) -> Issued:
    return maker.make(issuer=middle)
