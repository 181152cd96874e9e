"""Each role is tried, as root and as another user: what the table allows it can, the rest not."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import shutil
import socket
import string
import subprocess
import sys
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent import (
    confine,
    confinements,
    hostpaths,
    powers,
    privileges,
    readers,
    rulecache,
    settings,
    setup,
)
from agent.capabilities import Capability
from checks import catalog, files
from checks.inspect import Inspector
from checks.policy import Policy
from checks.redact import FingerprintKey
from checks.scan import Scanner
from checks.scanned import Orders, Result
from checks.tls import deepenv, listeners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.settings import Settings

Answer = Any
"""What can be told as JSON."""
_ROOT = os.geteuid() == 0
_USER = 54_321
_EVERYBODY = ("courier", "keeper", "mender", "prober", "reader", "supervisor", "watcher")
_ROLES = ("courier", "keeper", "mender", "prober", "watcher")

_ONLINE = {"connect"}
_ANSWERS = {
    "courier": _ONLINE | {"own", "published", "journal", "sink", "udp", "thread"},
    "keeper": _ONLINE | {"own", "published", "udp", "thread"},
    "mender": {"own", "managed", "managed link", "give away", "thread"},
    "prober": _ONLINE | {"own", "published", "netlink", "processes", "thread", "fork", "deep"},
    "reader": {"thread"},
    "supervisor": _ONLINE
    | {"own", "state", "published", "journal", "private", "sink", "shadow", "world", "udp"}
    | {"netlink", "processes", "thread", "fork", "deep", "managed", "managed link"}
    | {"through a link", "give away"},
    "watcher": {"own", "shadow", "world", "private", "published", "journal", "processes"}
    | {"thread", "fork"},
}
"""What a role can do of all that is tried, where it runs as root."""
_DEEP = {"deep"}
_NEW_MOUNTS, _PRIVATE, _READ_ONLY = 0x20000, 0x44000, 0x21
"""CLONE_NEWNS; MS_REC and MS_PRIVATE; MS_REMOUNT and MS_RDONLY"""
_OF_ROOT = {"shadow", "through a link", "give away"}
"""What another user than root can do in no role, unless it holds the capability for it."""


class Host(NamedTuple):
    """A place with a state folder, files of others, and somebody who listens."""

    settings: Settings
    place: Path
    server: tuple[str, int]
    local: str
    parent: int


def _folders(place: Path) -> Settings:
    told = settings.from_mapping(
        {
            "version": 1,
            "state": str(place / "state"),
            "budget": {"memory": 1024},
            "mend": {"folders": [str(place / "managed")]},
            "sinks": {"lines": {"kind": "file", "path": str(place / "sink" / "events.jsonl")}},
        }
    )
    powers.prepare(told, (*powers.ROLES, powers.SUPERVISOR))
    for name in ("managed", "sink", "world"):
        (place / name).mkdir()
    (place / "world" / "file").write_text("for everybody")
    for role in powers.ROLES:
        own = place / "state" / role
        (own / "private").write_text("a fingerprint key")
        (own / powers.JOURNAL / "1.seg").write_text("records")
        (own / powers.PUBLISHED / "status").write_text("status")
    return told


@pytest.fixture
def host() -> Iterator[Host]:
    """Make everything writable for everybody: it is the confinement that is tried, not modes."""
    place = Path(tempfile.mkdtemp(prefix="powers-"))
    told = _folders(place)
    for folder, names, others in os.walk(place):
        os.chmod(folder, 0o777)
        for name in (*names, *others):
            os.chmod(os.path.join(folder, name), 0o777)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as local,
    ):
        local.bind(str(place / "world" / "socket"))
        local.listen()
        os.chmod(place / "world" / "socket", 0o777)
        yield Host(told, place, server.getsockname(), str(place / "world" / "socket"), os.getpid())
    shutil.rmtree(place)


def _tries(host: Host, role: str) -> dict[str, Callable[[], Any]]:
    """Give everything that is tried."""
    state, own = host.place / "state", host.place / "state" / role
    other = "keeper" if role in {"courier", "prober", "reader", "supervisor"} else "prober"
    return {
        "own": lambda: (own / "new").write_text("x"),
        "state": lambda: (state / other / "new").write_text("x"),
        "private": (state / other / "private").read_text,
        "published": (state / "watcher" / powers.PUBLISHED / "status").read_text,
        "journal": (state / "watcher" / powers.JOURNAL / "1.seg").read_text,
        "sink": lambda: (host.place / "sink" / "events.jsonl").write_text("{}"),
        "shadow": lambda: open("/etc/shadow", "rb").close(),
        "world": (host.place / "world" / "file").read_text,
        "managed": lambda: (host.place / "managed" / "new").write_text("x"),
        "managed link": lambda: (host.place / "managed" / "link").symlink_to("/etc/shadow"),
        "through a link": (host.place / "managed" / "link").read_text,
        "give away": lambda: os.chown(host.place / "managed", _USER + 1, -1),
        "write outside": lambda: (host.place / "world" / "new").write_text("x"),
        "link outside": lambda: os.link(host.place / "world" / "file", own / "link"),
        "truncate": lambda: os.truncate(host.place / "world" / "file", 0),
        "connect": lambda: socket.socket().connect(host.server),
        "udp": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", host.server),
        "bind": lambda: socket.socket().bind(("127.0.0.1", 0)),
        "listen": lambda: socket.socket().listen(),
        "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4),
        "packet": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
        "local": lambda: socket.socket(socket.AF_UNIX).connect(host.local),
        "processes": lambda: open(f"/proc/{host.parent}/stat", "rb").close(),
        "inside": lambda: os.readlink(f"/proc/{host.parent}/fd/0"),
        "memory": lambda: open(f"/proc/{host.parent}/mem", "rb").close(),
        "signal": lambda: os.kill(host.parent, 0),
        "trace": lambda: _succeeds(ctypes.CDLL(None).ptrace(0x4206, host.parent, 0, 0)),
        "mount": lambda: _succeeds(ctypes.CDLL(None).mount(b"x", b"/mnt", b"tmpfs", 0, None)),
        "namespace": lambda: _succeeds(ctypes.CDLL(None).unshare(0x10000000)),
        "become": lambda: os.setuid(_USER + 1),
        "thread": lambda: threading.Thread(target=int).start(),
        "fork": lambda: _child(lambda: None),
        "run": lambda: _child(lambda: os.execv("/bin/true", ["true"])),
        "run here": lambda: os.execv("/bin/true", ["true"]),
        "deep": lambda: _child(lambda: os.execv(_interpreter(host), ["python", "-V"])),
    }


def _succeeds(result: int) -> None:
    if result < 0:
        raise OSError


def _child(what: Callable[[], object]) -> None:
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        try:
            what()
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(pid, 0)[1]:
        raise OSError


def _interpreter(host: Host) -> str:
    """Give what the table lets a role run, where that is anything."""
    names = confinements.of("prober", host.settings).execute
    return names[0] if names else "/bin/true"


def _in_child(what: Callable[[], Any]) -> Answer:
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        answer: Any = "died"
        try:
            answer = what()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            answer = repr(error)
        finally:
            os.write(theirs, json.dumps(answer).encode())
            os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as answers:
        content = answers.read()
    os.waitpid(pid, 0)
    return json.loads(content)


def _become(user: int, *, keep: bool = False) -> None:
    """Be another user; keep: with the capabilities that were held, as a unit's may be."""
    if user:
        if keep:
            ctypes.CDLL(None).prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)


