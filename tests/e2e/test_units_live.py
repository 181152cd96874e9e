"""The units under a real systemd: roles get ready, see what they should, reload, come back, end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from agent import powers, settings
from agent.roles import table
from tests.e2e.machine import PATIENCE, STATE, TARGET, Machine, refusal, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_ROLES = tuple(table.roles(settings.from_mapping({"version": 1})))
_UNITS = {role: f"hygiene-agent-{role}.service" for role in _ROLES}
_SEEN = ("etc", "home/ann", "root", "tmp")
_SETTINGS = """
version: 1
policy: /etc/hygiene-agent/policy.yaml
watch: {roots: [/etc, /home, /root, /tmp]}
tls: {discover: 2}
"""
_POLICY = "version: 1\nname: first\ntls: {exclude: [left-alone.service]}\n"
_SECOND = _POLICY.replace("first", "second") + "secrets: {disable: [embedded-password]}\n"
_SERVER = """
[Service]
ExecStart=openssl s_server -quiet -www -accept 127.0.0.1:%d -cert /srv/crt.pem -key /srv/key.pem %s
"""
_OLD = "-min_protocol TLSv1 -cipher ALL:@SECLEVEL=0"
_UNREADABLE = 3
_WATCHING = 1 << 2
"""CAP_DAC_READ_SEARCH"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A system whose administrator enabled our target."""
    if why := refusal():
        pytest.skip(why)
    with Machine() as one:
        (one.root / "home/ann").mkdir()
        os.chown(one.root / "home/ann", 1000, 1000)
        (one.root / "home/ann").chmod(0o700)
        (one.root / "etc/hygiene-agent/agent.yaml").write_text(_SETTINGS)
        _set_policy(one, _POLICY)
        enabled = one.systemctl("enable", "--now", TARGET)
        assert enabled.returncode == 0, enabled.stderr
        _wait_until_ready(one)
        yield one


def _set_policy(machine: Machine, text: str) -> None:
    """Put a policy into its place by a rename, as whoever delivers one does."""
    path = machine.root / "etc/hygiene-agent/policy.yaml"
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").rename(path)


def _wait_until_ready(machine: Machine) -> None:
    def ready() -> bool:
        return all(machine.shown(unit, "ActiveState") == "active" for unit in _UNITS.values())

    try:
        until(ready, PATIENCE, "the roles did not become ready")
    except AssertionError as error:
        error.add_note(machine.journal())
        raise


def _plant(machine: Machine, place: str, name: str, password: str) -> str:
    """Write a file with a password, for its owner alone; gives its path inside."""
    path = machine.root / place / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        file.write(f"password = '{password}'\n")
    return f"/{place}/{name}"


def _told(machine: Machine, kind: str) -> set[tuple[str, str]]:
    """Give check and place of each finding in events of a kind."""
    told = [event["finding"] for event in machine.events() if event["kind"] == kind]
    return {(one["check"], one["location"]["path"]) for one in told}


def _health(machine: Machine, state: str) -> list[dict[str, Any]]:
    told = [event["health"] for event in machine.events() if event["kind"] == "health"]
    return [one for one in told if one["state"] == state]


def test_the_host_is_left_alone(machine: Machine, tmp_path: Path) -> None:
    """What systemd empties and names is its own: no file of the host and no name of it changed."""
    assert tmp_path.exists()
    assert not machine.root.joinpath(*tmp_path.parts[1:]).exists()
    for kind in ("cgroup", "ipc", "mnt", "net", "pid", "uts"):
        own, theirs = (os.readlink(f"/proc/{pid}/ns/{kind}") for pid in ("self", machine.first.pid))
        assert own != theirs
    for path in ("usr/lib", "usr/share", "opt/hygiene-agent/source/agent", "proc/sys", "sys"):
        assert os.statvfs(machine.root / path).f_flag & os.ST_RDONLY, path


