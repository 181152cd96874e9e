"""Credentials among attackers: names, users, groups, reused numbers, floods, peers that wait."""

from __future__ import annotations

import json
import os
import socket
import stat
from typing import TYPE_CHECKING, Any

import pytest

from agent.credentialdesk import MOST, NAME
from agent.deliver import Deliveries, DeliveryError
from agent.keysettings import CredentialDelivery
from tests.agent.deliver.conftest import made, unseen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_APP = CredentialDelivery(unit="app.service", name="tls.key")
_KERNELS = {
    "6.13": "",
    "6.5": "peers._GET_INFO = 0",
    "before": "peers._GET_INFO = 0; peers._SO_PEERPIDFD = 0x7FFF",
}
"""What a kernel knows; an older one is one that does not know what it is asked for."""

_HOST = """
import contextlib, json, signal, socket, threading, time
from agent import peers

group = f"hygiene-test-{os.stat('/proc/self/ns/pid').st_ino}.slice"
os.mkdir(f"{here}/groups"); os.mkdir(f"{here}/run")
subprocess.run(["mount", "-t", "cgroup2", "x", f"{here}/groups"], check=True)
subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "x", f"{here}/run"], check=True)
groups = {unit: f"{here}/groups/{group}/{unit}" for unit in ("app.service", "other.service")}
for one in groups.values():
    os.makedirs(one)
os.chdir(f"{here}/run")  # users have no way to it from the root
path = "credentials.sock"
deliveries = Deliveries(f"{here}/run")
app = deliveries.make(CredentialDelivery(unit="app.service", name="tls.key"))
app.publish(b"secret")
GOOD = b"\\0" + b"12ab/unit/app.service/tls.key"

def enter(unit):
    with open(f"{groups[unit]}/cgroup.procs", "w") as file:
        file.write("0")

def become(user):
    os.setgroups([]); os.setgid(user); os.setuid(user)

def child(do):
    # Give what a process of its own writes to a pipe.
    out, into = os.pipe()
    if not (pid := os.fork()):
        try:
            os.write(into, do() or b"-")
        except OSError as error:
            os.write(into, str(error.strerror).encode())
        finally:
            os._exit(0)
    os.close(into)
    with open(out, "rb") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said.decode()

def ask(name=GOOD, unit="app.service", user=0):
    def do():
        enter(unit)
        become(user)
        with socket.socket(socket.AF_UNIX) as line:
            if name:
                line.bind(name)
            line.connect(path)
            return b"".join(iter(lambda: line.recv(65536), b""))
    return child(do)

told = {}
try:
    exec(sys.stdin.read())
finally:
    deliveries.close()
    for folder, _, _ in os.walk(f"{here}/groups/{group}", topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)
print(json.dumps(told))
"""


@pytest.fixture
def host(apart: Callable[..., str]) -> Callable[[str], dict[str, Any]]:
    """Give a function that runs a script on a small host with two units and a desk.

    The units are control groups as systemd makes them; `told` of the script is given back.
    """

    def run(script: str) -> dict[str, Any]:
        begin = _HOST.replace("sys.stdin.read()", repr(script))
        said = apart(begin, "--pid", "--fork", "--mount-proc")
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found

    return run


@pytest.mark.parametrize("kernel", _KERNELS)
def test_only_the_unit_gets_its_credential(
    host: Callable[[str], dict[str, Any]], kernel: str
) -> None:
    """Of those who bind the right name only root in the unit's group gets it, on every kernel."""
    told = host(
        _KERNELS[kernel]
        + """
told["unit"] = ask()
told["other"] = ask(unit="other.service")
told["warned"] = app.warnings()
told["closed"] = ask(user=65534)
os.chmod(path, 0o666)
told["user"] = ask(user=65534)
told["again"] = ask()
app.withdraw()
told["withdrawn"] = ask()
"""
    )
    assert told.pop("warned") == [
        "app.service/tls.key: refused 1 times, last to a process of other.service"
    ]
    assert told == {
        "unit": "secret",
        "other": "-",
        "closed": "Permission denied",
        "user": "-",
        "again": "secret",
        "withdrawn": "-",
    }


