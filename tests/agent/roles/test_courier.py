"""The courier's role, in a process of its own: nothing lost and nothing doubled, whatever happens.

HYGIENE_KILLS says how often it is killed; a few times without.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent import snapshot
from agent.envelope import unwrap
from agent.events import Event, Kind
from agent.findings import Look
from agent.journal import Writer
from agent.ledger import Ledger
from agent.roles.base import Acknowledged
from agent.roles.courier import Published
from agent.rolestatus import RoleStatus
from checks.model import Confidence, Evidence, Finding, Fingerprint, Location, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Couriers = Callable[..., "Courier"]
    Roles = Callable[[str], "Role"]

KILLS = int(os.environ.get("HYGIENE_KILLS", "8"))
PEER = Path(__file__).parents[1] / "sinks" / "peer.py"
RUN = """
import json, os, sys
from agent import settings
from agent.daemon import by_pipe
from agent.roles import courier
told = settings.from_mapping(json.loads(sys.argv[1]))
courier.run(told, by_pipe(os.open("/dev/null", os.O_WRONLY)))
"""


class Role:
    """A role that finds something now and then, as the watcher does."""

    def __init__(self, state: Path, name: str) -> None:
        folder = state / name
        folder.mkdir(parents=True, exist_ok=True)
        self._ledger = Ledger(str(folder / "state.sqlite"), name)
        self._writer = Writer(str(folder / "journal"), self._ledger.stream)
        self._number = 0
        self.told: list[Event] = []

    def find(self, count: int) -> None:
        """Find new things, and hand them over."""
        for _ in range(count):
            self._number += 1
            path = f"/srv/{self._number}\udcff.yml"
            finding = Finding(
                check="postgres-url",
                severity=Severity.HIGH,
                confidence=Confidence.HIGH,
                location=Location(path, 3),
                message="m",
                fix="f",
                evidence=Evidence("••", 12, (Fingerprint("k", f"{self._number}"),)),
                identity=f"{self._number:064x}",
            )
            self.told += self._ledger.observe(path, Look((finding,)), time.time())
        records = self._ledger.waiting(10_000)
        self._writer.append(records)
        self._ledger.written(records[-1].sequence)

    def close(self) -> None:
        self._writer.close()
        self._ledger.close()


class Courier:
    """The role under test."""

    def __init__(self, state: Path, sinks: dict[str, dict[str, Any]]) -> None:
        self.state = state
        self._told = json.dumps({"version": 1, "state": str(state), "sinks": sinks})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = [sys.executable, "-I", "-X", "faulthandler", "-c", RUN, self._told]
        self._process = subprocess.Popen(words, stderr=subprocess.PIPE)

    def send(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def end(self, number: int = signal.SIGTERM) -> str:
        """End it, and give what it printed."""
        assert self._process is not None
        self._process.send_signal(number)
        _, printed = self._process.communicate(timeout=30)
        wanted = 0 if number == signal.SIGTERM else -number
        assert self._process.returncode == wanted, printed.decode()
        self._process = None
        return printed.decode()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def acknowledged(self, stream: str) -> int:
        path = self.state / "courier" / "published" / "acknowledged"
        return (snapshot.read(path, Acknowledged) or Acknowledged()).streams.get(stream, 0)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def courier(state: Path) -> Iterator[Callable[..., Courier]]:
    made = []

    def make(**sinks: dict[str, Any]) -> Courier:
        made.append(Courier(state, sinks))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def role(state: Path) -> Iterator[Callable[[str], Role]]:
    made = []

    def make(name: str) -> Role:
        made.append(Role(state, name))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """An HTTPS server with mutual TLS: its folder, and the settings of a sink that goes there."""
    folder = tmp_path / "receiver"
    folder.mkdir()
    subprocess.run([sys.executable, PEER, "make", folder], check=True)
    (folder / "behaviour").write_text("ok")
    words: list[str | Path] = [sys.executable, PEER, "serve", folder]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        settings = {
            "kind": "https",
            "url": f"https://localhost:{port}/",
            "ca": str(folder / "ca.pem"),
            "certificate": str(folder / "client.pem"),
            "key": str(folder / "client.key"),
            "answer": 2,
        }
        yield folder, settings
        process.kill()


def received(path: Path) -> list[Event]:
    """Give the events that a file holds, without those of the courier itself."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    events = [unwrap(line).event for line in lines if line.endswith(b"}")]
    return [event for event in events if event.role != "courier"]


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def check_all_once(told: list[Event], got: list[Event]) -> None:
    """All that was told is there; by its id no event is two, and the first copies are in order."""
    by_id: dict[str, Event] = {}
    for event in got:
        assert by_id.setdefault(event.id, event) == event
    assert set(by_id) == {event.id for event in told}
    assert list(by_id.values()) == told


def test_without_settings_reports_go_to_a_file(courier: Couriers, role: Roles, state: Path) -> None:
    """A host that names no sink keeps its reports in a file of JSON lines."""
    one = courier()
    one.start()
    watcher = role("watcher")
    watcher.find(3)
    path = state / "courier" / "events.jsonl"
    until(lambda: received(path) == watcher.told)
    assert one.end() == ""


