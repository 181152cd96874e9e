"""Say who acts: this process, its user, the login it comes from, its unit. EDGE."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from agent.events import Actor
from checks.printable import printable

_UNSET: Final = 0xFFFFFFFF
"""What the kernel says of a process that no login started."""
_UNITS: Final = (".service", ".scope")
_LONGEST: Final = 256


def current() -> Actor:
    """Give the actor that this process is; what the kernel does not tell is left out."""
    return Actor(
        login=login(),
        uid=os.geteuid(),
        pid=os.getpid(),
        executable=_executable(),
        unit=_unit(_text("/proc/self/cgroup")),
    )


def login() -> int:
    """Give the user id with which somebody logged in (pam_loginuid(8)), -1 for nobody.

    It stays what it was when that person becomes root.
    """
    told = _text("/proc/self/loginuid").strip()
    return int(told) if told.isdecimal() and int(told) != _UNSET else -1


def _executable() -> str:
    try:
        return printable(os.readlink("/proc/self/exe"), longest=_LONGEST)
    except OSError:
        return ""


def _unit(cgroups: str) -> str:
    """Give the innermost unit in the path of the unified hierarchy (cgroups(7))."""
    path = next((line[3:] for line in cgroups.splitlines() if line.startswith("0::")), "")
    parts = [part for part in path.split("/") if part.endswith(_UNITS)]
    return printable(parts[-1], longest=_LONGEST) if parts else ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
