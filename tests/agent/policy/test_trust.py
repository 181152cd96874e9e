"""Trust in a store: what is taken from it, at which time, and which contents."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, TargetFile

from agent.policy.belief import Seen, Why
from agent.policy.trust import Client, RefusedError
from agent.stores import AwayError, TooLongError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.agent.policy.conftest import Host
    from tests.agent.policy.published import Repository


NOW = 1_780_000_000.0
HOUR = 3600.0
DAY = 24 * HOUR
ROLES = ("root", "timestamp", "snapshot", "targets")
DEEP = b"[" * 100_000


def test_a_view_tells_what_was_signed(fresh: Host) -> None:
    """Versions, expiry and targets of a fresh host, with the custom part of each."""
    view = fresh.refresh()
    assert view.versions == dict.fromkeys(ROLES, 2)
    assert view.expires["timestamp"] == NOW + 24 * HOUR
    assert sorted(view.targets) == ["policy/base/1.json", "policy/base/2.json"]
    second = view.targets["policy/base/2.json"]
    assert (second.length, second.custom) == (8, {"rollout": {"share": 10}})
    assert view.targets["policy/base/1.json"].custom == {}
    assert fresh.client.content(second) == b'{"a": 1}'
    assert view.seen.at == NOW - NOW % HOUR
    files = fresh.repository.shelf.files
    files["metadata/timestamp.json"] = files["metadata/timestamp.json"].replace(b"2", b"3", 1)
    assert fresh.refused().why is Why.UNSIGNED


def test_an_unchanged_refresh_is_two_requests(old: Host) -> None:
    """After a restart as in one run; a host that runs writes nothing either."""
    two = ["metadata/3.root.json", "metadata/timestamp.json"]
    first = old.refresh()
    assert old.repository.shelf.asked == two
    written = {path: path.lstat() for path in old.folder.rglob("*")}
    second = old.refresh()
    assert old.repository.shelf.asked == two * 2
    assert (second, {path: path.lstat() for path in old.folder.rglob("*")}) == (first, written)


def test_what_is_new_is_taken(host: Host) -> None:
    """New targets, a new root and only then what it signs; the contents come when asked for."""
    host.repository.put("policy/base/3.json", b"[]")
    host.repository.rotate("targets", "snapshot", "timestamp")
    host.repository.next("targets", "snapshot", "timestamp")
    view = host.refresh()
    assert view.versions == dict.fromkeys(ROLES, 3)
    assert host.refresh() == view
    assert host.client.content(view.targets["policy/base/3.json"]) == b"[]"


def test_folders_are_private(old: Host) -> None:
    """Nobody else reads or writes what was fetched, also where somebody had opened it."""
    old.folder.chmod(0o777)
    (old.folder / "metadata").chmod(0o755)
    old.refresh()
    for path in (old.folder, *old.folder.rglob("*")):
        status = path.lstat()
        assert stat.S_ISLNK(status.st_mode) or not stat.S_IMODE(status.st_mode) & 0o077


# Time


def test_a_timestamp_for_hosts_without_a_store(fresh: Host) -> None:
    """Where any length is allowed, a long one is taken."""
    fresh.repository.now += 100 * HOUR
    fresh.repository.next("timestamp")
    assert fresh.refused().why == Why.LASTING
    fresh.longest = None
    fresh.client = fresh.started()
    assert fresh.refresh().expires["timestamp"] == NOW + 124 * HOUR


@pytest.mark.parametrize(
    ("ahead", "store", "why"),
    [
        (25 * HOUR, None, Why.EXPIRED),
        (25 * HOUR, 25 * HOUR, Why.EXPIRED),
        (25 * HOUR, 24.5 * HOUR, Why.EXPIRED),
        (25 * HOUR, HOUR, Why.CLOCK),
        (9000 * HOUR, 0, Why.CLOCK),
        (-13 * HOUR, -13 * HOUR, Why.LASTING),
        (-13 * HOUR, None, Why.LASTING),
        (-13 * HOUR, 0, Why.CLOCK),
        (-NOW / 1, 0, Why.CLOCK),
    ],
)
def test_a_wrong_clock_is_told_from_a_stale_store(
    ahead: float, store: float | None, why: Why, fresh: Host
) -> None:
    """Where the store's clock would have it otherwise, ours is named."""
    fresh.now = NOW + ahead
    fresh.repository.shelf.date = None if store is None else NOW + store
    error = fresh.refused()
    assert error.why == why, error
    assert ("our clock says" in str(error)) == (why == Why.CLOCK)
    fresh.now = NOW
    assert fresh.refresh().versions == dict.fromkeys(ROLES, 2)


def test_time_does_not_go_back(old: Host) -> None:
    """A clock set back makes nothing valid again; the last refresh tells it from a freeze."""
    repository = old.repository
    old.now = repository.now = NOW + 30 * HOUR
    stale = repository.shelf.files["metadata/timestamp.json"]
    repository.next("timestamp")
    old.refresh()
    newer = repository.shelf.files["metadata/timestamp.json"]
    repository.shelf.files["metadata/timestamp.json"] = newer
    old.now = NOW + 2 * HOUR
    assert old.refresh().seen.at >= NOW + 29 * HOUR
    repository.shelf.files["metadata/timestamp.json"] = stale
    old.seen = Seen({}, old.seen.at)
    (old.folder / "metadata" / "timestamp.json").unlink()
    old.client = old.started()
    error = old.refused()
    assert (error.why, "the last refresh was" in str(error)) == (Why.CLOCK, True)


