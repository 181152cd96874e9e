"""Become a job that reads a secret on its standard input. EDGE.

The secret waits in a pipe, which is memory of the kernel that is never swapped, until the job reads
it. This process turns into the job, so that nothing of ours goes on that holds it: signals and the
exit status are the job's own. Core dumps stay off for it, as they are for this process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

from agent.jobdesk import JobError
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

NOT_FOUND: Final = 127
NOT_RUN: Final = 126
"""What shells give for a command that is not there, and one that cannot be run."""
_OURS: Final = (signal.SIGPIPE, signal.SIGXFSZ)
"""Signals that Python ignores, which a program would go on to ignore (signal(7))."""


class NotRunError(JobError):
    """A command that cannot be run; status: what shells give for that."""

    def __init__(self, text: str, status: int) -> None:
        """Keep why."""
        super().__init__(text)
        self.status = status


def become(command: Sequence[str], given: bytes) -> NoReturn:
    """Run a command in place of this process with GIVEN on its standard input.

    Raises JobError where the system has no room for it, NotRunError for a command that cannot be
    run.
    """
    filled = _filled(given)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    for number in _OURS:
        signal.signal(number, signal.SIG_DFL)
    os.dup2(filled, 0)
    try:
        os.execvp(command[0], list(command))  # noqa: S606 - the command that a person gave
    except (OSError, ValueError) as error:
        missing = isinstance(error, FileNotFoundError)
        why = getattr(error, "strerror", None) or "cannot be run"
        status = NOT_FOUND if missing else NOT_RUN
        raise NotRunError(f"{printable(command[0])}: {why}", status) from None


def _filled(data: bytes) -> int:
    """Give the end to read from of a pipe that holds DATA; raises JobError."""
    out, into = os.pipe2(os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # else it has what the system gives this user
            fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, len(data))
        os.set_blocking(into, False)
        with contextlib.suppress(BlockingIOError):
            if os.write(into, data) == len(data):
                return out
        raise JobError("this user has too many pipes open: no room for what the job is to read")
    finally:
        os.close(into)
