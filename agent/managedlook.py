"""Look at managed paths and judge them: what differs, where, since when and by whom. EDGE."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import msgspec

from agent.changers import Changers
from checks import catalog
from checks.errors import FormatError
from checks.managed import deviations, seen
from checks.managed.wanted import Managed  # noqa: TC001 - msgspec resolves it
from checks.model import Finding, Inconclusive

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from checks.managed.deviations import Deviation
    from checks.managed.facts import Seen


class Looked(msgspec.Struct, frozen=True):
    """What came of looking. found: by path; unseen: what could not be looked at."""

    found: dict[str, tuple[Finding, ...]] = {}
    unseen: tuple[Inconclusive, ...] = ()


def look(paths: Iterable[str], managed: Mapping[str, Managed]) -> Looked:
    """Look at some of the managed paths."""
    found: dict[str, tuple[Finding, ...]] = {}
    unseen: list[Inconclusive] = []
    changers = Changers()
    for path in paths:
        what = seen.look(path)
        if isinstance(what, Inconclusive):
            unseen.append(what)
            continue
        differs = list(_judged(path, managed[path], what, managed))
        since = _since(path, what, changers) if differs else ""
        found[path] = tuple(deviations.finding(one, since) for one in differs)
    return Looked(found, tuple(unseen))


def _judged(
    path: str, wanted: Managed, what: Seen, managed: Collection[str]
) -> Iterator[Deviation]:
    yield from deviations.judge(path, wanted, what, managed)
    if not wanted.asserts or what.content is None:
        return
    named = catalog.Formats().of(path, what.content).format
    try:
        entries = list(named.parse(what.content.decode("utf-8", "replace"))) if named else []
    except FormatError:
        entries = []
    yield from deviations.asserted(path, wanted.asserts, entries)


def _since(path: str, what: Seen, changers: Changers) -> str:
    """Say since when, and by whom where the host tells."""
    if not what.changed:
        return ""
    moment = datetime.datetime.fromtimestamp(what.changed, datetime.UTC)
    return f"changed {moment:%Y-%m-%d %H:%M} UTC {changers.who(path, what.changed)}".rstrip()
