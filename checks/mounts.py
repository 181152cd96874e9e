"""What is mounted where, as this process sees it. EDGE."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_PSEUDO: Final = frozenset(
    "autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl"
    " hugetlbfs mqueue nsfs proc pstore securityfs selinuxfs sysfs tracefs".split()
)


class Mount(NamedTuple):
    """One mount: its number for as long as it lasts, where it is, the kind of its file system."""

    number: str
    point: str
    kind: str


def table() -> frozenset[Mount]:
    """List what is mounted for this process, nothing where mountinfo cannot be read (proc(5))."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
            rows = [line.split(" - ") for line in lines]
    except OSError:
        return frozenset()
    return frozenset(_mount(*row) for row in rows if len(row) == 2)


def _mount(place: str, what: str) -> Mount:
    number, _, _, _, point, *_ = place.split()
    shown = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), point)
    return Mount(number, shown, what.split(maxsplit=1)[0])


def pseudo(mounted: Iterable[Mount]) -> frozenset[str]:
    """Give the mount points of the kernel's own file systems."""
    return frozenset(one.point for one in mounted if one.kind in _PSEUDO)
