"""Judge managed paths: what was seen against what policy says. Pure."""

from __future__ import annotations

import fnmatch
import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.managed import facts as kinds
from checks.managed import shown
from checks.managed.advice import CHANGED, CHECKS, EXTRA, IMMUTABLE, MISSING, MODE
from checks.model import Confidence, Finding, Location
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from checks.managed.facts import Seen
    from checks.managed.wanted import Assertion, Managed
    from checks.model import Entry

_LONGEST: Final = 700


class Deviation(NamedTuple):
    """One way in which a path differs. why: in words; line: 1-based, 0 for the whole.

    fact: what tells it from others of the same check at the same path.
    """

    check: str
    path: str
    why: str
    line: int = 0
    fact: str = ""


def judge(path: str, wanted: Managed, seen: Seen, managed: Collection[str]) -> list[Deviation]:
    """Give how a path differs from what policy says. managed: all paths that are managed."""
    found = list(_deviations(path, wanted, seen, managed))
    return [one._replace(check=IMMUTABLE) for one in found] if wanted.immutable else found


def _deviations(
    path: str, wanted: Managed, seen: Seen, managed: Collection[str]
) -> Iterator[Deviation]:
    if wanted.absent:
        if seen.kind != kinds.NOTHING:
            yield Deviation(EXTRA, path, "nothing may be there")
        return
    if seen.kind == kinds.NOTHING:
        yield Deviation(MISSING, path, "")
        return
    if (kind := expected(wanted)) != seen.kind:
        yield Deviation(CHANGED, path, f"expected a {kind}, found a {_named(seen.kind)}")
        return
    yield from _content(path, wanted, seen)
    if wanted.only:
        yield from (
            Deviation(EXTRA, one, "")
            for one in (f"{path}/{name}" for name in seen.names)
            if not _is_managed(one, managed)
        )
    if wrong := list(_access(wanted, seen)):
        yield Deviation(MODE, path, ", ".join(wrong))


def expected(wanted: Managed) -> str:
    """Give the kind of thing that has to be at a path."""
    if wanted.link:
        return kinds.LINK
    return kinds.FOLDER if wanted.only else kinds.FILE


def _named(kind: str) -> str:
    return "symbolic link" if kind == kinds.LINK else kind


def _is_managed(path: str, managed: Collection[str]) -> bool:
    return path in managed or any(one.startswith(f"{path}/") for one in managed)


def _content(path: str, wanted: Managed, seen: Seen) -> Iterator[Deviation]:
    if wanted.link and seen.target != wanted.link:
        why = f"leads to {printable(seen.target, longest=200)}, approved {wanted.link}"
        yield Deviation(CHANGED, path, why)
    if not wanted.hash or seen.sha256 == wanted.hash:
        return
    approved = wanted.approved
    differs = (
        shown.difference(approved, seen.content)
        if approved is not None and seen.content is not None
        else None
    )
    if differs is None:
        why = f"sha256 {seen.sha256[:16]}, approved {wanted.hash[:16]}"
        yield Deviation(CHANGED, path, why)
        return
    yield Deviation(CHANGED, path, differs.words, differs.line)


def _access(wanted: Managed, seen: Seen) -> Iterator[str]:
    """Say what is other than approved; a link's own mode means nothing."""
    has = seen.access
    if has is None:
        return
    if wanted.owner and wanted.owner not in (has.owner, str(has.uid)):
        yield f"owner {has.owner or has.uid}, approved {wanted.owner}"
    if wanted.group and wanted.group not in (has.group, str(has.gid)):
        yield f"group {has.group or has.gid}, approved {wanted.group}"
    if wanted.bits is not None and seen.kind != kinds.LINK and has.mode != wanted.bits:
        yield f"mode {has.mode:04o}, approved {wanted.bits:04o}"


def asserted(
    path: str, wanted: Sequence[Assertion], entries: Sequence[Entry]
) -> Iterator[Deviation]:
    """Give which values of a file are not among those that policy asserts."""
    named = [(".".join(entry.keys), entry) for entry in entries]
    for one in wanted:
        met = [entry for key, entry in named if fnmatch.fnmatchcase(key, one.key)]
        if not met and not one.absent:
            why = f"{one.key} is not there, approved {_either(one)}"
            yield Deviation(CHANGED, path, why, fact=one.key)
        for entry in met:
            if " ".join(entry.value.split()) not in one.values:
                why = f"{'.'.join(entry.keys)} has another value, approved {_either(one)}"
                yield Deviation(CHANGED, path, why, entry.line, one.key)


def _either(one: Assertion) -> str:
    return " or ".join(one.values)


def finding(deviation: Deviation, changed: str = "") -> Finding:
    """Make a finding of it. changed: when and by whom, in words."""
    told = CHECKS[deviation.check]
    parts = (told.message, deviation.why, changed)
    said = printable("; ".join(filter(None, parts)), longest=_LONGEST)
    return Finding(
        check=deviation.check,
        severity=told.severity,
        confidence=Confidence.HIGH,
        location=Location(deviation.path, line=deviation.line),
        message=said,
        fix=told.fix,
        references=told.references,
        identity=identity(deviation.check, deviation.path, deviation.fact),
    )


def identity(check: str, path: str, fact: str = "") -> str:
    """Name a deviation for as long as it lasts, in hex."""
    whole = f"{check}\0{path}\0{fact}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(whole).hexdigest()[:32]


def judged(
    wanted: Mapping[str, Managed], seen: Mapping[str, Seen]
) -> Iterator[tuple[str, Deviation]]:
    """Give each deviation of what was seen, with the managed path that it is of."""
    for path, one in seen.items():
        for deviation in judge(path, wanted[path], one, wanted):
            yield path, deviation
