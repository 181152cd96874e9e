"""Mount tables: the options of fstab, and of automounter maps such as auto.home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats.copies import with_copies
from checks.formats.textlines import continued, numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    *with_copies("fstab"), "*.fstab", "fstab.d/*", "etc/auto.*", "auto.master.d/*", "etc/autofs/*",
    "auto.cifs", "auto.home", "auto.smb", "auto.misc", "etc/mtab",
)  # fmt: skip


_OCTAL: Final = regex(r"\\([0-7]{3})")
_SECRET: Final = frozenset(
    {"password", "password2", "pass", "passwd", "passphrase", "passphrase_passwd", "secret"}
)
_USERS: Final = frozenset({"user", "username"})
"""Mounts of SMB take USER%PASSWORD here."""
_FILES: Final = frozenset({"credentials", "cred", "passwd_file", "secretfile", "keyfile"})


def _plain(field: str) -> str:
    """Undo the octal escapes of blanks and backslashes."""
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), field)


def parse(text: str) -> Iterator[Entry]:
    """Give options under (mount point, option), subject the user, and (mount point, "source").

    Files of credentials are only named there and give nothing.
    """
    for line in payload(continued(numbered(text))):
        fields = line.text.split(None, 4)
        if len(fields) < 2:
            continue
        if fields[1].startswith("-"):
            rest = fields[2] if len(fields) > 2 else ""
            yield from _mount(fields[0], rest, fields[1][1:], line.number)
        elif len(fields) > 3:
            yield from _mount(_plain(fields[1]), fields[0], fields[3], line.number)
        else:
            yield Entry((fields[0], "source"), fields[1], line.number)


def _mount(point: str, source: str, options: str, number: int) -> Iterator[Entry]:
    if source:
        yield Entry((point, "source"), _plain(source), number)
    split = [option.partition("=") for option in options.split(",")]
    user = next((value for name, _, value in split if name.lower() in _USERS), "")
    for name, equals, value in split:
        lower = name.lower()
        if not equals or lower in _FILES:
            continue
        owner, percent, password = value.partition("%")
        if percent and password and lower in _USERS:
            keys = (point, "password")
            yield Entry(keys, _plain(password), number, Role.SECRET, subject=_plain(owner))
            continue
        role = Role.SECRET if lower in _SECRET else Role.NAMED
        subject = _plain(user) if role is Role.SECRET else ""
        yield Entry((point, name), _plain(value), number, role, subject=subject)
