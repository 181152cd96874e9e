"""Say what a certificate file holds, as far as keys and their owners are concerned."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from checks.errors import FormatError
from checks.secrets import crypto, der

if TYPE_CHECKING:
    from checks.secrets.pem import PemBlock

_MOST_NAMES: Final = 200
_LONGEST: Final = 300


class CertificateFacts(msgspec.Struct, frozen=True):
    """A certificate. subject, issuer: RFC 4514 texts; names: DNS names and addresses, sorted.

    not_before, not_after: ISO 8601 in UTC; spki: as in KeyFacts; sha256: of the certificate's DER.
    """

    subject: str
    names: tuple[str, ...]
    not_before: str
    not_after: str
    issuer: str
    spki: str
    sha256: str


def certificate(block: PemBlock) -> CertificateFacts:
    """Read a certificate block; raises FormatError when it is no X.509 certificate."""
    return read(block.body)


def read(encoded: bytes) -> CertificateFacts:
    """Read a certificate's DER; raises FormatError when it is no X.509 certificate."""
    with crypto.asking("certificate"):
        from cryptography.x509 import InvalidVersion, load_der_x509_certificate  # heavy

        # A TRUSTED CERTIFICATE has OpenSSL's own settings behind the certificate.
        raw = der.read(encoded).raw
        try:
            parsed = load_der_x509_certificate(raw)
        except InvalidVersion:
            raise FormatError("certificate: of an unknown version") from None
        return CertificateFacts(
            subject=parsed.subject.rfc4514_string()[:_LONGEST],
            names=_names(parsed),
            not_before=parsed.not_valid_before_utc.isoformat(),
            not_after=parsed.not_valid_after_utc.isoformat(),
            issuer=parsed.issuer.rfc4514_string()[:_LONGEST],
            spki=_spki(parsed, raw),
            sha256=hashlib.sha256(raw).hexdigest(),
        )


def _names(parsed: Any) -> tuple[str, ...]:  # noqa: ANN401 - a type of the lazy import
    from cryptography import x509

    try:
        found = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (
        x509.DuplicateExtension,
        x509.ExtensionNotFound,
        x509.UnsupportedGeneralNameType,
        ValueError,
        TypeError,
    ):
        return ()
    dns = found.get_values_for_type(x509.DNSName)
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return tuple(sorted({name[:_LONGEST] for name in (*dns, *addresses)})[:_MOST_NAMES])


def _spki(parsed: Any, raw: bytes) -> str:  # noqa: ANN401 - a type of the lazy import
    """Take the library's encoding, which is the one that a key file gives, or the one inside."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return crypto.describe(parsed.public_key()).spki
    except (UnsupportedAlgorithm, ValueError, TypeError):
        # RFC 5280 4.1: [version], serial, signature, issuer, validity, subject, public key.
        fields = der.read(raw).children[0].children
        position = 6 if fields[0].tag == 0xA0 else 5
        return hashlib.sha256(fields[position].raw).hexdigest()
