"""Machines that were cloned are told apart, named, and never mixed; a new start is no clone."""

from __future__ import annotations

import secrets
import sqlite3
import time
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest

from agent.collector import detail, hostlines, installations, page, schema, view
from agent.collector.batch import Batch, Numbered
from agent.collector.hosts import Speaker, StrangerError
from agent.collector.installations import CopyError, CrowdError
from agent.collector.store import Limits, Store
from agent.events import Audit, Kind
from agent.findings import Status
from tests.agent.collector.world import Role, fault, host, leak

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from agent.events import Event, Host

NOW = time.time()
HOUR, DAY = 3600.0, 86_400.0
SILENT = 6 * HOUR


class Machine:
    """An agent with a state folder: its roles number their events on and on."""

    def __init__(self, name: str = "web1") -> None:
        self.watcher = Role(secrets.token_hex(16))
        self.host = host(name, installation=secrets.token_hex(16), run=secrets.token_hex(16))

    def restart(self) -> None:
        self.host = msgspec.structs.replace(self.host, run=secrets.token_hex(16))


class Kept(NamedTuple):
    """A store and its folder."""

    store: Store
    folder: Path

    def take(self, of: Host, events: Iterable[Event], now: float = NOW) -> int:
        """Take a batch; give how many of its events were new."""
        parts = [(one.id.rpartition("-"), one) for one in events]
        numbered = tuple(Numbered(stream, int(number), one) for (stream, _, number), one in parts)
        with self.store.together():
            try:
                who = Speaker(of.id, bound=True)
                return self.store.take(Batch(of, numbered, 0), who, now).fresh
            except (CopyError, CrowdError) as error:
                refused = error  # as the writer does: others' batches are in the transaction
        raise refused

    def rows(self, now: float = NOW) -> dict[str, view.HostRow]:
        return {row.id: row for row in view.hosts(self.folder, now, SILENT, retired=False)}

    def identities(self, name: str) -> dict[str, str]:
        found = detail.findings(self.folder, name, 100)
        assert found is not None
        return {one.identity: one.status for one in found.findings}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    folder = tmp_path / "collector"
    store = Store(folder, Limits())
    yield Kept(store, folder)
    store.close()


def other(of: Machine) -> str:
    """Give the id under which a second installation is listed."""
    return f"{of.host.id}~{of.host.installation[:8]}"


def clones(kept: Kept) -> tuple[Machine, Machine]:
    """Have two machines of one id report in turn, the same fault and others."""
    one, two = Machine(), Machine()
    kept.take(one.host, one.watcher.opened(fault("a"), leak("b")), NOW)
    kept.take(two.host, two.watcher.opened(fault("a"), leak("c")), NOW + 1)
    kept.take(one.host, [one.watcher.about(Kind.RESOLVED, fault("a"))], NOW + 2)
    return one, two


def test_two_machines_of_one_id_are_two_hosts(kept: Kept) -> None:
    """What one says neither opens nor ends anything of the other; both digests are right."""
    one, two = clones(kept)
    known = {"b": Status.OPEN}
    kept.take(one.host, [one.watcher.digest(known)], NOW + 2 * HOUR)
    kept.take(two.host, [two.watcher.digest({"a": Status.OPEN, "c": Status.OPEN})], NOW + 2 * HOUR)
    assert kept.identities("web1") == {"b": "open"}
    assert kept.identities(other(two)) == {"a": "open", "c": "open"}
    rows = kept.rows(NOW + 2 * HOUR)
    assert [row.out_of_step for row in rows.values()] == [0, 0]
    assert {row.claimed for row in rows.values()} == {"web1"}


def test_they_are_named_on_the_page_in_json_and_in_the_list(kept: Kept) -> None:
    """With the fault in words; hosts that are no clones are not."""
    _, two = clones(kept)
    kept.take(Machine("web2").host, Machine().watcher.opened(fault("a")), NOW)
    shown = view.view(kept.folder, NOW + 3, SILENT, 100)
    assert shown.counts.cloned == 2
    assert {row.id: row.fault for row in shown.hosts} == {
        "web1": installations.OTHERS,
        other(two): installations.OTHERS,
        "web2": "",
    }
    assert [row.cloned for row in shown.hosts] == [True, True, False]
    assert f"cloned: {installations.OTHERS}" in "\n".join(hostlines.lines(shown.hosts, NOW))
    assert "".join(page.render(shown)).count(installations.OTHERS) == 2


