"""Memory that one process fills and those forked from it read: files without a name. EDGE."""

from __future__ import annotations

import os
from typing import Final

PAGE: Final = 4096
"""Where a buffer's content begins."""


class Buffers:
    """So many buffers; what is in one stays until it is taken for something else."""

    def __init__(self, count: int) -> None:
        """Make them, empty; raises OSError."""
        flags = os.MFD_CLOEXEC
        self.descriptors = [os.memfd_create("hygiene-agent", flags) for _ in range(count)]
        self._held = [0] * count

    def held(self, used: set[int]) -> int:
        """Give how many bytes are in buffers that are in use."""
        return sum(size for number, size in enumerate(self._held) if number in used)

    def take(self, used: set[int]) -> int:
        """Give the number of a buffer that is not in use, emptied; there has to be one."""
        number = next(n for n in range(len(self._held)) if n not in used)
        os.ftruncate(self.descriptors[number], 0)
        self._held[number] = 0
        return number

    def put(self, number: int, data: bytes) -> int:
        """Add to a buffer; give where it begins."""
        start = PAGE + self._held[number]
        view = memoryview(data)
        while view:
            at = PAGE + self._held[number]
            done = os.pwrite(self.descriptors[number], view, at)
            self._held[number] += done
            view = view[done:]
        return start

    def close(self) -> None:
        """Let go of the memory."""
        for descriptor in self.descriptors:
            os.close(descriptor)
