"""Open the files of one server's configuration within limits, and remember what was not read."""

from __future__ import annotations

import enum
import posixpath
from typing import TYPE_CHECKING, Final

import msgspec

from checks.lazy import regex
from checks.tls.config import Setting, Site

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from checks.tls.config import Tree

FILES: Final = 2_000
CHARACTERS: Final = 16 * 1024 * 1024
"""Of all files together, each counted as often as it is included."""
DEEPEST: Final = 40
"""Files that include one another."""
SITES: Final = 100_000
_TRIES: Final = 20_000
"""Files that are asked for, there or not."""
_GLOBS: Final = 50_000
_TOLD: Final = 50
_WILD: Final = regex(r"[*?\[]")


class Kind(enum.Enum):
    """What a directive does to the sections around it."""

    SIMPLE = enum.auto()
    OPENS = enum.auto()
    CLOSES = enum.auto()


class Reading:
    """One reading of a configuration; `unseen` tells what it did not see."""

    def __init__(self, tree: Tree) -> None:
        """Read from a tree."""
        self.tree = tree
        self._files = 0
        self._tries = 0
        self._globs = 0
        self._characters = 0
        self._gaps: dict[str, None] = {}

    @property
    def unseen(self) -> tuple[str, ...]:
        """What was not read, in the order in which it was met, each once."""
        return tuple(self._gaps)

    def miss(self, what: str) -> None:
        """Note what is not seen; never a quotation."""
        if len(self._gaps) < _TOLD:
            self._gaps[what] = None
        elif what not in self._gaps:
            self._gaps["more than can be told"] = None

    def text(self, path: str, above: tuple[str, ...] = ()) -> str | None:
        """Give a file's text. above: the files whose includes led here; None where it is not read.

        A file that includes itself, directly or not, and whatever passes a limit is not read.
        """
        self._tries += 1
        if path in above:
            self.miss(f"{path}: includes itself")
        elif len(above) >= DEEPEST:
            self.miss(f"{path}: more than {DEEPEST} files include one another")
        elif self._files >= FILES or self._tries > _TRIES:
            self.miss(f"more than {FILES} files")
        elif (text := self.tree.read(path)) is None:
            self.miss(f"{path}: cannot be read")
        elif self.spend(path, len(text)):
            self._files += 1
            return text
        return None

    def glob(self, pattern: str) -> Sequence[str]:
        """Name the paths that fit a pattern; none once that was asked too often."""
        self._globs += 1
        if self._globs <= _GLOBS:
            return self.tree.glob(pattern)
        self.miss(f"more than {_GLOBS} patterns")
        return ()

    def spend(self, path: str, characters: int) -> bool:
        """Say whether so many more characters may be looked at, and count them."""
        if self._characters + characters > CHARACTERS:
            self.miss(f"{path}: more than {CHARACTERS} characters in all")
            return False
        self._characters += characters
        return True


def told(found: Iterable[Site], reading: Reading, server: str, main: str) -> Iterator[Site]:
    """Have each site tell the gaps of the reading as well, since each might hide one of its lines.

    Where there is no site left to tell them, one without any address stands for the main file.
    """
    gaps: tuple[str, ...] = ()
    for count, site in enumerate(found):
        if count == SITES:
            reading.miss(f"more than {SITES} sites")
            break
        gaps = reading.unseen
        yield msgspec.structs.replace(site, unseen=(*site.unseen, *gaps)) if gaps else site
    if reading.unseen != gaps:
        yield _nowhere(reading, server, main)


def _nowhere(reading: Reading, server: str, main: str) -> Site:
    return Site(server=server, place=Setting("file", main, main, 1), unseen=reading.unseen)


def absolute(base: str, path: str) -> str:
    """Give a path as seen from a folder."""
    return path if path.startswith("/") else posixpath.join(base, path)


def is_pattern(path: str) -> bool:
    """Say whether a path has wildcards."""
    return _WILD.search(path) is not None


def literal(path: str) -> str:
    """Have a path stand for itself in a pattern."""
    return _WILD.sub(r"[\g<0>]", path)
