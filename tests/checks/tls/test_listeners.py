"""Real listening sockets of this host, of namespaces and control groups, found as they are."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import uuid
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from checks.tls import listeners, owners
from checks.tls.listeners import Listener

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHILD = """
import socket, sys, json
print(flush=True)
opened = []
for line in sys.stdin:
    order = json.loads(line)
    family = socket.AF_INET6 if ":" in order["address"] else socket.AF_INET
    kept = socket.socket(family)
    if order.get("shared"):
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    kept.bind((order["address"], order["port"]))
    kept.listen()
    opened.append(kept)
    print(kept.getsockname()[1], flush=True)
"""
IN_A_NAMESPACE = """
import fcntl, json, socket, struct
from checks.tls import listeners
with socket.socket() as link:
    up = struct.pack("16sh", b"lo", 1)
    fcntl.ioctl(link, 0x8914, up)  # SIOCSIFFLAGS
one = socket.create_server(("127.0.0.1", 0))
found = listeners.look().listeners
print(json.dumps([one.getsockname()[1], [x.port for x in found]]))
"""


def find(port: int, address: str = "127.0.0.1", *, diag: bool = True) -> Listener | None:
    """Give the listener at an address and port, None where nobody listens there."""
    place = address, port
    found = [one for one in listeners.look(diag=diag).listeners if (one.address, one.port) == place]
    assert len(found) < 2
    return found[0] if found else None


def held(*inodes: int, diag: bool = True) -> bool:
    """Say whether a listener has one of some sockets; their ports may be somebody else's by now."""
    return any({*inodes} & {*one.inodes} for one in listeners.look(diag=diag).listeners)


class Child:
    """A process that listens as it is told, until its input ends."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid
        self._line()

    def listen(self, address: str = "127.0.0.1", port: int = 0, *, shared: bool = False) -> int:
        """Have it listen; gives the port."""
        assert self._process.stdin
        order = {"address": address, "port": port, "shared": shared}
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return int(self._line())

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


@contextmanager
def child() -> Iterator[Child]:
    """Start a process that listens."""
    with subprocess.Popen(
        [sys.executable, "-I", "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Child(process)
        finally:
            process.kill()


@pytest.mark.parametrize("diag", [True, False], ids=["netlink", "tables"])
@pytest.mark.parametrize(
    ("address", "family", "wildcard", "door"),
    [
        ("127.0.0.1", 4, False, "127.0.0.1"),
        ("127.8.9.1", 4, False, "127.8.9.1"),
        ("0.0.0.0", 4, True, "127.0.0.1"),
        ("::1", 6, False, "::1"),
    ],
)
def test_a_listening_socket_is_found(
    address: str, family: int, *, wildcard: bool, door: str, diag: bool
) -> None:
    """Address, port, inode, user and process of a socket are told, and nothing once it is gone."""
    kind = socket.AF_INET6 if family == 6 else socket.AF_INET
    with socket.create_server((address, 0), family=kind) as one:
        port, inode = one.getsockname()[1], os.fstat(one.fileno()).st_ino
        found = find(port, address, diag=diag)
        assert held(inode, diag=diag)
    assert found
    assert (found.address, found.family, found.inodes) == (address, family, (inode,))
    assert (found.wildcard, found.door, found.uid) == (wildcard, door, os.geteuid())
    assert found.pids == (os.getpid(),)
    assert os.path.realpath(found.executable) == os.path.realpath(sys.executable)
    assert found.command
    assert not held(inode, diag=diag)


def test_an_ipv6_wildcard_tells_whether_it_takes_ipv4() -> None:
    """A dual-stack socket is reached by IPv4, one of IPv6 alone is not."""
    for dual, door in ((True, "127.0.0.1"), (False, "::1")):
        with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=dual) as one:
            found = find(one.getsockname()[1], "::")
            assert found
            assert (found.dual, found.door) == (dual, door)
            socket.create_connection((found.door, found.port), 1).close()


def test_an_ipv4_address_in_ipv6_clothes_is_ipv4() -> None:
    """A socket bound to ::ffff:127.0.0.1 is told as what clients connect to."""
    with socket.socket(socket.AF_INET6) as one:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        one.bind(("::ffff:127.0.0.1", 0))
        one.listen()
        for diag in (True, False):
            found = find(one.getsockname()[1], diag=diag)
            assert found
            assert (found.address, found.family) == ("127.0.0.1", 4)


def test_a_connection_is_no_listener() -> None:
    """The ends of a connection do not show, the socket that it came by does."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as near, one.accept()[0]:
            assert find(port)
            assert find(near.getsockname()[1]) is None
            assert find(near.getsockname()[1], diag=False) is None


