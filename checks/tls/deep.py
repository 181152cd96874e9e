"""Have sslyze look at a server: a child process that is limited, alone and never believed. EDGE.

sslyze needs an environment of its own and hangs for ever on some servers; nothing of ours but the
request is passed on, and at the deadline its whole process group is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Final

from checks.tls import deepfacts
from checks.tls.deepfacts import DeepError
from checks.tls.hello import host_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.tls.deepenv import Interpreter
    from checks.tls.deepfacts import Deep
    from checks.tls.facts import Target

SECONDS: Final = 60
_CHILD: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "deepchild.py")
_MOST: Final = 1024 * 1024
_CHUNK: Final = 64 * 1024
_GLANCE: Final = 0.5
"""Seconds until it is noticed that nobody waits for the answer any more."""
_ENVIRONMENT: Final = {
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",  # keeps threads within the limit on address space
    "OPENSSL_CONF": "/dev/null",  # the host's settings are for its own programs
}


def look(
    target: Target,
    python: Interpreter,
    *,
    seconds: int = SECONDS,
    wanted: Callable[[], bool] = lambda: True,
) -> Deep:
    """Run sslyze by the interpreter of its environment for at most SECONDS, and while it is wanted.

    Takes some 600 connections, one after the other. Raises DeepError for a child that cannot be
    started, is late, dies or babbles, and for a protocol that sslyze cannot begin TLS in.
    """
    if target.starttls and target.starttls not in deepfacts.STARTTLS:
        raise DeepError(f"sslyze: cannot begin TLS in {target.starttls}")
    try:
        return deepfacts.read(target, _printed(target, python, _Patience(seconds, wanted)))
    except OSError as error:
        raise DeepError(f"sslyze: cannot be started: {error.strerror}") from error


class _Patience:
    """How long an answer is waited for, from now on."""

    def __init__(self, seconds: int, wanted: Callable[[], bool]) -> None:
        self.seconds, self._wanted = seconds, wanted
        self._until = time.monotonic() + seconds

    def wait(self, source: int) -> None:
        """Wait until there is something to read; raises DeepError where there is no time left."""
        while self._wanted():
            left = self._until - time.monotonic()
            if left <= 0:
                raise DeepError(f"sslyze: timed out after {self.seconds} s")
            if select.select([source], [], [], min(left, _GLANCE))[0]:
                return
        raise DeepError("sslyze: given up")


def _printed(target: Target, python: Interpreter, patience: _Patience) -> bytes:
    """Start the child and give what it prints; raises DeepError when it is late or too long."""
    request = {
        "host": target.host,
        "port": target.port,
        "server_name": host_name(target.server_name).decode("ascii"),
        "starttls": target.starttls.upper(),
        "seconds": patience.seconds,
    }
    with subprocess.Popen(
        [python.path, "-I", "-B", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=_ENVIRONMENT,
        start_new_session=True,
    ) as process:
        try:
            printed = _exchanged(process, json.dumps(request).encode(), patience)
        finally:
            with contextlib.suppress(ProcessLookupError):  # it is not reaped yet: the group is its
                os.killpg(process.pid, signal.SIGKILL)
    if not printed and process.returncode:
        raise DeepError(f"sslyze: {_ended(process.returncode)}")
    return printed


def _exchanged(process: subprocess.Popen[bytes], request: bytes, patience: _Patience) -> bytes:
    """Hand over the request and read the answer up to its end."""
    if process.stdin is None or process.stdout is None:
        raise DeepError("sslyze: cannot be spoken to")
    with contextlib.suppress(BrokenPipeError):  # it died; how is said below
        process.stdin.write(request)
        process.stdin.flush()
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    printed, source = bytearray(), process.stdout.fileno()
    while True:
        patience.wait(source)
        piece = os.read(source, _CHUNK)
        if not piece:
            return bytes(printed)
        printed += piece
        if len(printed) > _MOST:
            raise DeepError("sslyze: says more than an answer holds")


def _ended(status: int) -> str:
    if status == -signal.SIGALRM:
        return "timed out"
    return f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
