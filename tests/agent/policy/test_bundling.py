"""An offline bundle is the store with a later end, and never shares a version with it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from agent.policy import bundling
from agent.policy.desk import DeskError
from agent.policy.repository import RepositoryError
from tests.agent.policy.team import Watcher

if TYPE_CHECKING:
    from pathlib import Path

    from tests.agent.policy.team import Team


def _unpacked(tar: Path, into: Path) -> Path:
    into.mkdir()
    subprocess.run(["tar", "-x", "-f", tar, "-C", into], check=True, timeout=60)
    return into


def _timestamp(store: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads((store / "metadata/timestamp.json").read_bytes())["signed"]
    return told


def test_a_host_takes_policy_from_it(team: Team) -> None:
    """It holds for as many days as asked, with all roots of trust and all editions."""
    team.begin()
    team.serve()
    team.rotate("root", "carol")
    team.sign("alice")
    team.publish()
    bundling.write(team.desk, 30, team.base / "b.tar")
    store = _unpacked(team.base / "b.tar", team.base / "bundle")
    assert Watcher(store, team.base / "host").editions()["base"].keys() == {1}
    assert (store / "metadata/2.root.json").exists()
    assert str(_timestamp(store)["expires"]) > f"{team.desk.until('snapshot'):%Y-%m-%d}"


def test_no_version_is_signed_twice(team: Team) -> None:
    """The store is ahead of its bundle at once: a host of the store never takes that instead."""
    team.begin()
    team.serve()
    bundling.write(team.desk, 30, team.base / "b.tar")
    store = _unpacked(team.base / "b.tar", team.base / "bundle")
    assert (_timestamp(store)["version"], _timestamp(team.store)["version"]) == (2, 3)
    assert (store / "metadata/2.snapshot.json").exists()
    assert not (team.store / "metadata/2.snapshot.json").exists()
    team.refresh()
    host = Watcher(store, team.base / "host")
    host.editions()
    host.store = team.store
    assert host.editions()["base"].keys() == {1}
    assert str(_timestamp(team.store)["expires"]) < f"{team.desk.until('snapshot'):%Y-%m-%d}"


def test_it_never_outlives_what_people_signed(team: Team) -> None:
    """Targets of 90 days are in no bundle of 91."""
    team.begin()
    team.serve()
    with pytest.raises(DeskError, match="ends before the bundle"):
        bundling.write(team.desk, 91, team.base / "b.tar")
    assert not (team.base / "b.tar").exists()
    assert bundling.write(team.desk, 89, team.base / "b.tar")


def test_a_place_that_cannot_be_written_is_named(team: Team) -> None:
    """The error is ours and says which file."""
    team.begin()
    team.serve()
    (team.base / "file").write_text("")
    with pytest.raises(RepositoryError, match=r"b\.tar: "):
        bundling.write(team.desk, 30, team.base / "file/b.tar")
