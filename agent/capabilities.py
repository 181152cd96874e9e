"""Keep the few capabilities a process needs, and lose the others for good. EDGE."""

from __future__ import annotations

import contextlib
import ctypes
import struct
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from agent import syscalls

if TYPE_CHECKING:
    from collections.abc import Collection

_NUMBERS: Final = {"x86_64": (125, 126), "aarch64": (90, 91)}
"""capget and capset, by processor."""
_VERSION: Final = 0x20080522
"""_LINUX_CAPABILITY_VERSION_3: two words a set (capget(2))."""
_HEADER: Final = struct.Struct("=Ii")
_SETS: Final = struct.Struct("=6I")
_CLEAR_ALL: Final = 4
_MOST: Final = 63


class Capability(IntEnum):
    """capabilities(7): those that a role of ours may have."""

    CAP_DAC_READ_SEARCH = 2


def keep(wanted: Collection[Capability], machine: str) -> list[str]:
    """Lose every capability that is not wanted; say what is wanted and not held.

    What stays is effective at once, and is not passed on to a program that is run.
    """
    if machine not in _NUMBERS:
        return [f"capabilities: {machine} is not known"]
    get, put = _NUMBERS[machine]
    header = _HEADER.pack(_VERSION, 0)
    sets = ctypes.create_string_buffer(_SETS.size)
    syscalls.call(get, header, sets)
    _, permitted, _, _, high, _ = _SETS.unpack(sets.raw)
    left = (permitted | high << 32) & sum(1 << one for one in wanted)
    _unbind(wanted)
    with contextlib.suppress(OSError):  # kernels before 4.3 have none
        syscalls.prctl(syscalls.PR_CAP_AMBIENT, _CLEAR_ALL)
    low, high = left & 0xFFFFFFFF, left >> 32
    syscalls.call(put, header, _SETS.pack(low, low, 0, high, high, 0))
    return [f"{one.name}: not held" for one in wanted if not left >> one & 1]


def _unbind(wanted: Collection[Capability]) -> None:
    """Empty the bounding set too; without CAP_SETPCAP no_new_privs does what it would do."""
    for number in range(_MOST + 1):
        with contextlib.suppress(OSError):
            if syscalls.prctl(syscalls.PR_CAPBSET_READ, number) and number not in wanted:
                syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
