"""Read accounts as cloud-init writes them: `chpasswd` and the items of `users`.

https://cloudinit.readthedocs.io/en/latest/reference/modules.html, Set Passwords and Users and
Groups: an item of `chpasswd.list` is USER:PASSWORD, where R and RANDOM ask for a random one and a
crypt(5) hash is taken as such; `users` take `passwd` and `hashed_passwd` as hashes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import conventions
from checks.formats.conventions import Meaning
from checks.formats.levels import LIST, Items, Level
from checks.formats.mapping import Mapping
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from checks.formats.levels import Event, Path

_RANDOM: Final = {"", "R", "RANDOM"}
_HASH: Final = regex(r"\$(?:1|2a|2y|5|6|y)\$.")
_ROLES: Final = {Meaning.CLEAR: Role.SECRET, Meaning.HASHED: Role.HASH}


def _given(line: str, path: Path, number: int) -> Entry | None:
    """Give the entry of one USER:PASSWORD, None where no password is given."""
    user, _, password = line.strip().partition(":")
    if password in _RANDOM:
        return None
    role = Role.HASH if _HASH.match(password) else Role.SECRET
    return Entry(path, password, number, role, subject=user)


class Chpasswd(Mapping):
    """The mapping `chpasswd`; its `list` may be one text with a line for each user."""

    __slots__ = ()

    def leaf(self, event: Event) -> None:
        """Split the text `list` and read anything else as usual."""
        _, key, text, line, _ = event
        if key != "list":
            super().leaf(event)
            return
        for number, each in enumerate(text.split("\n"), line):
            entry = _given(each, (*self.path, "list"), number)
            if entry:
                self.out.append(entry)

    def within(self, kind: int, path: Path) -> Level | None:
        """Read `list` as passwords."""
        return _Passwords(path, self.out) if kind == LIST and path[-1] == "list" else None


class _Passwords(Items):
    """A list of USER:PASSWORD strings."""

    __slots__ = ()

    def leaf(self, event: Event) -> None:
        """Give the password of one user."""
        entry = _given(event[2], self.step(None), event[3])
        if entry:
            self.out.append(entry)


class Account(Mapping):
    """One item of a list, or one name of a mapping, called `users`."""

    __slots__ = ()

    def leaf(self, event: Event) -> None:
        """Let passwords wait for the name of their user."""
        _, key, text, line, quoted = event
        meaning = self._meaning(key or "", text)
        if meaning is None:
            super().leaf(event)
        elif text not in _RANDOM:
            role = _ROLES[meaning]
            entry = Entry((*self.path, key or ""), text, line, role, quoted)
            self.waiting(meaning).append(entry)

    def _meaning(self, key: str, text: str) -> Meaning | None:
        if key == "password" and self.path[-3:-1] == ("chpasswd", "users"):
            return Meaning.HASHED if _HASH.match(text) else Meaning.CLEAR
        meaning = conventions.meaning(key)
        if meaning is Meaning.ACCOUNT and conventions.CRYPT.match(text):
            return Meaning.HASHED
        return meaning if meaning in _ROLES else None

    def settled(self, meaning: Meaning, entry: Entry) -> Entry:
        """Add the name of the user to a password."""
        if meaning in _ROLES:
            return entry._replace(subject=self.name)
        return super().settled(meaning, entry)
