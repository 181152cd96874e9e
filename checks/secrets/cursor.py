"""Read length-prefixed binary data forwards without believing any length in it."""

from __future__ import annotations

from checks.errors import FormatError


class Cursor:
    """A position in bytes; every read past the end raises FormatError, which quotes nothing."""

    __slots__ = ("_data", "at")

    def __init__(self, data: bytes, at: int = 0) -> None:
        """Start at offset AT of the data."""
        self._data = data
        self.at = at

    def __repr__(self) -> str:
        """Give the position only: the data may be a key."""
        return f"<Cursor at {self.at} of {len(self._data)}>"

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self.at

    def take(self, size: int) -> bytes:
        """Give the next SIZE bytes."""
        if not 0 <= size <= self.left:
            raise FormatError("a length points past the end")
        self.at += size
        return self._data[self.at - size : self.at]

    def number(self, size: int) -> int:
        """Give the next SIZE bytes as an unsigned number, highest byte first."""
        return int.from_bytes(self.take(size), "big")

    def string(self, size: int = 4) -> bytes:
        """Give the bytes that follow their own length, which is SIZE bytes long."""
        return self.take(self.number(size))