def test_a_machine_that_was_made_anew_is_no_clone(kept: Kept) -> None:
    """The one before is silent; after a day the new one is the host, and leaks are kept."""
    one, two = Machine(), Machine()
    kept.take(one.host, one.watcher.opened(fault("a"), leak("b")), NOW)
    kept.take(two.host, two.watcher.opened(leak("c")), NOW + 10)
    assert not any(row.cloned for row in kept.rows(NOW + 20).values())
    assert set(kept.rows()) == {"web1", other(two)}
    kept.take(two.host, [two.watcher.digest({"c": Status.OPEN})], NOW + 10 + DAY)
    [row] = kept.rows(NOW + 11 + DAY).values()
    assert (row.id, row.cloned, row.out_of_step) == ("web1", False, 0)
    assert kept.identities("web1") == {"b": "removed", "c": "open"}


def test_one_that_is_not_heard_for_a_while_is_not_gone(kept: Kept) -> None:
    """Within the day both stay what they are, though only one of them speaks."""
    one, two = Machine(), Machine()
    kept.take(one.host, one.watcher.opened(leak("b")), NOW)
    for hours in range(1, 24):
        kept.take(two.host, [], NOW + hours * HOUR)
    kept.take(one.host, [one.watcher.digest({"b": Status.OPEN})], NOW + 23.5 * HOUR)
    for hours in range(24, 48):
        kept.take(two.host, [], NOW + hours * HOUR)
    assert kept.identities("web1") == {"b": "open"}
    assert {row.cloned for row in kept.rows(NOW + 24 * HOUR).values()} == {True}


def test_the_fault_ends_when_one_of_them_has_another_id(kept: Kept) -> None:
    """Then it is a host of its own, and its old row is silent."""
    one, two = clones(kept)
    moved = msgspec.structs.replace(two.host, id="web9")
    with kept.store.together():
        kept.store.take(Batch(moved, (), 0), Speaker("web9", bound=True), NOW + DAY)
    kept.take(one.host, [], NOW + DAY)
    rows = kept.rows(NOW + DAY + 1)
    assert {name: row.cloned for name, row in rows.items()} == {
        "web1": False,
        other(two): False,
        "web9": False,
    }
    assert rows[other(two)].silent


def test_a_copied_state_folder_is_refused_by_turns(kept: Kept) -> None:
    """Its numbers are those of other events: whoever began before is not taken, and that shows."""
    one = Machine()
    kept.take(one.host, one.watcher.opened(leak("a")), NOW)
    copy = Machine()
    copy.watcher = Role(one.watcher.stream)
    copy.watcher.last = one.watcher.last
    copy.host = msgspec.structs.replace(one.host, run=secrets.token_hex(16))
    kept.take(copy.host, copy.watcher.opened(leak("b")), NOW + 1)
    assert not kept.rows()["web1"].cloned
    for seconds in (2, 3):
        with pytest.raises(CopyError):
            kept.take(one.host, one.watcher.opened(leak("c")), NOW + seconds)
    row = kept.rows()["web1"]
    assert (row.cloned, row.fault) == (True, installations.COPIED)
    assert kept.identities("web1") == {"a": "open", "b": "open"}
    assert not kept.rows(NOW + DAY)["web1"].cloned


def test_starts_and_a_late_batch_are_no_copy(kept: Kept) -> None:
    """However often the agent starts; one batch of the process before is passed over."""
    one = Machine()
    before = one.host
    for number in range(40):
        kept.take(one.host, one.watcher.opened(leak(f"{number:032x}")), NOW + number)
        before = one.host
        one.restart()
    kept.take(one.host, [], NOW + 50)
    with pytest.raises(CopyError):
        kept.take(before, one.watcher.opened(leak("b")), NOW + 51)
    assert not kept.rows()["web1"].cloned


