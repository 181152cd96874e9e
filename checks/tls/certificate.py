"""Read a certificate's DER into frozen facts, as leniently as clients meet it.

What cannot be read is left empty; only what is no certificate at all is refused.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from checks.errors import FormatError
from checks.printable import printable
from checks.secrets import crypto, der
from checks.tls import distinguished, extensions, publickey, signatures

if TYPE_CHECKING:
    import datetime

    from cryptography import x509

    from checks.tls.extensions import Extensions
    from checks.tls.publickey import Key
    from checks.tls.signatures import Algorithm

LONGEST: Final = 128 * 1024
"""Bytes of one certificate; with a signature of SLH-DSA and a hundred names it has 60,000."""
_LONGEST_NAME: Final = 160
_LONGEST_LABEL: Final = 80
_EXTENSIONS: Final = 0xA3
_VERSION: Final = 0xA0
_CONSTRUCTED: Final = 0x20
_LEAST_FIELDS: Final = 6


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate.

    subject, issuer: RFC 4514 texts, safe to print, "" where they cannot be read; subject_key,
    issuer_key: what names are compared by; not_before, not_after: aware, both inclusive;
    sha256: of the DER, in hex.
    """

    der: bytes
    sha256: str
    subject: str
    issuer: str
    subject_key: str
    issuer_key: str
    common_name: str
    not_before: datetime.datetime
    not_after: datetime.datetime
    key: Key
    signature: Algorithm
    extensions: Extensions

    def __repr__(self) -> str:
        """Name it without its contents."""
        return f"<Certificate {self.sha256[:12]}>"

    @property
    def label(self) -> str:
        """What to call it in one line: its kind of key and the first thing it is for."""
        names = self.extensions.names or self.extensions.addresses
        called = (names[0] if names else "") or self.common_name or self.subject
        return f"{self.key.label} certificate of {printable(called or '?', longest=_LONGEST_LABEL)}"

    @property
    def self_signed(self) -> bool:
        """It names itself as its issuer, and its key signed it. Takes a signature's check.

        Where the library does not know the algorithm, the names have to do.
        """
        if self.subject_key != self.issuer_key:
            return False
        parsed = load(self.der)
        return signatures.is_signed_by(parsed, parsed) is not False

    @property
    def lifetime(self) -> datetime.timedelta:
        """How long it is valid from first to last."""
        return self.not_after - self.not_before

    @property
    def has_names(self) -> bool:
        """It has a subject alternative name of a kind that TLS clients look at."""
        return bool(self.extensions.names or self.extensions.addresses)

    def is_valid(self, now: datetime.datetime) -> bool:
        """RFC 5280 4.1.2.5: the first and the last second are part of the validity."""
        return self.not_before <= now <= self.not_after


def read(encoded: bytes) -> Certificate:
    """Read a certificate; raises FormatError when it is none, or none that anybody can read."""
    if len(encoded) > LONGEST:
        raise FormatError("certificate: longer than any in use")
    raw = der.read(encoded).raw
    fields = _fields(raw)
    parsed = load(raw)
    with crypto.asking("certificate"):
        return Certificate(
            der=raw,
            sha256=hashlib.sha256(raw).hexdigest(),
            subject=_name(parsed, "subject"),
            issuer=_name(parsed, "issuer"),
            subject_key=distinguished.key(fields[4].raw),
            issuer_key=distinguished.key(fields[2].raw),
            common_name=distinguished.common_name(fields[4].raw),
            not_before=parsed.not_valid_before_utc,
            not_after=parsed.not_valid_after_utc,
            key=publickey.read(fields[5], parsed),
            signature=signatures.algorithm(parsed),
            extensions=extensions.read(_extensions(fields)),
        )


def load(raw: bytes) -> x509.Certificate:
    """Have the library read a certificate; raises FormatError when it does not."""
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate  # heavy

    with crypto.asking("certificate"):
        try:
            return load_der_x509_certificate(raw)
        except InvalidVersion:
            raise FormatError("certificate: of an unknown version") from None


class Glance(NamedTuple):
    """What tells one root from another: DER of a certificate's subject and of its key."""

    subject: bytes
    key: bytes


def glance(encoded: bytes) -> Glance:
    """Take out what tells a root, and nothing else, in a tenth of the time; raises FormatError."""
    tag, start, end = next(der.spans(encoded, 0, len(encoded)), (0, 0, 0))
    outer = list(der.spans(encoded, start, end)) if tag & _CONSTRUCTED else []
    inner = outer[0] if outer and outer[0][0] & _CONSTRUCTED else (0, 0, 0)
    parts, at = [], inner[1]
    for number, (kind, _, after) in enumerate(der.spans(encoded, *inner[1:])):
        if number or kind != _VERSION:
            parts.append((at, after))
        at = after
    if len(parts) < _LEAST_FIELDS:
        raise FormatError("certificate: parts are missing")
    return Glance(encoded[slice(*parts[4])], encoded[slice(*parts[5])])


def subject_key(encoded: bytes) -> str:
    """Give what a certificate's subject is compared by and nothing else; raises FormatError."""
    return distinguished.key(glance(encoded).subject)


def key_digest(encoded: bytes) -> str:
    """Give the SHA-256 in hex of a certificate's SubjectPublicKeyInfo; raises FormatError."""
    return hashlib.sha256(glance(encoded).key).hexdigest()


def _fields(raw: bytes) -> tuple[der.Node, ...]:
    """Give serial, signature, issuer, validity, subject, key, ... (RFC 5280 4.1)."""
    whole = der.read(raw).children
    fields = whole[0].children if whole else ()
    fields = fields[1:] if fields and fields[0].tag == _VERSION else fields
    if len(fields) < _LEAST_FIELDS:
        raise FormatError("certificate: parts are missing")
    return fields


def _extensions(fields: tuple[der.Node, ...]) -> der.Node | None:
    try:
        return next((f.children[0] for f in fields[6:] if f.tag == _EXTENSIONS and f.value), None)
    except FormatError:
        return None


def _name(parsed: x509.Certificate, which: str) -> str:
    try:
        with crypto.asking("name"):
            found: x509.Name = getattr(parsed, which)
            return printable(found.rfc4514_string(), longest=_LONGEST_NAME)
    except FormatError:
        return ""
