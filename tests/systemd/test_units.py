"""The units are what systemd takes without a warning, exposes little, and fits the roles' table."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent import confinements, home, powers, settings

_FOLDER = Path(__file__).parents[2] / "systemd"
_UNITS = {role: _FOLDER / f"hygiene-agent-{role}.service" for role in powers.ROLES}
_ACTIONS = {"reload": "reload", "restart": "try-restart"}
"""What a path unit's service has systemctl do, by the names of both."""
_LIMIT = 1.5
"""systemd-analyze security: 0 exposes nothing, 10 everything."""


def _service(role: str) -> dict[str, list[str]]:
    """Give [Service] of a role's unit: all values of each name."""
    return _section(_UNITS[role], "[Service]")


def _section(unit: Path, wanted: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    section = ""
    for line in unit.read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == wanted and "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def _run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "SYSTEMD_COLORS": "0", "SYSTEMD_EMOJI": "0"}
    return subprocess.run(
        [str(word) for word in words],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _exposure(unit: Path) -> float:
    done = _run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d) ", done.stdout)
    assert found, done.stderr
    return float(found[1])


@pytest.mark.parametrize("role", powers.ROLES)
def test_exposure(role: str) -> None:
    """Each unit exposes at most 1.5 of 10."""
    assert _exposure(_UNITS[role]) <= _LIMIT


@pytest.mark.parametrize("action", _ACTIONS)
def test_exposure_of_what_acts(action: str) -> None:
    """What is root in name alone exposes less than that."""
    assert _exposure(_FOLDER / f"hygiene-agent-{action}@.service") <= 0.8


def test_a_bare_unit_is_exposed(tmp_path: Path) -> None:
    """A unit without hardening is seen to be one."""
    unit = tmp_path / "bare.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    assert _exposure(unit) > 9


def _copied(folder: Path) -> list[Path]:
    """Copy the units, with a program that is there on every host."""
    copies = []
    acting = [*_FOLDER.glob("*@.path"), *_FOLDER.glob("*@.service")]
    assert len(acting) == 2 * len(_ACTIONS)
    for unit in sorted([*_UNITS.values(), *acting, _FOLDER / "hygiene-agent.target"]):
        text = re.sub(r"(?m)^(Exec\w+)=/usr/bin/hygiene-agent", r"\1=/bin/true", unit.read_text())
        copies.append(folder / unit.name)
        copies[-1].write_text(text)
    return copies


def test_systemd_takes_the_units_without_a_warning(tmp_path: Path) -> None:
    """All units are right in every word."""
    done = _run("systemd-analyze", "verify", "--man=no", *_copied(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_wrong_word_is_warned_of(tmp_path: Path) -> None:
    """A misspelt setting does not pass."""
    copies = _copied(tmp_path)
    copies[0].write_text(copies[0].read_text().replace("ProtectHome=", "ProtectHomes="))
    done = _run("systemd-analyze", "verify", "--man=no", *copies)
    assert "ProtectHomes" in done.stderr


@pytest.mark.parametrize("role", powers.ROLES)
def test_what_a_unit_starts(role: str) -> None:
    """Each unit starts its role, as its own user in the common group, and expects signs of life."""
    service = _service(role)
    command = f"/usr/bin/hygiene-agent run --role {role} --settings {home.BOOTSTRAP}"
    assert service["ExecStart"] == [command]
    assert service["ExecCondition"] == [command.replace(" --settings", " --wanted --settings")]
    assert service["User"] == [f"hygiene-agent-{role}"]
    assert service["Group"] == ["hygiene-agent"]
    assert service["Type"] == ["notify"]
    assert service["WatchdogSec"] == ["120s"]
    folders = (powers.JOURNAL, powers.PUBLISHED)
    own = f"hygiene-agent/{role}"
    assert service["StateDirectory"] == [" ".join([own, *(f"{own}/{name}" for name in folders)])]


@pytest.mark.parametrize("role", powers.ROLES)
def test_a_unit_allows_what_the_table_allows(role: str) -> None:
    """Capabilities and kinds of sockets are those of the table; AF_UNIX is for telling systemd."""
    told = settings.from_mapping({"version": 1})
    wanted, service = confinements.of(role, told), _service(role)
    names = " ".join(one.name for one in wanted.capabilities)
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == [names]
    families = {1: "AF_UNIX", 2: "AF_INET", 10: "AF_INET6", 16: "AF_NETLINK"}
    allowed = {"AF_UNIX", *(families[family] for family in wanted.families)}
    assert set(service["RestrictAddressFamilies"][0].split()) == allowed
    assert ("PrivateNetwork" in service) is (not wanted.families)


@pytest.mark.parametrize("role", powers.ROLES)
def test_a_role_may_confine_itself_further(role: str) -> None:
    """Every unit allows Landlock; the watcher's lets its readers lose their capability."""
    filters = _service(role)["SystemCallFilter"]
    allowed = {word for line in filters if not line.startswith("~") for word in line.split()}
    needed = {"landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self"}
    assert needed <= allowed
    assert ("capset" in allowed) is (role == "watcher")


def test_the_watcher_sees_what_it_watches() -> None:
    """The folders that the unit would hide are seen as they are, and cannot be written."""
    service = _service("watcher")
    assert service["PrivateTmp"] == ["no"]
    assert service["ProtectHome"] == ["read-only"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["ProcSubset"] == ["all"]  # fs.inotify.max_user_watches is in /proc/sys
    for role in set(powers.ROLES) - {"watcher"}:
        assert (_service(role)["PrivateTmp"], _service(role)["ProtectHome"]) == (["yes"], ["yes"])


def test_the_prober_reaches_this_host_alone() -> None:
    """The prober's packets go by the loopback interface, as all for addresses of this host do."""
    assert _service("prober")["RestrictNetworkInterfaces"] == ["lo"]


def test_the_keeper_can_ask_and_deliver() -> None:
    """It writes requests, its own folder and no other; keys stay where they are when it stops."""
    service, base = _service("keeper"), "/var/lib/hygiene-agent"
    asked = [f"-{base}/{role}/{powers.REQUESTS}" for role in ("prober", "watcher")]
    assert service["ReadWritePaths"] == [" ".join(["-/run/hygiene-agent", *asked])]
    assert service["RuntimeDirectory"] == ["hygiene-agent/keeper"]
    assert service["RuntimeDirectoryMode"] == ["0711"]
    assert service["RuntimeDirectoryPreserve"] == ["yes"]
    assert service["LoadCredential"] == ["hygiene-agent.secret-id"]


def test_the_mender_writes_nothing_of_the_host_by_itself() -> None:
    """It may ask; which folders it mends in a drop-in says."""
    asked = ("-/run/hygiene-agent/actions", f"-/var/lib/hygiene-agent/prober/{powers.REQUESTS}")
    assert _service("mender")["ReadWritePaths"] == [" ".join(asked)]
    assert _service("mender")["ProtectSystem"] == ["strict"]


def test_the_keepers_memory_stays_memory() -> None:
    """It may lock all, which takes a call and no limit; no core; it sees whether there is swap."""
    service = _service("keeper")
    assert service["LimitMEMLOCK"] == ["infinity"]
    assert "mlockall" in service["SystemCallFilter"][-1].split()
    assert (service["LimitCORE"], service["MemorySwapMax"]) == (["0"], ["0"])
    assert service["ProcSubset"] == ["all"]


@pytest.mark.parametrize("action", _ACTIONS)
def test_what_acts_does_that_alone(action: str) -> None:
    """A file has systemctl do one thing to one unit, with no capability, at most once a second."""
    unit = _FOLDER / f"hygiene-agent-{action}@.service"
    asked, result = (f"/run/hygiene-agent/{one}/{action}-%i" for one in ("actions", "results"))
    watched = _section(unit.with_suffix(".path"), "[Path]")
    assert watched == {"PathExists": [asked]}
    service = _section(unit, "[Service]")
    systemctl = f"/usr/bin/systemctl {_ACTIONS[action]} %i.service"
    assert service["ExecStart"] == [f"/usr/bin/rm -f {result} {asked}", systemctl]
    assert service["ExecStopPost"] == ["/usr/bin/echo ${SERVICE_RESULT}", "/usr/bin/sleep 1"]
    assert service["StandardOutput"] == [f"file:{result}"]
    assert service["CapabilityBoundingSet"] == [""]
    told = settings.from_mapping({"version": 1})
    assert service["ReadWritePaths"] == [" ".join(powers.acting(told))]
    assert [os.path.dirname(one) for one in (asked, result)] == list(powers.acting(told))


def test_users_and_folders(tmp_path: Path) -> None:
    """Users and folders are made as the units expect them, by systemd's own programs."""
    (tmp_path / "etc").mkdir()
    for program in ("systemd-sysusers", "systemd-tmpfiles"):
        assert shutil.which(program), program
    done = _run("systemd-sysusers", f"--root={tmp_path}", _FOLDER / "hygiene-agent.sysusers")
    assert done.returncode == 0, done.stderr
    users = [line.split(":") for line in (tmp_path / "etc/passwd").read_text().splitlines()]
    groups = [line.split(":") for line in (tmp_path / "etc/group").read_text().splitlines()]
    assert {user[0] for user in users} == {f"hygiene-agent-{role}" for role in powers.ROLES}
    assert [group[0] for group in groups] == ["hygiene-agent"]
    assert {user[3] for user in users} == {groups[0][2]}
    lines = (_FOLDER / "hygiene-agent.tmpfiles").read_text().splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    owners = {row[1]: (row[2], row[3], row[4]) for row in rows}
    base = "/var/lib/hygiene-agent"
    expected = dict.fromkeys((base, f"{base}/{powers.AUDIT}"), ("0750", "root", "hygiene-agent"))
    for role in powers.ROLES:
        for path in ("", f"/{powers.JOURNAL}", f"/{powers.PUBLISHED}"):
            expected[f"{base}/{role}{path}"] = ("0750", f"hygiene-agent-{role}", "hygiene-agent")
        place = f"{base}/{role}/{powers.REQUESTS}"
        expected[place] = ("1770", f"hygiene-agent-{role}", "hygiene-agent")
    actions, results = powers.acting(settings.from_mapping({"version": 1}))
    # Root takes requests away by its group, for it has no capability there, and no name but root's.
    expected[actions] = ("0770", "hygiene-agent-keeper", "root")
    expected |= dict.fromkeys((os.path.dirname(results), results), ("0755", "root", "root"))
    assert owners == expected


def test_the_target_starts_every_role() -> None:
    """Who enables the target has every unit, and none holds up the boot."""
    target = (_FOLDER / "hygiene-agent.target").read_text()
    for unit in _UNITS.values():
        assert unit.name in target
        text = unit.read_text()
        assert "WantedBy=hygiene-agent.target" in text
        assert "PartOf=hygiene-agent.target" in text
        assert "ReloadPropagatedFrom=hygiene-agent.target" in text
    assert "DefaultDependencies=no" in target
