"""Turn the events of a nested document into entries, reading the common schemas on the way.

A format that nests (YAML, JSON, TOML, XML, HCL) yields events and leaves their meaning to
`entries`. An event is a plain tuple, since millions of them are made:

    (VALUE,   key, text, line, quoted)   a scalar, decoded; line 1-based, of the value's start
    (SKIP,    key, "",   line, False)    a value that is no text: null, a reference, an alias
    (MAP,     key, "",   line, False)    a mapping begins; its children carry their key
    (LIST,    key, "",   line, False)    a list begins; its children carry the key None
    (IGNORED, key, "",   line, False)    a mapping or list begins whose content does not count
    (END,     None, "",  line, False)    the innermost of these ends

The key of an event is None for an item of a list and for a document.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats import conventions
from checks.formats.conventions import Meaning
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Event = tuple[int, str | None, str, int, bool]

VALUE: Final = 0
SKIP: Final = 1
MAP: Final = 2
LIST: Final = 3
IGNORED: Final = 4
END: Final = 5

DEPTH: Final = 200
"""Containers within containers; deeper is no configuration file."""

_HELD: Final = 10_000
_JOINED: Final = 65_536
_SKIPPED_WORD: Final = "${reference}"
_ACCOUNTS: Final = {Meaning.CLEAR, Meaning.HASHED, Meaning.ACCOUNT}
_DICED: Final = {"", "R", "RANDOM"}
_HASHED_BY_CLOUD_INIT: Final = re.compile(r"\$(?:1|2a|2y|5|6|y)\$.")


def entries(events: Iterable[Event]) -> Iterator[Entry]:
    """Give the entries of a document; a FormatError of the events comes after what was read."""
    out: list[Entry] = []
    levels: list[_Level] = [_Level((), out)]
    try:
        for kind, key, text, line, quoted in events:
            if kind == VALUE:
                levels[-1].leaf(key, text, line, quoted)
            elif kind == SKIP:
                levels[-1].skip(key, line)
            elif kind == END:
                levels.pop().close()
            elif len(levels) > DEPTH:
                _refuse_depth(line)
            else:
                levels.append(levels[-1].open(kind, key, line))
            if out:
                yield from out
                out.clear()
    except FormatError:
        while levels:
            levels.pop().close()
        yield from out
        raise


def _refuse_depth(line: int) -> None:
    message = f"nested deeper than {DEPTH}"
    raise FormatError(message, line)


class _Level:
    """A container that is being read; this one is the document's outside."""

    __slots__ = ("out", "path")

    def __init__(self, path: tuple[str, ...], out: list[Entry]) -> None:
        self.path = path
        self.out = out

    def leaf(self, key: str | None, text: str, line: int, quoted: bool) -> None:  # noqa: ARG002, FBT001 - the events' shape
        self.out.append(Entry(self.path, text, line, Role.NAMED, quoted))

    def skip(self, key: str | None, line: int) -> None:
        """Take note of a value that is no text."""

    def open(self, kind: int, key: str | None, line: int) -> _Level:  # noqa: ARG002 - some levels tell lines
        return _plain(kind, self.path, self.out)

    def close(self) -> None:
        """Give out what waited for the end."""


def _plain(kind: int, path: tuple[str, ...], out: list[Entry]) -> _Level:
    if kind == MAP:
        return _Mapping(path, out)
    return _List(path, out) if kind == LIST else _Ignored(path, out)


class _Ignored(_Level):
    """A container in which nothing counts."""

    __slots__ = ()

    def leaf(self, key: str | None, text: str, line: int, quoted: bool) -> None:  # noqa: FBT001 - the events' shape
        pass

    def open(self, kind: int, key: str | None, line: int) -> _Level:  # noqa: ARG002 - see _Level
        return self


