"""The status: what roles published, judged without them, and nothing hostile gets through it."""

from __future__ import annotations

import datetime
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import powers, rolestatus, settings, snapshot, statusjudge, statusreading
from agent.courier import Progress
from agent.events import Gap, Host
from agent.findings import Status, Tracked
from agent.output import statusjson, statustext
from agent.policy.activating import Standing
from agent.roles.courier import Published
from agent.rolestatus import ActivePolicy, Findings, RoleStatus
from agent.statusjudge import Gathered, Limits, Process, Read
from agent.statuspage import SCHEMA, State
from checks.model import Confidence, Evidence, Finding, Fingerprint, Location, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.settings import Settings
    from agent.statuspage import Page

NOW = 1_900_000_000.0
HOSTILE = "\x1b[2J\udcff\u202e\n{}"
ANY = st.text(st.characters(), max_size=20)
NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)
TIMES = st.floats() | st.floats(0, 2e9)


@pytest.fixture
def told(tmp_path: Path) -> Settings:
    return settings.from_mapping({"version": 1, "state": str(tmp_path), "tls": {"enabled": False}})


def status(role: str = "watcher", **fields: object) -> RoleStatus:
    one = RoleStatus(role=role, pid=os.getpid(), started=NOW - 3600, at=NOW - 1)
    return msgspec.structs.replace(one, **fields)


def known(
    severity: Severity = Severity.HIGH, path: str = "/etc/a.yml", stands: Status = Status.OPEN
) -> Tracked:
    finding = Finding(
        check="embedded-password",
        severity=severity,
        confidence=Confidence.HIGH,
        location=Location(path, 3, key_path="db.password"),
        message="password in clear text",
        fix="f",
        evidence=Evidence("••••", 12, (Fingerprint("k", path),)),
        identity=f"{abs(hash(path)):032x}"[:32],
    )
    return Tracked(finding=finding, status=stands, first_seen=NOW - 86_400, last_seen=NOW)


def judged(told: Settings, *roles: Read, sinks: tuple[Progress, ...] = ()) -> Page:
    host = Host(id="h", name="web1")
    return statusjudge.page(Gathered(host, told, roles, sinks, Limits(100, 10), NOW))


def shown(page: Page, *, every: bool = False) -> str:
    return "".join(statustext.render(page, every=every))


# What is judged


@pytest.mark.parametrize(
    ("fields", "process", "state"),
    [
        ({}, Process.THERE, State.RUNNING),
        ({}, Process.UNKNOWN, State.RUNNING),
        ({}, Process.GONE, State.DEAD),
        ({"at": NOW - 19}, Process.THERE, State.RUNNING),
        ({"at": NOW - 21}, Process.THERE, State.SILENT),
        ({"at": NOW - 21}, Process.UNKNOWN, State.DEAD),
        ({"at": NOW + 86_400}, Process.THERE, State.RUNNING),
        ({"stopped": True}, Process.GONE, State.STOPPED),
        ({"at": math.nan}, Process.THERE, State.SILENT),
    ],
)
def test_a_role_is_judged_by_its_process_and_its_last_word(
    told: Settings, fields: dict[str, Any], process: Process, state: State
) -> None:
    """A clock that was set back is no trouble; a dead process with a fresh word is."""
    read = Read("watcher", status(**fields), None, process)
    page = judged(told, read)
    assert page.roles[0].state is state
    assert bool(page.problems) == (state is not State.RUNNING)


def test_all_is_well_only_where_everything_is_known(told: Settings) -> None:
    """What cannot be read is not well, and no trouble either."""
    good = Read("watcher", status(), None, Process.THERE)
    page = judged(told, good)
    assert (page.problems, page.is_unreadable) == ((), False)
    assert "web1: all is well" in shown(page)
    blind = Read("courier", error="x: permission denied")
    page = judged(told, good, blind)
    assert (page.problems, page.is_unreadable) == ((), True)
    assert "not everything can be read" in shown(page)
    page = judged(told, Read("watcher"), blind)
    assert (page.problems, page.is_unreadable) == (("watcher does not run",), False)


