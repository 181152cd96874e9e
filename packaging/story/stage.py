"""The stage: where the story's files are, and what runs on it until the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Self

import telling
from authority import Authority

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class Stage:
    """Two folders and what was started in them; leaving it stops and removes all but the log.

    folder: on a disk; memory: on tmpfs, for what must be on no disk; log: what the programs say,
    kept only if the story does not come to its end.
    """

    def __init__(self, folder: Path, log: Path, *, keep: bool = False) -> None:
        """Make the folders anew; keep: leave the one on the disk, to look into it afterwards."""
        self.folder, self._keep = folder, keep
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        log.unlink(missing_ok=True)
        private(log, "")
        self._log, self._said = log, log.open("ab")
        self.authority = Authority()
        self.memory = Path(tempfile.mkdtemp(prefix="story-", dir="/dev/shm"))
        self.authority = Authority()
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, signal.SIG_IGN)  # impatience must leave nothing behind
        for program in reversed(self._running):
            self.stop(program)
        if isinstance(error, Exception):
            self._said.write("".join(traceback.format_exception(error)).encode())
        self._said.close()
        shutil.rmtree(self.memory, ignore_errors=True)
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        if error is None or isinstance(error, KeyboardInterrupt):
            self._log.unlink()

    def start(self, *words: object, **environ: str) -> subprocess.Popen[bytes]:
        """Start a program that is stopped with the story, and that no Ctrl-C reaches."""
        made = subprocess.Popen(
            [str(word) for word in words],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            env={**os.environ, **environ},
            start_new_session=True,
        )
        self._running.append(made)
        return made

    def serve(self, what: str, ready: Callable[[], object], *words: object, **environ: str) -> None:
        """Start a server and wait until it is ready; raises SystemExit if it ends instead."""
        program = self.start(*words, **environ)
        telling.until(lambda: program.poll() is not None or ready(), what)
        if program.returncode is not None:
            raise SystemExit(f"story: {what} ended with status {program.returncode}")

    def stop(self, program: subprocess.Popen[bytes]) -> None:
        """Stop a program, and end what is left of it after half a minute."""
        program.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()

    def call(self, *words: str) -> None:
        """Run a program to its end; raises SystemExit where it fails."""
        if subprocess.run(words, check=False, stdout=self._said, stderr=self._said).returncode:
            raise SystemExit(f"story: failed: {' '.join(words)}")

    def hygiene(self, *words: object) -> str:
        """Run hygiene-agent as the visitor would, show that, and give what it prints."""
        telling.command(["hygiene-agent", *(self.short(str(word)) for word in words)])
        return self.short(self.quietly(*words))

    def quietly(self, *words: object) -> str:
        """Run hygiene-agent; raises SystemExit where it cannot do what it is told."""
        done = self.run(*words)
        if done.returncode not in {0, 1}:
            raise SystemExit(f"story: hygiene-agent {words[0]} {words[1]}: {done.stderr}")
        return done.stdout

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run hygiene-agent, whatever comes of it."""
        command = [str(beside("hygiene-agent")), *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def short(self, text: str) -> str:
        """Write the paths of a text as the visitor is told to read them."""
        return text.replace(f"{self.folder}/", "").replace(f"{self.memory}/", "memory/")


def private(path: Path, content: str) -> None:
    """Write a file for its owner alone."""
    path.touch(0o600)
    path.write_text(content)


def beside(name: str) -> Path:
    """Give a program of the environment that the story runs in."""
    return Path(sys.executable).with_name(name)


def free() -> int:
    """Give a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Say whether somebody listens on a port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