class _List(_Level):
    """A list whose items are ordinary values of ROLE."""

    __slots__ = ("index", "role")

    def __init__(self, path: tuple[str, ...], out: list[Entry], role: Role = Role.NAMED) -> None:
        super().__init__(path, out)
        self.index = 0
        self.role = role

    def item(self) -> tuple[str, ...]:
        """Give the path of the next item."""
        self.index += 1
        return (*self.path, f"[{self.index - 1}]")

    def leaf(self, key: str | None, text: str, line: int, quoted: bool) -> None:  # noqa: ARG002, FBT001 - the events' shape
        self.out.append(Entry(self.item(), text, line, self.role, quoted))

    def skip(self, key: str | None, line: int) -> None:  # noqa: ARG002 - see _Level
        self.index += 1

    def open(self, kind: int, key: str | None, line: int) -> _Level:  # noqa: ARG002 - see _Level
        if kind == LIST and self.role is Role.COMMAND:
            return _Arguments(self.item(), self.out)
        return _plain(kind, self.item(), self.out)


class _Environment(_List):
    """A list of NAME=VALUE strings: each item is an entry called NAME."""

    __slots__ = ()

    def leaf(self, key: str | None, text: str, line: int, quoted: bool) -> None:  # noqa: FBT001 - the events' shape
        found = conventions.ASSIGNMENT.match(text)
        if found is None:
            super().leaf(key, text, line, quoted)
            return
        keys = (*self.path, found[1])
        self.index += 1
        self.out.append(Entry(keys, found[2], line, Role.NAMED, quoted))


class _Arguments(_List):
    """A list that is one command line: its words, and at the end all of them together."""

    __slots__ = ("first", "size", "words")

    def __init__(self, path: tuple[str, ...], out: list[Entry]) -> None:
        super().__init__(path, out, Role.COMMAND)
        self.words: list[str] = []
        self.first = 0
        self.size = 0

    def leaf(self, key: str | None, text: str, line: int, quoted: bool) -> None:  # noqa: FBT001 - the events' shape
        super().leaf(key, text, line, quoted)
        self._word(text, line)

    def skip(self, key: str | None, line: int) -> None:
        super().skip(key, line)
        self._word(_SKIPPED_WORD, line)

    def _word(self, text: str, line: int) -> None:
        self.first = self.first or line
        self.size += len(text) + 1
        if self.size <= _JOINED:
            self.words.append(text)

    def close(self) -> None:
        if len(self.words) > 1:
            self.out.append(Entry(self.path, " ".join(self.words), self.first, Role.COMMAND))


