"""Read one container of a nested document: the events, and the levels without meaning.

A format yields events; an event is a plain tuple, since millions of them are made:

    (VALUE,   key, text, line, quoted)   a scalar, decoded; line 1-based, of the value's start
    (SKIP,    key, "",   line, False)    a value that is no text: null, a reference, an alias
    (MAP,     key, "",   line, False)    a mapping begins; its children carry their key
    (LIST,    key, "",   line, False)    a list begins; its children carry the key None
    (IGNORED, key, "",   line, False)    a mapping or list begins whose content does not count
    (END,     None, "",  line, False)    the innermost of these ends

The key of an event is None for an item of a list and for a document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.model import Entry, Role

if TYPE_CHECKING:
    Path = tuple[str, ...]
    Event = tuple[int, str | None, str, int, bool]

VALUE: Final = 0
SKIP: Final = 1
MAP: Final = 2
LIST: Final = 3
IGNORED: Final = 4
END: Final = 5


class Level:
    """A container being read; this one is the document's outside.

    path: the way to it; out: where its entries go, which may be a place to wait.
    """

    __slots__ = ("out", "path")

    def __init__(self, path: Path, out: list[Entry]) -> None:
        self.path = path
        self.out = out

    def step(self, key: str | None) -> Path:
        """Give the path of the child at KEY."""
        return self.path if key is None else (*self.path, key)

    def leaf(self, event: Event) -> None:
        """Take a scalar."""
        _, key, text, line, quoted = event
        self.out.append(Entry(self.step(key), text, line, Role.NAMED, quoted))

    def skip(self, event: Event) -> None:
        """Take a value that is no text."""

    def within(self, kind: int, path: Path) -> Level | None:
        """Give the level for a child container where it depends on this one, not on its key."""

    def close(self) -> None:
        """Give out what waited for the end."""


class Ignored(Level):
    """A container in which nothing counts."""

    __slots__ = ()

    def leaf(self, event: Event) -> None:
        """Drop a scalar."""

    def within(self, kind: int, path: Path) -> Level | None:  # noqa: ARG002 - Level's signature
        """Ignore what is inside as well."""
        return self


class Items(Level):
    """A list of ordinary values."""

    __slots__ = ("index",)

    def __init__(self, path: Path, out: list[Entry]) -> None:
        super().__init__(path, out)
        self.index = -1

    def step(self, key: str | None) -> Path:  # noqa: ARG002 - Level's signature
        """Count an item and give its path."""
        self.index += 1
        return (*self.path, f"[{self.index}]")

    def skip(self, event: Event) -> None:  # noqa: ARG002 - Level's signature
        """Count an item."""
        self.index += 1