@pytest.mark.parametrize("role", _ROLES)
def test_a_role_runs_as_its_user_in_its_sandbox(machine: Machine, role: str) -> None:
    """A role has its user, no more capability than it needs, and cannot write the system."""
    one = machine.main(_UNITS[role])
    user, group = machine.user(f"hygiene-agent-{role}")
    assert one.status["Uid"].split() == [user] * 4
    assert one.status["Gid"].split() == [group] * 4
    wanted = _WATCHING if role == "watcher" else 0
    assert int(one.status["CapEff"], 16) == int(one.status["CapBnd"], 16) == wanted
    assert one.status["NoNewPrivs"] == "1"
    assert one.is_in(machine.first, "net") is (role != "watcher")
    assert not one.is_in(machine.first, "mnt")
    with pytest.raises(OSError, match="Read-only"):
        (one.root / "etc/new").write_text("")
    (machine.root / "etc/old").write_text("")  # as root may, outside of the sandbox


@pytest.mark.parametrize("role", sorted(set(powers.ROLES) - set(_ROLES)))
def test_a_role_that_is_not_wanted_is_passed_over(machine: Machine, role: str) -> None:
    """With nothing in the bootstrap file for it to do it is not started, and that is no failure."""
    unit = f"hygiene-agent-{role}.service"
    assert machine.shown(unit, "ExecMainPID") == "0"
    told = [machine.shown(unit, name) for name in ("ActiveState", "Result", "NRestarts")]
    assert told == ["inactive", "exec-condition", "0"]


@pytest.mark.parametrize("role", _ROLES)
def test_only_the_watcher_sees_homes(machine: Machine, role: str) -> None:
    """What people keep in /home, /root and /tmp is there for the watcher, for no other role."""
    for place in ("home/ann", "root", "tmp"):
        (machine.root / place / "letter").write_text("")
        seen = (machine.main(_UNITS[role]).root / place / "letter").exists()
        assert seen is (role == "watcher"), place


def test_roles_can_confine_themselves(machine: Machine) -> None:
    """No role says that it could not be confined; where its unit is in its way, it says so."""
    until(lambda: set(_began(machine)) == set(_ROLES), PATIENCE, "not all roles began")
    assert not _health(machine, "not fully confined")
    unit = _UNITS["courier"]
    beside = machine.root / "etc/systemd/system" / f"{unit}.d"
    beside.mkdir()
    (beside / "worse.conf").write_text("[Service]\nSystemCallFilter=~landlock_restrict_self\n")
    _restart(machine, unit)
    until(lambda: _health(machine, "not fully confined"), PATIENCE, "it did not say so")
    (beside / "worse.conf").unlink()
    _restart(machine, unit)


def _restart(machine: Machine, unit: str) -> None:
    for words in (("daemon-reload",), ("restart", unit)):
        done = machine.systemctl(*words)
        assert done.returncode == 0, done.stderr


def _began(machine: Machine) -> list[str]:
    events = machine.events()
    return [one["role"] for one in events if one["kind"] == "digest"]


def test_secrets_everywhere_reach_the_sink(
    machine: Machine, make_password: Callable[[str], str]
) -> None:
    """A password in /etc, /home, /root or /tmp is reported by the courier, and stands nowhere."""
    (machine.root / "etc/sound.conf").write_text("password_file = /run/secrets/app\n")
    passwords = {place: make_password(place) for place in _SEEN}
    paths = {_plant(machine, place, "app.conf", passwords[place]) for place in _SEEN}
    expected = {("embedded-password", path) for path in paths}
    until(lambda: expected <= _told(machine, "opened"), PATIENCE, "not all were reported")
    for path in (machine.root / STATE).rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert not any(one.encode() in held for one in passwords.values()), path
    assert "/etc/sound.conf" not in {path for _, path in _told(machine, "opened")}


def test_a_listener_is_judged(machine: Machine) -> None:
    """A server that speaks TLS 1.0 is reported; one whose unit is excluded is left alone."""
    _certify(machine.root / "srv")
    units = machine.root / "etc/systemd/system"
    for name, port in (("left-alone", 9443), ("old", 8443)):
        (units / f"{name}.service").write_text(_SERVER % (port, _OLD))
    assert machine.systemctl("daemon-reload").returncode == 0
    started = machine.systemctl("start", "left-alone.service", "old.service")
    assert started.returncode == 0, started.stderr
    old = ("tls-1.0", "tls://127.0.0.1:8443")
    until(lambda: old in _told(machine, "opened"), PATIENCE, "the old server was not reported")
    until(
        lambda: _status(machine)["coverage"]["endpoints"] == 1,
        PATIENCE,
        "one endpoint was expected",
    )
    assert not [path for _, path in _told(machine, "opened") if path.endswith(":9443")]


