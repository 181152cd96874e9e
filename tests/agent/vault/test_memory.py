"""What a process holds is in no core dump and no swap, or it is said that it may be."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from agent.vault import memory

_PROTECTED = """
import ctypes, json, os, resource, sys
sys.path.insert(0, sys.argv[1])
from agent.vault import memory
resource.setrlimit(resource.RLIMIT_MEMLOCK, {limit})
told = memory.protect()
held = bytearray(8 * 1024 * 1024)
held[::4096] = b"x" * len(held[::4096])
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({{
    "told": told,
    "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),
    "filter": open("/proc/self/coredump_filter").read().strip() if not os.geteuid() else "0",
    "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
    "locked": int(status["VmLck"].split()[0]),
}}))
"""
_UNLIMITED = "(resource.RLIM_INFINITY, resource.RLIM_INFINITY)"


def _protected(limit: str) -> dict[str, object]:
    """Protect a process of its own, and have it say what it is like then."""
    code = _PROTECTED.format(limit=limit)
    root = __file__.rpartition("/tests/")[0]
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, root], capture_output=True, text=True, check=False
    )
    if "not allowed to raise" in done.stderr:
        pytest.skip("this user may lock no memory")
    assert not done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_process_is_not_dumped() -> None:
    """No core, nothing in it, and nobody who could look at the process as it runs."""
    found = _protected("(0, 0)")
    assert (found["dumpable"], found["core"]) == (0, 0)
    assert int(str(found["filter"]), 16) == 0


def test_memory_is_locked_where_that_has_no_limit() -> None:
    """All that is used later is locked too."""
    found = _protected(_UNLIMITED)
    assert found["told"] == []
    assert int(str(found["locked"])) > 8 * 1024


def test_memory_is_not_locked_up_to_a_limit() -> None:
    """With a limit, which could end the process later, nothing is locked."""
    assert _protected("(65536, 65536)")["locked"] == 0


def test_swap_is_told() -> None:
    """Swap on disks counts; what is memory itself does not."""
    table = (
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        "/dev/sda2                               partition\t999\t\t0\t\t-2\n"
        "/dev/zram0                              partition\t999\t\t0\t\t100\n"
        "/swap\\040file                           file\t\t999\t\t0\t\t-3\n"
    )
    assert memory.swaps(table) == ["/dev/sda2", "/swap\\040file"]
    assert memory.swaps("") == memory.swaps(table.splitlines()[0]) == []


def test_what_was_not_possible_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a lock it hangs on the host's swap and the unit's own limit whether that is told."""
    group = "0::/system.slice/keeper.service\n"
    files = {
        "/proc/swaps": "Filename\n/dev/sda2 partition 9 0 -2\n",
        "/proc/self/cgroup": group,
    }
    monkeypatch.setattr(memory, "_read", lambda file: files.get(file, ""))
    monkeypatch.setattr(memory, "_locked", lambda: False)
    [told] = memory._no_swap()
    assert "may be swapped to /dev/sda2" in told
    assert "MemorySwapMax=0" in told
    files["/sys/fs/cgroup/system.slice/memory.swap.max"] = "0\n"
    assert memory._no_swap() == []
    files["/sys/fs/cgroup/system.slice/memory.swap.max"] = "max\n"
    assert memory._no_swap() == [told]
    files["/proc/swaps"] = "Filename\n"
    assert memory._no_swap() == []