class _Mapping(_Level):
    """A mapping; entries whose key or role depends on a later sibling wait for its end."""

    __slots__ = ("flagged", "held", "kind", "name", "sensitive", "type")

    def __init__(self, path: tuple[str, ...], out: list[Entry]) -> None:
        super().__init__(path, out)
        self.name = ""
        self.kind = ""
        self.type = ""
        self.flagged = False
        self.held: list[tuple[Meaning, Entry]] = []
        self.sensitive: set[tuple[str, ...]] = set()

    def leaf(self, key: str | None, text: str, line: int, quoted: bool) -> None:  # noqa: FBT001 - the events' shape
        key = key or ""
        meaning = conventions.meaning(key)
        entry = Entry((*self.path, key), text, line, Role.NAMED, quoted)
        if meaning is None:
            self.out.append(entry)
        elif meaning is Meaning.VALUE or meaning in _ACCOUNTS:
            self.hold(meaning, entry)
        elif meaning is Meaning.TRANSPARENT:
            self.out.append(entry._replace(keys=self.path))
        elif meaning is not Meaning.REFERENCE:
            self._note(meaning, text)
            self.out.append(entry._replace(role=self._role(meaning), subject=self._host(meaning)))

    def _note(self, meaning: Meaning, text: str) -> None:
        if meaning is Meaning.NAME:
            self.name = self.name or (text if len(text) < 256 and "\n" not in text else "")
        elif meaning is Meaning.KIND:
            self.kind = text
        elif meaning is Meaning.FLAG:
            self.flagged = text.lower() == "true"

    def _role(self, meaning: Meaning) -> Role:
        if meaning in {Meaning.ARGUMENTS, Meaning.SCRIPT}:
            return Role.COMMAND
        if meaning is Meaning.AUTH and self._is_registry():
            return Role.ENCODED
        if meaning is Meaning.KEYFILE and self._is_encryption_key():
            return Role.SECRET
        return Role.NAMED

    def _host(self, meaning: Meaning) -> str:
        return self.path[-1] if meaning is Meaning.AUTH and self._is_registry() else ""

    def _is_registry(self) -> bool:
        """`auths: HOST:` of a Docker config.json, or a HOST alone at the top of a .dockercfg."""
        path = self.path
        return path[-2:-1] == ("auths",) or (len(path) == 1 and not {".", ":"}.isdisjoint(path[0]))

    def _is_encryption_key(self) -> bool:
        """`aescbc: keys: [{secret: ...}]`; the path alone is clear enough without `kind`."""
        return self.path[-2:-1] == ("keys",) and self.path[-3] in conventions.PROVIDERS

    def hold(self, meaning: Meaning, entry: Entry) -> None:
        """Keep an entry until the mapping ends, or until too many wait."""
        self.held.append((meaning, entry))
        if len(self.held) >= _HELD:
            self.close()

    def close(self) -> None:
        self.out.extend(self._settled(meaning, entry) for meaning, entry in self.held)
        self.held.clear()

    def _settled(self, meaning: Meaning, entry: Entry) -> Entry:
        if meaning is Meaning.VALUE:
            role = Role.SECRET if self.flagged else Role.NAMED
            return entry._replace(keys=self._named(entry.keys), role=role)
        if meaning is Meaning.DATA:
            return entry._replace(role=Role.ENCODED if self.kind == "Secret" else Role.NAMED)
        if meaning is Meaning.ATTRIBUTES:
            return entry._replace(role=self._declared(entry.keys[len(self.path) + 1 :]))
        return entry._replace(role=self._account_role(meaning, entry.value), subject=self.name)

    def _named(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        if self.name:
            return (*self.path, self.name)
        wrapped = keys[-1] == "#text" or self._parent() in conventions.CONTAINERS
        return self.path if wrapped else keys

    def _parent(self) -> str:
        return self.path[-2].lower() if len(self.path) > 1 else ""

    def _declared(self, steps: tuple[str, ...]) -> Role:
        declared = any(steps[: end + 1] in self.sensitive for end in range(len(steps)))
        return Role.SECRET if declared else Role.NAMED

    def _account_role(self, meaning: Meaning, value: str) -> Role:
        if meaning is Meaning.CLEAR:
            return Role.SECRET
        if meaning is Meaning.HASHED:
            return Role.HASH
        listed = "users" in self.path and conventions.CRYPT.match(value)
        return Role.HASH if listed else Role.NAMED

    def open(self, kind: int, key: str | None, line: int) -> _Level:  # noqa: ARG002 - see _Level
        meaning = conventions.meaning(key or "")
        if meaning is None or kind == IGNORED:
            return _plain(kind, (*self.path, key or ""), self.out)
        if meaning is Meaning.REFERENCE:
            return _Ignored(self.path, self.out)
        if meaning is Meaning.TRANSPARENT:
            return _plain(kind, self.path, self.out)
        if meaning is Meaning.VALUE and self.name:
            return _plain(kind, (*self.path, self.name), self.out)
        return self._special(meaning, kind, (*self.path, key or ""))

    def _special(self, meaning: Meaning, kind: int, path: tuple[str, ...]) -> _Level:
        if kind == LIST:
            return self._special_list(meaning, path)
        if meaning is Meaning.SCRIPTS:
            return _Waiting(path, self.out, None, meaning)
        if meaning is Meaning.DATA or (meaning is Meaning.ATTRIBUTES and "instances" in path):
            return _Waiting(path, self.out, self, meaning)
        if meaning is Meaning.CHPASSWD:
            return _Chpasswd(path, self.out)
        return _Mapping(path, self.out)

    def _special_list(self, meaning: Meaning, path: tuple[str, ...]) -> _Level:
        if meaning is Meaning.ENVIRONMENT or path[-2:] == ("build", "args"):
            return _Environment(path, self.out)
        if meaning is Meaning.ARGUMENTS:
            return _Arguments(path, self.out)
        if meaning is Meaning.SCRIPT:
            return _List(path, self.out, Role.COMMAND)
        if meaning is Meaning.SENSITIVE:
            return _Steps(self)
        return _List(path, self.out)
