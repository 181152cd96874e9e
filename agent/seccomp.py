"""Refuse system calls that this process never needs, by a filter in the kernel. EDGE.

A refused call fails as if it were forbidden (EPERM); nothing is killed. The lists name what would
undo or go around the other limits, what a role that must not cannot do at all, and no more: which
calls a C library makes changes with its versions.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import syscalls
from agent.callnumbers import NUMBERS

if TYPE_CHECKING:
    from collections.abc import Sequence


class Machine(NamedTuple):
    """A processor: AUDIT_ARCH_* (linux/audit.h), its place in the table of numbers."""

    audit: int
    column: int


MACHINES: Final = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}
_X32: Final = 0x40000000
"""The bit of x86-64's second set of numbers, which would go around a filter of the first."""

_NEVER: Final = """
acct add_key bpf chroot clock_settime delete_module finit_module fsconfig fsmount fsopen fspick
init_module io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load
kexec_load keyctl lookup_dcookie mknod mknodat modify_ldt mount mount_setattr move_mount nfsservctl
open_by_handle_at open_tree open_tree_attr perf_event_open personality pidfd_getfd pivot_root
process_madvise process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot request_key
setdomainname sethostname setns settimeofday swapoff swapon syslog umount2 unshare uselib
userfaultfd vhangup
""".split()
"""No role needs these. open_by_handle_at goes around mounts for who has CAP_DAC_READ_SEARCH;
io_uring makes calls that no filter sees."""
_EXECUTE: Final = ("execve", "execveat")
_FORK: Final = ("fork", "vfork")
_SERVE: Final = ("accept", "accept4", "bind", "listen")

