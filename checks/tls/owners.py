"""Find the processes that hold sockets, and the systemd units they belong to. EDGE.

Every process's descriptors are looked at once. Of another user's process nothing shows without
privilege: it is counted, and the socket's control group may still name its unit.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.printable import printable
from checks.tls import procfs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_MOST_DESCRIPTORS: Final = 65_536
"""Of one process; a listening socket is opened early and has one of the low numbers."""
_MOST_IN_ALL: Final = 2_000_000
_MOST_GROUPS: Final = 50_000
_LONGEST_NAME: Final = 256
_UNITS: Final = (".service", ".scope", ".socket", ".mount", ".swap")
_DELETED: Final = " (deleted)"
_MANAGER: Final = "init.scope"
"""A socket-activated service's socket is made by systemd itself."""


class Owner(NamedTuple):
    """A process that holds a socket.

    command: its name as the kernel keeps it, at most 15 bytes; executable: "" where it cannot be
    read; unit: "" for none.
    """

    pid: int
    command: str
    executable: str
    unit: str


class Held(NamedTuple):
    """Who holds which socket, by inode; hidden: processes whose descriptors cannot be read.

    namespaces: how many other networks the processes seen live in; cut: a limit was reached.
    """

    owners: dict[int, tuple[Owner, ...]]
    hidden: int = 0
    namespaces: int = 0
    cut: bool = False


def holding(inodes: Collection[int], proc: str = "/proc") -> Held:
    """Find the processes that hold the sockets of these inodes."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    owners: dict[int, list[Owner]] = {}
    networks, hidden, left = set(), 0, _MOST_IN_ALL
    for pid in _processes(proc):
        folder = f"{proc}/{pid}"
        networks.add(procfs.link(f"{folder}/ns/net"))
        try:
            names = list(itertools.islice(_links(f"{folder}/fd"), min(left, _MOST_DESCRIPTORS)))
        except PermissionError:
            hidden += 1
            continue
        except OSError:  # it ended
            continue
        left -= len(names)
        if held := {wanted[name] for name in names if name in wanted}:
            owner = _owner(pid, folder)
            for inode in held:
                owners.setdefault(inode, []).append(owner)
    others = networks - {"", procfs.link(f"{proc}/self/ns/net")}
    return Held({k: tuple(v) for k, v in owners.items()}, hidden, len(others), left <= 0)


def _processes(proc: str) -> list[int]:
    try:
        return sorted(int(name) for name in os.listdir(proc) if name.isdecimal())
    except OSError:
        return []


def _links(folder: str) -> Iterator[str]:
    """Give what the links of a folder point to; raises OSError where they cannot be read."""
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                yield os.readlink(entry.path)


def _owner(pid: int, folder: str) -> Owner:
    executable = procfs.link(f"{folder}/exe").removesuffix(_DELETED)
    return Owner(
        pid,
        printable(procfs.text(f"{folder}/comm").rstrip("\n"), longest=_LONGEST_NAME),
        printable(executable),
        unit_of(procfs.text(f"{folder}/cgroup")),
    )


def unit_of(table: str) -> str:
    """Find the unit in the text of /proc/PID/cgroup, of version 1 or 2; "" for none.

    cgroups(7): each line is hierarchy:controllers:path; systemd's own is name=systemd or, in
    version 2, the one without controllers.
    """
    for line in table.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers in {"", "name=systemd"} and (unit := unit_in(path)):
            return unit
    return ""


def unit_in(path: str) -> str:
    """Give the system's unit in the path of a control group: the first name that is no slice.

    systemd.unit(5) has the suffixes; a name that could be taken for the kernel's begins with "_".
    """
    for name in path.split("/"):
        if name in {"", ".", ".."} or name.endswith(".slice"):
            continue
        unit = name.removeprefix("_")
        return printable(unit, longest=_LONGEST_NAME) if unit.endswith(_UNITS) else ""
    return ""


def units(groups: Collection[int], proc: str = "/proc") -> dict[int, str]:
    """Find the units of control groups by the ids that sock_diag gives, which are inodes.

    Needs no privilege. Ids that are not below this process's mount of cgroup2 are left out, as is
    systemd's own group: whoever gets its sockets is another unit.
    """
    wanted = set(groups) - {0}
    found: dict[int, str] = {}
    if not wanted or not (root := _mount(proc)):
        return found
    stack, left = [root], _MOST_GROUPS
    while stack and wanted and left:
        for path, inode in _folders(stack.pop(), left):
            left -= 1
            stack.append(path)
            if inode in wanted:
                wanted.discard(inode)
                found[inode] = unit_in(path.removeprefix(root))
    return {inode: unit for inode, unit in found.items() if unit not in {"", _MANAGER}}


def _folders(path: str, most: int) -> list[tuple[str, int]]:
    try:
        with os.scandir(path) as entries:
            folders = (e for e in entries if e.is_dir(follow_symlinks=False))
            return [(e.path, e.inode()) for e in itertools.islice(folders, most)]
    except OSError:
        return []


def _mount(proc: str) -> str:
    """Give the folder that cgroup2 is mounted on, "" for none (proc(5), mountinfo)."""
    for line in procfs.text(f"{proc}/self/mountinfo").splitlines():
        front, dash, behind = line.partition(" - ")
        words = front.split()
        if dash and behind.startswith("cgroup2 ") and len(words) > 4:
            return words[4]
    return ""


@lru_cache(maxsize=1024)
def user(uid: int) -> str:
    """Give the name of a user, "" where this host knows none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""
