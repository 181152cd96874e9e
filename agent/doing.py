"""Do what the bootstrap file allows by name, in a process that can be asked for nothing else. EDGE.

Where systemd reloads services this is not needed. Elsewhere the supervisor, which is confined, asks
a process that is not: by the number of an action, over a pipe that nobody else has.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.keysettings import Action

_SECONDS: Final = 25
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MOST: Final = 255
_PASSED_OVER: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Doer(NamedTuple):
    """The process that does it, as its parent has it. names: of the actions, by their numbers."""

    pid: int
    ask: int
    told: int
    names: tuple[str, ...]

    def do(self, action: str) -> str:
        """Have an action done; gives why it could not be, "" if it was."""
        if action not in self.names:
            return "no command of the bootstrap file"
        try:
            os.write(self.ask, bytes([self.names.index(action)]))
            if not select.select([self.told], [], [], _SECONDS + 5)[0]:
                return "took too long"
            status = os.read(self.told, 1)
        except OSError as error:
            return f"cannot be asked for: {error.strerror}"
        if not status:
            return "the process that does it ended"
        return "" if status == b"\0" else f"ended with status {status[0]}"


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
    return Doer(pid, ask, told, tuple(commands)[:_MOST])


def _serve(commands: list[tuple[str, ...]], asked: int, tell: int) -> None:
    """Do what is asked until nobody can ask any more."""
    while number := os.read(asked, 1):
        os.write(tell, bytes([_status(commands[number[0]])]))


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
