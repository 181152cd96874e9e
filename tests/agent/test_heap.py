"""Free memory goes back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_MANY = """
import os, sys
from agent import heap

heap.limit()
held = [bytes(900) for _ in range(60_000)]
last = bytes(900)  # free memory below what is in use stays, unless it is given back
del held
size = lambda: int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE")
before = size()
if sys.argv[1] == "back":
    heap.give_back()
print(before - size())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have other ways")
def test_what_is_free_is_given_back() -> None:
    """More than half of what was freed goes; next to nothing does where it is not given back."""
    freed = {how: int(_run(_MANY, how)) for how in ("back", "not")}
    assert freed["back"] > 30_000_000
    assert freed["not"] < 1_000_000


def _run(program: str, how: str) -> str:
    words = [sys.executable, "-I", "-c", program, how]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout
