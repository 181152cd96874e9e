"""List the listening TCP sockets of this network namespace, with their owners. EDGE.

The kernel is asked over netlink (sock_diag), which needs no privilege; where that is not allowed,
its tables in /proc/net are read.
"""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import os
import socket
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from checks.tls import owners, sockdiag
from checks.tls.sockdiag import DiagError, Socket

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checks.tls.owners import Held

_SOCK_DIAG: Final = 4
"""NETLINK_SOCK_DIAG, which Python's socket module does not name."""
_PATIENCE: Final = 2.0
"""Seconds to wait for the kernel; it answers in milliseconds or not at all."""
_CHUNK: Final = 1024 * 1024
_TRIES: Final = 3
_MOST_LISTENERS: Final = 65_536
_MOST_LINES: Final = 1_000_000
_OWNERS: Final = 300.0
"""Seconds for which the owner of a socket is taken to be the same."""
_TABLES: Final = {socket.AF_INET: "tcp", socket.AF_INET6: "tcp6"}


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """An address and port that connections are taken on, by one socket or by several together.

    address: without brackets; family: 4 or 6; inodes: of its sockets, sorted, more than one with
    SO_REUSEPORT; uid: whose sockets they are; wildcard: any address of the host; dual: an IPv6
    wildcard that takes IPv4 too; interface: the one it is bound to, 0 for any; pids: every process
    seen that holds it, sorted; command, executable: of the first of them, systemd last; unit: ""
    where it has none or none is seen.
    """

    address: str
    port: int
    family: int
    inodes: tuple[int, ...]
    uid: int
    user: str = ""
    pids: tuple[int, ...] = ()
    command: str = ""
    executable: str = ""
    unit: str = ""
    wildcard: bool = False
    dual: bool = False
    interface: int = 0

    @property
    def inode(self) -> int:
        """The first of its sockets."""
        return self.inodes[0]

    @property
    def door(self) -> str:
        """The address that a client on this host connects to."""
        if self.wildcard:
            return "127.0.0.1" if self.dual or self.family == 4 else "::1"
        if self.interface and self.family == 6 and ipaddress.ip_address(self.address).is_link_local:
            return f"{self.address}%{self.interface}"
        return self.address


class Listening(NamedTuple):
    """All that was found; unseen: what could not be looked at, in words."""

    listeners: tuple[Listener, ...]
    unseen: tuple[str, ...] = ()


class Sockets(NamedTuple):
    """The listening sockets, each with its address family; unseen: in words."""

    found: tuple[tuple[int, Socket], ...]
    unseen: tuple[str, ...]


def look(*, proc: str = "/proc", diag: bool = True) -> Listening:
    """List the listeners, by address family, port and address. diag: ask over netlink first."""
    return _owned(_listening(proc, diag=diag), proc)


class Lister:
    """Lists the listeners again and again.

    Whose they are is looked for where sockets came or went, and else every few minutes: for that
    the open files of all processes are gone through.
    """

    def __init__(self, proc: str = "/proc") -> None:
        """Begin with nothing."""
        self._proc = proc
        self._last: tuple[Sockets, Listening] | None = None
        self._until = 0.0

    def look(self) -> Listening:
        """List them as `look` does."""
        sockets, now = _listening(self._proc, diag=True), time.monotonic()
        if self._last is None or self._last[0] != sockets or now >= self._until:
            self._last, self._until = (sockets, _owned(sockets, self._proc)), now + _OWNERS
        return self._last[1]


def _listening(proc: str, *, diag: bool) -> Sockets:
    found: list[tuple[int, Socket]] = []
    unseen: list[str] = []
    for family, name in _TABLES.items():
        try:
            sockets = _sockets(family, f"{proc}/self/net/{name}", diag=diag)
        except (OSError, DiagError) as error:
            unseen.append(f"IPv{_version(family)} sockets: {_reason(error)}")
            continue
        if len(sockets) >= _MOST_LISTENERS:
            unseen.append(f"IPv{_version(family)} sockets: more than {_MOST_LISTENERS}")
        found += [(4 if "." in one.address else 6, one) for one in sockets[:_MOST_LISTENERS]]
    return Sockets(tuple(found), tuple(unseen))