def _possible(what: Callable[[], Any]) -> bool:
    try:
        what()
    except OSError:
        return False
    return True


def _can(host: Host, role: str, user: int, *, above: str = "", keep: bool = False) -> set[str]:
    """Try everything as a role; above: the role whose process started this one."""

    wanted = [confinements.of(one, host.settings) for one in (above, role) if one]

    def run() -> list[str]:
        _become(user, keep=keep)
        for one in wanted:
            told = confine.confine(one)
            # this test's interpreter may be in a folder that only root reads
            expected = ("not held", "Permission denied") if user else ("nothing",)
            assert [line for line in told if not line.endswith(expected)] == []
        tries = _tries(host, role)
        last = tries.pop("run here")
        done = [name for name, what in tries.items() if _possible(what)]
        return [*done, *(["run here"] if _possible(last) else [])]

    return set(_in_child(run))


def _expected(host: Host, role: str) -> set[str]:
    deep = bool(confinements.of("prober", host.settings).execute)
    return _ANSWERS[role] - (set() if deep else {"deep", "fork"} if role == "prober" else {"deep"})


_HAS_DEEP = os.path.isfile(deepenv.location(os.environ, sys.prefix))
needs_root = pytest.mark.skipif(not _ROOT, reason="only root can be root, or become another")


