"""A fork of this process confines itself and is tried; one that does not is the control."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from agent import capabilities, confine, landlock, seccomp, syscalls
from agent.callnumbers import NUMBERS
from agent.capabilities import Capability
from agent.confine import Confinement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Answer = Any
"""What can be told as JSON."""
_ROOT = os.geteuid() == 0
_USER = 54_321
_MIB = 1024 * 1024


def told(what: Callable[[], Any]) -> Answer:
    """Run something in a process of its own; give its answer, or the name of its error."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            answer = what()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            answer = type(error).__name__
        os.write(theirs, json.dumps(answer).encode())
        os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as answers:
        content = answers.read()
    os.waitpid(pid, 0)
    return json.loads(content)


def after(wanted: Confinement, what: Callable[[], Any]) -> Answer:
    """Do something after confining oneself."""

    def run() -> Answer:
        lacking = confine.confine(wanted)
        assert lacking == [], lacking
        return what()

    return told(run)


def confined(**powers: Answer) -> Confinement:
    return Confinement(**{"memory": 2048, "files": 64, **powers})


def can(what: Callable[[], Any]) -> Callable[[], bool]:
    """Say whether something is possible."""

    def run() -> bool:
        try:
            what()
        except (OSError, MemoryError):
            return False
        return True

    return run


def test_this_kernel_limits_everything() -> None:
    """The tests below prove nothing where the kernel lacks something."""
    assert confine.missing() == []
    assert landlock.abi() >= 6


def test_files(tmp_path: Path) -> None:
    """What is named can be read, what is named for writing written and made, nothing else."""
    for name in ("seen", "own", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    wanted = confined(read=(str(tmp_path / "seen"),), write=(str(tmp_path / "own"),))
    answers = {
        "read": {"seen": True, "own": True, "other": False},
        "write": {"seen": False, "own": True, "other": False},
        "make": {"seen": False, "own": True, "other": False},
        "cut": {"seen": False, "own": True, "other": False},
        "list": {"seen": True, "own": True, "other": False},
        "remove": {"seen": False, "own": True, "other": False},
    }
    tried: dict[str, Callable[[str], Any]] = {
        "read": lambda name: (tmp_path / name / "file").read_text(),
        "write": lambda name: open(tmp_path / name / "file", "a").close(),
        "make": lambda name: (tmp_path / name / "new").mkdir(),
        "cut": lambda name: os.truncate(tmp_path / name / "file", 0),
        "list": lambda name: os.listdir(tmp_path / name),
        "remove": lambda name: os.unlink(tmp_path / name / "file"),
    }
    for act, names in answers.items():
        for name, answer in names.items():
            assert after(wanted, can(partial(tried[act], name))) is answer, (act, name)
    (tmp_path / "other" / "file").write_text("still there")
    assert all(told(can(partial(tried[act], "other"))) for act in tried)


def test_a_path_that_is_not_there_is_said(tmp_path: Path) -> None:
    """What cannot be allowed is told, and is not allowed when it comes to be."""
    late = tmp_path / "late"

    def run() -> Answer:
        lacking = confine.confine(confined(read=(str(late),)))
        return [lacking, can(lambda: os.listdir(late))()]

    [[lacking], listed] = told(run)
    assert lacking == f"{late}: No such file or directory"
    assert listed is False


def test_a_rename_takes_a_name_away_from_what_was_allowed(tmp_path: Path) -> None:
    """A file that was replaced cannot be read any more, and its identity says so beforehand."""
    file = tmp_path / "resolv.conf"
    file.write_text("one")
    wanted = confined(read=(str(file),))
    before = confine.identities(wanted)
    assert confine.identities(wanted) == before
    (tmp_path / "new").write_text("two")
    (tmp_path / "new").replace(file)
    assert confine.identities(wanted) != before


@pytest.mark.parametrize("kind", ["connect", "bind"])
def test_tcp(kind: str) -> None:
    """TCP goes out only where it may, and comes in only where it may."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        tries = {
            "connect": lambda: socket.socket().connect(server.getsockname()),
            "bind": lambda: socket.create_server(("127.0.0.1", 0)),
        }
        families = (int(socket.AF_INET),)
        for connect in (True, False):
            wanted = confined(connect=connect, bind=not connect, families=families)
            allowed = kind == ("connect" if connect else "bind")
            assert after(wanted, can(tries[kind])) is allowed
        assert told(can(tries[kind])) is True


@pytest.mark.parametrize(
    ("family", "kind", "udp", "answer"),
    [
        (socket.AF_INET, socket.SOCK_STREAM, False, True),
        (socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK, False, True),
        (socket.AF_INET, socket.SOCK_DGRAM, False, False),
        (socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, False, False),
        (socket.AF_INET, socket.SOCK_DGRAM, True, True),
        (socket.AF_INET6, socket.SOCK_STREAM, True, False),
        (socket.AF_UNIX, socket.SOCK_STREAM, True, False),
        (socket.AF_NETLINK, socket.SOCK_RAW, True, True),
    ],
)
def test_sockets_by_family(
    family: socket.AddressFamily, kind: socket.SocketKind, *, udp: bool, answer: bool
) -> None:
    """Only sockets of the named families can be made, and of the internet's only TCP or all."""
    families = (int(socket.AF_INET), int(socket.AF_NETLINK))
    attempt = can(lambda: socket.socket(family, kind))
    assert after(confined(families=families, udp=udp), attempt) is answer
    assert told(attempt) is True


def test_without_families_no_address_is_reached(tmp_path: Path) -> None:
    """A pair of local sockets works, and neither it nor one from before reaches anybody else."""
    path = str(tmp_path / "socket")
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as before,
    ):
        server.bind(path)
        tries = {
            "pair": lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET),
            "datagrams": lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM),
            "connect": lambda: before.connect(path),
            "sendto": lambda: before.sendto(b"x", path),
            "bind": lambda: before.bind(path + "2"),
        }
        answers = {name: after(confined(pairs=True), can(tries[name])) for name in tries}
        assert answers == {name: name == "pair" for name in tries}
        assert after(confined(), can(tries["pair"])) is False
        assert all(told(can(tries[name])) for name in tries)


