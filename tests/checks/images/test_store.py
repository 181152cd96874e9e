"""Names of an image's files lead to files of the image, and nowhere else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from checks.errors import ImageError
from checks.images import store
from checks.images.store import Image
from tests import imaging

if TYPE_CHECKING:
    from pathlib import Path


def _read(path: Path, name: str) -> bytes | None:
    with Image(str(path)) as image:
        return store.read(image.store, name)


def test_a_folder_gives_its_files(folder: Path) -> None:
    """A file of a folder is found by its name, one that is not there is none."""
    (folder / "a").mkdir()
    (folder / "a/b").write_bytes(b"1")
    assert _read(folder, "a/b") == b"1"
    assert _read(folder, "a/c") is None
    assert _read(folder, "c/b") is None


def test_no_link_of_a_folder_is_followed(folder: Path, tmp_path: Path) -> None:
    """A link to elsewhere gives an error or nothing, never what it leads to."""
    (tmp_path / "secret").write_bytes(b"outside")
    image = folder / "image"
    image.mkdir()
    (image / "index.json").symlink_to(tmp_path / "secret")
    (image / "blobs").symlink_to(tmp_path)
    os.mkfifo(image / "fifo")
    for name in ("index.json", "blobs/secret"):
        with pytest.raises(OSError, match=r"link|directory"):
            _read(image, name)
    assert _read(image, "../secret") is None
    assert _read(image, "fifo") is None


def test_an_archive_gives_its_members(folder: Path) -> None:
    """A member is found however its name is written."""
    path = imaging.archive({"./a/b": b"1", "/c": b"2"}, folder / "image.tar")
    assert _read(path, "a/b") == b"1"
    assert _read(path, "c") == b"2"
    assert _read(path, "d") is None


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("b", b"1"),
        ("../x/b", b"1"),
        ("../../../../x/b", b"1"),
        ("/etc/hostname", None),
        ("a", None),
    ],
)
def test_a_link_leads_to_members_only(folder: Path, target: str, found: bytes | None) -> None:
    """A link out of the archive, or to itself, leads to nothing."""
    path = folder / "image.tar"
    link = imaging.member("x/a", type=b"2", linkname=target)
    path.write_bytes(imaging.layer(("x/b", b"1"), link))
    assert _read(path, "x/a") == found


def test_a_hard_link_is_named_from_the_root(folder: Path) -> None:
    """A hard link's target is a name in the archive."""
    path = folder / "image.tar"
    path.write_bytes(imaging.layer(("x/b", b"1"), imaging.member("y/a", type=b"1", linkname="x/b")))
    assert _read(path, "y/a") == b"1"


def test_what_is_no_archive(folder: Path) -> None:
    """Something else is an error that says so, and for a compressed archive what to do."""
    path = folder / "image"
    for data, why in (
        (b"rubbish" * 100, "not an image archive"),
        (imaging.COMPRESS["gzip"](imaging.layer(("a", b"1"))), "compressed archive"),
        (imaging.layer(("a", b"1" * 5000))[:2000], "truncated"),
    ):
        path.write_bytes(data)
        with pytest.raises(ImageError, match=why):
            Image(str(path))


def test_what_is_no_file(folder: Path) -> None:
    """A FIFO is refused at once and not waited for."""
    os.mkfifo(folder / "fifo")
    with pytest.raises(ImageError, match="not a file"):
        Image(str(folder / "fifo"))


def test_an_extended_header_of_a_gigabyte_is_refused(folder: Path) -> None:
    """A header that claims more than any name needs is not read."""
    info = imaging.tarfile.TarInfo("pax")
    info.type, info.size = b"x", 1 << 30
    path = folder / "image.tar"
    with path.open("wb") as file:
        file.write(info.tobuf(imaging.tarfile.USTAR_FORMAT))
        file.truncate((1 << 30) + 4096)
    with pytest.raises(ImageError, match="extended header is too large"):
        Image(str(path))


def test_ten_thousand_members_and_no_more(folder: Path) -> None:
    """An archive of more headers than any image needs is refused."""
    info = imaging.tarfile.TarInfo("a")
    path = folder / "image.tar"
    path.write_bytes(info.tobuf(imaging.tarfile.USTAR_FORMAT) * 100_001)
    with pytest.raises(ImageError, match="too many headers"):
        Image(str(path))


def test_everything_is_closed(folder: Path) -> None:
    """No descriptor is left open, whatever came of it."""
    before = len(os.listdir("/proc/self/fd"))
    (folder / "a").write_bytes(b"1")
    _read(folder, "a")
    with pytest.raises(ImageError):
        Image(str(folder / "a"))
    assert len(os.listdir("/proc/self/fd")) == before