@needs_root
@pytest.mark.parametrize("role", _EVERYBODY)
def test_powers_of_root(host: Host, role: str) -> None:
    """In a container, where all roles are root, each can do what the table says and no more."""
    assert _can(host, role, 0) - {"become"} == _expected(host, role)


@needs_root
@pytest.mark.parametrize("role", _EVERYBODY)
def test_powers_of_a_user(host: Host, role: str) -> None:
    """Another user than root can do no more, whatever the modes of files allow it."""
    found = _can(host, role, _USER)
    expected = _expected(host, role) - _OF_ROOT
    assert found | _DEEP == expected | _DEEP


@needs_root
@pytest.mark.parametrize("role", _ROLES)
def test_powers_under_the_supervisor(host: Host, role: str) -> None:
    """What the supervisor gave up takes nothing from a role that it starts."""
    assert _can(host, role, 0, above="supervisor") - {"become"} == _expected(host, role)


@needs_root
def test_powers_of_a_reader_under_its_watcher(host: Host) -> None:
    """A reader has lost what the watcher that started it still has."""
    assert _can(host, "reader", 0, above="watcher") == _ANSWERS["reader"]


@needs_root
def test_the_watcher_reads_files_of_others_by_one_capability(host: Host) -> None:
    """As its unit starts it, the watcher is no root, and opens every file by its capability."""
    assert "shadow" not in _can(host, "watcher", _USER)
    assert _can(host, "watcher", _USER, keep=True) == _expected(host, "watcher")


def test_nobody_else_holds_a_capability(host: Host) -> None:
    """The watcher reads files, the mender gives them their owner; who starts both has both."""
    held = {
        role: set(confinements.of(role, host.settings).capabilities) for role in confinements.TABLE
    }
    reading = {Capability.CAP_DAC_READ_SEARCH}
    giving = {Capability.CAP_CHOWN, Capability.CAP_DAC_OVERRIDE, Capability.CAP_FOWNER}
    assert {role: what for role, what in held.items() if what} == {
        "mender": giving,
        "supervisor": reading | giving,
        "watcher": reading,
    }
    without = msgspec.structs.replace(host.settings, mend=settings.MendSettings())
    assert set(confinements.of("supervisor", without).capabilities) == reading


def test_unconfined_everything_is_possible(host: Host) -> None:
    """Without confinement the same tries succeed: they prove something."""
    never = {"trace", "mount", "namespace", "become", "packet", "inside", "memory"}
    tries = _tries(host, "watcher")
    del tries["run here"]
    if not _ROOT:
        never |= _OF_ROOT
    done = _in_child(lambda: [name for name, what in tries.items() if _possible(what)])
    assert set(done) | never == set(tries) | never


def test_a_sink_in_the_root_folder_opens_only_itself(host: Host) -> None:
    """A sink's file directly below / does not make everything writable."""
    raw = {"version": 1, "sinks": {"a": {"kind": "file", "path": "/events.jsonl"}}}
    wanted = confinements.of("courier", settings.from_mapping(raw))
    assert "/events.jsonl" in wanted.write
    assert "/" not in wanted.write


