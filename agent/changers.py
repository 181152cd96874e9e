"""Say who changed a file, as far as this host tells: its audit trail, or its package manager. EDGE.

The login user id of Linux's audit trail is the person who logged in, whoever they became since.
Both are read as what they are, files that others write: a little of their end, and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import time
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
_EVENT: Final = regex(rb"msg=audit\((\d+\.\d+):(\d+)\)")
_USER: Final = regex(rb"\bauid=(\d{1,10})\b")
_PROGRAM: Final = regex(rb'\bexe="([^"]{1,300})"')
_INSTALLED: Final = regex(
    r"(\S+ \S+) status (?:unpacked|installed) ([a-z0-9][a-z0-9+.\-]+)\S* (\S+)"
)


def who(path: str, changed: float, root: str = "/") -> str:
    """Say who changed a file at a time, in words; "" where nothing tells. root: of the host."""
    return _audited(path, changed, root) or _packaged(path, changed, root)


def _audited(path: str, changed: float, root: str) -> str:
    """Look for the path in the audit trail, and for the system call that it belongs to."""
    data = _tail(os.path.join(root, _AUDIT.lstrip("/")))
    name = os.fsencode(path)
    marks = (b'name="' + name + b'"', b"name=" + name.hex().upper().encode())
    for line in reversed(data.splitlines()):
        if b"type=PATH" not in line or not any(mark in line for mark in marks):
            continue
        event = _EVENT.search(line)
        if event and abs(float(event[1]) - changed) <= _NEAR:
            return _caller(data, event[0])
    return ""


def _caller(data: bytes, event: bytes) -> str:
    call = next(
        (line for line in data.splitlines() if b"type=SYSCALL" in line and event in line), b""
    )
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


def _packaged(path: str, changed: float, root: str) -> str:
    """Look for a package with that file which dpkg installed then."""
    for at, name, version in _installed(_tail(os.path.join(root, _DPKG.lstrip("/")))):
        if -_NEAR <= at - changed <= _WHILE and _has(name, path, root):
            return f"by the package manager, with {name} {version}"
    return ""


def _installed(data: bytes) -> Iterator[tuple[float, str, str]]:
    for line in reversed(data.decode("utf-8", "replace").splitlines()):
        if found := _INSTALLED.match(line):
            with contextlib.suppress(ValueError, OverflowError):
                at = time.mktime(time.strptime(found[1], "%Y-%m-%d %H:%M:%S"))
                yield at, found[2], found[3]


def _has(package: str, path: str, root: str) -> bool:
    """Say whether a package brought a file, or owns it as configuration."""
    folder = os.path.join(root, _LISTS.lstrip("/"))
    line = os.fsencode(path)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        lists = [one.path for one in entries if _is_list(one.name, package)]
        return any(line in _tail(one).splitlines() for one in lists)
    return False


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