def test_a_socket_connected_before_still_speaks(tmp_path: Path) -> None:
    """Who connected before it was confined goes on speaking, by abstract name too."""
    for name in (str(tmp_path / "socket"), f"\0hygiene-{os.getpid()}"):
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link,
        ):
            server.bind(name)
            link.connect(name)
            assert after(confined(), partial(link.send, b"READY=1")) == 7
            assert server.recv(100) == b"READY=1"


def test_abstract_sockets_of_others_are_out_of_reach() -> None:
    """Even who may make local sockets reaches no abstract one of another process."""
    name = f"\0hygiene-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(name)
        server.listen()
        attempt = can(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect(name))
        assert after(confined(families=(int(socket.AF_UNIX),)), attempt) is False
        assert told(attempt) is True


def _wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _forked() -> int:
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    return _wait(pid)


def _ran(path: str) -> Callable[[], int]:
    def run() -> int:
        pid = os.fork()
        if pid == 0:
            try:
                os.execv(path, [path])
            finally:
                os._exit(9)
        return _wait(pid)

    return run


def test_processes() -> None:
    """Processes are started and programs run only where they may; threads always."""
    assert after(confined(fork=True), _forked) == 7
    assert after(confined(), _forked) == "PermissionError"
    real = os.path.realpath("/bin/true")
    loaders = ("/lib", "/lib64", "/usr/lib")
    assert after(confined(fork=True, execute=(real, *loaders)), _ran("/bin/true")) == 0
    assert after(confined(fork=True, execute=(real, *loaders)), _ran("/bin/false")) == 9
    assert after(confined(fork=True, read=("/",)), _ran("/bin/true")) == 9
    assert told(_ran("/bin/true")) == 0


def test_threads() -> None:
    """A thread can be started by who may start no process."""

    def run() -> list[int]:
        seen: list[int] = []
        thread = threading.Thread(target=seen.append, args=(1,))
        thread.start()
        thread.join()
        return seen

    assert after(confined(), run) == [1]


