"""Read and write the length-prefixed numbers and vectors of TLS, within bounds."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Iterable

_RECORD_HEADER: Final = 5
_MESSAGE_HEADER: Final = 4
_SHORT: Final = 2
"""Bytes of the numbers of which a hello has hundreds."""


class WireError(HygieneError):
    """Bytes from a peer that are no TLS, or not the TLS that was due."""


class Reader:
    """Takes numbers and vectors from the front of bytes; raises WireError past the end."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: bytes) -> None:
        """Begin at the front."""
        self._data = data
        self._at = 0
        self._end = len(data)

    def __len__(self) -> int:
        """Count the bytes that are left."""
        return self._end - self._at

    def take(self, size: int) -> bytes:
        """Take SIZE bytes."""
        if size > len(self):
            raise WireError("message: ends too early")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size: int) -> int:
        """Take a number of SIZE bytes, most significant first."""
        return int.from_bytes(self.take(size), "big")

    def vector(self, prefix: int) -> bytes:
        """Take a vector whose length stands in PREFIX bytes in front of it."""
        return self.take(self.number(prefix))

    def rest(self) -> bytes:
        """Take all that is left."""
        return self.take(len(self))

    def numbers(self, size: int) -> tuple[int, ...]:
        """Take all that is left as numbers of SIZE bytes each."""
        found = []
        while len(self):
            found.append(self.number(size))
        return tuple(found)

    def end(self) -> None:
        """Raise WireError unless everything has been taken."""
        if len(self):
            raise WireError("message: goes on after its end")


def number(value: int, size: int) -> bytes:
    """Write a number in SIZE bytes; raises WireError for one that does not fit."""
    try:
        return value.to_bytes(size, "big")
    except OverflowError:
        raise WireError("message: too long to be written") from None


def vector(data: bytes, prefix: int) -> bytes:
    """Write data behind its length in PREFIX bytes; raises WireError for a length too large."""
    return number(len(data), prefix) + data


def numbers(values: Iterable[int], size: int) -> bytes:
    """Write numbers of SIZE bytes each, one behind the other; WireError for what does not fit."""
    if size != _SHORT:
        return b"".join(number(value, size) for value in values)
    found = tuple(values)
    try:
        return struct.pack(f">{len(found)}H", *found)
    except struct.error:
        raise WireError("message: too long to be written") from None


def take_record(stream: bytearray, longest: int) -> tuple[bytes, bytes] | None:
    """Take a record from the front: its header of 5 bytes and its body; None until it is whole.

    Raises WireError for a body of more than LONGEST bytes, before it has come.
    """
    if len(stream) < _RECORD_HEADER:
        return None
    size = int.from_bytes(stream[3:_RECORD_HEADER], "big")
    if size > longest:
        raise WireError("record: longer than any may be")
    whole = _taken(stream, _RECORD_HEADER + size)
    return (whole[:_RECORD_HEADER], whole[_RECORD_HEADER:]) if whole else None


def take_message(stream: bytearray, longest: int) -> bytes | None:
    """Take a handshake message with its header of 4 bytes from the front; None until it is whole.

    Raises WireError for one of more than LONGEST bytes, before it has come.
    """
    if len(stream) < _MESSAGE_HEADER:
        return None
    size = int.from_bytes(stream[1:_MESSAGE_HEADER], "big")
    if size > longest:
        raise WireError("message: longer than a handshake holds")
    return _taken(stream, _MESSAGE_HEADER + size)


def _taken(stream: bytearray, size: int) -> bytes | None:
    if len(stream) < size:
        return None
    taken = bytes(stream[:size])
    del stream[:size]
    return taken
