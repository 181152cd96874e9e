"""A fault of a TLS set-up, and what a judge may know besides the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Iterator

    from checks.model import Severity
    from checks.tls.remedies import Remedy


class Fault(NamedTuple):
    """One fault.

    message: what was seen, lower case, one line; fact: what makes it the same fault next time, such
    as "TLS 1.0" or a certificate's fingerprint; severity, fix: where they differ from the check's;
    remedy: what a server's configuration has to be set to, where it is known and not the check's.
    """

    check: str
    message: str
    fact: str
    severity: Severity | None = None
    fix: str = ""
    remedy: Remedy | None = None


class Context(NamedTuple):
    """What a judge may know. now: aware; trusted: root certificates of this host, DER.

    Without any, trust is not judged. expiring: the share of a certificate's life that has to be
    left; public: the roots that browsers trust, as SHA-256 in hex of their SubjectPublicKeyInfo.
    """

    now: datetime.datetime
    trusted: tuple[bytes, ...] = ()
    expiring: float = 1 / 3
    public: frozenset[str] = frozenset()


def distinct(faults: Iterable[Fault]) -> Iterator[Fault]:
    """Give each fault once, as it was put first, though several chains or hosts may show it."""
    seen: dict[tuple[str, str], Fault] = {}
    for fault in faults:
        seen.setdefault((fault.check, fault.fact), fault)
    yield from seen.values()