def test_an_agent_of_before_goes_on_as_the_same_host(kept: Kept) -> None:
    """It begins to name its installation when it is renewed, and nothing is lost by that."""
    watcher = Role(secrets.token_hex(16))
    kept.take(host("web1"), watcher.opened(fault("a"), leak("b")), NOW)
    renewed = host("web1", installation="a" * 32, run="b" * 32)
    assert kept.take(renewed, [watcher.about(Kind.RESOLVED, fault("a"))], NOW + 1) == 1
    assert kept.identities("web1") == {"b": "open"}
    assert set(kept.rows()) == {"web1"}


def test_a_file_of_before_is_used_on(kept: Kept) -> None:
    """Its hosts are found again by their ids."""
    watcher = Role(secrets.token_hex(16))
    kept.take(host("web1"), watcher.opened(fault("a")), NOW)
    kept.store.close()
    base = sqlite3.connect(kept.folder / schema.NAME)
    base.execute("DROP TABLE installations")
    base.execute("PRAGMA user_version = 1")
    base.close()
    again = Kept(Store(kept.folder, Limits()), kept.folder)
    again.take(host("web1", installation="a" * 32), [watcher.digest({"a": Status.OPEN})], NOW + 1)
    assert set(again.rows()) == {"web1"}
    assert again.identities("web1") == {"a": "open"}
    again.store.close()


def test_a_host_of_many_installations_is_kept_no_more_of(tmp_path: Path) -> None:
    """So many and no more, and all of them together as many findings as one host."""
    kept = Kept(Store(tmp_path / "collector", Limits(findings=50)), tmp_path / "collector")
    machines = [Machine() for _ in range(32)]
    for number, one in enumerate(machines):
        names = [f"{number:016x}{place:016x}" for place in range(3)]
        kept.take(one.host, one.watcher.opened(*map(leak, names)), NOW + number)
    with pytest.raises(CrowdError):
        kept.take(Machine().host, [], NOW + 40)
    assert sum(row.open for row in kept.rows().values()) == 50
    assert sum(row.left_out for row in kept.rows().values()) == 46
    late = Machine()
    kept.take(late.host, [], NOW + 2 * HOUR)
    assert len(kept.rows(NOW + 2 * HOUR)) == 32
    kept.store.close()


def test_a_certificate_still_speaks_for_its_host_alone(kept: Kept) -> None:
    """Another installation needs the certificate that the id is bound to."""
    one, two = Machine(), Machine()
    kept.take(one.host, [], NOW)
    with kept.store.together(), pytest.raises(StrangerError):
        kept.store.take(Batch(two.host, (), 0), Speaker("mallory", bound=True), NOW)
    assert set(kept.rows()) == {"web1"}


def test_a_name_that_somebody_took_before_stands_in_nobodys_way(kept: Kept) -> None:
    """A host whose id is what a second installation would be listed by: both are listed."""
    one, two = Machine(), Machine()
    kept.take(one.host, [], NOW)
    kept.take(host(other(two)), [], NOW)
    kept.take(two.host, [], NOW)
    assert set(kept.rows()) == {"web1", other(two), f"web1~{two.host.installation}"}


def test_an_audit_log_that_began_anew_with_its_machine_shows(kept: Kept) -> None:
    """Who wipes a state folder does not wipe what its log said before."""
    one, two = Machine(), Machine()

    def entry(of: Machine, act: str) -> Event:
        told = Audit(chain="watcher", sequence=1, sha256=secrets.token_hex(32), at=NOW, act=act)
        return of.watcher.event(Kind.AUDIT, audit=told)

    kept.take(one.host, [entry(one, "policy in effect")], NOW)
    kept.take(two.host, [entry(two, "started")], NOW + 1)
    kept.take(two.host, [], NOW + 2 + DAY)
    shown = view.view(kept.folder, NOW + 3 + DAY, SILENT, 100)
    assert [(row.host, row.fault != "") for row in shown.audits] == [("web1", True)]
    assert [row.act for row in shown.acts] == ["policy in effect"]
