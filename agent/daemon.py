"""Start the roles, each in a process of its own, and keep them running. EDGE.

Everything is loaded once and the heap frozen, so that the roles share it. A role that ends or does
not show signs of life is started again, alone, after a while that grows; the others go on.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import time
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import backoff, bounds, faults
from agent.requests import Do
from agent.roles.base import Base

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.doing import Doer
    from agent.requests import Request
    from agent.roles.walls import Walls
    from agent.settings import Settings

    Role = Callable[["Life"], None]

NAME: Final = "supervisor"
_PATIENCE: Final = 15.0
"""Seconds that roles have to end when they are asked to."""
_SILENCE: Final = 120.0
"""Seconds without a sign of life after which a role is killed."""
_STABLE: Final = 60.0
"""A role that ran for so many seconds begins anew with short waits."""
_TURN: Final = 1.0


class Told(NamedTuple):
    """Whom to tell that all is ready, and that it lives."""

    ready: Callable[[], None]
    alive: Callable[[], None]


class Life(NamedTuple):
    """How a role tells who started it, a supervisor or the system, how it is."""

    told: Told

    def ready(self) -> None:
        """Tell that the role does its work from now on."""
        self.told.ready()

    def beat(self) -> None:
        """Tell that the role lives."""
        self.told.alive()


def by_pipe(pipe: int) -> Life:
    """Tell a supervisor, by the writing end of a pipe."""

    def say(word: bytes) -> None:
        with contextlib.suppress(OSError):  # a full pipe says enough
            os.write(pipe, word)

    return Life(Told(lambda: say(b"r"), lambda: say(b".")))


class _Child:
    """One role."""

    def __init__(self, name: str, role: Role) -> None:
        self.name, self.role = name, role
        self.pid = 0
        self.pipe = -1
        self.heard = self.started = self.due = 0.0
        self.failures = 0
        self.ready = False

    def shut(self) -> None:
        """Stop hearing what it says."""
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1


class Supervisor:
    """Starts roles and starts them again."""

    def __init__(
        self,
        settings: Settings,
        roles: Mapping[str, Role],
        told: Told,
        walls: Walls | None = None,
        doer: Doer | None = None,
    ) -> None:
        """Open the supervisor's own state: what happens to roles is reported.

        doer: does what the keeper may ask for, None where that is systemd's.
        """
        self._base = Base(NAME, settings, walls)
        if doer is not None:
            self._base.answering.does["do"] = lambda asked: _done(doer, asked)
        self._children = [_Child(name, role) for name, role in roles.items()]
        self._told = told
        self._told_ready = False
        self._rng = Random(os.urandom(16))  # noqa: S311 - spreads restarts, guards nothing

    def run(self) -> None:
        """Keep the roles running until told to stop."""
        self._base.listen()
        wake, waking = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _nothing)
        try:
            while not self._base.stopping:
                self._turn(wake)
        finally:
            self._stop_all()
            signal.set_wakeup_fd(-1)
            self._base.close()

    def _turn(self, wake: int) -> None:
        now = time.monotonic()
        for child in self._children:
            if not child.pid and now >= child.due:
                self._start(child)
        self._wait(wake)
        self._hear()
        self._reap()
        if self._base.reloading:
            self._base.reloading = False
            self._send_all(signal.SIGHUP)
        if not self._told_ready and all(child.ready for child in self._children):
            self._told_ready = True
            self._told.ready()
        self._told.alive()
        running = {child.name: child.pid for child in self._children}
        self._base.care(running)

    def _wait(self, wake: int) -> None:
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        for child in self._children:
            if child.pipe >= 0:
                poll.register(child.pipe, select.POLLIN)
        poll.poll(1000 * self._base.pause(_TURN))
        with contextlib.suppress(BlockingIOError):
            os.read(wake, 4096)

    def _start(self, child: _Child) -> None:
        """Start a role; where the system has no process or descriptor to spare, try again later."""
        now = time.monotonic()
        with contextlib.ExitStack() as opened:
            try:
                ours, theirs = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
                opened.callback(os.close, theirs)
                opened.callback(os.close, ours)
                gc.freeze()
                pid = os.fork()
            except OSError as error:
                self._failed(child, f"cannot be started: {error.strerror}")
                return
            if pid == 0:
                self._become(child, theirs)
            opened.pop_all()
        os.close(theirs)
        child.pid, child.pipe, child.started, child.heard = pid, ours, now, now

    def _become(self, child: _Child, pipe: int) -> None:
        """Be a role, and nothing else after it."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until it listens, it reads the newest
            bounds.keep_only({pipe})
            child.role(by_pipe(pipe))
            status = 0
        except Exception as error:  # noqa: BLE001 - a traceback may repeat what was read
            os.write(2, f"hygiene-agent: {child.name}: {faults.where(error)}\n".encode())
        finally:
            os._exit(status)

    def _hear(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if not child.pid:
                continue
            if child.pipe >= 0:
                self._listen(child, now)
            if now - child.heard > _SILENCE:
                self._base.tell("role silent", child.name)
                os.kill(child.pid, signal.SIGKILL)
                child.heard = now

    def _listen(self, child: _Child, now: float) -> None:
        with contextlib.suppress(BlockingIOError):
            if words := os.read(child.pipe, 4096):
                child.heard = now
                child.ready = child.ready or b"r" in words
            else:  # it ended, or will be taken for silent
                child.shut()

    def _reap(self) -> None:
        """Take in who ended; as a container's first process also what roles left behind."""
        children = {child.pid: child for child in self._children if child.pid}
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] in children:
                    self._ended(children[ended[0]], os.waitstatus_to_exitcode(ended[1]))

    def _ended(self, child: _Child, code: int) -> None:
        child.shut()
        child.pid, child.ready = 0, False
        if time.monotonic() - child.started > _STABLE:
            child.failures = 0
        how = f"signal {-code}" if code < 0 else f"status {code}"
        self._failed(child, f"ended with {how}")

    def _failed(self, child: _Child, how: str) -> None:
        child.failures += 1
        wait = backoff.delay(child.failures, self._rng)
        child.due = time.monotonic() + wait
        self._base.tell("role restarted", f"{child.name} {how}, again in {wait:.1f} s")

    def _send_all(self, number: int) -> None:
        for child in self._children:
            if child.pid:
                os.kill(child.pid, number)

    def _stop_all(self) -> None:
        """Ask every role to end, and end those that do not."""
        self._send_all(signal.SIGTERM)
        end = time.monotonic() + _PATIENCE
        while any(child.pid for child in self._children):
            for child in self._children:
                if not child.pid:
                    continue
                if time.monotonic() > end:
                    os.kill(child.pid, signal.SIGKILL)
                    os.waitpid(child.pid, 0)
                    child.pid = 0
                elif os.waitpid(child.pid, os.WNOHANG)[0]:
                    child.pid = 0
            self._told.alive()
            time.sleep(0.02)


def _done(doer: Doer, asked: Request) -> tuple[str, bool]:
    assert isinstance(asked, Do)
    why = doer.do(asked.action)
    return why or "done", not why


def _nothing(_number: int, _frame: object) -> None:
    """Let a signal end a wait."""