def test_another_thread_is_told_of() -> None:
    """A thread that runs already keeps its powers, and that is said."""

    def run() -> list[str]:
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait)
        thread.start()
        lacking = confine.confine(confined())
        stop.set()
        thread.join()
        return lacking

    assert told(run) == ["1 other threads of this process keep their powers"]


def _called(name: str, *arguments: int) -> Callable[[], Any]:
    """Make a system call that does nothing; give the errno."""

    def run() -> int:
        number = NUMBERS[name][seccomp.MACHINES[os.uname().machine].column]
        try:
            syscalls.call(number, *arguments)
        except OSError as error:
            return error.errno or 0
        return 0

    return run


@pytest.mark.parametrize("name", sorted(set(seccomp._NEVER) - {"vhangup", "reboot"}))
def test_calls_that_nobody_needs(name: str) -> None:
    """System calls that go around limits are forbidden, whatever their arguments."""
    if NUMBERS[name][seccomp.MACHINES[os.uname().machine].column] < 0:
        return
    assert after(confined(fork=True), _called(name, -1, -1, -1, -1, -1)) == 1
    assert told(_called("ptrace", 0, 0, 0, 0)) in {0, 1}  # PTRACE_TRACEME, forbidden to nobody


def test_the_filter_refuses_only_what_it_names() -> None:
    """The calls of a confined process answer as before: its filter is a list of refusals."""
    assert after(confined(), _called("socketpair", 1, 1, 0, 0)) == 1
    assert after(confined(pairs=True), _called("socketpair", 1, 1, 0, 0)) == 14  # EFAULT: tried
    assert after(confined(), _called("ioctl", -1, 0x5412, 0)) == 1
    assert after(confined(), _called("ioctl", -1, 0x5413, 0)) == 9  # EBADF: tried
    assert after(confined(fork=True), _called("clone", 0x10000000, 0, 0, 0, 0)) == 1
    assert after(confined(fork=True), _called("clone3", 0, 0)) == 38
    assert told(_called("clone3", 0, 0)) == 22  # EINVAL: tried


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="only x86-64 has a second set")
def test_the_second_set_of_numbers_is_refused() -> None:
    """The x32 numbers go around no filter."""
    getpid = 0x40000000 | 39
    assert after(confined(), can(lambda: syscalls.call(getpid))) is False


def test_signals_and_tracing_of_others() -> None:
    """A confined process signals only what it started, and cannot be looked into."""
    parent = os.getpid()
    assert after(confined(fork=True), can(lambda: os.kill(parent, 0))) is False
    assert told(can(lambda: os.kill(parent, 0))) is True

    def child() -> int:
        pid = os.fork()
        if pid == 0:
            threading.Event().wait(30)
        os.kill(pid, 9)
        return _wait(pid)

    assert after(confined(fork=True), child) == -9
    assert after(confined(), lambda: ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)) == 0

    def dumpable() -> int:
        libc = ctypes.CDLL(None)  # whatever another test made of this process
        libc.prctl(4, 1, 0, 0, 0)
        return int(libc.prctl(3, 0, 0, 0, 0))

    assert told(dumpable) == 1


def test_memory() -> None:
    """More memory than allowed is not given, and that is a MemoryError and no kill."""
    attempt = can(lambda: bytearray(300 * _MIB))
    used = confine._data() // _MIB
    assert after(confined(memory=used + 64), attempt) is False
    assert after(confined(memory=used + 512), attempt) is True


def test_memory_that_is_in_use_already() -> None:
    """A limit below what is in use would end the process at any place: it is said instead."""
    [lacking] = told(lambda: confine.confine(confined(memory=1)))
    assert lacking.startswith("memory: ")


def test_limits() -> None:
    """Descriptors, core dumps, files of who may write none, and the mask of new files."""

    def run() -> list[Any]:
        names = (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)
        return [*(resource.getrlimit(name)[1] for name in names), os.umask(0)]

    assert after(confined(), run) == [64, 0, 0, 0o027]
    assert after(confined(write=("/dev/null",)), run)[2] != 0


