"""Keys and certificates made afresh for every test run, so that none lies in the repository."""

from __future__ import annotations

import datetime
import ipaddress
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="session")
def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


@pytest.fixture(scope="session")
def write() -> Callable[..., bytes]:
    """Give a function that serialises a key."""

    def written(
        key: PrivateKeyTypes,
        form: PrivateFormat = PrivateFormat.PKCS8,
        password: str = "",
        encoding: Encoding = Encoding.PEM,
    ) -> bytes:
        how = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        return key.private_bytes(encoding, form, how)

    return written


@pytest.fixture(scope="session")
def issue() -> Callable[..., x509.Certificate]:
    """Give a function that makes a self-signed certificate for a key."""

    def issued(key: ec.EllipticCurvePrivateKey, name: str = "web.example") -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(7)
            .not_valid_before(datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC))
            .not_valid_after(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(key, hashes.SHA256())
        )

    return issued