def test_only_the_right_name_counts(host: Callable[[str], dict[str, Any]]) -> None:
    """A name that is not the one that systemd binds for one of our credentials gets nothing."""
    told = host(
        """
names = [b"", b"mine", b"\\0", *(b"\\0" + one for one in (
    b"12ab/unit/app.service/other", b"12ab/unit/other.service/tls.key",
    b"12AB/unit/app.service/tls.key", b"/unit/app.service/tls.key",
    b"12ab/unit/app.service/tls.key/", b"12ab/unit/app.service/tls.key\\0",
    b"12ab/unit/app.service/tls.key\\n", b"x12ab/unit/app.service/tls.key",
    b"12ab/system/app.service/tls.key", b"12ab/unit//tls.key", b"12ab/unit/app.service",
    b"12ab/unit/\\xff/tls.key", b"0" * 17 + b"/unit/app.service/tls.key",
))]
told["got"] = [ask(name) for name in names]
told["good"] = ask()
"""
    )
    assert set(told["got"]) == {"-"}
    assert len(told["got"]) == 16
    assert told["good"] == "secret"


_REUSED = """
def reused(came_before):
    # Somebody else connects and ends; then a process of the unit gets his number.
    line = socket.socket(socket.AF_UNIX)
    line.bind(b"\\0" + os.urandom(6).hex().encode() + b"/unit/app.service/tls.key")
    if not (thief := os.fork()):
        line.connect(where)
        os._exit(0)
    os.waitpid(thief, 0)
    came_before()
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(thief - 1))
    ready, done = os.pipe()
    if not (unit := os.fork()):
        enter("app.service")
        os.write(done, b"-")
        time.sleep(600)
        os._exit(0)
    os.read(ready, 1)
    assert unit == thief, "the number was not given again"
    return line, unit
"""


@pytest.mark.parametrize("kernel", _KERNELS)
def test_a_reused_number_is_not_believed(
    host: Callable[[str], dict[str, Any]], kernel: str
) -> None:
    """Who connected and ended is not taken for the unit's process that has his number now.

    Where the kernel does not hold the process itself, its start tells: without that, it would be
    believed.
    """
    if not os.path.exists("/proc/sys/kernel/ns_last_pid"):
        pytest.skip("this kernel lets nobody choose the number of a process")
    told = host(
        _KERNELS[kernel]
        + _REUSED
        + """
where = "mine"
listener = socket.socket(socket.AF_UNIX)
listener.bind(where)
listener.listen()
kept = []
def accepted():
    kept.extend((listener.accept()[0], peers.uptime()))
    time.sleep(0.05)  # starts are kept in hundredths of a second
line, unit = reused(accepted)
connection, came = kept

def said(came):
    try:
        return peers.unit(connection, came)
    except OSError:
        return ""
told["before"], told["later"] = said(came), said(peers.uptime())
os.kill(unit, signal.SIGKILL)
os.waitpid(unit, 0)
"""
    )
    assert told["before"] == ""
    assert told["later"] == ("app.service" if kernel == "before" else "")


def test_a_desk_that_was_held_up_believes_no_reused_number(
    host: Callable[[str], dict[str, Any]],
) -> None:
    """Stopped while the thief connects and the number changes hands, the desk gives nothing."""
    if not os.path.exists("/proc/sys/kernel/ns_last_pid"):
        pytest.skip("this kernel lets nobody choose the number of a process")
    told = host(
        _REUSED
        + """
deliveries.close()
where = path
if not (desk := os.fork()):
    with Deliveries(f"{here}/run") as deliveries:
        app = deliveries.make(CredentialDelivery(unit="app.service", name="tls.key"))
        app.publish(b"secret")
        time.sleep(600)
    os._exit(0)
while not os.path.exists(path) or ask() != "secret":
    time.sleep(0.02)
os.kill(desk, signal.SIGSTOP)
os.waitpid(desk, os.WUNTRACED)
line, unit = reused(lambda: None)
os.kill(desk, signal.SIGCONT)
told["got"] = len(b"".join(iter(lambda: line.recv(65536), b"")))
told["good"] = ask()
for pid in (desk, unit):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
"""
    )
    assert told == {"got": 0, "good": "secret"}


def test_a_keeper_that_gave_up_its_powers_serves(host: Callable[[str], dict[str, Any]]) -> None:
    """Confined as the keeper is, it has its socket and knows its peers; another it cannot bind."""
    told = host(
        """
from agent import confine, confinements, powers, settings
deliveries.close()
os.mkdir(f"{here}/run/other")
given = {"kind": "credential", "unit": "app.service", "name": "tls.key"}
own = settings.from_mapping({"version": 1, "state": f"{here}/run/state",
    "vault": {"folder": f"{here}/run"},
    "keys": {"web": {"source": {"kind": "kv", "path": "web"}, "deliver": [given]}}})
powers.prepare(own)
out, into = os.pipe()
if not (desk := os.fork()):
    confine.confine(confinements.of("keeper", own))
    with Deliveries(f"{here}/run") as deliveries:
        deliveries.make(own.keys["web"].deliver[0]).publish(b"secret")
        try:
            with socket.socket(socket.AF_UNIX) as other:
                other.bind("/tmp/hygiene-other.sock")
        except OSError as error:
            os.write(into, error.strerror.encode())
        time.sleep(600)
    os._exit(0)
os.close(into)
told["other"] = os.read(out, 100).decode()
told["got"] = ask()
told["stranger"] = ask(unit="other.service")
os.kill(desk, signal.SIGKILL)
os.waitpid(desk, 0)
"""
    )
    assert told == {"other": "Permission denied", "got": "secret", "stranger": "-"}


