"""Turn the events of a nested document into entries, reading the common schemas on the way.

A format that nests (YAML, JSON, TOML, XML, HCL) yields the events of `levels.py` and leaves what
they mean to `entries`; which level reads a container is decided here, by its key and its parent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats import accounts, conventions
from checks.formats.conventions import Meaning
from checks.formats.levels import END, IGNORED, LIST, SKIP, VALUE, Ignored, Items, Level
from checks.formats.lists import Arguments, Environment, Script, Steps
from checks.formats.mapping import Mapping, Scripts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from checks.formats.levels import Event
    from checks.model import Entry

DEPTH: Final = 200
"""Containers within containers; deeper is no configuration file."""


def entries(events: Iterable[Event]) -> Iterator[Entry]:
    """Give the entries of a document; a FormatError of the events comes after what was read."""
    out: list[Entry] = []
    levels: list[Level] = [Level((), out)]
    try:
        for event in events:
            kind = event[0]
            if kind == VALUE:
                levels[-1].leaf(event)
            elif kind == SKIP:
                levels[-1].skip(event)
            elif kind == END:
                levels.pop().close()
            else:
                levels.append(_opened(levels[-1], event, len(levels)))
            if out:
                yield from out
                out.clear()
    except FormatError:
        while levels:
            levels.pop().close()
        yield from out
        raise


def _opened(parent: Level, event: Event, depth: int) -> Level:
    kind, key, _, line, _ = event
    if depth > DEPTH:
        message = f"nested deeper than {DEPTH}"
        raise FormatError(message, line)
    meaning = conventions.meaning(key) if key else None
    path = parent.step(key)
    if kind == IGNORED or meaning is Meaning.REFERENCE:
        return Ignored(path, parent.out)
    inner = parent.within(kind, path)
    if inner is not None:
        return inner
    return _list(parent, meaning, path) if kind == LIST else _mapping(parent, meaning, path)


def _list(parent: Level, meaning: Meaning | None, path: tuple[str, ...]) -> Level:
    if meaning is Meaning.ENVIRONMENT or path[-2:] == ("build", "args"):
        return Environment(path, parent.out)
    if meaning is Meaning.ARGUMENTS or (
        meaning is Meaning.PROBE and path[-2:-1] == ("healthcheck",)
    ):
        return Arguments(path, parent.out)
    if meaning is Meaning.SCRIPT:
        return Script(path, parent.out)
    if meaning is Meaning.SENSITIVE and isinstance(parent, Mapping):
        return Steps(path, parent.out, parent.sensitive)
    return Items(path, parent.out)


def _mapping(parent: Level, meaning: Meaning | None, path: tuple[str, ...]) -> Level:
    if meaning is Meaning.SCRIPTS:
        return Scripts(path, parent.out)
    if meaning is Meaning.CHPASSWD:
        return accounts.Chpasswd(path, parent.out)
    if isinstance(parent, Mapping) and meaning is not None and _waits(meaning, path):
        return Mapping(path, parent.waiting(meaning))
    return accounts.Account(path, parent.out) if "users" in path[-2:] else Mapping(path, parent.out)


def _waits(meaning: Meaning, path: tuple[str, ...]) -> bool:
    """Know a mapping whose values get their role from its siblings."""
    instance = path[-3:-2] == ("instances",)
    if meaning is Meaning.ATTRIBUTES:
        return instance
    return meaning in {Meaning.DATA, Meaning.CLEAR_DATA}
