"""Credentials under a real systemd: the unit that is meant gets the key, and nobody else."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.agent.deliver.conftest import until
from tests.e2e.machine import Machine, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

_PYTHON = "/opt/hygiene-agent/python/bin/python3 -I"
_SOCKET = "/run/holder/credentials.sock"
_PREPARED = """
import sys
sys.path[:0] = ["/opt/hygiene-agent/source", "/opt/hygiene-agent/packages"]
"""
_HOLDER = (
    _PREPARED
    + """
import datetime, hashlib, json, os, signal, time
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from agent.deliver import Deliveries
from agent.keysettings import CredentialDelivery
from agent.vault.material import Material

def made():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app.example.net")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, now - day, now + day)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return Material(pem, built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode())

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
with Deliveries("/run/holder") as deliveries:
    units = ("app.service", "late.service")
    places = [CredentialDelivery(unit=one, name="tls.key") for one in units]
    app, late = (deliveries.make(one) for one in places)
    while True:
        what = made()
        app.publish(what)
        told = {"served": what.sha256, "content": hashlib.sha256(what.pem).hexdigest()}
        told["warnings"] = [*app.warnings(), *late.warnings()]
        with open("/run/holder/told.new", "w") as file:
            json.dump(told, file)
        os.rename("/run/holder/told.new", "/run/holder/told")
        signal.sigwait({signal.SIGUSR1})
"""
)
_THIEF = """
import json, os, socket, sys
user, unit, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
os.setgroups([]); os.setgid(user); os.setuid(user)
line = socket.socket(socket.AF_UNIX)
line.bind(b"\\0" + os.urandom(8).hex().encode() + f"/unit/{unit}/tls.key".encode())
try:
    line.connect(path)
    got = b"".join(iter(lambda: line.recv(65536), b""))
    print(len(got))
except OSError as error:
    print(error.strerror)
"""
_UNITS = {
    # As the keeper's own unit has it: no user of privilege, and no process of others in sight.
    "holder": f"""
[Service]
ExecStart={_PYTHON} /srv/holder.py
User=nobody
RuntimeDirectory=holder
RuntimeDirectoryMode=0755
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectProc=invisible
ProcSubset=pid
ProtectControlGroups=yes
PrivateDevices=yes
""",
    "app": f"""
[Service]
LoadCredential=tls.key:{_SOCKET}
ExecStart=openssl s_server -quiet -www -accept 127.0.0.1:4433 -cert %d/tls.key -key %d/tls.key
""",
    **{
        name: f"""
[Service]
Type=oneshot
RemainAfterExit=yes
LoadCredential=tls.key:{_SOCKET}
ExecStart=sh -c 'openssl dgst -sha256 -r <%d/tls.key >/srv/{name}.sum'
"""
        for name in ("other", "late", "same")
    },
    "thief": f"""
[Service]
Type=oneshot
ExecStart=sh -c '{_PYTHON} /srv/thief.py 0 app.service {_SOCKET} >/srv/thief.got'
""",
}
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The SHA-256 of nothing."""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A system in which somebody holds a key for app.service."""
    if why := refusal():
        pytest.skip(why)
    with Machine() as one:
        (one.root / "srv/holder.py").write_text(_HOLDER)
        (one.root / "srv/thief.py").write_text(_THIEF)
        for name, text in _UNITS.items():
            (one.root / f"usr/lib/systemd/system/{name}.service").write_text(text)
        one.systemctl("daemon-reload")
        started = one.systemctl("start", "holder.service")
        assert not started.returncode, started.stderr
        until((one.root / "run/holder/told").exists, one.journal())
        yield one


def _told(machine: Machine) -> dict[str, str]:
    found: dict[str, str] = json.loads((machine.root / "run/holder/told").read_text())
    return found


def _served(machine: Machine) -> str:
    """Give the SHA-256 of the certificate that app.service serves, "" for none."""
    ask = "openssl s_client -connect 127.0.0.1:4433 </dev/null 2>/dev/null"
    done = machine.run("sh", "-c", f"{ask} | openssl x509 -noout -fingerprint -sha256")
    return done.stdout.strip().rpartition("=")[2].replace(":", "").lower()


def _next(machine: Machine) -> dict[str, str]:
    """Have another key published, and give what is told then."""
    before = _told(machine)
    machine.systemctl("kill", "--signal=USR1", "holder.service")
    until(lambda: _told(machine)["served"] != before["served"], "nothing new was published")
    return _told(machine)


def test_the_unit_serves_its_key(machine: Machine) -> None:
    """Started, the unit serves what was published; restarted, what was published since."""
    assert not machine.systemctl("restart", "app.service").returncode
    first = _told(machine)
    until(lambda: _served(machine) == first["served"], machine.journal())
    second = _next(machine)
    assert _served(machine) == first["served"]
    assert not machine.systemctl("restart", "app.service").returncode
    until(lambda: _served(machine) == second["served"], machine.journal())


def test_the_unit_gets_the_whole_key(machine: Machine) -> None:
    """Where the unit's own processes look there is the content, byte by byte, and on no disk."""
    machine.systemctl("restart", "app.service")
    until(lambda: _served(machine) == _told(machine)["served"], machine.journal())
    process = machine.main("app.service")
    found = process.root / "run/credentials/app.service/tls.key"
    mounts = Path(f"/proc/{process.pid}/mountinfo").read_text()
    [line] = re.findall(r"^\S+ \S+ \S+ \S+ /run/credentials/app.service .*", mounts, re.MULTILINE)
    assert line.split(" - ")[1].split()[0] in {"ramfs", "tmpfs"}
    assert found.stat().st_size > 500


