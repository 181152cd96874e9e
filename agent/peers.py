"""Say who is at the other end of a Unix socket: its user, its name, its systemd unit. EDGE.

The kernel keeps of a peer who it was when it connected (unix(7), SO_PEERCRED). Its unit is that of
a process, and the number of a process that ended is given to another one: so the process is held by
a descriptor, which the kernel gives since Linux 6.5, and by which it says the control group since
6.13. Before that /proc says it, and counts only if the process is still there afterwards; and
before 6.5 the number counts only if its process is older than the connection that was accepted.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import socket
import struct
import time
from typing import TYPE_CHECKING, Final

from checks.tls import owners, procfs

if TYPE_CHECKING:
    from collections.abc import Iterator

_CREDENTIALS: Final = struct.Struct("=iII")
"""pid, uid, gid."""
_SO_PEERPIDFD: Final = 77
"""asm-generic/socket.h, since Linux 6.5: the process that connected, whatever its number is now."""
_GET_INFO: Final = 0xC040FF0B
"""PIDFD_GET_INFO, _IOWR(0xFF, 11, 64 bytes) (linux/pidfd.h)."""
_INFO: Final = struct.Struct("=QQ48x")
"""Of struct pidfd_info: what is asked for and given, and the id of the control group."""
_WITH_GROUP: Final = 1 << 2
_STARTED: Final = 19
"""Of /proc/PID/stat, behind the name: when it started, in ticks since boot."""


def user(connection: socket.socket) -> int:
    """Give the user id of who connected, or of who listens; raises OSError."""
    return _told(connection)[1]


def name(connection: socket.socket) -> bytes:
    """Give the abstract name that a peer has bound, without its first NUL; b"" for none.

    Anybody can bind any name. Raises OSError.
    """
    told = connection.getpeername()
    return told[1:] if isinstance(told, bytes) and told.startswith(b"\0") else b""


def uptime() -> float:
    """Give the seconds since boot, by the clock that the starts of processes are kept in."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def unit(connection: socket.socket, came: float) -> str:
    """Give the unit of the process that connected, "" where that is not sure; came: its uptime.

    Raises OSError, also where that process has ended.
    """
    pid = _told(connection)[0]
    if pid <= 0:  # of another namespace of processes
        return ""
    with _held(connection, pid, came) as process:
        return _by_descriptor(process) or _by_table(process, pid)


def _told(connection: socket.socket) -> tuple[int, int]:
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    return pid, uid


@contextlib.contextmanager
def _held(connection: socket.socket, pid: int, came: float) -> Iterator[int]:
    """Give a descriptor of the process that connected."""
    process = _by_socket(connection)
    if process < 0:
        process = os.pidfd_open(pid)
    try:
        if not _began(pid, came):
            raise ProcessLookupError
        yield process
    finally:
        os.close(process)


def _by_socket(connection: socket.socket) -> int:
    """Give the kernel's own descriptor of who connected, -1 before Linux 6.5; raises OSError."""
    try:
        return connection.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD)
    except OSError as error:
        if error.errno != errno.ENOPROTOOPT:
            raise
        return -1


def _began(pid: int, came: float) -> bool:
    """Say whether the process of a number did not start after a peer came.

    Where /proc does not show it, the number alone would not be believed anyway.
    """
    fields = procfs.text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if len(fields) <= _STARTED:
        return True
    return int(fields[_STARTED]) / os.sysconf("SC_CLK_TCK") <= came


def _by_descriptor(process: int) -> str:
    """Have the kernel say the control group of a process; "" where it does not."""
    asked = bytearray(_INFO.pack(_WITH_GROUP, 0))
    try:
        fcntl.ioctl(process, _GET_INFO, asked)
    except OSError:
        return ""
    given, group = _INFO.unpack(asked)
    return owners.units({group}).get(group, "") if given & _WITH_GROUP else ""


def _by_table(process: int, pid: int) -> str:
    """Read the control group of a process in /proc; "" where it ended meanwhile."""
    found = owners.unit_of(procfs.text(f"/proc/{pid}/cgroup"))
    ended = select.poll()
    ended.register(process, select.POLLIN)
    return "" if ended.poll(0) else found
