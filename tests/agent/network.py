"""A network of this process's own for a while, which has loopback alone."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEW_NETWORK, _UP, _SET_FLAGS = 0x40000000, 0x1, 0x8914


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Put this thread, and whom it starts, into it, and come back afterwards."""
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        assert ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK) == 0
        with socket.socket() as any_socket:
            fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
        yield
    finally:
        assert ctypes.CDLL(None).setns(before, _NEW_NETWORK) == 0
        os.close(before)
