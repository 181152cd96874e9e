"""Probe as a process that stays does: one JSON object a line in, one out. Started by tls.py.

in: probe ("full" or "fingerprint"), host, port, name; out: seconds, processor (seconds),
connections, memory (peak of this process, MB), and what was found, to compare runs by.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path

from checks.tls import fingerprint, look
from checks.tls.dial import Dialer
from checks.tls.facts import Target

_SECONDS = 8.0
_MOST_FINGERPRINT = 3


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        target = Target(asked["host"], asked["port"], asked["name"])
        clock, processor = time.perf_counter(), time.process_time()
        connections, found = _PROBES[asked["probe"]](target)
        answer = {
            "seconds": time.perf_counter() - clock,
            "processor": time.process_time() - processor,
            "connections": connections,
            "memory": _peak(),
            "found": found,
        }
        print(json.dumps(answer), flush=True)


def _full(target: Target) -> tuple[int, str]:
    facts = look.observe(target)
    spoken = [version.label for version, yes in facts.versions.items() if yes]
    return facts.connections, f"{sorted(spoken)} unseen {facts.unseen}"


def _fingerprint(target: Target) -> tuple[int, str]:
    dialer = Dialer(target, _SECONDS, _MOST_FINGERPRINT)
    found = fingerprint.fingerprint(dialer, target, os.urandom)
    return dialer.connections, found


def _peak() -> float:
    """Peak of this process's resident memory in MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    return int(found[1]) / 1e3 if found else 0.0


_PROBES = {"full": _full, "fingerprint": _fingerprint}

if __name__ == "__main__":
    main()
