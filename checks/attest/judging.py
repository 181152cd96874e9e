"""Say whether an attestation is believed, and whether what it says is good enough. Pure."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.attest import dsse, publickeys, statement
from checks.errors import AttestationError
from checks.lazy import regex
from checks.model import Severity
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from checks.attest.publickeys import PublicKey
    from checks.attest.statement import Predicate, Statement, Subject

_DIGEST: Final = regex(r"(?:(.*)@)?sha256:([0-9a-f]{64})")
_SKEW: Final = datetime.timedelta(minutes=10)
"""So far ahead of ours may be the clock of whoever scanned."""
_SHOWN: Final = 3
_LONGEST: Final = 300


class Wanted(NamedTuple):
    """What an attestation has to say; what is "", 0 or None does not matter.

    subject: NAME, sha256:HEX or NAME@sha256:HEX, of which the digest decides alone; days: how old
    it may be; policy: SHA-256 in hex; threshold: no finding may reach it.
    """

    subject: str = ""
    days: int = 0
    policy: str = ""
    threshold: Severity | None = None


class Signed(NamedTuple):
    """A statement that is believed, and the id of the key that proves it."""

    statement: Statement
    key: str


def believed(data: bytes, keys: Iterable[PublicKey]) -> Signed:
    """Check an envelope by keys, one of which has to have signed it; raises AttestationError.

    What is signed is read only after it is proven.
    """
    envelope = dsse.read(data)
    signed = envelope.signed
    for key in keys:
        if any(publickeys.proves(key, one.value, signed) for one in envelope.signatures):
            return Signed(statement.read(envelope.payload), publickeys.name(key))
    raise AttestationError("signature: by none of the keys that are trusted")


def faults(told: Statement, wanted: Wanted, now: datetime.datetime) -> Iterator[str]:
    """Give what is not good enough, each as a line."""
    if wanted.subject and not about(told.subjects, wanted.subject):
        yield f"subject: it is about {named(told.subjects)}, not {_shown(wanted.subject)}"
    yield from _gate(told.predicate, wanted.threshold)
    yield from _age(told.predicate.started, wanted.days, now)
    if wanted.policy and told.predicate.policy.sha256 != wanted.policy:
        yield f"policy: judged by one of sha256 {told.predicate.policy.sha256}, not {wanted.policy}"


def is_subject(wanted: str) -> bool:
    """Say whether a text names a subject: a digest that it speaks of has to be one."""
    return bool(wanted) and ("sha256:" not in wanted or bool(_DIGEST.fullmatch(wanted)))


def about(subjects: Iterable[Subject], wanted: str) -> bool:
    """Say whether one of the subjects is meant: by the digest where one is told, else by name."""
    if found := _DIGEST.fullmatch(wanted):
        return any(one.digest.get("sha256") == found[2] for one in subjects)
    return any(one.name == wanted for one in subjects)


def named(subjects: Iterable[Subject]) -> str:
    """Name some subjects, safe to show."""
    all_of = [_name(one) for one in subjects]
    more = [f"{len(all_of) - _SHOWN} more"] if len(all_of) > _SHOWN else []
    return ", ".join([*all_of[:_SHOWN], *more])


def _name(one: Subject) -> str:
    algorithm = "sha256" if "sha256" in one.digest else next(iter(one.digest))
    return _shown("@".join(filter(None, (one.name, f"{algorithm}:{one.digest[algorithm]}"))))


def _shown(text: str) -> str:
    return printable(text, longest=_LONGEST)


def _gate(told: Predicate, threshold: Severity | None) -> Iterator[str]:
    verdict = told.verdict
    if verdict.result == "failed":
        yield f"gate: failed by findings at or over {verdict.fail_on}"
    elif verdict.result == "incomplete":
        unseen = sum(told.coverage.not_looked_at.values())
        yield f"gate: {unseen} could not be looked at"
    elif threshold is not None and _reached(told, threshold):
        yield f"gate: passed at {verdict.fail_on}, but has findings at or over {threshold.label}"


def _reached(told: Predicate, threshold: Severity) -> bool:
    counts = told.findings.items()
    return any(count and Severity.named(name) >= threshold for name, count in counts)


def _age(started: datetime.datetime, days: int, now: datetime.datetime) -> Iterator[str]:
    age = now - started
    if age < -_SKEW:
        yield f"age: from {started:%Y-%m-%d %H:%M} by its clock, which is not yet"
    elif days and age > datetime.timedelta(days=days):
        yield f"age: {age.days} days, expected at most {days}"
