"""What is served is the newest, rolled out as the folder says, fresh for as long as it should."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from tuf.api.exceptions import ExpiredMetadataError

from agent.policy.desk import DeskError
from agent.policy.rollout import Rollout

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.policy.team import Team


def _versions(team: Team) -> tuple[int, ...]:
    served = team.desk.repository.published()
    ones = (served.root, served.targets, served.snapshot, served.timestamp)
    return tuple(one.signed.version for one in ones if one)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_full_cycle(team: Team) -> None:
    """Content, then a rollout, then for all, then gone: a host sees each of it."""
    team.begin()
    team.serve()
    host = team.host()
    assert host.editions()["base"][1].says == {"version": 1, "name": "fleet"}
    team.write("base.yaml", "version: 1\nname: second\n")
    team.write("group/role/web.yaml", "fail_on: low\n")
    team.write("rollout.yaml", "base: {share: 10, labels: {env: test}}\n")
    team.serve()
    found = host.editions()
    assert {number: one.says["name"] for number, one in found["base"].items()} == {
        1: "fleet",
        2: "second",
    }
    assert found["base"][2].rollout == Rollout(share=10, labels={"env": "test"})
    assert found["group/role/web"][2].rollout.for_all
    team.write("rollout.yaml", "base: {paused: true}\n")
    team.serve()
    assert host.editions()["base"][2].rollout == Rollout(paused=True)
    (team.folder / "rollout.yaml").unlink()
    (team.folder / "group/role/web.yaml").unlink()
    team.serve()
    assert {name: ones.keys() for name, ones in host.editions().items()} == {"base": {2}}


def test_odd_labels_are_found_where_hosts_ask(team: Team) -> None:
    """A percent-quoted file name is the layer of that label."""
    team.begin()
    team.write("group/where/a%2Fb%20c.yaml", "fail_on: low\n")
    team.serve()
    assert team.host().editions()["group/where/a%2Fb%20c"][1].says == {"fail_on": "low"}


def test_nothing_new_writes_nothing(team: Team) -> None:
    """Publishing twice is publishing once."""
    team.begin()
    team.serve()
    before = _files(team.store)
    assert team.publish() == []
    assert _files(team.store) == before


def test_only_the_timestamp_is_replaced(team: Team) -> None:
    """All that was ever served stays as it was, so that a slow host finds what it was told of."""
    team.begin()
    team.serve()
    before = _files(team.store)
    team.write("base.yaml", "version: 1\nname: second\n")
    team.serve()
    after = _files(team.store)
    changed = {name for name, data in before.items() if after.get(name) != data}
    assert changed == {"metadata/timestamp.json"}


def test_refreshing_keeps_hosts_content(team: Team) -> None:
    """Without a refresh the store is over after a day; with one it goes on."""
    team.begin()
    team.now -= datetime.timedelta(hours=25)
    team.serve()
    with pytest.raises(ExpiredMetadataError):
        team.host("before").editions()
    team.later(hours=25)
    team.refresh()
    assert team.host("after").editions()["base"].keys() == {1}
    assert _versions(team) == (1, 1, 1, 2)


def test_the_snapshot_is_signed_anew_in_time(team: Team) -> None:
    """Of seven days five have to be over."""
    team.begin()
    team.serve()
    team.later(days=4.5)
    team.refresh()
    assert _versions(team) == (1, 1, 1, 2)
    team.later(days=0.5)
    team.refresh()
    assert _versions(team) == (1, 1, 2, 3)


def test_an_exchanged_online_key_signs_from_then_on(team: Team) -> None:
    """Snapshot and timestamp of the old key are signed anew as the new root is published."""
    team.begin()
    team.serve()
    host = team.host()
    host.editions()
    team.add_key("online2")
    for role in ("snapshot", "timestamp"):
        team.rotate(role, "online", "online2")
    team.sign("alice")
    (team.base / "keys/online.pem").unlink()
    team.publish()
    assert host.editions()["base"].keys() == {1}
    assert _versions(team) == (2, 1, 2, 2)


def test_without_its_key_nothing_is_refreshed(team: Team) -> None:
    """Whose key is missing is said, and the store stays as it was."""
    team.begin()
    team.serve()
    before = _files(team.store)
    (team.base / "keys/online.pem").unlink()
    with pytest.raises(DeskError, match=r"needs 1 keys of online .*\nhint: .*has 0 of them"):
        team.refresh()
    assert _files(team.store) == before


def test_before_the_first_publication_there_is_nothing_to_refresh(team: Team) -> None:
    """A store that was only begun says so."""
    team.begin()
    with pytest.raises(DeskError, match="nothing is published yet"):
        team.refresh()