def test_another_unit_gets_nothing(machine: Machine) -> None:
    """A unit that asks for it in its own name, and one before there is anything, get nothing."""
    for name in ("other", "late"):
        machine.systemctl("start", f"{name}.service")
        file = machine.root / f"srv/{name}.sum"
        assert not file.exists() or file.read_text().split()[0] == _EMPTY
    assert "late.service/tls.key: refused" in str(_next(machine)["warnings"])
    assert "there is nothing to give yet" in str(_told(machine)["warnings"])


def test_a_process_that_takes_the_name_gets_nothing(machine: Machine) -> None:
    """Root in another unit binds the very name that systemd binds, and gets nothing."""
    machine.systemctl("start", "thief.service")
    assert (machine.root / "srv/thief.got").read_text() == "0\n"
    told = str(_next(machine)["warnings"])
    assert re.search(r"app.service/tls.key: refused \d+ times, last to a process of thief", told)


def test_a_user_cannot_even_ask(machine: Machine) -> None:
    """Another user cannot connect, and gets nothing where somebody opened the socket to him."""
    thief = (*_PYTHON.split(), "/srv/thief.py", "1000", "app.service", _SOCKET)
    assert machine.run(*thief).stdout == "Permission denied\n"
    socket = machine.root / _SOCKET.lstrip("/")
    socket.chmod(0o666)
    try:
        assert machine.run(*thief).stdout == "0\n"
    finally:
        socket.chmod(0o600)
    assert "last to user 1000" in str(_next(machine)["warnings"])


def test_the_same_process_in_the_unit_gets_it(machine: Machine) -> None:
    """What the thieves do works from inside the unit: it is the unit that they lack."""
    machine.systemctl("restart", "app.service")
    until(lambda: machine.processes("app.service"), machine.journal())
    group = machine.root / "sys/fs/cgroup/system.slice/app.service"
    words = f"echo $$ >/sys/fs/cgroup/system.slice/app.service/cgroup.procs; exec {_PYTHON}"
    assert group.exists()
    # /sys is read-only to the units of this system, not to who enters it with its own mount.
    done = machine.run("sh", "-c", f"{words} /srv/thief.py 0 app.service {_SOCKET}")
    assert int(done.stdout) > 500, done.stderr


def test_the_key_is_nowhere_else(machine: Machine) -> None:
    """No line of it is in the journal or in a file that anybody could keep."""
    machine.systemctl("restart", "app.service")
    until(lambda: _served(machine) == _told(machine)["served"], machine.journal())
    process = machine.main("app.service")
    key = (process.root / "run/credentials/app.service/tls.key").read_bytes()
    lines = [line for line in key.splitlines() if line and not line.startswith(b"-----")]
    places = [machine.root / one for one in ("srv", "run/holder", "run/log", "var", "tmp")]
    files = [
        os.path.join(folder, name)
        for place in places
        for folder, _, names in os.walk(place)
        for name in names
        if os.path.isfile(os.path.join(folder, name))
    ]
    assert len(files) > 5
    for file in files:
        with open(file, "rb") as content:
            data = content.read()
        assert not [line for line in lines if line in data], file
    assert not [line for line in lines if line.decode() in machine.journal()]
