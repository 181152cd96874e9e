"""Read a mapping: pairs of name and value, base64 data, declared secrets, command lines.

An entry whose key or role depends on a sibling that may come later waits for the mapping's end.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from checks.formats import conventions
from checks.formats.conventions import Meaning
from checks.formats.levels import Level
from checks.model import Entry, Role

if TYPE_CHECKING:
    from checks.formats.levels import Event, Path

_WAITING: Final = 10_000
_NAME: Final = 256
_SWITCHES: Final = frozenset({"true", "false"})
_BASE64: Final = frozenset({"b64", "base64"})
_DECODED: Final = 1024 * 1024


class Waiting(list[Entry]):
    """A place for entries to wait; it is bounded, the entries beyond go out as they are."""

    __slots__ = ("beyond",)

    def __init__(self, beyond: list[Entry]) -> None:
        super().__init__()
        self.beyond = beyond

    def append(self, entry: Entry) -> None:
        """Keep an entry, or give it out where too many wait."""
        if len(self) < _WAITING:
            super().append(entry)
        else:
            self.beyond.append(entry)


class Mapping(Level):
    """A mapping of any schema."""

    __slots__ = (
        "encoding",
        "flagged",
        "kind",
        "name",
        "places",
        "sensitive",
        "target",
        "typed",
    )

    def __init__(self, path: Path, out: list[Entry]) -> None:
        super().__init__(path, out)
        self.name = ""
        self.kind = ""
        self.target = ""
        self.encoding = ""
        self.flagged = False
        self.typed = ""
        self.sensitive: set[Path] = set()
        self.places: dict[Meaning, Waiting] = {}

    def step(self, key: str | None) -> Path:
        """Give the path of the child at KEY, which a sibling may name."""
        meaning = conventions.meaning(key) if key else None
        if meaning is Meaning.TRANSPARENT:
            return self.path
        if meaning is Meaning.VALUE and self.name:
            return (*self.path, self.name)
        return (*self.path, key or "")

    def waiting(self, meaning: Meaning) -> Waiting:
        """Give the place where entries of MEANING wait for the end of this mapping."""
        return self.places.setdefault(meaning, Waiting(self.out))

    def leaf(self, event: Event) -> None:
        """Give an ordinary value at once and let the others wait."""
        _, key, text, line, quoted = event
        key = key or ""
        meaning = conventions.meaning(key)
        if meaning is None:
            self.typed = text if (key, text) == ("type", "password") else self.typed
            self.out.append(Entry((*self.path, key), text, line, Role.NAMED, quoted))
        elif meaning is not Meaning.REFERENCE:
            self._special(meaning, Entry((*self.path, key), text, line, Role.NAMED, quoted))

    def _special(self, meaning: Meaning, entry: Entry) -> None:
        if meaning in {Meaning.VALUE, Meaning.CONTENT}:
            self.waiting(meaning).append(entry)
            return
        self._note(meaning, entry.value)
        if meaning is Meaning.TRANSPARENT:
            entry = entry._replace(keys=self.path)
        elif self._is_command(meaning):
            entry = entry._replace(role=Role.COMMAND)
        elif meaning is Meaning.AUTH and self._is_registry():
            entry = entry._replace(role=Role.ENCODED, subject=self.path[-1])
        elif meaning is Meaning.KEYFILE and self._is_encryption_key():
            entry = entry._replace(role=Role.SECRET)
        self.out.append(entry)

    def _note(self, meaning: Meaning, text: str) -> None:
        if meaning is Meaning.NAME and not self.name:
            self.name = text if len(text) < _NAME and "\n" not in text else ""
        elif meaning is Meaning.KIND:
            self.kind = text
        elif meaning is Meaning.TARGET:
            self.target = text if text[:1] in {"/", "~"} and len(text) < _NAME else ""
        elif meaning is Meaning.ENCODING:
            self.encoding = text.lower()
        elif meaning is Meaning.FLAG:
            self.flagged = text.lower() == "true"

    def _is_command(self, meaning: Meaning) -> bool:
        probe = meaning is Meaning.PROBE and self.path[-1:] == ("healthcheck",)
        return probe or meaning in {Meaning.ARGUMENTS, Meaning.SCRIPT}

    def _is_registry(self) -> bool:
        """Know `auths: HOST:` and HOST in a .dockercfg of Docker, `configs: HOST: auth:`."""
        path = self.path
        if path[-1:] == ("auth",) and "configs" in path:
            return True
        return path[-2:-1] == ("auths",) or (len(path) == 1 and not {".", ":"}.isdisjoint(path[0]))

    def _is_encryption_key(self) -> bool:
        """Know `aescbc: keys: [{secret: ...}]`; this path is clear enough without `kind`."""
        listed = self.path[-2:-1] == ("keys",)
        return listed and not conventions.PROVIDERS.isdisjoint(self.path[-3:-2])

    def close(self) -> None:
        """Give out what waited, named and judged by its siblings."""
        for meaning, place in self.places.items():
            for entry in place:
                self.out.append(self.settled(meaning, entry))

    def settled(self, meaning: Meaning, entry: Entry) -> Entry:
        """Give an entry that waited for MEANING with the key and role that are now known."""
        if meaning is Meaning.VALUE:
            role = Role.SECRET if self.flagged else entry.role
            return entry._replace(keys=self._named(entry.keys), role=role)
        if meaning is Meaning.CONTENT:
            text = _decoded(entry.value) if self.encoding in _BASE64 else entry.value
            return entry._replace(value=text, subject=self.target)
        steps = entry.keys[len(self.path) + 1 :]
        if meaning is Meaning.DATA and self.kind == "Secret" and len(steps) == 1:
            return entry._replace(role=Role.ENCODED)
        if meaning is Meaning.CLEAR_DATA and self.kind == "Secret" and len(steps) == 1:
            return entry._replace(role=_clear(entry))
        if meaning is Meaning.ATTRIBUTES and self._is_sensitive(steps):
            return entry._replace(role=Role.SECRET)
        return entry

    def _named(self, keys: Path) -> Path:
        if self.name or (self.typed and keys[-1] == "value"):
            return (*self.path, self.name or self.typed)
        parent = self.path[-2].lower() if len(self.path) > 1 else ""
        return self.path if keys[-1] == "#text" or parent in conventions.CONTAINERS else keys

    def _is_sensitive(self, steps: Path) -> bool:
        return any(steps[: end + 1] in self.sensitive for end in range(len(steps)))


class Scripts(Mapping):
    """A mapping of names to command lines, as in package.json."""

    __slots__ = ()

    def leaf(self, event: Event) -> None:
        """Give one command line."""
        _, key, text, line, quoted = event
        self.out.append(Entry((*self.path, key or ""), text, line, Role.COMMAND, quoted))


def _clear(entry: Entry) -> Role:
    """Tell a credential of `stringData` from a file and from what stands beside credentials."""
    plain = conventions.is_plain_member(entry.keys[-1]) or entry.value.lower() in _SWITCHES
    return Role.NAMED if plain or "\n" in entry.value.strip() else Role.SECRET


def _decoded(text: str) -> str:
    """Give the text that base64 stands for, or what was given if it is none."""
    if len(text) > _DECODED:
        return text
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return text
