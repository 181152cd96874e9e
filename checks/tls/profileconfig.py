"""Rules of TLS profiles on what only a server's files tell: a setting in them, the mode of a key.

They are held against each site of the server that a rule names, at the line to change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple

import msgspec

from checks.lazy import regex
from checks.printable import printable
from checks.tls.profilerule import Count, Rule
from checks.tls.remedies import Kind, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checks.tls.config import Setting as Line
    from checks.tls.config import Site

ServerName = Literal[
    "apache", "caddy", "dovecot", "haproxy", "lighttpd", "nginx", "postfix", "postgresql"
]
"""As in `checks/tls/servers`."""
_TIME: Final = regex(r"(\d{1,9})(ms|[smhdwMy]?)")
_UNITS: Final = {
    "ms": 0.001,
    "": 1,
    "s": 1,
    "m": 60,
    "h": 3_600,
    "d": 86_400,
    "w": 604_800,
    "M": 2_592_000,
    "y": 31_536_000,
}
"""Seconds, as nginx counts them; other servers know fewer units and mean the same by them."""
_SHOWN: Final = 80
_PLAIN: Final = regex(r"[A-Za-z0-9_.:+@/\-]+(?: [A-Za-z0-9_.:+@/\-]+)*")


class Broken(NamedTuple):
    """A rule that a site breaks. place: the setting to change, or where the site begins."""

    said: str
    place: Line


class Unknown(NamedTuple):
    """A rule that a site's files do not settle, and why."""

    why: str


class Setting(Rule, frozen=True, kw_only=True, tag="setting"):
    """A setting of one server: name, its words as the server has them.

    allowed: no other words, whatever their case; most: of a time in seconds; required: it stands
    in the files, where it would otherwise be left to the server.
    """

    server: ServerName
    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")]
    allowed: tuple[str, ...] = ()
    most: Count | None = None
    required: bool = False

    def __post_init__(self) -> None:
        if not (self.allowed or self.required or self.most is not None):
            raise ValueError("expected allowed, most or required, got none")

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        if self.fix:
            return self.fix
        if self.allowed:
            return f"Set {self.name} to nothing but {', '.join(self.allowed)}."
        if self.most is not None:
            return f"Set {self.name} to at most {self.most} seconds."
        return f"Set {self.name}."

    @property
    def change(self) -> Remedy | None:
        """The setting as it is to be, where its value is told and can stand in any file."""
        value = " ".join(self.allowed) if self.most is None else str(self.most)
        plain = value and _PLAIN.fullmatch(value)
        return Remedy(Kind.SETTING, name=self.name, value=value) if plain else None

    def judge(self, site: Site, _modes: Mapping[str, int]) -> Iterator[Broken | Unknown]:
        """Look at the last setting of that name, which is the one that counts."""
        named = [one for one in site.settings if one.name == self.name]
        if not named:
            if self.required:
                yield Broken(f"{self.name} is not set", site.place)
            return
        if wrong := self._wrong(named[-1].value):
            yield Broken(wrong, named[-1])

    def _wrong(self, value: str) -> str:
        shown = f"{self.name} {printable(value, longest=_SHOWN)}"
        words = value.lower().split()
        if self.allowed and not set(words) <= {word.lower() for word in self.allowed}:
            return f"{shown} is set"
        if self.most is not None and not _seconds(value) <= self.most:
            return f"{shown} is more than {self.most} seconds"
        return ""


class KeyFile(Rule, frozen=True, kw_only=True, tag="key_file"):
    """The most that the mode of a private key's file may allow, such as "0400"."""

    server: ServerName
    mode: Annotated[str, msgspec.Meta(pattern="^0?[0-7]{3}$")]

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        return self.fix or f"Set the mode of the key's file to {self.mode} (chmod {self.mode})."

    @property
    def change(self) -> Remedy | None:
        """The mode as it is to be."""
        return Remedy(Kind.KEY_MODE, value=self.mode)

    def judge(self, site: Site, modes: Mapping[str, int]) -> Iterator[Broken | Unknown]:
        """Look at the file of each key."""
        files = {pair.key.value: pair.key for pair in site.pairs if pair.key}
        for path, setting in files.items():
            mode = modes.get(path)
            shown = printable(path, longest=_SHOWN)
            if mode is None:
                yield Unknown(f"the mode of {shown} is not known")
            elif mode & ~int(self.mode, 8):
                yield Broken(f"{shown} has mode {mode:04o}", setting)


def _seconds(value: str) -> float:
    """Read a time such as "1h30m"; what is none counts as endless."""
    text = "".join(value.split())
    parts = list(_TIME.finditer(text))
    if not text or sum(len(part[0]) for part in parts) != len(text):
        return float("inf")
    return sum(int(part[1]) * _UNITS[part[2]] for part in parts)
