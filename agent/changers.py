"""Say who changed a file, as far as this host tells: its audit trail, or its package manager. EDGE.

The login user id of Linux's audit trail is the person who logged in, whoever they became since.
Both are read as what they are, files that others write: a little of their end, and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import time
from functools import cached_property
from typing import TYPE_CHECKING, Final

from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

_AUDIT: Final = "/var/log/audit/audit.log"
_DPKG: Final = "/var/log/dpkg.log"
_LISTS: Final = "/var/lib/dpkg/info"
_TAIL: Final = 4 * 1024 * 1024
_NEAR: Final = 5.0
"""Seconds between a change and what an audit trail says of it; one is written at once."""
_WHILE: Final = 120.0
"""Seconds that a package may take from its first file until it is installed."""
_UNSET: Final = 4_294_967_295
_EVENT: Final = regex(rb"msg=audit\((\d{1,12}\.\d{1,6}):(\d{1,20})\)")
_USER: Final = regex(rb"\bauid=(\d{1,10})\b")
_PROGRAM: Final = regex(rb'\bexe="([^"]{1,300})"')
_NAME: Final = regex(rb'\b(?:name|cwd)=(?:"([^"]{1,4096})"|([0-9A-F]{2,8192})\b)')
_INSTALLED: Final = regex(
    r"(\S+ \S+) status (?:unpacked|installed) ([a-z0-9][a-z0-9+.\-]+)\S* (\S+)"
)


class Changers:
    """What a host's files tell of changes, read once. root: of the host."""

    def __init__(self, root: str = "/") -> None:
        """Read nothing yet."""
        self._root = root

    def who(self, path: str, changed: float) -> str:
        """Say who changed a file at a time, in words; "" where nothing tells."""
        return self._audited(path, changed) or self._packaged(path, changed)

    def _place(self, path: str) -> str:
        return os.path.join(self._root, path.lstrip("/"))

    @cached_property
    def _trail(self) -> list[bytes]:
        return _tail(self._place(_AUDIT)).splitlines()

    @cached_property
    def _packages(self) -> list[tuple[float, str, str]]:
        return list(_installed(_tail(self._place(_DPKG))))

    def _audited(self, path: str, changed: float) -> str:
        """Look for the path in the audit trail, and for the system call that it belongs to."""
        best, whose = _NEAR, b""
        last = os.fsencode(os.path.basename(path))
        parts = (last, last.hex().upper().encode())
        for line in self._trail:
            if b"type=PATH" not in line or not any(part in line for part in parts):
                continue
            event = _EVENT.search(line)
            away = abs(float(event[1]) - changed) if event else _NEAR
            if event and away < best and self._named(line, event[0]) == os.fsencode(path):
                best, whose = away, event[0]
        return _caller(self._record(b"type=SYSCALL", whose)) if whose else ""

    def _named(self, line: bytes, event: bytes) -> bytes:
        """Give the path that a record names, from where its system call was made."""
        name = _name_in(line)
        if name.startswith(b"/"):
            return name
        return os.path.normpath(os.path.join(_name_in(self._record(b"type=CWD", event)), name))

    def _record(self, kind: bytes, event: bytes) -> bytes:
        return next((line for line in self._trail if kind in line and event in line), b"")

    def _packaged(self, path: str, changed: float) -> str:
        """Look for a package with that file which dpkg installed then."""
        for at, name, version in self._packages:
            if -_NEAR <= at - changed <= _WHILE and self._has(name, path):
                return f"by the package manager, with {name} {version}"
        return ""

    def _has(self, package: str, path: str) -> bool:
        """Say whether a package brought a file, or owns it as configuration."""
        line = os.fsencode(path)
        with contextlib.suppress(OSError), os.scandir(self._place(_LISTS)) as entries:
            lists = [one.path for one in entries if _is_list(one.name, package)]
            return any(line in _tail(one).splitlines() for one in lists)
        return False


def _name_in(line: bytes) -> bytes:
    """Give what a record names; auditd writes a name with special characters in hex."""
    found = _NAME.search(line)
    if found is None:
        return b""
    with contextlib.suppress(ValueError):
        return found[1] or bytes.fromhex(found[2].decode())
    return b""


def _caller(call: bytes) -> str:
    user, program = _USER.search(call), _PROGRAM.search(call)
    if user is None:
        return ""
    by = f" with {os.path.basename(os.fsdecode(program[1]))}" if program else ""
    number = int(user[1])
    if number == _UNSET:
        return f"by a service{by}"
    return f"by {_name(number)} (login user id {number}){by}"


def _name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except (KeyError, OverflowError):
        return "a user"


def _installed(data: bytes) -> Iterator[tuple[float, str, str]]:
    for line in reversed(data.decode("utf-8", "replace").splitlines()):
        if found := _INSTALLED.match(line):
            with contextlib.suppress(ValueError, OverflowError):
                at = time.mktime(time.strptime(found[1], "%Y-%m-%d %H:%M:%S"))
                yield at, found[2], found[3]


def _is_list(name: str, package: str) -> bool:
    whose, _, kind = name.rpartition(".")
    return whose.partition(":")[0] == package and kind in {"list", "conffiles"}


def _tail(path: str) -> bytes:
    """Give the end of a file, nothing where it cannot be read."""
    with contextlib.suppress(OSError):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(path, flags), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            return file.read(_TAIL)
    return b""
