"""Show a part of an open file as a file of its own. EDGE."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Window(io.RawIOBase):
    """A part of an open file as a file of its own, wherever others who share it have moved to."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        """Show SIZE bytes from START on; the descriptor stays the caller's to close."""
        super().__init__()
        self._descriptor = descriptor
        self._start = start
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read in any order."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill BUFFER as far as there is something; raises OSError."""
        view = memoryview(buffer)[: max(0, self._size - self._at)]
        got = os.preadv(self._descriptor, [view], self._start + self._at) if view else 0
        self._at += got
        return got

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move, and say where to."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Say where the next byte stands."""
        return self._at
