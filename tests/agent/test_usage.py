"""What a role uses is measured with its children, and over the last minute."""

from __future__ import annotations

import os
import signal
import time

from agent import usage


def test_children_at_work_count() -> None:
    """Not only those that have ended."""
    before = usage.cpu()
    pid = os.fork()
    if pid == 0:
        while True:
            pass
    end = time.monotonic() + 20
    try:
        while usage.cpu() - before < 0.2:
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert usage.cpu() - before >= 0.2


def test_the_load_is_that_of_the_last_minute() -> None:
    """In percent of one core; a counter that went back is no use."""
    load = usage.Load()
    assert load.over(0, 100) == 0
    assert load.over(5, 101) == 20
    for second in range(10, 200, 5):
        told = load.over(second, 101 + second / 100)
    assert told == 1
    assert load.over(205, 0) == 0


def test_memory_is_what_is_resident() -> None:
    """More than the interpreter takes at least."""
    assert usage.memory() > 5 * 1024 * 1024
