"""Give jobs what they need, each to the users that the bootstrap file names. EDGE.

A job says by the abstract name that it binds, RANDOM/key/NAME, what it asks for; the kernel says
whose it is. What it gets begins with its length, lest a part of it is taken for all of it.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import stat
import time
from typing import ClassVar, Final

from agent import folders, peers
from agent.credentialdesk import MOST, Desk, Place
from checks.errors import HygieneError
from checks.printable import printable

NAME: Final = "jobs.sock"
_PATIENCE: Final = 10.0
"""Seconds for a whole answer."""
_ANYBODY: Final = 0o666
_THROUGH: Final = stat.S_IXGRP | stat.S_IXOTH
_CHUNK: Final = 64 * 1024
_LENGTH: Final = re.compile(rb"([1-9][0-9]{0,5})\n")


class JobError(HygieneError):
    """What a job asked for was not given."""


class JobDesk(Desk):
    """The socket, which everybody may connect to."""

    name: ClassVar[str] = NAME
    asked: ClassVar[re.Pattern[bytes]] = re.compile(rb"[0-9a-f]{1,16}/(key)/([^/\0]{1,64})")

    def __init__(self, folder: str) -> None:
        """Keep where the socket is to be."""
        super().__init__(folder)
        self._users: dict[Place, frozenset[int]] = {}

    def allow(self, place: Place, users: frozenset[int]) -> None:
        """Know a place, and whose jobs may have what is there, but for root's.

        Raises DeliveryError for one that is known.
        """
        self.add(place)
        self._users[place] = users

    def put(self, place: Place, data: bytes) -> None:
        """Give it to jobs from now on, behind its length."""
        super().put(place, b"%d\n%b" % (len(data), data))

    def _listening(self) -> socket.socket:
        """Bind the socket, and let others come to it: nothing else in the folder is theirs."""
        listener = super()._listening()
        try:
            with folders.opened(self._folder) as folder:
                os.chmod(self.name, _ANYBODY, dir_fd=folder)
                way = f"/proc/self/fd/{folder}"
                os.chmod(way, stat.S_IMODE(os.stat(way).st_mode) | _THROUGH)
        except BaseException:
            listener.close()
            raise
        return listener

    def _refusal(self, connection: socket.socket, _came: float, place: Place) -> str:
        user = peers.user(connection)
        return "" if user in {0, *self._users[place]} else f"user {user}"


def fetch(path: str, key: str) -> bytes:
    """Give what the keeper has ready for KEY at its socket; raises JobError."""
    until = time.monotonic() + _PATIENCE
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(_PATIENCE)
            line.bind(f"\0{secrets.token_hex(8)}/key/{key}")
            line.connect(path)
            told = _read(line, until)
    except OSError as error:
        why = error.strerror or "no answer"
        raise JobError(f"{printable(path)}: {why}\nhint: does the keeper run?") from None
    if not told:
        hint = "hint: keys status says whether it is there, `users` of its delivery who gets it"
        raise JobError(f"{printable(key)}: the keeper gives it not, or not to this user\n{hint}")
    found = _LENGTH.match(told)
    if not found or len(told) - found.end() != int(found[1]):
        raise JobError(f"{printable(key)}: the keeper's answer broke off")
    return told[found.end() :]


def _read(line: socket.socket, until: float) -> bytes:
    """Read to the end, or to more than there can be; raises OSError."""
    told = bytearray()
    while len(told) <= MOST + _CHUNK:
        line.settimeout(max(until - time.monotonic(), 0.001))
        part = line.recv(_CHUNK)
        if not part:
            break
        told += part
    return bytes(told)