def test_nobody_holds_the_desk_up(host: Callable[[str], dict[str, Any]]) -> None:
    """Hundreds who never read, and thousands who come and go, do not keep the unit waiting; none of
    them costs a descriptor that stays."""
    told = host(
        """
app.publish(b"s" * 65536)
def descriptors():
    return len(os.listdir("/proc/self/fd"))
before = descriptors()
kept, go = os.pipe()
if not (idle := os.fork()):
    os.close(go)
    enter("app.service")
    lines = []
    for number in range(400):
        line = socket.socket(socket.AF_UNIX)
        line.bind(b"\\0" + b"%x/unit/app.service/tls.key" % number)
        line.connect(path)
        lines.append(line)
    os.read(kept, 1)
    os._exit(0)
if not (flood := os.fork()):
    os.close(go)
    enter("other.service")
    number = 0
    while True:
        number += 1
        with socket.socket(socket.AF_UNIX) as line:
            line.bind(b"\\0" + b"f%x/unit/app.service/tls.key" % number)
            line.connect(path)
while not app.warnings() or int(app.warnings()[0].split()[2]) < 1000:
    time.sleep(0.02)
began = time.monotonic()
told["sizes"] = [len(ask()) for _ in range(10)]
told["seconds"] = (time.monotonic() - began) / 10
os.kill(flood, signal.SIGKILL)
os.waitpid(flood, 0)
while descriptors() > before + 2:
    time.sleep(0.02)
told["flood"] = int(app.warnings()[0].split()[2])
os.close(go)
os.waitpid(idle, 0)
"""
    )
    assert told["sizes"] == [65_536] * 10
    assert told["flood"] >= 1000
    assert told["seconds"] < 5


def test_the_socket_is_its_owners(memory: Path) -> None:
    """It is made for its owner alone, goes with the deliveries, and comes back where removed."""
    path = memory / NAME
    with Deliveries(str(memory)) as deliveries:
        one = deliveries.make(_APP)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not one.lost()
        path.unlink()
        assert one.lost()
        one.publish(b"secret")
        assert not one.lost()
        assert stat.S_ISSOCK(path.stat().st_mode)
    assert not path.exists()


def test_a_run_before_is_taken_over_from(memory: Path) -> None:
    """The socket that a killed run left is replaced; anything else there is left alone."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(memory / NAME))
    with Deliveries(str(memory)) as deliveries:
        deliveries.make(_APP).publish(b"secret")
    (memory / NAME).write_text("theirs")
    with pytest.raises(DeliveryError, match="something else is in its place"):
        Deliveries(str(memory)).make(_APP)
    assert (memory / NAME).read_text() == "theirs"


@pytest.mark.parametrize("how", ["shared", "gone", "link"])
def test_a_folder_that_others_could_change_is_refused(memory: Path, how: str) -> None:
    """Where others could put their own socket, or reach another folder, there is none."""
    place = memory / "place"
    if how == "shared":
        place.mkdir()
        place.chmod(0o1777)
    if how == "link":
        place.symlink_to(memory)
    with pytest.raises(DeliveryError):
        Deliveries(str(place)).make(_APP)
    assert not (memory / NAME).exists()


def test_one_place_is_of_one_key(memory: Path) -> None:
    """Two keys cannot be the same credential of a unit; another name or unit is another place."""
    with Deliveries(str(memory)) as deliveries:
        deliveries.make(_APP)
        deliveries.make(CredentialDelivery(unit="app.service", name="other"))
        with pytest.raises(DeliveryError, match=r"app\.service/tls\.key: delivered twice"):
            deliveries.make(_APP)


def test_what_would_not_fit_is_refused(memory: Path) -> None:
    """A content that a connection cannot take at once is an error, which does not repeat it."""
    what = made()
    with Deliveries(str(memory)) as deliveries:
        one = deliveries.make(_APP)
        one.publish(what)
        with pytest.raises(DeliveryError, match=f"longer than {MOST} bytes") as caught:
            one.publish(what.key * 400)
        unseen(what.key, caught.value, one, deliveries, one.warnings(), one.__dict__["_desk"])