def test_trouble_is_said_first(told: Settings) -> None:
    """Faults, gaps and sinks that are away; open findings are none."""
    gap = Gap(subject="/srv/x", reason="folder cannot be listed", started=NOW - 7200)
    one = status(gaps=(gap,), more_gaps=2, faults=("state: disk full",), open=7)
    sink = Progress("siem", 12, 0, NOW - 60, "connection refused", NOW - 600)
    page = judged(told, Read("watcher", one, None, Process.THERE), sinks=(sink,))
    assert page.problems == (
        "watcher has 1 fault",
        "sink siem is away",
        "3 gaps in coverage open",
    )
    text = shown(page)
    assert text.splitlines()[0].startswith("web1 needs a look: watcher has 1 fault; ")
    for part in ("state: disk full", "/srv/x", "(2 h)", "connection refused", "1 min ago"):
        assert part in text
    fine = judged(told, Read("watcher", status(open=7), None, Process.THERE))
    assert fine.problems == ()


@pytest.mark.parametrize(
    ("polled", "started", "unasked"),
    [
        (NOW - 600, NOW - 9000, False),
        (NOW - 700, NOW - 9000, True),
        (0, NOW - 600, False),
        (0, NOW - 700, True),
        (NOW + 9000, NOW - 9000, False),
    ],
)
def test_a_store_that_nobody_asks_any_more_is_trouble(
    told: Settings, polled: float, started: float, *, unasked: bool
) -> None:
    """A share that hangs lets the courier wait for ever, and all else seems well."""
    courier = Read("courier", status("courier", started=started), None, Process.THERE)
    standing = Standing(url="file:///srv/policy", state="applied", polled=polled)
    gathered = Gathered(Host(id="h", name="web1"), told, (courier,), (), Limits(), NOW, standing)
    problems = statusjudge.page(gathered).problems
    assert bool(problems) == unasked
    assert all("was not asked" in one for one in problems)


def test_findings_of_all_roles_come_worst_first(told: Settings) -> None:
    """Counts are of all, the list is short unless all is wanted."""
    low = [known(Severity.LOW, f"/etc/{n}.yml") for n in range(6)]
    gone = known(Severity.MEDIUM, "/etc/gone.yml", Status.REMOVED)
    first = Read(
        "prober",
        status("prober", open=6, severities={"low": 6}),
        Findings(at=NOW, open=tuple(low)),
        Process.THERE,
    )
    second = Read(
        "watcher",
        status(open=1, removed=3, suppressed=4, severities={"critical": 1}),
        Findings(at=NOW, open=(known(Severity.CRITICAL),), removed=(gone,)),
        Process.THERE,
    )
    page = judged(told, first, second)
    assert (page.findings.open, page.findings.removed, page.findings.suppressed) == (7, 3, 4)
    assert list(page.findings.severities.items())[:2] == [("critical", 1), ("high", 0)]
    assert page.findings.worst[0].finding.severity is Severity.CRITICAL
    short, whole = shown(page), shown(page, every=True)
    assert "7 open: 1 critical, 6 low; 4 suppressed" in short
    assert ("/etc/5.yml" in short, "/etc/5.yml" in whole) == (False, True)
    assert "and 2 more: hygiene-agent status --findings" in short
    assert gone.identity in whole
    assert "hygiene-agent rotated IDENTITY" in whole


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3700, "1 h 1 min"),
        (90_000, "1 d 1 h"),
        (86_401, "1 d 1 s"),
    ],
)
def test_ages_are_two_units_at_most(seconds: float, words: str) -> None:
    """The largest that are not 0."""
    assert statustext.age(seconds) == words


# What is hostile


def hostile(draw: Callable[..., Any]) -> RoleStatus:
    return RoleStatus(
        role="watcher",
        pid=draw(NUMBERS),
        started=draw(TIMES),
        at=draw(TIMES),
        namespace=rolestatus.namespace(),
        stopped=draw(st.booleans()),
        numbers=draw(st.dictionaries(ANY | st.sampled_from(["files", "watches"]), NUMBERS)),
        open=draw(NUMBERS),
        removed=draw(NUMBERS),
        severities=draw(st.dictionaries(ANY | st.just("high"), NUMBERS)),
        gaps=(Gap(subject=draw(ANY), reason=draw(ANY), started=draw(TIMES)),),
        more_gaps=draw(NUMBERS),
        faults=(draw(ANY),),
        cpu=draw(TIMES),
        load=draw(TIMES),
        memory=draw(NUMBERS),
        waiting=draw(NUMBERS),
        policy=ActivePolicy(name=draw(ANY), sha256=draw(ANY), since=draw(TIMES)),
        audit=draw(ANY),
    )


