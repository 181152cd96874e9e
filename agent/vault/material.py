"""One object of key, certificate and chain, and whether it is fit to be served. Pure.

No representation of it shows more than what everybody sees who connects.
"""

from __future__ import annotations

import datetime
import hashlib
import itertools
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from checks.errors import HygieneError
from checks.printable import printable
from checks.tls import hostnames

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey | Ed448PrivateKey
_LONGEST: Final = 256 * 1024
_MOST: Final = 16
"""Certificates in a chain."""
_PUBLIC: Final = (
    serialization.Encoding.DER,
    serialization.PublicFormat.SubjectPublicKeyInfo,
)
_ODD: Final = (x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


class MaterialError(HygieneError):
    """What was fetched is no key, or no certificate."""


class Values:
    """Fields of a secret that no server serves, such as a user and a password.

    No tuple and no data class, so that nothing writes it out that does not ask for its fields.
    """

    __slots__ = ("fields",)

    def __init__(self, fields: Mapping[str, str]) -> None:
        """Keep them."""
        self.fields = fields

    def __repr__(self) -> str:
        """Name the fields alone."""
        return f"Values({', '.join(sorted(self.fields))})"

    def __eq__(self, other: object) -> bool:
        """Compare what they hold."""
        return isinstance(other, Values) and self.fields == other.fields

    def __hash__(self) -> int:
        """Tell them apart by their fields' names."""
        return hash(frozenset(self.fields))


class Material:
    """A private key, its certificate, and the chain above it, the issuer of the leaf first."""

    __slots__ = ("_chain", "_key", "_leaf")

    def __init__(self, key: str, certificate: str, chain: Sequence[str] = ()) -> None:
        """Take PEM texts; one that holds several certificates is the leaf and its chain.

        Raises MaterialError, which does not repeat them.
        """
        self._key = _key(key)
        whole = _certificates([certificate, *chain])
        self._leaf, self._chain = whole[0], whole[1:]

    def __repr__(self) -> str:
        """Name it by its certificate."""
        return f"Material({self.sha256[:16]})"

    @property
    def sha256(self) -> str:
        """Which certificate it is: the SHA-256 of its DER, in hex."""
        der = self._leaf.public_bytes(serialization.Encoding.DER)
        return hashlib.sha256(der).hexdigest()

    @property
    def begins(self) -> float:
        """From when on it is good, in seconds since 1970."""
        return self._leaf.not_valid_before_utc.timestamp()

    @property
    def ends(self) -> float:
        """Until when it is good: the first end in its chain."""
        return min(one.not_valid_after_utc.timestamp() for one in (self._leaf, *self._chain))

    @property
    def key(self) -> bytes:
        """The key in PKCS #8, PEM, without a passphrase."""
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def certificates(self) -> bytes:
        """The certificate and its chain, PEM, as a server sends them."""
        each = (one.public_bytes(serialization.Encoding.PEM) for one in (self._leaf, *self._chain))
        return b"".join(each)

    @property
    def pem(self) -> bytes:
        """All of it as one file, the key first."""
        return self.key + self.certificates

    def faults(self, names: Iterable[str], now: float) -> list[str]:
        """Say what makes it unfit to be served under NAMES, in words; nothing where it is fit."""
        return [*self._pair(), *self._order(), *self._dates(now), *self._names(names)]

    def _pair(self) -> list[str]:
        ours = self._key.public_key().public_bytes(*_PUBLIC)
        try:
            theirs = self._leaf.public_key().public_bytes(*_PUBLIC)
        except (ValueError, UnsupportedAlgorithm):
            return ["the certificate is for a kind of key that is not known here"]
        return [] if ours == theirs else ["the key is not the one of the certificate"]

    def _order(self) -> list[str]:
        whole = (self._leaf, *self._chain)
        for below, above in itertools.pairwise(whole):
            try:
                below.verify_directly_issued_by(above)
            except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
                return [f"{_called(above)} in the chain did not issue {_called(below)}"]
        return []

    def _dates(self, now: float) -> list[str]:
        moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
        return [
            f"{_called(one)} {what} {when:%Y-%m-%d %H:%M} UTC"
            for one in (self._leaf, *self._chain)
            for what, when, wrong in (
                ("begins", one.not_valid_before_utc, moment < one.not_valid_before_utc),
                ("ended", one.not_valid_after_utc, moment >= one.not_valid_after_utc),
            )
            if wrong
        ]

    def _names(self, names: Iterable[str]) -> list[str]:
        try:
            told = self._leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            known = {name.lower() for name in told.get_values_for_type(x509.DNSName)}
            addresses = {str(one) for one in told.get_values_for_type(x509.IPAddress)}
        except (*_ODD, x509.ExtensionNotFound, ValueError):
            known, addresses = set(), set()
        return [
            f"the certificate is not for {name}"
            for name in names
            if not hostnames.matches(name, known, addresses)
        ]


def material(fields: Mapping[str, object], named: Mapping[str, str]) -> Material:
    """Make one of the fields of a secret; named: what is called otherwise there.

    Raises MaterialError. `chain` may be a text or a list of texts, and may be missing.
    """
    told = {what: fields.get(named.get(what, what)) for what in ("key", "certificate", "chain")}
    for what in ("key", "certificate"):
        if not isinstance(told[what], str):
            raise MaterialError(f"{named.get(what, what)}: expected a field with text")
    chain = told["chain"] or []
    texts = [chain] if isinstance(chain, str) else chain
    if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        raise MaterialError(f"{named.get('chain', 'chain')}: expected texts")
    return Material(str(told["key"]), str(told["certificate"]), texts)


def _key(text: str) -> PrivateKey:
    """Read a private key that a certificate can go with."""
    if len(text) > _LONGEST:
        raise MaterialError("the key is too long for one")
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, PrivateKey):
        raise MaterialError("the key is no private key in PEM without a passphrase") from None
    return key


def _certificates(texts: Sequence[str]) -> list[x509.Certificate]:
    if sum(map(len, texts)) > _LONGEST:
        raise MaterialError("the certificates are too long")
    try:
        # One by one: what is none at all must not have the next text taken for it.
        each = [x509.load_pem_x509_certificates(text.encode()) for text in texts]
    except (x509.InvalidVersion, ValueError):
        raise MaterialError("the certificate is none in PEM") from None
    # What is cut off, or of a kind of its own, was passed over.
    if 2 * sum(map(len, each)) != sum(text.count(" CERTIFICATE-----") for text in texts):
        raise MaterialError("the certificates are not whole")
    found = list(itertools.chain.from_iterable(each))
    if len(found) > _MOST:
        raise MaterialError(f"more than {_MOST} certificates in a chain")
    return list(dict.fromkeys(found))


def _called(one: x509.Certificate) -> str:
    return printable(one.subject.rfc4514_string() or "a certificate without a name", longest=100)
