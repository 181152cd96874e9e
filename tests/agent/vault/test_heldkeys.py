"""What is served is found again after a restart, whole and of the right version, or not at all."""

from __future__ import annotations

import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.deliver import content
from agent.vault.heldkeys import Held
from agent.vault.material import Material, Values
from agent.vault.places import handed
from agent.vault.record import Record
from tests.agent.vault.keeping import made

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory."""
    path = Path(tempfile.mkdtemp(prefix="hygiene-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


def kept(folder: Path, what: Material | Values, version: str = "7") -> Record:
    """Have it kept, and give its record."""
    held = Held(str(folder))
    sha256 = what.sha256 if isinstance(what, Material) else ""
    record = Record(name="web", version=version, sha256=sha256)
    held.write(record, content(handed(what)))
    assert held.fault == ""
    return record


def found(folder: Path, record: Record) -> Material | Values | None:
    return Held(str(folder)).read("web", record)


def test_a_key_is_found_again(folder: Path) -> None:
    """Key, certificate and chain, in a file of the keeper's alone; of nothing nothing is found."""
    what = made()
    record = kept(folder, what)
    again = found(folder, record)
    assert isinstance(again, Material)
    assert again.pem == what.pem
    path = folder / "held" / "web"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.unlink()
    assert found(folder, record) is None


def test_values_are_found_again(folder: Path) -> None:
    """Whatever is in them."""
    what = Values({"user": "u", "password": "-----BEGIN\n\udc80ü"})
    assert found(folder, kept(folder, what)) == what


@pytest.mark.parametrize("change", [{"version": "8"}, {"version": ""}, {"sha256": "ab" * 32}])
def test_what_another_record_speaks_of_is_not_it(folder: Path, change: dict[str, str]) -> None:
    """A newer version that could not be kept, nothing, and another certificate."""
    record = kept(folder, made())
    assert found(folder, msgspec.structs.replace(record, **change)) is None
    assert found(folder, record)


def test_values_of_another_version_are_not_it(folder: Path) -> None:
    """Nothing else tells them apart."""
    record = kept(folder, Values({"password": "old"}))
    assert found(folder, msgspec.structs.replace(record, version="8")) is None
    assert found(folder, record)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _opened(path: Path) -> None:
    path.chmod(0o644)


def _linked(path: Path) -> None:
    path.rename(path.with_name("other"))
    path.symlink_to("other")


def _swapped(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + made().pem)


@pytest.mark.parametrize(
    "spoil",
    [
        _cut,
        _opened,
        _linked,
        _swapped,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"7\n"),
        lambda path: path.write_bytes(b"7\n" + b"[" * 100_000),
        lambda path: path.write_bytes(b"7\n[1]"),
        lambda path: path.write_bytes(b"7\n-----BEGIN PRIVATE KEY-----\n\xff"),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_what_is_not_whole_or_not_private_is_nothing(
    folder: Path, spoil: Callable[[Path], object]
) -> None:
    """It is fetched again, and kept again in its place where that can be."""
    record = kept(folder, made())
    assert found(folder, record)
    spoil(folder / "held" / "web")
    assert found(folder, record) is None


def test_on_a_disk_nothing_is_kept(tmp_path: Path, folder: Path) -> None:
    """There it would outlive the machine; that is said."""
    held, record = Held(str(tmp_path)), Record(name="web", version="7")
    held.write(record, made().pem)
    assert "not on tmpfs or ramfs" in held.fault
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert kept(folder, made())


def test_where_no_folder_can_be_that_is_said(tmp_path: Path) -> None:
    """And nothing else comes of it."""
    held = Held(str(tmp_path / "nowhere"))
    assert "No such file" in held.fault
    held.write(Record(name="web", version="7"), made().pem)
    assert held.fault
    assert held.read("web", Record(name="web", version="7")) is None