def _owned(sockets: Sockets, proc: str) -> Listening:
    held = owners.holding([one.inode for _, one in sockets.found], proc)
    ownerless = {one.cgroup for _, one in sockets.found if one.inode not in held.owners}
    listeners = _joined(sockets.found, held, owners.units(ownerless, proc))
    return Listening(listeners, (*sockets.unseen, *_blanks(listeners, held)))


def _sockets(family: int, table: str, *, diag: bool) -> list[Socket]:
    if diag:
        with contextlib.suppress(OSError, DiagError):  # not allowed or not built in: the table then
            return _asked(family)
    if family == socket.AF_INET6 and not os.path.exists(table):
        return []  # a kernel without IPv6
    with open(table, encoding="ascii", errors="replace") as file:
        lines = itertools.islice(file, _MOST_LINES)
        return list(itertools.islice(sockdiag.read_table(lines), _MOST_LISTENERS))


def _asked(family: int) -> list[Socket]:
    """Ask the kernel, again where sockets came and went meanwhile."""
    found: list[Socket] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as link:
        link.settimeout(_PATIENCE)
        for sequence in range(1, _TRIES + 1):
            link.send(sockdiag.request(family, sequence))
            found, torn = _answered(link, sequence)
            if not torn:
                break
    return found


def _answered(link: socket.socket, sequence: int) -> tuple[list[Socket], bool]:
    found: list[Socket] = []
    torn = False
    while len(found) < _MOST_LISTENERS:
        datagram, _, flags, sender = link.recvmsg(_CHUNK)
        if flags & socket.MSG_TRUNC:
            raise DiagError("netlink: an answer is too long")
        if sender[0] != 0:  # netlink(7): only the kernel's port is 0
            continue
        part = sockdiag.read(datagram, sequence)
        found += part.sockets
        torn = torn or part.torn
        if part.last:
            break
    return found, torn


def _joined(
    found: Iterable[tuple[int, Socket]], held: Held, units: dict[int, str]
) -> tuple[Listener, ...]:
    """Make one listener of all sockets that share address, port and interface."""
    places: dict[tuple[int, int, str, int], list[Socket]] = {}
    for family, one in found:
        places.setdefault((family, one.port, one.address, one.interface), []).append(one)
    return tuple(
        _listener(family, sockets, held, units)
        for (family, *_), sockets in sorted(places.items(), key=lambda item: item[0])
    )


def _listener(
    family: int, sockets: Sequence[Socket], held: Held, units: dict[int, str]
) -> Listener:
    first = sockets[0]
    holders = {o.pid: o for s in sockets for o in held.owners.get(s.inode, ())}
    ordered = sorted(holders.values(), key=lambda o: (o.pid == 1, o.pid))
    named = [o.unit for o in ordered if o.unit] + [units.get(s.cgroup, "") for s in sockets]
    wildcard = ipaddress.ip_address(first.address).is_unspecified
    return Listener(
        address=first.address,
        port=first.port,
        family=family,
        inodes=tuple(sorted({s.inode for s in sockets})),
        uid=first.uid,
        user=owners.user(first.uid),
        pids=tuple(sorted(holders)),
        command=_first(o.command for o in ordered),
        executable=_first(o.executable for o in ordered),
        unit=_first(named),
        wildcard=wildcard,
        dual=wildcard and family == 6 and first.v6_only is False,
        interface=first.interface,
    )


def _first(words: Iterable[str]) -> str:
    return next(filter(None, words), "")


def _blanks(listeners: Sequence[Listener], held: Held) -> Iterable[str]:
    """Say in words what was not seen of the owners."""
    without = sum(not one.pids for one in listeners)
    if without:
        yield f"{without} of {len(listeners)} listeners: their processes are not seen"
    if without and held.hidden:
        yield f"{held.hidden} processes: their open files may not be read"
    if held.namespaces:
        yield f"{held.namespaces} other network namespaces: their listeners are not looked at"
    if held.cut:
        yield "processes: too many open files to look at all"


def _version(family: int) -> int:
    return 4 if family == socket.AF_INET else 6


def _reason(error: OSError | DiagError) -> str:
    return error.strerror or "cannot be read" if isinstance(error, OSError) else str(error)