def test_a_multipath_socket_is_found() -> None:
    """A socket of MPTCP, as programs in Go open, listens like any other."""
    try:
        one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
    except OSError:
        pytest.skip("needs a kernel with MPTCP")
    with one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        found = find(one.getsockname()[1])
        assert found
        assert found.pids == (os.getpid(),)


def test_sockets_that_share_a_port_are_one_listener() -> None:
    """Workers with a socket each (SO_REUSEPORT) are one listener; another port is another."""
    with child() as first, child() as second:
        port = first.listen(shared=True)
        other = second.listen()
        second.listen(port=port, shared=True)
        found, apart = find(port), find(other)
    assert found
    assert apart
    assert len(found.inodes) == 2
    assert found.inode == min(found.inodes)
    assert found.pids == tuple(sorted((first.pid, second.pid)))
    assert apart.pids == (second.pid,)


def test_an_inherited_socket_has_all_its_processes() -> None:
    """A socket that a worker inherits from its parent is held by both."""
    with socket.create_server(("127.0.0.1", 0)) as one, child() as other:
        worker = subprocess.Popen(
            ["sleep", "30"], pass_fds=[one.fileno()], stdin=subprocess.DEVNULL
        )
        try:
            found = find(one.getsockname()[1])
        finally:
            worker.kill()
            worker.wait()
    assert found
    assert found.pids == tuple(sorted((os.getpid(), worker.pid)))
    assert other.pid not in found.pids


def test_nobody_sees_the_listener_but_not_its_process(
    unprivileged: Callable[[], AbstractContextManager[None]],
) -> None:
    """Without privilege another user's socket is listed, and its owner is said to be unseen."""
    if os.geteuid():
        pytest.skip("needs root to be somebody else")
    with child() as process:
        port = process.listen()
        with unprivileged():
            blind = listeners.look()
        seen = find(port)
    [found] = [one for one in blind.listeners if (one.address, one.port) == ("127.0.0.1", port)]
    assert (found.pids, found.executable, found.uid, found.user) == ((), "", 0, "root")
    assert any("processes are not seen" in words for words in blind.unseen)
    assert any("may not be read" in words for words in blind.unseen)
    assert seen
    assert seen.pids == (process.pid,)


