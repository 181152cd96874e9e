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

    CAP_CHOWN = 0
    CAP_DAC_OVERRIDE = 1
    CAP_DAC_READ_SEARCH = 2
    CAP_FOWNER = 3


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
    effective, permitted, _, effective_high, permitted_high, _ = _SETS.unpack(sets.raw)
    effective |= effective_high << 32
    permitted |= permitted_high << 32
    left = permitted & sum(1 << one for one in wanted)
    _unbind(wanted)
    told = [f"{one.name}: not held" for one in wanted if not left >> one & 1]
    if effective == permitted == left:  # a unit that allows no capset has seen to it
        return told
    low, high = left & 0xFFFFFFFF, left >> 32
    try:
        syscalls.call(put, header, _SETS.pack(low, low, 0, high, high, 0))
    except OSError as error:
        told.append(f"capabilities: cannot be given up: {error.strerror}")
    return told


def _unbind(wanted: Collection[Capability]) -> None:
    """Pass none on; empty the bounding set too, where CAP_SETPCAP allows it.

    Where not, no_new_privs has the same effect.
    """
    with contextlib.suppress(OSError):  # kernels before 4.3 have no ambient ones
        syscalls.prctl(syscalls.PR_CAP_AMBIENT, _CLEAR_ALL)
    for number in range(_MOST + 1):
        with contextlib.suppress(OSError):
            if syscalls.prctl(syscalls.PR_CAPBSET_READ, number) and number not in wanted:
                syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