@given(st.data())
def test_whatever_a_role_publishes_can_be_shown(data: st.DataObject) -> None:
    """No control character, no lone surrogate, no number that is none, in any form."""
    one = hostile(data.draw)
    tracked = known(path=data.draw(ANY))
    tracked = Tracked(
        finding=tracked.finding,
        status=Status.OPEN,
        first_seen=data.draw(TIMES),
        last_seen=data.draw(TIMES),
    )
    sink = Progress(
        data.draw(ANY), data.draw(NUMBERS), at=data.draw(TIMES), failing=data.draw(ANY), since=1
    )
    read = Read("watcher", one, Findings(at=0, open=(tracked,)), statusreading._process(one))
    told = settings.from_mapping({"version": 1})
    page = judged(told, read, sinks=(sink,))
    for every in (False, True):
        text = shown(page, every=every)
        assert not {char for char in text if char < " " or char == "\x7f"} - {"\n"}
        text.encode()
    made = json.loads("".join(statusjson.render(page)))
    assert made["schema"] == SCHEMA


def test_a_hostile_name_does_not_reach_the_terminal(told: Settings) -> None:
    """Everywhere a role can put a text."""
    one = status(
        gaps=(Gap(subject=HOSTILE, reason=HOSTILE, started=1),),
        faults=(HOSTILE,),
        policy=ActivePolicy(name=HOSTILE, sha256=HOSTILE, since=1),
        open=1,
    )
    read = Read("watcher", one, Findings(at=1, open=(known(path=HOSTILE),)), Process.THERE, HOSTILE)
    sink = Progress(HOSTILE, failing=HOSTILE)
    page = judged(told, read, sinks=(sink,))
    text = shown(page, every=True)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[2J\\xff\\u202e\\n{}" in text
    assert "".join(statusjson.render(page)).isascii()


# What is read


def publish(told: Settings, role: str, name: str, value: msgspec.Struct) -> Path:
    folder = Path(powers.published(told, role))
    folder.mkdir(parents=True, exist_ok=True)
    snapshot.write(folder / name, value)
    return folder / name


def test_what_roles_published_is_read_without_them(told: Settings) -> None:
    """Also by another name of a role that is switched off and never said that it stopped."""
    now = time.time()
    mine = status(at=now, started=now, namespace=rolestatus.namespace())
    publish(told, "watcher", rolestatus.STATUS, mine)
    publish(told, "watcher", rolestatus.FINDINGS, Findings(at=now, open=(known(),)))
    publish(told, "courier", "sinks", Published((Progress("siem"),)))
    (Path(told.state) / "watcher" / "journal").mkdir()
    (Path(told.state) / "watcher" / "journal" / "1.seg").write_bytes(bytes(1000))
    seen = statusreading.gather(told)
    assert [(one.role, one.process) for one in seen.roles] == [
        ("courier", Process.UNKNOWN),
        ("watcher", Process.THERE),
    ]
    watcher = seen.roles[1]
    assert (watcher.status, watcher.outbox) == (mine, 1000)
    assert watcher.findings is not None
    assert seen.sinks == (Progress("siem"),)
    assert seen.limits.watches > 0
    publish(told, "prober", rolestatus.STATUS, status("prober"))
    assert "prober" in [one.role for one in statusreading.gather(told).roles]
    publish(told, "prober", rolestatus.STATUS, status("prober", stopped=True))
    assert "prober" not in [one.role for one in statusreading.gather(told).roles]
    assert [one.role for one in statusreading.gather(told, "watcher").roles] == ["watcher"]


def test_a_process_that_is_not_the_one_any_more_is_gone() -> None:
    """Ended, waiting to be buried, or another one that was given its number."""
    mine = status(at=time.time(), namespace=rolestatus.namespace())
    assert statusreading._process(mine) is Process.THERE
    with subprocess.Popen(["true"]) as child:
        time.sleep(0.3)
        dead = status(at=time.time(), pid=child.pid, namespace=rolestatus.namespace())
        assert statusreading._process(dead) is Process.GONE
    assert statusreading._process(dead) is Process.GONE
    before = status(at=1000.0, namespace=rolestatus.namespace())
    assert statusreading._process(before) is Process.GONE
    assert statusreading._process(status(at=time.time())) is Process.UNKNOWN
    for pid in (0, -1, 1 << 40):
        odd = status(at=time.time(), pid=pid, namespace=rolestatus.namespace())
        assert statusreading._process(odd) is Process.UNKNOWN


@pytest.mark.parametrize("damage", ["cut", "garbage", "other role", "fifo", "link", "huge"])
def test_a_status_that_cannot_be_believed_is_unreadable(
    told: Settings, tmp_path: Path, damage: str
) -> None:
    """It is never taken for a role that is well, nor for one that never ran."""
    path = publish(told, "watcher", rolestatus.STATUS, status(at=time.time()))
    data = path.read_bytes()
    if damage == "other role":
        snapshot.write(path, status("courier", at=time.time()))
    elif damage == "fifo":
        path.unlink()
        os.mkfifo(path)
    elif damage == "link":
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.write_bytes({"cut": data[:-1], "garbage": b"x" * 100}.get(damage, bytes(3 << 20)))
    [read] = statusreading.gather(told, "watcher").roles
    assert (read.status, bool(read.error)) == (None, True)
    page = statusjudge.page(statusreading.gather(told, "watcher"))
    assert page.roles[0].state is State.UNREADABLE


def test_a_supervisor_counts_only_where_it_started_roles(told: Settings) -> None:
    """A host may have gone over to units; what is left of a supervisor then is no trouble."""
    now = time.time()
    space = rolestatus.namespace()
    publish(told, "watcher", rolestatus.STATUS, status(at=now, pid=os.getpid(), namespace=space))
    old = status("supervisor", at=now - 9999, namespace=space, numbers={"watcher": 1})
    publish(told, "supervisor", rolestatus.STATUS, old)
    assert "supervisor" not in [one.role for one in statusreading.gather(told).roles]
    died = status("supervisor", at=now - 9999, namespace=space, numbers={"watcher": os.getpid()})
    publish(told, "supervisor", rolestatus.STATUS, died)
    assert "supervisor" in [one.role for one in statusreading.gather(told).roles]


# The command


def run(folder: Path, state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    file = folder / "agent.yaml"
    file.write_text(f"version: 1\nstate: {state}\ntls: {{enabled: false}}\n")
    command = [sys.executable, "-I", "-m", "agent", "status", "--settings", str(file), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_says_by_its_status_how_things_are(told: Settings, tmp_path: Path) -> None:
    """0 well, 1 trouble, 2 wrong usage, 3 cannot be read."""
    now, space = time.time(), rolestatus.namespace()
    for role in ("watcher", "courier"):
        one = status(role, at=now + 60, pid=os.getpid(), namespace=space)
        publish(told, role, rolestatus.STATUS, one)
    assert (done := run(tmp_path, tmp_path)).returncode == 0, done
    assert "all is well" in done.stdout
    path = publish(told, "courier", rolestatus.STATUS, status("courier", at=now - 9999))
    assert run(tmp_path, tmp_path).returncode == 1
    assert run(tmp_path, tmp_path, "--role", "watcher").returncode == 0
    path.write_bytes(b"garbage")
    assert run(tmp_path, tmp_path).returncode == 3
    done = run(tmp_path, tmp_path / "missing")
    assert (done.returncode, "No such file" in done.stderr) == (3, True)
    assert run(tmp_path, tmp_path, "--role", "nobody").returncode == 2
    assert run(tmp_path, tmp_path, "--settings", str(tmp_path / "none.yaml")).returncode == 2


def test_json_has_every_key_always(told: Settings, tmp_path: Path) -> None:
    """The same keys for a host where nothing runs and for one where everything does."""
    empty = json.loads(run(tmp_path, tmp_path, "--format", "json").stdout)
    gap = Gap(subject="/srv\udcff", reason="r", started=1)
    policy = ActivePolicy(name="p", sha256="0" * 64, since=NOW)
    one = status(at=time.time(), gaps=(gap,), policy=policy)
    publish(told, "watcher", rolestatus.STATUS, one)
    publish(told, "watcher", rolestatus.FINDINGS, Findings(at=NOW, open=(known(),)))
    publish(told, "courier", "sinks", Published((Progress("siem", 5, at=NOW),)))
    whole = json.loads(run(tmp_path, tmp_path, "--format", "json").stdout)
    assert empty.keys() == whole.keys()
    assert (whole["schema"], whole["well"]) == (SCHEMA, False)
    for key in ("coverage", "findings"):
        assert empty[key].keys() == whole[key].keys()
    assert empty["roles"][0].keys() == whole["roles"][1].keys()
    assert whole["coverage"]["gaps"][0]["subject"] == "/srv\\xff"
    assert whole["sinks"][0]["succeeded"] == moment(NOW)
    assert whole["policies"][0]["name"] == "p"
    assert whole["findings"]["worst"][0]["severity"] == "high"


def moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()