def _namespace() -> str:
    unshare = shutil.which("unshare")
    if os.geteuid() or not unshare:
        pytest.skip("needs root and unshare for a network namespace")
    if subprocess.run([unshare, "-n", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this host allows no network namespaces")
    return unshare


def test_a_network_namespace_shows_its_own_listeners_only() -> None:
    """Inside a namespace the host's listeners do not show, and outside its own do not."""
    unshare = _namespace()
    with socket.create_server(("127.0.0.1", 0)) as one:
        done = subprocess.run(
            [unshare, "-n", sys.executable, "-I", "-c", IN_A_NAMESPACE],
            check=True,
            capture_output=True,
            text=True,
        )
        own, ports = json.loads(done.stdout)
        assert ports == [own]
        assert find(one.getsockname()[1])


def test_other_network_namespaces_are_said_to_be_unseen() -> None:
    """A process in another namespace is counted as a network that was not looked at."""
    unshare = _namespace()
    before = owners.holding([]).namespaces
    with subprocess.Popen(
        [unshare, "-n", "sh", "-c", "echo; read line"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        during = listeners.look()
        count = owners.holding([]).namespaces
        process.communicate(b"\n")
    assert count == before + 1
    assert any("other network namespaces" in words for words in during.unseen)


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group named like a service."""
    mount = owners._mount("/proc")
    folder = Path(mount or "/nowhere", f"hygiene{uuid.uuid4().hex}.service")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("needs root and a control group file system to write to")
    yield folder
    folder.rmdir()


def test_the_unit_comes_from_the_control_group(group: Path) -> None:
    """A process in a service's group gives its listener the unit, with or without privilege."""
    with child() as process:
        (group / "cgroup.procs").write_text(str(process.pid))
        port = process.listen()
        seen = find(port)
        asked = listeners._asked(socket.AF_INET)
    [one] = [one for one in asked if (one.address, one.port) == ("127.0.0.1", port)]
    assert seen
    assert seen.unit == group.name
    assert owners.units([one.cgroup]) == {one.cgroup: group.name}
    assert owners.units([one.cgroup + 1_000_003]) == {}


def test_the_unit_is_told_without_privilege(
    group: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    """The socket's own group names the unit where the process cannot be seen."""
    with child() as process:
        plain = process.listen()
        (group / "cgroup.procs").write_text(str(process.pid))
        port = process.listen()
        with unprivileged():
            found, control = find(port), find(plain)
    assert found
    assert control
    assert (found.pids, found.unit) == ((), group.name)
    assert control.unit == ""


@pytest.mark.parametrize(
    ("table", "unit"),
    [
        ("0::/system.slice/nginx.service\n", "nginx.service"),
        ("0::/system.slice/system-getty.slice/getty@tty1.service\n", "getty@tty1.service"),
        ("3:cpu:/a.service\n1:name=systemd:/system.slice/b.service\n0::/\n", "b.service"),
        ("0::/system.slice/docker-0a.scope\n", "docker-0a.scope"),
        ("0::/../../system.slice/nginx.service\n", "nginx.service"),
        ("0::/user.slice/user-1.slice/user@1.service/app.slice/x.service\n", "user@1.service"),
        ("0::/system.slice/a.service/payload/b.service\n", "a.service"),
        ("0::/system.slice/_cpu.service\n", "cpu.service"),
        ("0::/docker/0a\n", ""),
        ("0::/\n", ""),
        ("9:pids:/a.service\n", ""),
        ("", ""),
        ("0\n::\n\n", ""),
    ],
)
def test_units_are_read_from_both_versions_of_control_groups(table: str, unit: str) -> None:
    """The first name of a path that is no slice is the unit, of whichever hierarchy names one."""
    assert owners.unit_of(table) == unit


def test_hostile_names_of_processes_are_safe_to_show(tmp_path: Path) -> None:
    """A name with an escape sequence or with bytes that are no text is escaped."""
    folder = tmp_path / "7"
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_bytes(b"\x1b[2J\xff\n")
    (folder / "exe").symlink_to("/opt/\x1b]0;x (deleted)")
    (folder / "fd" / "3").symlink_to("socket:[42]")
    [owner] = owners.holding([42], str(tmp_path)).owners[42]
    assert owner == owners.Owner(7, "\\x1b[2J\\xff", "/opt/\\x1b]0;x", "")
    assert owners.holding([43], str(tmp_path)).owners == {}


def test_missing_tables_are_unseen(tmp_path: Path) -> None:
    """Where neither the kernel nor its tables may be asked nothing counts as looked at."""
    blind = listeners.look(proc=str(tmp_path), diag=False)
    assert blind.listeners == ()
    assert any(words.startswith("IPv4 sockets") for words in blind.unseen)


def test_a_malformed_table_is_unseen(tmp_path: Path) -> None:
    """A table that is none is no list of no listeners."""
    folder = tmp_path / "self" / "net"
    folder.mkdir(parents=True)
    good = "0: 0100007F:0050 00000000:0000 0A 0:0 00:0 0 0 0 77 1\n"
    (folder / "tcp").write_text("  sl  local_address\n" + good)
    (folder / "tcp6").write_text(good.replace("0100007F", "01007F"))
    found = listeners.look(proc=str(tmp_path), diag=False)
    assert [(one.address, one.port, one.inodes) for one in found.listeners] == [
        ("127.0.0.1", 80, (77,))
    ]
    assert any(words.startswith("IPv6 sockets") for words in found.unseen)


def test_a_link_local_listener_names_its_interface() -> None:
    """A client needs the interface for an address that every interface may have."""
    fields: dict[str, Any] = {"port": 1, "family": 6, "inodes": (1,), "uid": 0, "interface": 3}
    assert Listener(address="fe80::1", **fields).door == "fe80::1%3"
    assert Listener(address="fd00::1", **fields).door == "fd00::1"


def test_who_lists_again_sees_what_came_and_went() -> None:
    """New sockets have their owners, closed ones are gone, and nothing is looked for in between."""
    lister = listeners.Lister()
    with child() as one:
        place = "127.0.0.1", one.listen()
        first = lister.look()
        (found,) = (o for o in first.listeners if (o.address, o.port) == place)
        assert found.pids == (one.pid,)
        assert found in lister.look().listeners
        # As soon as no other process begins or ceases to listen between two looks.
        assert any(lister.look() is lister.look() for _ in range(100))
        later = one.listen()
        own = [o for o in lister.look().listeners if o.pids == (one.pid,)]
        assert sorted(o.port for o in own) == sorted((place[1], later))
    inodes = {number for o in own for number in o.inodes}
    assert not [o for o in lister.look().listeners if inodes & {*o.inodes}]