def test_written_memory_is_never_run() -> None:
    """Memory that can be written and run at once is refused, as code that was brought along is."""
    attempt = can(
        lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    )
    assert after(confined(), attempt) is False
    assert told(attempt) is True


def test_the_expendable_go_first() -> None:
    """A reader is what is ended when memory runs out, and not who started it."""

    def run() -> str:
        with open("/proc/self/oom_score_adj") as score:
            return score.read().strip()

    assert after(confined(read=("/proc",), expendable=True), run) == "1000"
    assert after(confined(read=("/proc",)), run) == told(run)


def _sets() -> list[str]:
    names = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
    with open("/proc/self/status") as lines:
        told = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return [told[name].strip().lstrip("0") or "0" for name in names]


@pytest.mark.skipif(not _ROOT, reason="only root has capabilities to lose")
def test_capabilities_of_root() -> None:
    """Root loses every capability but the one that is kept, for good."""
    kept = confined(read=("/proc",), capabilities=(Capability.CAP_DAC_READ_SEARCH,))
    assert after(kept, _sets) == ["0", "4", "4", "4", "0", "1", "2"]
    assert after(confined(read=("/proc",)), _sets) == ["0", "0", "0", "0", "0", "1", "2"]


@pytest.mark.skipif(not _ROOT, reason="only root becomes another")
def test_a_capability_that_is_not_held_is_told_of() -> None:
    """Who has no right to files of others is told, and what it must not have is gone anyway."""

    def run() -> list[Any]:
        os.setgid(_USER)
        os.setuid(_USER)
        return confine.confine(
            confined(read=("/proc",), capabilities=(Capability.CAP_DAC_READ_SEARCH,))
        )

    assert told(run) == ["CAP_DAC_READ_SEARCH: not held"]


def test_what_older_kernels_lack_is_said() -> None:
    """For each version of Landlock it is said what it does not limit."""
    assert landlock.missing(7) == landlock.missing(6) == []
    assert [len(landlock.missing(abi)) for abi in (5, 4, 3, 2, 1, 0)] == [1, 2, 3, 4, 4, 1]
    assert landlock.missing(3)[0] == "Landlock 3: TCP is not limited"


def test_a_machine_without_lists_is_told_of() -> None:
    """On a processor whose numbers are not known nothing is refused, and that is said."""
    assert seccomp.missing("riscv64") == ["seccomp: no list of system calls for riscv64"]
    assert seccomp.restrict(seccomp.Calls(), "riscv64") == seccomp.missing("riscv64")
    assert capabilities.keep((), "riscv64") == ["capabilities: riscv64 is not known"]


@pytest.mark.parametrize("machine", sorted(seccomp.MACHINES))
def test_filters_are_whole(machine: str) -> None:
    """No jump of a filter leads past its end, and every way through it ends in an answer."""
    everything = seccomp.Calls(
        execute=True, fork=True, families=(2, 10, 16), udp=True, serve=True, pairs=True
    )
    for calls in (seccomp.Calls(), everything, everything._replace(udp=False, fork=False)):
        steps = seccomp.program(calls, seccomp.MACHINES[machine])
        assert steps[-1][0] == 0x06
        jumps = [(at, step) for at, step in enumerate(steps) if step[0] & 0x07 == 0x05]
        assert all(at + 1 + max(step[1], step[2]) < len(steps) for at, step in jumps)
        assert len(steps) < 4096


def test_numbers_are_those_of_the_headers() -> None:
    """The table is what this machine's C headers say, for every call they know."""
    header = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
    if not os.path.exists(header):
        return
    with open(header) as lines:
        words = [line.split() for line in lines if line.startswith("#define __NR_")]
    known = {name.removeprefix("__NR_"): int(number) for _, name, number in words}
    assert {name: x86 for name, (x86, _) in NUMBERS.items() if name in known} == {
        name: known[name] for name in NUMBERS if name in known
    }
