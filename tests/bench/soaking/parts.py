"""What a host is made of that can go wrong: its clock, its disks, its programs."""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import struct
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHIFT: Final = struct.Struct("=q")
_FILLER: Final = "filler"
_AGAIN: Final = 1.0
"""Seconds after which a program that ended by itself is started again."""


def compiled(folder: Path) -> Path:
    """Make what lets a clock jump, to be preloaded: a time namespace does not cover this clock."""
    library, source = folder / "clock.so", Path(__file__).with_name("clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library


class Clock:
    """The calendar clock of the programs that run with `environ`; it can jump while they do."""

    def __init__(self, place: Path, library: Path) -> None:
        """Begin with the real time. place: a file for it alone."""
        place.write_bytes(_SHIFT.pack(0))
        with place.open("r+b") as file:
            self._shift = mmap.mmap(file.fileno(), _SHIFT.size)
        self.environ = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(place)}
        self.shifted = 0

    def shift(self, seconds: int) -> None:
        """Be so many seconds before (or, negative, behind) the real clock from now on."""
        self._shift[:] = _SHIFT.pack(seconds)
        self.shifted = seconds


class Disk:
    """A small file system in memory, of which the room may be taken away, or all writing."""

    def __init__(self, path: Path, mib: int) -> None:
        path.mkdir()
        _do("mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=750", "none", path)
        self._path, self._closed = path, path.with_name(f"{path.name}-closed")
        self._closed.mkdir()
        _do("mount", "--bind", path, self._closed)
        _do("mount", "-o", "remount,bind,ro", self._closed)
        self._folder = os.open(path, os.O_DIRECTORY | os.O_CLOEXEC)

    def fill(self, left: int) -> None:
        """Leave no more than so many bytes of room."""
        filler = os.open(_FILLER, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600, dir_fd=self._folder)
        size = 0
        with contextlib.suppress(OSError):
            while True:
                size += os.write(filler, bytes(1 << 16))
        os.ftruncate(filler, max(size - left, 0))
        os.close(filler)

    def free(self) -> None:
        """Give the room back."""
        os.unlink(_FILLER, dir_fd=self._folder)

    def close(self) -> None:
        """Let nothing be opened for writing any more; what is open already can be written.

        A file system that has writers cannot be made read-only as a whole, so this lays another
        view of it over it.
        """
        _do("mount", "--bind", self._closed, self._path)

    def open(self) -> None:
        """Let it be written again."""
        _do("umount", "--lazy", self._path)


def _do(*words: str | Path) -> None:
    subprocess.run(words, check=True)


class Program:
    """A program that is started again when it has ended, unless it is to be away."""

    def __init__(
        self, words: Sequence[str | Path], log: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        self._words, self._log = words, log
        self._environ = os.environ | (environ or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._due = 0.0
        self.away = False
        self.ends = 0
        """How often it ended by itself."""

    @property
    def pid(self) -> int:
        """Its number, 0 while it does not run."""
        return self._process.pid if self._process else 0

    def tend(self) -> None:
        """Start it where it should run and does not."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None
            self.ends += 1
            self._due = time.monotonic() + _AGAIN
        if self._process is None and not self.away and time.monotonic() >= self._due:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._words, stdout=log, stderr=log, env=self._environ, start_new_session=True
                )

    def kill(self) -> bool:
        """Kill it with all that it started; say whether it ran."""
        self.tend()
        if self._process is None:
            return False
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        return True

    def leave(self) -> None:
        """Kill it, and keep it away."""
        self.away = True
        self.kill()

    def come(self) -> None:
        """Let it run again."""
        self.away = False
        self.tend()

    def freeze(self) -> None:
        """Have it do nothing, while the kernel takes connections and bytes for it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def children(self) -> list[int]:
        """Give the processes that it started itself."""
        told = subprocess.run(["pgrep", "-P", str(self.pid)], capture_output=True, check=False)
        return [int(line) for line in told.stdout.split()] if self.pid else []

    def end(self, patience: float) -> int | None:
        """Ask it to end; give its status, None where it had ended or had to be killed."""
        self.away = True
        if self._process is None or self._process.poll() is not None:
            return None
        self._process.terminate()
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
