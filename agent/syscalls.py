"""Ask the kernel for what Python has no call for. EDGE."""

from __future__ import annotations

import ctypes
import os
from typing import Final

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long

PR_SET_DUMPABLE: Final = 4
PR_GET_SECCOMP: Final = 21
PR_SET_SECCOMP: Final = 22
PR_CAPBSET_READ: Final = 23
PR_CAPBSET_DROP: Final = 24
PR_SET_NO_NEW_PRIVS: Final = 38
PR_CAP_AMBIENT: Final = 47
PR_SET_MDWE: Final = 65
"""prctl(2), linux/prctl.h."""


def call(number: int, *arguments: object) -> int:
    """Make a system call; integers are passed as longs. Raises OSError."""
    given = (ctypes.c_long(one) if isinstance(one, int) else one for one in arguments)
    return _checked(int(_LIBC.syscall(ctypes.c_long(number), *given)))


def prctl(option: int, *arguments: object) -> int:
    """Change or ask something about this process (prctl(2)). Raises OSError."""
    rest = [*arguments, 0, 0, 0, 0][:4]
    given = (ctypes.c_ulong(one) if isinstance(one, int) else one for one in rest)
    return _checked(int(_LIBC.prctl(ctypes.c_int(option), *given)))


def _checked(result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
