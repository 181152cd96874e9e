"""Compare what was found on this host with what Vault holds: the same value, an older key. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from agent.vault import advice
from agent.vaulted import VaultedKey, named
from checks import redact
from checks.model import Confidence, Finding, Location, Severity
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agent.found import Found, Leak, ServedKey
    from agent.served import Served, Shown
    from agent.vault.holding import Holding

_LONGEST: Final = 500


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A leak that is a value of Vault's. identity: of its finding; field: of the secret at `place`.

    version: the newest that holds the value.
    """

    identity: str
    place: str
    field: str
    version: int


class Former(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that this host had. place: which key it is; newer: what is there instead."""

    place: str
    version: str
    newer: str
    since: float = 0


# The same value


def matches(found: Found, holdings: Sequence[Holding]) -> dict[str, Match]:
    """Give the leaks that are values of Vault's, by identity."""
    known = _marks(holdings)
    return {
        leak.identity: msgspec.structs.replace(known[leak.mark], identity=leak.identity)
        for leak in found.leaks
        if leak.mark in known
    }


def _marks(holdings: Iterable[Holding]) -> dict[str, Match]:
    """Give for each fingerprint where its value is: in a version that is in use, before others."""
    known: dict[str, Match] = {}
    for newest in (False, True):  # what comes later counts
        for one in holdings:
            for number in sorted(one.versions):
                if (number == one.newest) is newest:
                    for mark, field in one.versions[number].marks.items():
                        known[mark] = Match(
                            identity="", place=one.place, field=field, version=number
                        )
    return known


def changed(match: Match, holdings: Sequence[Holding]) -> int:
    """Give the version in which the value was replaced by another one; 0 where it was not.

    A newer version alone says nothing: it may hold the same value, as may another secret. Where the
    version that leaked, or the newest one, cannot be read any more, only people know.
    """
    one = next((one for one in holdings if one.place == match.place), None)
    if one is None or one.newest <= match.version or one.now is None:
        return 0
    leaked = one.versions.get(match.version)
    marks = {mark for mark, field in leaked.marks.items() if field == match.field} if leaked else ()
    in_use = {mark for each in holdings if each.now for mark in each.now.marks}
    there = match.field in one.now.marks.values()
    return one.newest if marks and there and in_use.isdisjoint(marks) else 0


def on_disk(
    found: Found, matched: Mapping[str, Match], holdings: Sequence[Holding]
) -> Iterator[Finding]:
    """Give the values of Vault's that stand in files."""
    newest = {one.place: one.newest for one in holdings}
    for leak in found.leaks:
        match = matched.get(leak.identity)
        if match and not leak.removed:
            yield _on_disk(leak, match, newest.get(match.place, match.version))


def _on_disk(leak: Leak, match: Match, newest: int) -> Finding:
    told = advice.CHECKS[advice.ON_DISK]
    current = match.version == newest
    which = named(match.place, match.version, newest)
    said = f"{told.message}: {which}, field {redact.key_name(match.field)}"
    return Finding(
        check=advice.ON_DISK,
        severity=told.severity if current else Severity.LOW,
        confidence=Confidence.HIGH,
        location=Location(leak.path, leak.line, key_path=leak.key_path),
        message=printable(said, longest=_LONGEST),
        fix=told.fix if current else advice.CHANGED_SINCE,
        references=told.references,
        identity=_identity(advice.ON_DISK, leak.identity),
    )


# An older key


def vaulted(holdings: Iterable[Holding]) -> Iterator[VaultedKey]:
    """Give the private keys that Vault holds, each by the newest version that has it."""
    for one in holdings:
        newest: dict[str, int] = {}
        for number in sorted(one.versions):
            newest |= dict.fromkeys(one.versions[number].keys, number)
        for spki, number in newest.items():
            yield VaultedKey(spki=spki, place=one.place, version=number, newest=one.newest)


def replaced(holdings: Iterable[Holding]) -> dict[str, Former]:
    """Give the certificates and keys that only older versions hold, by SHA-256."""
    found: dict[str, Former] = {}
    for one in holdings:
        if one.now is None:
            continue
        kept = one.now.keys | one.now.certificates
        for number in sorted(one.versions):
            version = one.versions[number]
            # A key without its certificate is known by itself, one with it by that.
            for what in (version.certificates or version.keys) - kept:
                found[what] = Former(place=one.place, version=f"{number}", newer=f"{one.newest}")
    return found


def stale(
    served: Served, former: Mapping[str, Former], files: Iterable[ServedKey]
) -> Iterator[Finding]:
    """Give the endpoints that show what was replaced. former: by SHA-256 of certificate or key."""
    held = {one.spki: one.path for one in files}
    for one in served.certificates:
        old = former.get(one.sha256) or former.get(one.spki)
        if old and one.at > old.since:
            yield _stale(one, old, held.get(one.spki, ""))


def _stale(shown: Shown, old: Former, file: str) -> Finding:
    told = advice.CHECKS[advice.STALE]
    source = f", its key in {file}" if file else ""
    said = (
        f"{told.message}: {old.place} version {old.version}{source}; Vault has version {old.newer}"
    )
    return Finding(
        check=advice.STALE,
        severity=told.severity,
        confidence=Confidence.HIGH,
        location=Location(shown.place, key_path=old.place),
        message=printable(said, longest=_LONGEST),
        fix=told.fix,
        references=told.references,
        identity=_identity(advice.STALE, shown.place, old.place),
    )


def _identity(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]
