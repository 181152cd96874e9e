"""Read the lists that are more than their items: environments, command lines, scripts, steps."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from checks.formats import conventions
from checks.formats.levels import LIST, Ignored, Items, Level
from checks.model import Entry, Role

if TYPE_CHECKING:
    from checks.formats.levels import Event, Path

_JOINED: Final = 65_536
_FORMS: Final = frozenset({"CMD", "CMD-SHELL", "NONE"})
"""How a health check of Compose says what its words are."""
_REFERENCE: Final = "${reference}"
"""Stands in a joined command line for a word that is kept elsewhere."""


class Environment(Items):
    """A list of NAME=VALUE strings: each item is an entry called NAME."""

    __slots__ = ()

    def leaf(self, event: Event) -> None:
        """Split an item at its first equals sign."""
        _, _, text, line, quoted = event
        found = conventions.ASSIGNMENT.match(text)
        if found is None:
            super().leaf(event)
            return
        self.index += 1
        self.out.append(Entry((*self.path, found[1]), found[2], line, Role.NAMED, quoted))


class Script(Items):
    """A list of command lines; a list inside it is one command line."""

    __slots__ = ()

    def leaf(self, event: Event) -> None:
        """Give one command line."""
        _, key, text, line, quoted = event
        self.out.append(Entry(self.step(key), text, line, Role.COMMAND, quoted))

    def within(self, kind: int, path: Path) -> Level | None:
        """Read a list inside as the words of one command line."""
        return Arguments(path, self.out) if kind == LIST else None


class Arguments(Script):
    """A list that is one command line: its words, and at the end all of them joined by blanks."""

    __slots__ = ("first", "last", "size", "words")

    def __init__(self, path: Path, out: list[Entry]) -> None:
        super().__init__(path, out)
        self.words: list[str] = []
        self.first = 0
        self.last = 0
        self.size = 0

    def leaf(self, event: Event) -> None:
        """Give one word."""
        super().leaf(event)
        self._add(event[2], event[3])

    def skip(self, event: Event) -> None:
        """Keep the place of a word that is a reference."""
        super().skip(event)
        self._add(_REFERENCE, event[3])

    def _add(self, word: str, line: int) -> None:
        """Join a word as a shell would read it, on the line on which it stands."""
        if not self.first and word in _FORMS:
            return
        self.first = self.first or line
        self.size += len(word) + 1
        if self.size <= _JOINED:
            gap = min(line - self.last, _JOINED) if self.words else 0
            self.words.append("\\\n" * gap + shlex.quote(word))
            self.last = line + word.count("\n")

    def close(self) -> None:
        """Give the whole command line at the line of its first word."""
        if len(self.words) > 1:
            self.out.append(Entry(self.path, " ".join(self.words), self.first, Role.COMMAND))


class Steps(Items):
    """Terraform's `sensitive_attributes`: a list of paths, each a list of steps.

    https://developer.hashicorp.com/terraform/internals/json-format describes the values; a step in
    the state file is {"type": "get_attr" or "index", "value": ...}. Paths go to FOUND as tuples.
    """

    __slots__ = ("found",)

    def __init__(self, path: Path, out: list[Entry], found: set[Path]) -> None:
        super().__init__(path, out)
        self.found = found

    def within(self, kind: int, path: Path) -> Level | None:  # noqa: ARG002 - Level's signature
        """Read one path."""
        return _Route(path, self.out, self.found)


class _Route(Ignored):
    """One path of `sensitive_attributes`, all its steps flattened."""

    __slots__ = ("depth", "found", "steps")

    def __init__(self, path: Path, out: list[Entry], found: set[Path]) -> None:
        super().__init__(path, out)
        self.found = found
        self.steps: list[str] = []
        self.depth = 0

    def leaf(self, event: Event) -> None:
        """Take the step's name, or its position where it is a number."""
        _, key, text, _, quoted = event
        if key == "value":
            self.steps.append(text if quoted else f"[{text}]")

    def within(self, kind: int, path: Path) -> Level | None:  # noqa: ARG002 - Level's signature
        """Read a step in place."""
        self.depth += 1
        return self

    def close(self) -> None:
        """Hand the path over when the outermost of its levels ends."""
        if self.depth:
            self.depth -= 1
        elif self.steps:
            self.found.add(tuple(self.steps))
