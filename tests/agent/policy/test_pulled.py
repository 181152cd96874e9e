"""What a host makes of what a store has: editions, refusals, and reasons that can be shown."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from agent.events import Host
from agent.policy import pulled
from agent.policy.pulled import Pulled, Store
from agent.policy.trust import Target, Why
from agent.settings import StoreSettings
from checks.errors import PolicyError
from tests.agent.policy import published

if TYPE_CHECKING:
    from pathlib import Path

HOST = Host(id="id", name="db1", labels={"role": "web"})


def chosen(*paths: str) -> dict[str, int]:
    targets = {path: Target(path, 1, "0" * 64, {}) for path in paths}
    return {layer: number for layer, (number, _) in pulled.chosen(targets, HOST, {}, 0.0).items()}


def test_the_newest_edition_of_each_layer_is_taken() -> None:
    """Of layers that this host has."""
    paths = ("policy/base/1.json", "policy/base/12.json", "policy/host/db1/3.json")
    assert chosen(*paths, "policy/host/db2/4.json") == {"base": 12, "host/db1": 3}


@pytest.mark.parametrize(
    "number", ["0", "01", "-1", "1e3", "\u0661", "9" * 40, "9" * 5000, "1/2", ""]
)
def test_what_is_no_number_is_no_edition(number: str) -> None:
    """It is as if it were not there."""
    assert chosen(f"policy/base/{number}.json", "policy/base/1.json") == {"base": 1}
    with pytest.raises(PolicyError, match="no policy for this host"):
        chosen(f"policy/base/{number}.json")


class Served:
    """A store on disk, and how a host sees it."""

    def __init__(self, folder: Path) -> None:
        self.repository = published.Repository(time.time())
        self.folder, self.root = folder / "own", folder / "root.json"
        self.folder.mkdir()
        self.shelf = folder / "shelf"
        self.serve()
        self.root.write_bytes((self.shelf / "metadata" / "1.root.json").read_bytes())

    def serve(self) -> None:
        for name, held in self.repository.shelf.files.items():
            path = self.shelf / name
            path.parent.mkdir(parents=True, exist_ok=True)
            assert isinstance(held, bytes)
            path.write_bytes(held)

    def poll(self) -> Pulled:
        told = StoreSettings(url=f"file://{self.shelf}", root=str(self.root))
        return Store(told, HOST, self.folder).poll({})


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path)


def test_a_store_gives_a_policy(served: Served) -> None:
    """And its editions."""
    got = served.poll()
    assert got.made is not None
    assert (got.editions, got.refused, got.why) == ({"base": 1}, None, "")


def test_a_disk_of_our_own_is_told_from_a_store_that_is_away(served: Served) -> None:
    """Whoever reads it looks at the right place."""
    (served.folder / "seen").mkdir()
    (served.folder / "seen" / "in the way").touch()
    assert served.poll().refused is Why.UNWRITABLE


@pytest.mark.parametrize(
    "rollout", [{"x\x1b" * 100_000: 1}, {"share": -1}, None, [], {"from": "x"}]
)
def test_why_something_is_no_policy_can_be_shown(served: Served, rollout: object) -> None:
    """Whatever is in what was signed."""
    target = served.repository.signed["targets"].targets["policy/base/1.json"]
    target.unrecognized_fields = {"custom": {"rollout": rollout}}
    served.repository.publish("targets", "snapshot", "timestamp")
    served.serve()
    got = served.poll()
    assert (got.made, got.refused) == (None, None)
    assert 0 < len(got.why) < 2600
    assert got.why.isprintable()