def _certify(folder: Path) -> None:
    words = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    files = ("-nodes", "-days", "9", "-keyout", folder / "key.pem", "-out", folder / "crt.pem")
    subprocess.run([*words, "-subj", "/CN=localhost", *files], check=True, capture_output=True)


def test_a_reload_takes_a_changed_policy(
    machine: Machine, make_password: Callable[[str], str]
) -> None:
    """Reloading the target suppresses what the new policy disables, and no role ends for it."""
    before = {role: machine.main(unit).pid for role, unit in _UNITS.items()}
    path = _plant(machine, "etc", "reload.conf", make_password("reload"))
    finding = ("embedded-password", path)
    until(lambda: finding in _told(machine, "opened"), PATIENCE, "the password was not reported")
    assert finding not in _told(machine, "suppressed")
    _set_policy(machine, _SECOND)
    assert machine.systemctl("reload", TARGET).returncode == 0
    until(lambda: finding in _told(machine, "suppressed"), PATIENCE, "the policy was not taken")
    assert {role: machine.main(unit).pid for role, unit in _UNITS.items()} == before
    _set_policy(machine, _POLICY)
    assert machine.systemctl("reload", TARGET).returncode == 0
    until(lambda: _policies(machine) == {"first"}, PATIENCE, "the policy was not taken back")


def _status(machine: Machine) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(machine.run("hygiene-agent", "status", "-f", "json").stdout)
    return told


def _policies(machine: Machine) -> set[str]:
    return {one["name"] for one in _status(machine)["policies"]}


def test_a_killed_role_comes_back(machine: Machine, make_password: Callable[[str], str]) -> None:
    """systemd starts a killed watcher again, which finds what was written meanwhile."""
    others = {role: machine.main(unit).pid for role, unit in _UNITS.items() if role != "watcher"}
    before = machine.main(_UNITS["watcher"])
    os.kill(before.pid, signal.SIGKILL)
    unit = _UNITS["watcher"]
    until(
        lambda: machine.shown(unit, "ActiveState") != "active", PATIENCE, "systemd did not notice"
    )
    path = _plant(machine, "tmp", "meanwhile.conf", make_password("meanwhile"))
    assert machine.shown(unit, "Result") == "signal"
    _wait_until_ready(machine)
    assert machine.main(unit).pid != before.pid
    assert int(machine.shown(unit, "NRestarts")) == 1
    finding = ("embedded-password", path)
    until(lambda: finding in _told(machine, "opened"), PATIENCE, "it was not reported")
    assert {role: machine.main(_UNITS[role]).pid for role in others} == others


def test_status(machine: Machine) -> None:
    """Root and members of the group are told that all is well; nobody else is."""
    until(
        lambda: machine.run("hygiene-agent", "status").returncode == 0, PATIENCE, "not all is well"
    )
    done = machine.run("hygiene-agent", "status")
    assert re.findall(r"(?m)^  (\w+) +running ", done.stdout) == sorted(_ROLES)
    assert done.stderr == ""
    assert _status_as(machine, "65534").returncode == _UNREADABLE
    group = machine.user("hygiene-agent-prober")[1]
    assert _status_as(machine, group).returncode == 0


def _status_as(machine: Machine, group: str) -> subprocess.CompletedProcess[str]:
    """Ask for the status as a user who has a group."""
    return machine.run("nsenter", "-S", "65534", "-G", group, "hygiene-agent", "status")


def _is_down(machine: Machine, unit: str) -> bool:
    return machine.shown(unit, "ActiveState") in {"failed", "inactive"}


def test_the_target_stops_cleanly(machine: Machine) -> None:
    """Stopping the target ends every role by its own will, and starting it brings all back."""
    stopped = machine.systemctl("stop", TARGET)
    assert stopped.returncode == 0, stopped.stderr
    for unit in _UNITS.values():
        until(partial(_is_down, machine, unit), PATIENCE, f"{unit} did not stop")
        told = [machine.shown(unit, name) for name in ("ActiveState", "Result", "ExecMainStatus")]
        assert told == ["inactive", "success", "0"], unit
        assert not machine.processes(unit)
    assert "Traceback" not in machine.journal()
    assert machine.systemctl("start", TARGET).returncode == 0
    _wait_until_ready(machine)
