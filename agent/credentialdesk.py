"""Give systemd the credentials of its units, and nobody else any. EDGE.

One socket serves all units, one peer at a time: nothing is read from any, and what one gets fits
into the buffer of its connection, so that nobody is waited for. Who asks has to be root, to have
bound the name that systemd binds for one of our units and credentials (systemd.exec(5)), and to be
a process of that unit: anybody can bind a name. Whoever is not all of this gets nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import stat
import threading
import time
from typing import ClassVar, Final

from agent import folders, peers
from agent.deliver import DeliveryError
from agent.folders import FolderError
from checks.errors import HygieneError
from checks.printable import printable

Place = tuple[str, str]
"""A unit, and the name of one of its credentials."""

NAME: Final = "credentials.sock"
MOST: Final = 64 * 1024
"""Bytes of one: they fit into the buffer of a new connection, 208 KiB unless the host lowers it."""
_WAITING: Final = 128
_PATIENCE: Final = 2.0
"""Seconds for a unit's own process to read, on a host whose buffers are smaller than that."""
_PAUSE: Final = 0.05
"""Seconds to wait when no connection can be taken, for want of descriptors."""
_ASKED: Final = re.compile(rb"[0-9a-f]{1,16}/unit/([^/\0]{1,255})/([^/\0]{1,255})")


class StrangerError(HygieneError):
    """Who asks gets nothing; says why."""


class Desk:
    """The socket, and the thread that answers at it. folder: absolute, only root's and ours."""

    name: ClassVar[str] = NAME
    asked: ClassVar[re.Pattern[bytes]] = _ASKED
    """What a peer has to be called; its two groups are what it asks for."""

    def __init__(self, folder: str) -> None:
        self._folder, self._path = folder, os.path.join(folder, self.name)
        self._contents: dict[Place, bytes] = {}
        self._refused: dict[Place, tuple[int, str]] = {}
        self._listener: socket.socket | None = None
        self._inode = -1
        self._thread = threading.Thread()

    def __repr__(self) -> str:
        """Give the socket's path."""
        return printable(self._path)

    @property
    def stands(self) -> bool:
        """Say whether the socket is where it was put, and somebody answers."""
        try:
            found = os.lstat(self._path).st_ino
        except OSError:
            return False
        return found == self._inode and self._thread.is_alive()

    def open(self) -> None:
        """Listen, in the place of who listened there before; raises DeliveryError."""
        if self.stands:
            return
        self._end()
        try:
            self._listener = self._listening()
        except FolderError as error:
            raise DeliveryError(str(error)) from None
        except OSError as error:
            raise DeliveryError(f"{self}: {error.strerror or 'cannot be bound'}") from None
        serve, name = self._serve, "credentials"
        self._thread = threading.Thread(target=serve, args=[self._listener], name=name, daemon=True)
        self._thread.start()

    def add(self, place: Place) -> None:
        """Know a place; raises DeliveryError for one that is known."""
        if place in self._refused:
            raise DeliveryError(f"{'/'.join(place)}: delivered twice")
        self._refused[place] = 0, ""

    def put(self, place: Place, data: bytes) -> None:
        """Give it to who may have it from now on."""
        self._contents[place] = data

    def drop(self, place: Place) -> None:
        """Give it to nobody from now on."""
        self._contents.pop(place, None)

    def refused(self, place: Place) -> list[str]:
        """Say how often, and why last, somebody who asked for it was refused."""
        count, whom = self._refused[place]
        return [f"{'/'.join(place)}: refused {count} times, last to {whom}"] if count else []

    def close(self) -> None:
        """End, and forget what was put here."""
        self._contents.clear()
        if self.stands:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        self._end()

    def _end(self) -> None:
        if self._listener:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            self._listener.close()
            self._listener = None

    def _listening(self) -> socket.socket:
        """Bind the socket, which only its owner and root can connect to; raises OSError."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with folders.opened(self._folder) as folder:
                self._clear(folder)
                os.fchmod(listener.fileno(), 0o600)  # the file gets the mode of the socket
                listener.bind(f"/proc/self/fd/{folder}/{self.name}")
                self._inode = os.stat(self.name, dir_fd=folder, follow_symlinks=False).st_ino
            listener.listen(_WAITING)
        except BaseException:
            listener.close()
            raise
        return listener

    def _clear(self, folder: int) -> None:
        """Remove the socket of a run before; raises DeliveryError for anything else."""
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(self.name, dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISSOCK(status.st_mode):
                raise DeliveryError(f"{self}: something else is in its place")
            os.unlink(self.name, dir_fd=folder)

    def _serve(self, listener: socket.socket) -> None:
        """Answer everybody who comes, one after the other, until the socket is shut."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if error.errno in {errno.EINVAL, errno.EBADF}:
                    return
                time.sleep(_PAUSE)
                continue
            came = peers.uptime()
            with connection, contextlib.suppress(StrangerError, OSError):
                self._answer(connection, came)

    def _answer(self, connection: socket.socket, came: float) -> None:
        """Write the content that a peer may have; raises StrangerError, OSError."""
        place = self._asked(connection)
        if whom := self._refusal(connection, came, place):
            raise self._stranger(place, whom)
        data = self._contents.get(place)
        if data is None:
            raise self._stranger(place, "who may have it: there is nothing to give yet")
        connection.settimeout(_PATIENCE)
        connection.sendall(data)

    def _refusal(self, connection: socket.socket, came: float, place: Place) -> str:
        """Say who a peer is that may not have what it asks for, "" if it may; raises OSError."""
        if user := peers.user(connection):
            return f"user {user}"
        found = self._unit(connection, came)
        return "" if found == place[0] else f"a process of {found or 'no unit that shows'}"

    def _asked(self, connection: socket.socket) -> Place:
        """Say what a peer asks for, by the name that it bound; raises StrangerError, OSError."""
        found = self.asked.fullmatch(peers.name(connection))
        unit, name = (
            (one.decode("ascii", "replace") for one in found.groups()) if found else ("", "")
        )
        if (unit, name) not in self._refused:
            raise StrangerError("asks for nothing of ours")
        return unit, name

    def _unit(self, connection: socket.socket, came: float) -> str:
        try:
            return peers.unit(connection, came)
        except OSError:  # it has ended
            return ""

    def _stranger(self, place: Place, whom: str) -> StrangerError:
        """Count who is refused."""
        self._refused[place] = self._refused[place][0] + 1, whom
        return StrangerError(whom)
