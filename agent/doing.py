"""Do what the bootstrap file allows by name, in a process that can be asked for nothing else. EDGE.

Where systemd reloads services this is not needed. Elsewhere the supervisor, which is confined, asks
a process that is not: by the number of an action, over a pipe that nobody else has.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import bounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.keysettings import Action

_SECONDS: Final = 25
"""That a command may take; killed then, it may still take a while to go."""
_PATIENCE: Final = _SECONDS + 5.0
_PAIR: Final = 2
"""Bytes that are written at once, and therefore read at once: a turn, and a number or a status."""
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MOST: Final = 255
_PASSED_OVER: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Doer(NamedTuple):
    """The process that does it, as its parent has it. names: of the actions, by their numbers.

    turns: numbers that tell an answer from one that came too late for the question before.
    """

    pid: int
    ask: int
    told: int
    names: tuple[str, ...]
    turns: Iterator[int]

    def do(self, action: str) -> str:
        """Have an action done; gives why it could not be, "" if it was."""
        if action not in self.names:
            return "no command of the bootstrap file"
        turn, ends = next(self.turns), time.monotonic() + _PATIENCE
        try:
            os.write(self.ask, bytes([turn, self.names.index(action)]))
            while select.select([self.told], [], [], max(ends - time.monotonic(), 0.0))[0]:
                answer = os.read(self.told, _PAIR)
                if not answer:
                    return "the process that does it ended"
                if answer[0] == turn:
                    return f"ended with status {answer[1]}" if answer[1] else ""
        except OSError as error:
            return f"cannot be asked for: {error.strerror}"
        return "took too long"


def begin(actions: Mapping[str, Action]) -> Doer | None:
    """Start it, before this process is confined; None where no action is a command."""
    commands = {name: told.command for name, told in actions.items() if told.command}
    if not commands:
        return None
    asked, ask = os.pipe2(os.O_CLOEXEC)
    told, tell = os.pipe2(os.O_CLOEXEC)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_OVER)
    pid = os.fork()
    if pid == 0:
        try:
            bounds.keep_only({asked, tell})
            for number in _PASSED_OVER:
                signal.signal(number, _pass_over)  # it ends with whom it serves
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            _serve(list(commands.values())[:_MOST], asked, tell)
        finally:
            os._exit(0)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(asked)
    os.close(tell)
    return Doer(pid, ask, told, tuple(commands)[:_MOST], itertools.cycle(range(256)))


def _serve(commands: list[tuple[str, ...]], asked: int, tell: int) -> None:
    """Do what is asked until nobody can ask any more."""
    while pair := os.read(asked, _PAIR):
        os.write(tell, bytes([pair[0], _status(commands[pair[1]])]))


def _pass_over(_number: int, _frame: object) -> None:
    """Do nothing; unlike SIG_IGN a command does not inherit this."""


def _status(command: tuple[str, ...]) -> int:
    """Run a command with nothing of ours but its words; gives its exit status, 255 for none."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": _PATH, "LANG": "C.UTF-8"},
            cwd="/",
            timeout=_SECONDS,
            check=False,
        )
        return min(abs(done.returncode), _MOST)
    return _MOST
