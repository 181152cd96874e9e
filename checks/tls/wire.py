"""Read and write the length-prefixed numbers and vectors of TLS, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Iterable


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
        return tuple(self.number(size) for _ in range(len(self) // size))


def number(value: int, size: int) -> bytes:
    """Write a number in SIZE bytes."""
    return value.to_bytes(size, "big")


def vector(data: bytes, prefix: int) -> bytes:
    """Write data behind its length in PREFIX bytes."""
    return number(len(data), prefix) + data


def numbers(values: Iterable[int], size: int) -> bytes:
    """Write numbers of SIZE bytes each, one behind the other."""
    return b"".join(number(value, size) for value in values)
