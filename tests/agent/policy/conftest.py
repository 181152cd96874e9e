"""A repository, and hosts that take policy from it, each knowing more or less of it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import packing
from agent.policy.belief import Seen
from agent.policy.trust import Client, RefusedError
from tests.agent.policy.team import Team

if TYPE_CHECKING:
    from agent.policy.belief import View
    from tests.agent.policy.published import Repository

_PUBLISHED = runpy.run_path(str(Path(__file__).with_name("published.py")))
HOUR = 3600.0
MINIMUM = {"root": 2, "timestamp": 2, "snapshot": 2, "targets": 2}


class Host:
    """What one host keeps between two refreshes; it forgets what is in memory only."""

    def __init__(self, repository: Repository, folder: Path, minimum: dict[str, int]) -> None:
        self.repository, self.folder, self.minimum = repository, folder, minimum
        self.seen, self.now = Seen(), repository.now
        self.longest: float | None = 36 * HOUR
        self.client = self.started()

    def started(self) -> Client:
        return Client(
            self.repository.shelf,
            self.folder,
            self.repository.pin,
            minimum=self.minimum,
            longest=self.longest,
            now=lambda: self.now,
        )

    def refresh(self) -> View:
        view = self.client.refresh(self.seen)
        self.seen = packing.unpack(packing.pack(view.seen), Seen)
        return view

    def refused(self) -> RefusedError:
        with pytest.raises(RefusedError) as caught:
            self.refresh()
        return caught.value


@pytest.fixture
def another() -> Repository:
    """A repository that has nothing to do with the other."""
    made: Repository = _PUBLISHED["Repository"]()
    return made


@pytest.fixture
def repository() -> Repository:
    """A repository whose every role is at its second version."""
    repository: Repository = _PUBLISHED["Repository"]()
    repository.rotate("root")
    repository.put("policy/base/2.json", b'{"a": 1}', {"rollout": {"share": 10}})
    repository.next("targets", "snapshot", "timestamp")
    return repository


@pytest.fixture
def fresh(repository: Repository, tmp_path: Path) -> Host:
    """A host that knows nothing but its bootstrap file."""
    return Host(repository, tmp_path / "fresh", MINIMUM)


@pytest.fixture
def old(repository: Repository, tmp_path: Path) -> Host:
    """A host that has refreshed before, and was started again; its file names no minimum."""
    host = Host(repository, tmp_path / "old", {})
    view = host.refresh()
    assert host.client.content(view.targets["policy/base/2.json"]) == b'{"a": 1}'
    host.client = host.started()
    repository.shelf.asked.clear()
    return host


@pytest.fixture(params=["fresh", "old", "running"])
def host(request: pytest.FixtureRequest) -> Host:
    """A host of either kind, or one that never stopped."""
    if request.param != "running":
        chosen: Host = request.getfixturevalue(request.param)
        return chosen
    running: Host = request.getfixturevalue("old")
    running.refresh()
    running.repository.shelf.asked.clear()
    return running


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """People with keys, who have not begun yet."""
    return Team(tmp_path)
