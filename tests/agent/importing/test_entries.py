"""An entry for the bootstrap file: what is written is what the next start reads."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest

from agent import settings
from agent.importing import entries, storing
from agent.importing.entries import EntryError
from agent.importing.storing import Place, StoreError
from agent.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

_WHERE = Place("secret", "web/tls")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "agent.yaml"
    path.write_text("# ours\nversion: 1\nkeys:\n  old: {source: {kind: kv, path: old}}\n")
    path.chmod(0o640)
    return path


def _raw(**more: object) -> dict[str, Any]:
    deliver = [{"kind": "file", "path": "/run/x: y.pem", "mode": "0400"}]
    return {"source": entries.source(_WHERE, {}), "deliver": deliver, **more}


def test_what_is_written_is_read_beside_the_bootstrap_file(file: Path) -> None:
    """Which stays as it is; the entry has its mode, and nothing is left half written."""
    before = file.read_text()
    raw = _raw(action="nginx", prove={"address": "127.0.0.1:443", "name": "www.example.net"})
    path = entries.write(file, "web", entries.text(raw))
    told = settings.load(file)
    assert told.keys["web"] == entries.made("web", raw)
    assert set(told.keys) == {"old", "web"}
    assert file.read_text() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [one.name for one in path.parent.iterdir()] == ["web.yaml"]
    assert entries.standing(told, "web", _WHERE) == told.keys["web"]
    assert entries.standing(told, "other", _WHERE) is None


def test_nothing_is_written_over(file: Path) -> None:
    """Neither an entry beside the file nor one in it that is of another secret."""
    path = entries.write(file, "web", entries.text(_raw()))
    before = path.read_text()
    with pytest.raises(EntryError, match="is there already"):
        entries.write(file, "web", "source: x\n")
    assert path.read_text() == before
    assert len(list(path.parent.iterdir())) == 1
    with pytest.raises(EntryError, match="from elsewhere"):
        entries.standing(settings.load(file), "old", _WHERE)


def test_a_key_that_stands_twice_or_is_wrong_is_refused_with_its_file(file: Path) -> None:
    """Nobody has to guess which one counts."""
    entries.write(file, "old", entries.text(_raw()))
    with pytest.raises(SettingsError, match=r"keys\.old: stands in keys\.d as well"):
        settings.load(file)
    (file.with_name("keys.d") / "old.yaml").write_text("source: {kind: kv}\n")
    with pytest.raises(SettingsError, match=r"keys\.d/old\.yaml: keys\.old\.source\.path"):
        settings.load(file)
    (file.with_name("keys.d") / "old.yaml").write_text("a: [\n")
    with pytest.raises(SettingsError, match=r"keys\.d/old\.yaml: not YAML"):
        settings.load(file)


def test_a_folder_that_cannot_be_read_is_no_empty_one(file: Path) -> None:
    """Half a write is left out."""
    folder = file.with_name("keys.d")
    folder.mkdir()
    (folder / ".web.12ab").write_text("source: x")
    assert set(settings.load(file).keys) == {"old"}
    (folder / ".web.12ab").unlink()
    folder.rmdir()
    folder.write_text("")
    with pytest.raises(SettingsError, match=r"keys\.d: Not a directory"):
        settings.load(file)


@pytest.mark.parametrize("name", ["", "../web", "a/b", ".web", "a" * 65, "a\n"])
def test_a_name_is_a_plain_one(name: str) -> None:
    """It becomes the name of a file."""
    with pytest.raises(EntryError, match="--name"):
        entries.made(name, _raw())


def test_an_entry_is_checked_before_it_is_written() -> None:
    """As the bootstrap file would be."""
    with pytest.raises(EntryError, match=r"keys\.web\.deliver\[0\]\.path"):
        entries.made("web", _raw(deliver=[{"kind": "file", "path": "here"}]))


@pytest.mark.parametrize("text", ["", "secret", "secret/", "/a", "a//b", "a/b/", "a/b\n", "a/../b"])
def test_a_place_in_vault_is_a_mount_and_a_path(text: str) -> None:
    """Nothing else is asked of Vault."""
    assert storing.place("secret/web/tls.v1") == Place("secret", "web/tls.v1")
    with pytest.raises(StoreError, match="MOUNT/PATH"):
        storing.place(text)
