"""The store in a folder: what is below it, and nothing that a link or a name leads to."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from agent import stores
from agent.settings import StoreSettings
from agent.stores import AbsentError, AwayError, StoreError, TooLongError

if TYPE_CHECKING:
    from pathlib import Path

    from agent.stores import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, beside one that nobody should reach."""
    folder = tmp_path / "sto re"
    (folder / "metadata").mkdir(parents=True)
    (folder / "metadata" / "1.root.json").write_bytes(b"root")
    (tmp_path / "secret").write_bytes(b"secret")
    return folder


@pytest.fixture
def store(folder: Path) -> Store:
    return stores.open(StoreSettings(url=folder.as_uri()))


def test_a_file_comes_whole(store: Store) -> None:
    """Up to the length that is allowed; there is no clock."""
    assert store.fetch("metadata/1.root.json", 4) == b"root"
    with pytest.raises(TooLongError):
        store.fetch("metadata/1.root.json", 3)
    assert store.date is None
    store.close()
    assert store.fetch("metadata/1.root.json", 4) == b"root"


@pytest.mark.parametrize("name", ["metadata/2.root.json", "none/x", "metadata/1.root.json/x"])
def test_what_is_not_there(name: str, store: Store) -> None:
    """It is absent, as in a store that is in order."""
    with pytest.raises(AbsentError):
        store.fetch(name, 10)


@pytest.mark.parametrize("name", ["../secret", "metadata/../../secret", "/etc/passwd", "", "."])
def test_a_name_that_leads_elsewhere(name: str, store: Store) -> None:
    """It is no name of a file here."""
    with pytest.raises(AbsentError):
        store.fetch(name, 100)


def test_links_are_not_followed(store: Store, folder: Path) -> None:
    """Neither to a file nor to a folder; that is a fault in how the store is set up."""
    (folder / "metadata" / "link").symlink_to(folder.parent / "secret")
    (folder / "inner").symlink_to(folder.parent)
    for name in ("metadata/link", "inner/secret"):
        with pytest.raises(StoreError):
            store.fetch(name, 100)


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_file(kind: str, store: Store, folder: Path) -> None:
    """It is not waited for and not read."""
    path = folder / "metadata" / "odd"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif os.geteuid():
        pytest.skip("only root makes devices")
    else:
        os.mknod(path, 0o20644, os.makedev(1, 5))
    with pytest.raises(AwayError):
        store.fetch("metadata/odd", 10)


def test_a_folder_that_is_away(tmp_path: Path) -> None:
    """A share that is not mounted is away, not empty."""
    store = stores.open(StoreSettings(url=(tmp_path / "none").as_uri()))
    with pytest.raises(AwayError):
        store.fetch("metadata/1.root.json", 10)


def test_nothing_stays_open(store: Store) -> None:
    """However a fetch ends, no descriptor is left."""
    before = len(os.listdir("/proc/self/fd"))
    for name in ("metadata/1.root.json", "metadata/none", "none/x/y", "metadata/1.root.json/x"):
        for most in (1, 10):
            with contextlib.suppress(StoreError):
                store.fetch(name, most)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    "url", ["file://other/srv", "file:relative", "file:///srv?x", "file:///srv#x", "file:///a%00b"]
)
def test_settings_that_cannot_work(url: str) -> None:
    """Another host's folder, or what is no path, is refused."""
    with pytest.raises(StoreError, match=r"store\.url"):
        stores.open(StoreSettings(url=url))