_NEW_NAMESPACES: Final = 0x7E020000
"""CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET (clone(2))."""
_THREAD: Final = 0x10000
_TERMINAL: Final = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX put words into the mouth of whoever types at this terminal."""
_KIND: Final = 0xF
"""socket(2): the type without SOCK_CLOEXEC and SOCK_NONBLOCK."""

# Classic BPF (linux/filter.h, linux/seccomp.h)
_STEP: Final = struct.Struct("=HBBI")
_LOAD, _EQUAL, _AT_LEAST, _BITS, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_NUMBER_AT, _AUDIT_AT, _ARGUMENTS_AT = 0, 4, 16
_FILTER: Final = 2
"""SECCOMP_MODE_FILTER"""

_Step = tuple[int, int, int, int]


class Calls(NamedTuple):
    """What stays possible. families: of sockets that may be made; udp: internet ones not of TCP.

    pairs: connected pairs of local sockets, which reach nobody else.
    """

    execute: bool = False
    fork: bool = False
    families: tuple[int, ...] = ()
    udp: bool = False
    serve: bool = False
    pairs: bool = False


def missing(machine: str) -> list[str]:
    """Say why nothing can be refused on this machine."""
    if machine not in MACHINES or sys.maxsize < 1 << 32:
        return [f"seccomp: no list of system calls for {machine}"]
    try:
        syscalls.prctl(syscalls.PR_GET_SECCOMP)
    except OSError:
        return ["seccomp: not in this kernel: system calls are not limited"]
    return []


def restrict(calls: Calls, machine: str) -> list[str]:
    """Refuse what is not allowed, for good; say what was not possible. Needs no_new_privs."""
    told = missing(machine)
    if told:
        return told
    packed = b"".join(_STEP.pack(*step) for step in program(calls, MACHINES[machine]))
    steps = ctypes.create_string_buffer(packed, len(packed))
    heading = struct.pack("@HP", len(packed) // _STEP.size, ctypes.addressof(steps))
    try:
        syscalls.prctl(syscalls.PR_SET_SECCOMP, _FILTER, heading)
    except OSError as error:
        return [f"seccomp: {error.strerror}: system calls are not limited"]
    return []


def program(calls: Calls, machine: Machine) -> list[_Step]:
    """Write the filter: one look at the processor, then one question for each call."""
    steps = [
        (_LOAD, 0, 0, _AUDIT_AT),
        (_EQUAL, 1, 0, machine.audit),
        _refuse(errno.EPERM),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    if machine.column == 0:
        steps += [(_AT_LEAST, 0, 1, _X32), _refuse(errno.EPERM)]
    for name, answer in _answers(calls):
        number = NUMBERS[name][machine.column]
        if number >= 0:
            steps += [(_EQUAL, 0, len(answer), number), *answer]
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


def _answers(calls: Calls) -> list[tuple[str, list[_Step]]]:
    """Give what is answered to each call that is looked at; others are allowed."""
    refused = [*_NEVER]
    refused += () if calls.execute else _EXECUTE
    refused += () if calls.fork else _FORK
    refused += () if calls.serve else _SERVE
    refused += () if calls.families else ("connect", "socket")
    refused += () if calls.pairs else ("socketpair",)
    answers = [(name, [_refuse(errno.EPERM)]) for name in refused]
    answers += [("clone", _clone(calls)), ("clone3", [_refuse(errno.ENOSYS)])]
    answers.append(("ioctl", _unless(1, _TERMINAL)))
    if calls.families:
        answers.append(("socket", _socket(calls)))
    else:  # a connected one of datagrams could still be told another address
        answers.append(("sendto", [*_is_null(4), _refuse(errno.EPERM)]))
    if calls.pairs:
        answers.append(("socketpair", _pair()))
    return answers


def _clone(calls: Calls) -> list[_Step]:
    """Allow threads, and processes where they are; never in new namespaces.

    clone3 hides its flags from a filter: it is said not to exist, and libraries use clone.
    """
    wanted: list[_Step] = [] if calls.fork else [(_BITS, 1, 0, _THREAD), _refuse(errno.EPERM)]
    steps: list[_Step] = [_argument(0), (_BITS, 0, 1, _NEW_NAMESPACES), _refuse(errno.EPERM)]
    return [*steps, *wanted, _allow()]


def _socket(calls: Calls) -> list[_Step]:
    """Allow some families, and of the internet's only TCP where nothing else is needed."""
    steps = [_argument(0)]
    for family in calls.families:
        if calls.udp or family not in {socket.AF_INET, socket.AF_INET6}:
            steps += [(_EQUAL, 0, 1, family), _allow()]
        else:
            stream: list[_Step] = [
                *(_argument(1), (_AND, 0, 0, _KIND), (_EQUAL, 0, 1, socket.SOCK_STREAM)),
                *(_allow(), _refuse(errno.EPERM)),
            ]
            steps += [(_EQUAL, 0, len(stream), family), *stream]
    return [*steps, _refuse(errno.EPERM)]


def _pair() -> list[_Step]:
    """Allow pairs whose ends cannot be told another address."""
    kinds = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET)
    steps = [_argument(1), (_AND, 0, 0, _KIND)]
    for kind in kinds:
        steps += [(_EQUAL, 0, 1, int(kind)), _allow()]
    return [*steps, _refuse(errno.EPERM)]


def _unless(argument: int, values: Sequence[int]) -> list[_Step]:
    """Refuse some values of an argument's low word."""
    steps = [_argument(argument)]
    for value in values:
        steps += [(_EQUAL, 0, 1, value), _refuse(errno.EPERM)]
    return [*steps, _allow()]


def _is_null(argument: int) -> list[_Step]:
    """Allow where a pointer is null; go on where it is not."""
    low, high = _argument(argument), (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument + 4)
    return [low, (_EQUAL, 0, 3, 0), high, (_EQUAL, 0, 1, 0), _allow()]


def _argument(number: int) -> _Step:
    """Load the low word of an argument; both machines put it first."""
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * number)


def _refuse(number: int) -> _Step:
    return (_RETURN, 0, 0, _ERRNO | number)


def _allow() -> _Step:
    return (_RETURN, 0, 0, _ALLOW)