def test_killed_at_random_moments(
    courier: Couriers, role: Roles, state: Path, receiver: tuple[Path, dict[str, Any]]
) -> None:
    """kill -9 at any moment, under load, with a server that misbehaves: all arrives, once by id."""
    folder, settings = receiver
    rng = random.Random(4)
    one = courier(siem=settings, local={"kind": "file"})
    watcher = role("watcher")
    for _ in range(KILLS):
        words = ["ok", "taken-then-reset", "500", "reset", "half", "ok", "close"]
        rng.shuffle(words)
        (folder / "behaviour").write_text("\n".join([*words, "ok"]))
        one.start()
        end = time.monotonic() + rng.uniform(0.1, 2.0)
        while time.monotonic() < end:
            watcher.find(rng.randrange(1, 60))
            time.sleep(rng.uniform(0, 0.05))
        one.end(signal.SIGKILL)
    (folder / "behaviour").write_text("ok")
    one.start()
    last = watcher.told[-1].id
    stream, _, number = last.partition("-")
    until(lambda: one.acknowledged(stream) == int(number), 60)
    assert one.end() == ""
    check_all_once(watcher.told, received(folder / "received"))
    check_all_once(watcher.told, received(state / "courier" / "events.jsonl"))


def test_a_sink_that_is_away_for_a_while(
    courier: Couriers, role: Roles, state: Path, receiver: tuple[Path, dict[str, Any]]
) -> None:
    """One that never answers holds up no other; when it is back it gets everything, in order."""
    folder, settings = receiver
    (folder / "behaviour").write_text("silent")
    one = courier(siem=settings, local={"kind": "file"})
    watcher, prober = role("watcher"), role("prober")
    one.start()
    for _ in range(5):
        watcher.find(20)
        prober.find(1)
        time.sleep(0.2)
    local = state / "courier" / "events.jsonl"
    until(lambda: len(received(local)) == 105)
    published = state / "courier" / "published"

    def failing() -> dict[str, str]:
        told = snapshot.read(published / "sinks", Published) or Published()
        return {sink.name: sink.failing for sink in told.sinks}

    until(lambda: failing() == {"siem": "timed out", "local": ""})
    stream = watcher.told[0].id.partition("-")[0]
    assert one.acknowledged(stream) == 0
    (folder / "behaviour").write_text("ok")
    until(lambda: one.acknowledged(stream) == len(watcher.told))
    got = received(folder / "received")
    check_all_once(watcher.told, [event for event in got if event.role == "watcher"])
    until(lambda: len({event.id for event in received(folder / "received")}) == 105)
    one.end()


def test_a_sink_that_cannot_be_used_is_waited_for(
    courier: Couriers, role: Roles, state: Path
) -> None:
    """Wrong settings of one sink stop no other, are a fault, and make nothing forgotten."""
    one = courier(wrong={"kind": "https", "url": "http://x/"}, local={"kind": "file"})
    one.start()
    watcher = role("watcher")
    watcher.find(2)
    until(lambda: received(state / "courier" / "events.jsonl") == watcher.told)
    published = state / "courier" / "published"
    until(lambda: (published / "status").exists() and (published / "acknowledged").exists())
    status = snapshot.read(published / "status", RoleStatus)
    assert status is not None
    assert any("sink wrong: sinks.wrong.url" in fault for fault in status.faults)
    until(lambda: (snapshot.read(published / "acknowledged", Acknowledged) or 0) != 0)
    assert one.acknowledged(watcher.told[0].id.partition("-")[0]) == 0
    one.end()


def test_a_board_alone_is_no_sink(
    courier: Couriers, role: Roles, state: Path, tmp_path: Path
) -> None:
    """Metrics are shown, of every role that published, and events still go to the local file."""
    path = tmp_path / "hygiene-agent.prom"
    one = courier(metrics={"kind": "prometheus", "path": str(path), "every": 1})
    watcher = role("watcher")
    watcher.find(1)
    (state / "watcher" / "published").mkdir()
    status = RoleStatus(role="watcher", pid=1, started=1, at=2, open=41)
    snapshot.write(state / "watcher" / "published" / "status", status)
    one.start()
    until(lambda: received(state / "courier" / "events.jsonl") == watcher.told)
    delivered = 'sink_delivered_events_total{sink="local"}'
    until(lambda: path.exists() and delivered in path.read_text())
    one.end()
    assert 'hygiene_agent_role_open_findings{role="watcher"} 41\n' in path.read_text()
    assert received(state / "courier" / "events.jsonl") == watcher.told


def test_a_reload_opens_the_sinks_anew(courier: Couriers, role: Roles, state: Path) -> None:
    """SIGHUP loses and doubles nothing."""
    one = courier()
    one.start()
    watcher = role("watcher")
    path = state / "courier" / "events.jsonl"
    for _ in range(3):
        watcher.find(5)
        until(lambda: received(path) == watcher.told)
        one.send(signal.SIGHUP)
    watcher.find(5)
    until(lambda: received(path) == watcher.told)
    one.end()
    assert {event.kind for event in received(path)} == {Kind.OPENED}
