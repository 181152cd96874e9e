"""A fault of a TLS set-up, and what a judge may know besides the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import datetime

    from checks.model import Severity


class Fault(NamedTuple):
    """One fault.

    message: what was seen, lower case, one line; fact: what makes it the same fault next time, such
    as "TLS 1.0" or a certificate's fingerprint; severity, fix: where they differ from the check's.
    """

    check: str
    message: str
    fact: str
    severity: Severity | None = None
    fix: str = ""


class Context(NamedTuple):
    """What a judge may know. now: aware; trusted: root certificates of this host, DER.

    expiring: the share of a certificate's life that has to be left.
    """

    now: datetime.datetime
    trusted: tuple[bytes, ...] = ()
    expiring: float = 1 / 3