def test_credentials_and_keys_of_sinks_are_read(tmp_path: Path) -> None:
    """The courier reads the files that a sink's settings name, and its unit's credentials."""
    key = tmp_path / "key.pem"
    key.touch()
    raw = {"version": 1, "sinks": {"a": {"kind": "https", "url": "https://x", "key": str(key)}}}
    told = settings.from_mapping(raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(hostpaths.CREDENTIALS, str(tmp_path))
        assert {str(key), str(tmp_path)} <= set(confinements.of("courier", told).read)
        assert str(key) not in confinements.of("keeper", told).read
        assert str(tmp_path) not in confinements.of("prober", told).read


def _scanner(place: Path) -> Scanner:
    matching = rulecache.load(setup.rule_texts(()), place)
    orders = Orders(Policy(), (FingerprintKey(b"k" * 32),))
    return Scanner(Inspector(matching.engine, catalog.Formats(matching.formats)), orders)


def _plants(place: Path) -> list[Path]:
    """Write a YAML file, an archive with another, and a key that everybody can read."""
    rng = random.Random(7)
    word = "".join(rng.choices(string.ascii_letters + string.digits, k=24)) + "7x"
    text = yaml.safe_dump({"db": {"user": "app", "password": word}})
    (place / "plain.yaml").write_text(text)
    with zipfile.ZipFile(place / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/settings.yaml", text)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (place / "key.pem").write_bytes(pem)
    (place / "key.pem").chmod(0o644)
    return [place / name for name in ("plain.yaml", "packed.zip", "key.pem")]


def _opened(path: Path) -> files.Opened:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return files.Opened(str(path), descriptor, os.fstat(descriptor))


def _read(scanner: Scanner, give_up: Callable[[], None], paths: list[Path]) -> list[Result]:
    """Have a reader look at files; give the result of each."""
    several = readers.Readers(scanner.opened, give_up, seconds=20, most=1)
    found: list[Result] = []
    try:
        for number, path in enumerate(paths, 1):
            several.give(_opened(path))
            while len(found) < number:
                found += [one.result for one in several.take() if one.result]
                threading.Event().wait(0.01)
    finally:
        several.close()
    return found


def test_a_reader_without_power_does_its_work(host: Host, tmp_path: Path) -> None:
    """The scanner finds what it finds elsewhere, its libraries loaded after all power was gone."""
    scanner, paths = _scanner(tmp_path), _plants(host.place)
    wanted = confinements.of("reader", host.settings)

    def give_up() -> None:
        assert confine.confine(wanted) == []

    found = _read(scanner, give_up, paths)
    assert [one for result in found for one in result.inconclusive] == []
    assert all(result.findings for result in found)
    assert found == _read(scanner, lambda: None, paths)


_TRY = """
import os, socket, sys
for name, what in {
    "run": lambda: os.execv("/bin/true", ["true"]) if os.fork() == 0 else os.wait()[1] and 1 / 0,
    "private": lambda: open(sys.argv[1]),
    "shadow": lambda: open("/etc/shadow"),
    "world": lambda: open(sys.argv[2]),
    "write": lambda: open(sys.argv[2], "w"),
    "udp": lambda: socket.socket(type=socket.SOCK_DGRAM),
    "connect": lambda: socket.create_connection(("127.0.0.1", int(sys.argv[3]))),
}.items():
    try:
        what()
        print(name)
    except (OSError, ZeroDivisionError):
        if os.getpid() != os.getpgid(0):
            os._exit(1)
"""


def _tried_by_sslyze(host: Host, role: str) -> set[str]:
    """Give what sslyze's Python can do where a role starts it; "" for a role without powers."""
    names = confinements.of("prober", host.settings).execute
    own = host.place / "state" / "keeper" / "private"
    words = ["-I", "-c", _TRY, str(own), str(host.place / "world" / "file"), str(host.server[1])]

    def run() -> str:
        if role:
            confine.confine(confinements.of(role, host.settings))
        done = subprocess.run(
            [names[0], *words], start_new_session=True, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return set(_in_child(run).split())


@needs_root
@pytest.mark.skipif(not _HAS_DEEP, reason="sslyze's environment is not installed")
def test_what_the_prober_runs_has_no_more_power(host: Host) -> None:
    """sslyze's Python can connect, as its prober can; unconfined it could do all that is tried."""
    assert _tried_by_sslyze(host, "prober") == {"connect"}
    everything = {"run", "private", "shadow", "world", "write", "udp", "connect"}
    assert _tried_by_sslyze(host, "") == everything


@needs_root
def test_a_prober_without_privilege_sees_listeners(host: Host) -> None:
    """The prober lists listening sockets over netlink after it was confined."""

    def run() -> list[str]:
        confine.confine(confinements.of("prober", host.settings))
        return [f"{one.address}:{one.port}" for one in listeners.look().listeners]

    address, port = host.server
    assert f"{address}:{port}" in _in_child(run)


@needs_root
@pytest.mark.parametrize("user", [0, _USER])
def test_a_courier_opens_memory_by_name(host: Host, user: int) -> None:
    """What a library wants as a file can be handed to it from memory, /proc not being allowed."""
    wanted = confinements.of("courier", host.settings)

    def run() -> str:
        _become(user)
        confine.confine(wanted)
        descriptor = os.memfd_create("key", os.MFD_CLOEXEC)
        os.write(descriptor, b"key and chain")
        return Path(f"/proc/self/fd/{descriptor}").read_text()

    assert _in_child(run) == "key and chain"


@needs_root
def test_folders_of_other_users_are_left_to_them(host: Host) -> None:
    """A role whose user may not make the folders of others makes its own, and goes on."""
    state = host.place / "state"
    shutil.rmtree(state / "keeper")
    shutil.rmtree(state / "prober")
    state.chmod(0o755)
    (state / "prober").mkdir()
    os.chown(state / "prober", _USER, _USER)

    def run() -> list[str]:
        _become(_USER)
        powers.prepare(host.settings)
        return sorted(os.listdir(state / "prober"))

    assert _in_child(run) == [powers.JOURNAL, powers.PUBLISHED, powers.REQUESTS]
    assert not (state / "keeper").exists()


@needs_root
def test_folders_of_others_may_be_read_only(host: Host) -> None:
    """A unit that may write its own folder alone makes what it can."""
    state = host.place / "state"

    def run() -> list[list[str]]:
        calls = ctypes.CDLL(None, use_errno=True)
        if calls.unshare(_NEW_MOUNTS):
            return []
        assert calls.mount(None, b"/", None, _PRIVATE, None) == 0
        assert calls.mount(b"own", bytes(state), b"tmpfs", 0, None) == 0
        (state / "prober").mkdir()
        assert calls.mount(b"own", bytes(state / "prober"), b"tmpfs", 0, None) == 0
        assert calls.mount(None, bytes(state), None, _READ_ONLY, None) == 0
        powers.prepare(host.settings, (*powers.ROLES, powers.SUPERVISOR))
        return [sorted(os.listdir(state)), sorted(os.listdir(state / "prober"))]

    seen = _in_child(run)
    if not seen:
        pytest.skip("this host allows no namespaces of mounts")
    assert seen == [["prober"], [powers.JOURNAL, powers.PUBLISHED, powers.REQUESTS]]


def test_a_policy_may_be_replaced(host: Host) -> None:
    """A policy that was renamed into its place is in the folder that was allowed."""
    policy = host.place / "world" / "policy.yaml"
    policy.write_text("version: 1")
    told = settings.from_mapping({"version": 1, "state": "/nowhere", "policy": str(policy)})
    before = confine.identities(confinements.of("prober", told))
    assert str(policy.parent) in before
    policy.with_suffix(".new").write_text("version: 1")
    policy.with_suffix(".new").rename(policy)
    assert confine.identities(confinements.of("prober", told)) == before


@needs_root
def test_a_courier_still_finds_hosts_by_name(host: Host) -> None:
    """Names are looked up after the courier was confined."""

    def run() -> list[str]:
        confine.confine(confinements.of("courier", host.settings))
        return [str(one[4][0]) for one in socket.getaddrinfo("localhost", 80)]

    assert set(_in_child(run)) & {"127.0.0.1", "::1"}


def test_privileges_are_shown_from_the_same_table(host: Host) -> None:
    """Every role, every folder it writes, and what this kernel cannot limit, in both forms."""
    text = privileges.lines(host.settings)
    told = json.loads("\n".join(privileges.lines(host.settings, "json")))
    assert set(told["roles"]) == set(confinements.TABLE)
    assert told["missing"] == confine.missing()
    for role in confinements.TABLE:
        wanted = confinements.of(role, host.settings)
        shown = told["roles"][role]
        assert any(line.startswith(f"{role}: ") for line in text)
        assert shown["writes"] == sorted({*wanted.write, *wanted.links})
        assert set(wanted.read) <= set(shown["reads"])
        assert shown["network"] == [] or wanted.families
        assert all(any(path in line for line in text) for path in wanted.write)
    assert told["roles"]["watcher"]["capabilities"] == ["CAP_DAC_READ_SEARCH"]
    assert told["roles"]["watcher"]["network"] == told["roles"]["reader"]["network"] == []
