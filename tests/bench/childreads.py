"""Count what a process's children read, as the kernel has it."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path


class Reading(threading.Thread):
    """Adds up the bytes that a process's children read, as the kernel counts them (proc(5))."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._children = Path(f"/proc/{pid}/task/{pid}/children")
        self._read: dict[str, int] = {}
        self._over = threading.Event()

    def run(self) -> None:
        """Look again and again: readers end only after some seconds without work."""
        while not self._over.wait(0.1):
            self._look()

    def _look(self) -> None:
        for pid in self._children.read_text().split():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                [line, *_] = Path(f"/proc/{pid}/io").read_text().splitlines()
                self._read[pid] = int(line.removeprefix("rchar: "))

    def total(self) -> int:
        """Stop, and give the sum."""
        self._over.set()
        self.join()
        return sum(self._read.values())

    @property
    def idle(self) -> bool:
        """There is no child."""
        return not self._children.read_text()
