"""The board for node_exporter: readable by its user, read by Prometheus' own parser, bounded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent import sinks
from agent.courier import Progress
from agent.events import Gap, Host
from agent.rolestatus import RoleStatus
from agent.settings import SettingsError
from agent.sinks import Board, Overview, SinkError
from agent.sinks.prometheus import MOST_NUMBERS

if TYPE_CHECKING:
    from pathlib import Path

HOST = Host(id="h-1", name="web", image="web:7", version="0.4.0", policy="ab")
WATCHER = RoleStatus(
    role="somebody else",
    pid=7,
    started=1000.0,
    at=2000.5,
    numbers={"files": 20_000, 'a"b\\c\nd\udcff': 1},
    open=3,
    removed=1,
    suppressed=2,
    gaps=(
        Gap(subject="/a", reason="r", started=1.0),
        Gap(subject="/b", reason="r", started=1.0, ended=2.0),
    ),
    faults=("state: full",),
    cpu=1.25,
    memory=4096,
)
SINKS = (Progress("siem", 10, 2, 1999.0), Progress("log", failing="timed out", since=1.0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hygiene-agent.prom"


def board(path: Path, **more: object) -> Board:
    made = sinks.make("metrics", {"kind": "prometheus", "path": str(path), **more}, path.parent)
    assert isinstance(made, Board)
    return made


def samples(path: Path) -> dict[tuple[str, tuple[str, ...]], float]:
    """Give what Prometheus' own client reads: name and values of labels to value."""
    families = text_string_to_metric_families(path.read_text())
    return {
        (one.name.removeprefix("hygiene_agent_"), tuple(one.labels.values())): one.value
        for family in families
        for one in family.samples
    }


def overview(**statuses: RoleStatus) -> Overview:
    return Overview(HOST, 2001.0, statuses, SINKS)


def test_roles_and_sinks_are_shown(path: Path) -> None:
    """Each role and sink has its series, under the name that the host gives it."""
    assert board(path).show(overview(watcher=WATCHER)) == ""
    told = samples(path)
    assert told["role_open_findings", ("watcher",)] == 3
    assert told["role_open_gaps", ("watcher",)] == 1
    assert told["role_faults", ("watcher",)] == 1
    assert told["role_published_timestamp_seconds", ("watcher",)] == 2000.5
    assert told["role_cpu_seconds_total", ("watcher",)] == 1.25
    assert told["role_number", ("watcher", "files")] == 20_000
    assert told["sink_up", ("siem",)] == 1
    assert told["sink_up", ("log",)] == 0
    assert told["sink_delivered_events_total", ("siem",)] == 10
    assert told["sink_refused_events_total", ("siem",)] == 2
    assert told["daemon_info", ("0.4.0", "h-1", "web:7", "ab")] == 1
    assert not any("somebody" in name or "somebody" in labels for name, labels in told)


def test_counters_are_counters(path: Path) -> None:
    """What only rises has the type that says so, the rest does not."""
    board(path).show(overview(watcher=WATCHER))
    kinds = {one.name: one.type for one in text_string_to_metric_families(path.read_text())}
    assert kinds["hygiene_agent_role_cpu_seconds"] == "counter"
    assert kinds["hygiene_agent_role_open_findings"] == "gauge"


def test_no_roles_and_no_sinks(path: Path) -> None:
    """Before anybody published anything there is a valid file."""
    assert board(path).show(Overview(HOST, 1.0, {}, ())) == ""
    assert {name for name, _ in samples(path)} == {"daemon_info", "daemon_shown_timestamp_seconds"}


def test_a_role_cannot_make_series_without_end(path: Path) -> None:
    """Of a role's own numbers so many are shown, and no more."""
    many = RoleStatus(
        role="w", pid=1, started=0, at=0, numbers={f"n{number}": 1 for number in range(1000)}
    )
    board(path).show(overview(watcher=many))
    assert sum(name == "role_number" for name, _ in samples(path)) == MOST_NUMBERS


def test_others_may_read_it_and_never_see_half(path: Path) -> None:
    """The file is readable for all whatever the umask, and replaced in one step."""
    before = os.umask(0o077)
    try:
        shown = board(path)
        assert shown.show(overview(watcher=WATCHER)) == ""
        first = path.stat()
        assert shown.show(overview(watcher=WATCHER)) == ""
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.stat().st_ino != first.st_ino
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_what_cannot_be_written_is_said(path: Path) -> None:
    """A folder that is not there is told, and no reason to fail."""
    shown = board(path.parent / "missing" / "x.prom")
    assert "missing/x.prom" in shown.show(overview())


@pytest.mark.parametrize("name", ["x.txt", "x.prom.tmp"])
def test_names_that_no_collector_reads(name: str, path: Path) -> None:
    """node_exporter reads *.prom only; another name is refused."""
    with pytest.raises(SettingsError, match=r"sinks\.metrics\.path"):
        board(path.with_name(name))


def test_a_link_in_its_place(path: Path) -> None:
    """Where a link stands nothing is written through it."""
    path.symlink_to("/nowhere")
    with pytest.raises(SinkError, match="not a regular file"):
        board(path)
    path.unlink()
    shown = board(path)
    (path.parent / "victim").write_text("mine")
    path.symlink_to(path.parent / "victim")
    assert shown.show(overview()) != ""
    assert (path.parent / "victim").read_text() == "mine"
