"""The copies on this host's disk: damaged, hostile, in the way."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.policy.belief import Seen, Why
from agent.policy.trust import Client, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.agent.policy.conftest import Host
    from tests.agent.policy.published import Repository


NOW = 1_780_000_000.0
HOUR = 3600.0
DAY = 24 * HOUR
ROLES = ("root", "timestamp", "snapshot", "targets")
DEEP = b"[" * 100_000


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "x").touch()


def _sparse(path: Path) -> None:
    os.truncate(path, 1 << 40)


@pytest.mark.parametrize("file", ["timestamp.json", "snapshot.json", "root_history/2.root.json"])
@pytest.mark.parametrize(
    "spoil",
    [
        _fifo,
        _link,
        _folder,
        _sparse,
        Path.unlink,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(DEEP),
        lambda path: path.write_bytes(b"\xff" * 100),
        lambda path: path.write_bytes(path.read_bytes().replace(b'"sig": "', b'"sig": "zz')),
    ],
)
def test_damaged_copies_are_no_matter(
    spoil: Callable[[Path], object], file: str, old: Host
) -> None:
    """Copies that are gone, no files, endless or nonsense are fetched anew, within the time."""
    spoil(old.folder / "metadata" / file)
    assert old.refresh().versions == dict.fromkeys(ROLES, 2)
    assert json.loads((old.folder / "metadata" / file).read_bytes())["signed"]["version"] == 2


def test_what_does_not_belong_there_goes(old: Host) -> None:
    """What a crash or a hand left in the folder of metadata is taken away."""
    metadata = old.folder / "metadata"
    (metadata / "tmpabc").write_bytes(b"x")
    (metadata / "root_history" / "99.root.json.tmp").write_bytes(b"x")
    (metadata / "deep").mkdir()
    (metadata / "deep" / "x").touch()
    (metadata / "link").symlink_to(old.folder.parent)
    old.refresh()
    assert sorted(path.name for path in metadata.iterdir()) == [
        "root_history",
        "snapshot.json",
        "targets.json",
        "timestamp.json",
    ]
    assert old.folder.parent.exists()


def test_contents_do_not_pile_up(old: Host) -> None:
    """Those of the view stay, and of others the latest only."""
    for number in range(3, 60):
        old.repository.put(f"policy/base/{number}.json", b"%d" % number)
    old.repository.next("targets", "snapshot", "timestamp")
    for target in old.refresh().targets.values():
        old.client.content(target)
    targets = old.repository.signed["targets"].targets
    for number in range(3, 60):
        del targets[f"policy/base/{number}.json"]
    old.repository.next("targets", "snapshot", "timestamp")
    view = old.refresh()
    kept = {path.name for path in (old.folder / "contents").iterdir()}
    assert len(kept) == 32 + len(view.targets)
    assert {target.sha256 for target in view.targets.values()} <= kept


@pytest.mark.parametrize("spoil", ["file", "link"])
def test_a_folder_that_is_none(spoil: str, repository: Repository, tmp_path: Path) -> None:
    """A place that cannot be ours is not written to."""
    folder, elsewhere = tmp_path / "s", tmp_path / "elsewhere"
    elsewhere.mkdir()
    if spoil == "file":
        folder.touch()
    else:
        folder.symlink_to(elsewhere)
    client = Client(
        repository.shelf, folder, repository.pin, minimum={}, longest=None, now=lambda: NOW
    )
    with pytest.raises(RefusedError) as caught:
        client.refresh(Seen())
    assert caught.value.why == Why.UNWRITABLE
    assert list(elsewhere.iterdir()) == []
