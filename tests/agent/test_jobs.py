"""A process becomes a job that reads a secret on its standard input."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import NOBODY

_BECOME = """
import os, sys
from agent import jobs
from agent.jobdesk import JobError
{more}
try:
    jobs.become({words!r}, b"x" * {size})
except JobError as error:
    print(error)
    sys.exit(getattr(error, "status", 125))
"""
_LARGE = 64 * 1024


def _ran(words: list[str], size: int = 4, more: str = "") -> subprocess.CompletedProcess[str]:
    script = _BECOME.format(words=words, size=size, more=more)
    command = [sys.executable, "-c", script]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("size", [1, 5000, _LARGE])
def test_the_job_reads_all_of_it_and_then_the_end(size: int) -> None:
    """Before it began, it was all in the pipe."""
    assert _ran(["wc", "-c"], size).stdout.strip() == str(size)


def test_the_job_is_this_process_with_signals_as_programs_expect_them() -> None:
    """Its number stays; a broken pipe ends it, as it does any program.

    What whoever started it ignores stays ignored, as a hangup under nohup does.
    """
    ours = int(Path("/proc/self/status").read_text().partition("SigIgn:")[2].split()[0], 16)
    left = ours & ~sum(1 << (number - 1) for number in (signal.SIGPIPE, signal.SIGXFSZ))
    script = 'test "$PPID" = "$0" && grep SigIgn /proc/self/status; exit 9'
    done = _ran(["sh", "-c", script, str(os.getpid())])
    assert (done.returncode, done.stdout.split()) == (9, ["SigIgn:", f"{left:016x}"])


@pytest.mark.parametrize(
    ("words", "status"), [(["/nowhere/x"], 127), (["/etc/passwd"], 126), (["a\0b"], 126)]
)
def test_what_cannot_be_run_is_told(words: list[str], status: int) -> None:
    """By the status that shells give, and without what was to be read."""
    done = _ran(words)
    assert (done.returncode, "xxxx" in done.stdout) == (status, False)
    assert "Traceback" not in done.stderr


def test_what_does_not_fit_is_not_given_in_part() -> None:
    """A user whose pipes may be no larger gets an error."""
    if os.geteuid():
        pytest.skip("needs root to be another user")
    become = f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})"
    done = _ran(["cat"], 16 * 1024 * 1024, become)
    assert (done.returncode, "no room" in done.stdout) == (125, True)