def test_one_reading_of_the_clock(repository: Repository, tmp_path: Path) -> None:
    """All of a refresh is judged by one time."""
    readings = []

    def now() -> float:
        readings.append(NOW)
        return NOW

    client = Client(
        repository.shelf, tmp_path / "s", repository.pin, minimum={}, longest=None, now=now
    )
    seen = client.refresh(Seen()).seen
    assert len(readings) == 1
    client.refresh(seen)
    assert len(readings) == 2


def test_what_runs_out_meanwhile_is_refused(old: Host) -> None:
    """A host that runs, and whose store says the same for ever, finds out all the same."""
    old.refresh()
    old.now = NOW + 24 * HOUR - 1
    old.refresh()
    old.now = NOW + 24 * HOUR
    assert old.refused().why == Why.EXPIRED


# Contents


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda _: b'["a": 2]', Why.MISMATCH),
        (lambda _: b'{"a": 1', Why.MISMATCH),
        (lambda data: data + b" ", Why.TOO_LONG),
        (lambda _: TooLongError("x"), Why.TOO_LONG),
        (lambda _: AwayError("x"), Why.AWAY),
        (None, Why.ABSENT),
    ],
)
def test_a_wrong_content_is_refused(
    spoil: Callable[[bytes], Any] | None, why: Why, fresh: Host
) -> None:
    """Another content, a longer or shorter one, none: the reason is named, and nothing is kept."""
    target = fresh.refresh().targets["policy/base/2.json"]
    files = fresh.repository.shelf.files
    name = f"targets/policy/base/{target.sha256}.2.json"
    right = files[name]
    files.pop(name)
    if spoil:
        files[name] = spoil(right)
    with pytest.raises(RefusedError) as caught:
        fresh.client.content(target)
    assert caught.value.why == why
    files[name] = right
    assert fresh.client.content(target) == right


def test_a_content_is_fetched_once(old: Host) -> None:
    """It is kept by its hash; a damaged copy is fetched anew."""
    target = old.refresh().targets["policy/base/2.json"]
    old.repository.shelf.asked.clear()
    assert old.client.content(target) == b'{"a": 1}'
    assert old.repository.shelf.asked == []
    kept = old.folder / "contents" / target.sha256
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    kept.write_bytes(b'{"a": 2}')
    assert old.client.content(target) == b'{"a": 1}'
    assert len(old.repository.shelf.asked) == 1
    assert kept.read_bytes() == b'{"a": 1}'


@pytest.mark.parametrize("path", ["../../etc/x", "/etc/x", "a//b", "a/../b", "a\nb", "ä", "", "."])
def test_a_signed_path_that_leads_elsewhere(path: str, fresh: Host) -> None:
    """It is a mistake of whoever signed it: named, and nothing is fetched or written elsewhere."""
    fresh.repository.put("x", b"evil")
    fresh.repository.signed["targets"].targets[path] = TargetFile.from_data(path, b"evil")
    fresh.repository.next("targets", "snapshot", "timestamp")
    with pytest.raises(RefusedError) as caught:
        fresh.client.content(fresh.refresh().targets[path])
    assert caught.value.why == Why.ABSENT


@pytest.mark.parametrize("custom", [[], "x", 1, True])
def test_a_custom_part_that_is_no_mapping(custom: object, fresh: Host) -> None:
    """What is signed and cannot be used is refused with its path."""
    fresh.repository.put("policy/base/3.json", b"{}", custom)
    fresh.repository.next("targets", "snapshot", "timestamp")
    error = fresh.refused()
    assert (error.why, "policy/base/3.json: custom" in str(error)) == (Why.MALFORMED, True)


def test_a_target_without_a_hash_that_we_know(fresh: Host) -> None:
    """SHA-256 is what contents are called by."""
    file = TargetFile.from_data("policy/base/3.json", b"{}", ["sha512"])
    fresh.repository.signed["targets"].targets[file.path] = file
    fresh.repository.next("targets", "snapshot", "timestamp")
    assert "expected a SHA-256" in str(fresh.refused())


def test_the_served_repository_is_sound(repository: Repository) -> None:
    """The tests' own repository is one: each role verifies under its root."""
    root = Metadata.from_bytes(repository.shelf.files["metadata/2.root.json"]).signed
    for name in ("2.targets.json", "2.snapshot.json", "timestamp.json"):
        held = Metadata.from_bytes(repository.shelf.files[f"metadata/{name}"])
        root.verify_delegate(held.signed.type, held.signed_bytes, held.signatures)
        with pytest.raises(UnsignedMetadataError):
            root.verify_delegate(held.signed.type, held.signed_bytes + b" ", held.signatures)
