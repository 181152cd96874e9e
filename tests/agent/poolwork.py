"""Run a pool over the paths on standard input; the first word of a name says what befalls it.

Run:  python -I poolwork.py PROCESSES SECONDS     paths end in NUL; prints one JSON object
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from agent.pool import Pool
from checks.model import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.scanned import Result

DONE = "done"
_STEP = 128 * 1024 * 1024


def _hang(_result: Result) -> None:
    while True:
        time.sleep(0.05)


def _deaf(result: Result) -> None:
    """Hang as a library would that never comes back to Python, so that no alarm is heard."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    _hang(result)


def _eat(_result: Result) -> None:
    held = []
    while True:
        held.append(bytes(_STEP))  # zeroed by the kernel when touched: takes no real memory


def _raise(_result: Result) -> None:
    message = "text that may repeat what was read"
    raise ValueError(message)


def _recurse(result: Result) -> None:
    _recurse(result)


def _late(_result: Result) -> None:
    """Die a moment later, wherever the worker is then."""
    threading.Timer(0.02, os._exit, (9,)).start()
    time.sleep(0.01)


ACTS: dict[str, Callable[[Result], object]] = {
    "abort": lambda _result: os.abort(),
    "bulky": lambda result: result.inconclusive.extend([Inconclusive("x" * 200, "bulk")] * 20_000),
    "deaf": _deaf,
    "eat": _eat,
    "exit": lambda _result: os._exit(3),
    "hang": _hang,
    "late": _late,
    "raise": _raise,
    "recurse": _recurse,
    "segv": lambda _result: ctypes.string_at(0),
    "strange": lambda result: result.inconclusive.append(object()),  # type: ignore[arg-type]  # cannot be sent
}


def work(path: str, result: Result) -> None:
    """Do what the name says, then report the path as done."""
    act = ACTS.get(os.path.basename(path).partition("-")[0])
    if act is not None:
        act(result)
    result.files += 1
    result.inconclusive.append(Inconclusive(path, DONE))


def main() -> None:
    """Run the pool and print what it gave and what it left behind."""
    paths = [os.fsdecode(name) for name in sys.stdin.buffer.read().split(b"\0")[:-1]]
    pool = Pool(work, int(sys.argv[1]), int(sys.argv[2]))
    before = os.listdir("/proc/self/fd")
    results = list(pool.run(paths))
    seen = [one for result in results for one in result.inconclusive if one.reason != "bulk"]
    report = {
        "files": sum(result.files for result in results),
        "results": len(results),
        "outcomes": [[one.path, one.reason, one.detail] for one in seen],
        "descriptors": len(os.listdir("/proc/self/fd")) - len(before),
        "children": _children(),
    }
    json.dump(report, sys.stdout)


def _children() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


if __name__ == "__main__":
    main()
