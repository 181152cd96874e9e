"""Limit this process to some paths and no TCP but what it needs, by Landlock. EDGE.

Landlock (landlock(7)) needs no privilege, holds for everything this process starts, and cannot be
taken back. What a kernel knows of it is its ABI: 1 files, 2 moving between folders, 3 cutting, 4
TCP, 5 device controls, 6 signals and abstract sockets. It limits ports, not addresses; no UDP; and
of a path that is there at the time, never one that takes its name later.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import syscalls

if TYPE_CHECKING:
    from collections.abc import Iterator

_CREATE: Final = 444
_ADD: Final = 445
_RESTRICT: Final = 446
"""The same numbers on every processor."""
_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_BENEATH: Final = struct.Struct("=Qi")

_EXECUTE: Final = 1 << 0
_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_REMOVE_DIR: Final = 1 << 4
_REMOVE_FILE: Final = 1 << 5
_MAKE_DIR: Final = 1 << 7
_MAKE_REG: Final = 1 << 8
_MAKE_SOCK: Final = 1 << 9
_MAKE_SYM: Final = 1 << 12
_REFER: Final = 1 << 13
_TRUNCATE: Final = 1 << 14
_DEVICE: Final = 1 << 15
_KNOWN: Final = {1: (1 << 13) - 1, 2: _REFER, 3: _TRUNCATE, 5: _DEVICE}
"""The rights to files, by the ABI that brought them; the others are only ever taken away."""
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE

_READ: Final = _READ_FILE | _READ_DIR
_WRITE: Final = (
    _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER | _TRUNCATE
)
_RUN: Final = _READ | _EXECUTE

_BIND: Final = 1 << 0
_CONNECT: Final = 1 << 1
_NET_SINCE: Final = 4
_SCOPES: Final = 3
"""Abstract sockets (1) and signals (2): none but those of this process and what it starts."""
_SCOPES_SINCE: Final = 6
_MISSING: Final = {
    3: "a file that may not be written may still be cut",
    _NET_SINCE: "TCP is not limited",
    5: "devices that may be read may be controlled",
    _SCOPES_SINCE: "other processes may be sent signals, abstract sockets connected to",
}


class Rules(NamedTuple):
    """What stays allowed below each path; write includes read, and making and removing files.

    sockets: write, and making local sockets; links: write, and making symbolic links.
    """

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    execute: tuple[str, ...] = ()
    sockets: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    connect: bool = False
    bind: bool = False


def abi() -> int:
    """Give what the kernel knows of Landlock, 0 where it has none or was started without."""
    try:
        return syscalls.call(_CREATE, None, 0, _VERSION)
    except OSError:
        return 0


def missing(known: int) -> list[str]:
    """Say what cannot be limited under an ABI."""
    if not known:
        return ["no Landlock in this kernel: files, TCP, signals are not limited by it"]
    return [f"Landlock {known}: {what}" for since, what in _MISSING.items() if known < since]


def restrict(rules: Rules) -> list[str]:
    """Give up everything that the rules do not allow; say what was not possible.

    Needs no_new_privs. A path that is not there is one of these; nothing below it will be allowed.
    """
    known = abi()
    told = missing(known)
    if not known:
        return told
    handled = sum(rights for since, rights in _KNOWN.items() if since <= known)
    try:
        ruleset = syscalls.call(_CREATE, *_attributes(rules, handled, known), 0)
    except OSError as error:
        return [*told, f"Landlock: {error.strerror}"]
    try:
        for path, rights in _granted(rules):
            told += _allow(ruleset, path, rights & handled)
        syscalls.call(_RESTRICT, ruleset, 0)
    except OSError as error:  # sixteen layers are the most
        told.append(f"Landlock: {error.strerror}: files, TCP, signals are not limited by it")
    finally:
        os.close(ruleset)
    return told


def _attributes(rules: Rules, handled: int, known: int) -> tuple[ctypes.Array[ctypes.c_char], int]:
    """Give struct landlock_ruleset_attr, as long as this ABI has it, and its length."""
    fields = [handled]
    if known >= _NET_SINCE:
        fields.append((0 if rules.bind else _BIND) | (0 if rules.connect else _CONNECT))
    if known >= _SCOPES_SINCE:
        fields.append(_SCOPES)
    packed = struct.pack(f"={len(fields)}Q", *fields)
    return ctypes.create_string_buffer(packed, len(packed)), len(packed)


def _granted(rules: Rules) -> Iterator[tuple[str, int]]:
    yield from ((path, _READ) for path in rules.read)
    yield from ((path, _WRITE) for path in rules.write)
    yield from ((path, _RUN) for path in rules.execute)
    yield from ((path, _WRITE | _MAKE_SOCK) for path in rules.sockets)
    yield from ((path, _WRITE | _MAKE_SYM) for path in rules.links)


def _allow(ruleset: int, path: str, rights: int) -> list[str]:
    """Allow RIGHTS below a path; say why not."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    keep = False
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _OF_FILES
        syscalls.call(_ADD, ruleset, _PATH_BENEATH, _BENEATH.pack(rights, descriptor), 0)
        keep = path.startswith("/proc/")
    except OSError as error:
        return [f"{path}: {error.strerror}"]
    finally:
        if not keep:  # /proc makes its files anew once nobody holds them, and a rule is for one
            os.close(descriptor)
    return []


def identities(rules: Rules) -> dict[str, tuple[int, int]]:
    """Give (device, inode) of what the rules name: one that changed needs a new process.

    A file that was replaced by a rename is not the one that was allowed. What is not there is left
    out; so is /proc, where they mean nothing.
    """
    found = {}
    for path in {*rules.read, *rules.write, *rules.execute, *rules.sockets, *rules.links}:
        with contextlib.suppress(OSError):
            status = os.stat(path)
            if not path.startswith("/proc"):
                found[path] = (status.st_dev, status.st_ino)
    return found
