"""Say what an OCSP answer that a server sends along tells of its certificate.

RFC 6960 2.2, 2.3 and 4.2. Who signed the answer is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from checks.errors import FormatError
from checks.secrets import crypto
from checks.tls import certificate

if TYPE_CHECKING:
    import datetime

    from cryptography.x509 import ocsp

    from checks.tls.certificate import Certificate


class Told(NamedTuple):
    """What an answer tells. revoked: since when; doubt: why it does not say "good" today, or ""."""

    doubt: str = ""
    revoked: datetime.datetime | None = None


def read(answer: bytes, leaf: Certificate, now: datetime.datetime) -> Told:
    """Read an answer, however odd it is. now: aware."""
    try:
        with crypto.asking("OCSP answer"):
            return _read(answer, leaf, now)
    except FormatError:
        return Told("the one sent cannot be read")


def _read(answer: bytes, leaf: Certificate, now: datetime.datetime) -> Told:
    from cryptography.x509 import ocsp

    parsed = ocsp.load_der_ocsp_response(answer)
    if parsed.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        return Told(f"the one sent is the error {parsed.response_status.name.lower()}")
    wanted = certificate.load(leaf.der).serial_number
    told = [_one(single, now) for single in parsed.responses if single.serial_number == wanted]
    revoked = next((one for one in told if one.revoked), None)
    return revoked or min(told, default=Told("the one sent is for another certificate"))


def _one(single: ocsp.OCSPSingleResponse, now: datetime.datetime) -> Told:
    until, status = single.next_update_utc, single.certificate_status.name.lower()
    if single.revocation_time_utc is not None:
        return Told(f"the one sent says {status}", single.revocation_time_utc)
    if status != "good":
        return Told(f"the one sent says {status}")
    if until is not None and until < now:
        return Told(f"the one sent ended on {until:%Y-%m-%d %H:%M} UTC")
    return Told()
