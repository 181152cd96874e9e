"""A hostile image costs its own outcome: nothing is written, read elsewhere, or lost in silence."""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests import imaging

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Hygiene

MIB = 1024 * 1024
MEMORY = 250_000_000
SECONDS = 40


class Seen(NamedTuple):
    status: int
    report: dict[str, Any]

    @property
    def unseen(self) -> list[tuple[str, str]]:
        return [(one["path"], one["reason"]) for one in self.report["inconclusive"]]

    @property
    def paths(self) -> list[str]:
        return [one["path"] for one in self.report["findings"]]


@pytest.fixture
def look(hygiene: Hygiene) -> Callable[[Path], Seen]:
    """Scan an image within bounds; the folder it is in is the same afterwards."""

    def scan(path: Path) -> Seen:
        before = _listed(path.parent)
        took = hygiene.measured("scan", "--format", "json", "--image", path, timeout=120)
        assert _listed(path.parent) == before
        assert took.peak < MEMORY
        assert took.cpu < SECONDS
        assert took.done.stderr == ""
        return Seen(took.done.returncode, json.loads(took.done.stdout))

    return scan


def _listed(folder: Path) -> list[tuple[str, int, int]]:
    return sorted(
        (str(path), path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")
    )


def _image(folder: Path, *layers: bytes, compression: str = "plain") -> Path:
    made = imaging.made(*layers, compression=compression)
    return imaging.archive(imaging.documents(made), folder / "image.tar")


def _packed(folder: Path, blob: bytes, content: bytes = b"") -> Path:
    """Write an image of one layer whose blob is given as it is."""
    files = imaging.documents(imaging.made(content, compression="gzip"))
    manifest = json.loads(
        next(one for one in files.values() if b'"schemaVersion"' in one and b'"layers"' in one)
    )
    manifest["layers"] = [{"digest": imaging.sha(blob), "size": len(blob)}]
    data = json.dumps(manifest).encode()
    index = {"schemaVersion": 2, "manifests": [{"digest": imaging.sha(data)}]}
    files |= {imaging.blob(blob): blob, imaging.blob(data): data}
    return imaging.archive(
        {**files, "index.json": json.dumps(index).encode()}, folder / "image.tar"
    )


@pytest.fixture
def setting(password: str) -> bytes:
    return f"DB_PASSWORD={password}\n".encode()


def test_names_stay_inside(look: Callable[[Path], Seen], folder: Path, setting: bytes) -> None:
    """Absolute names and those that climb are looked at where they would be in the root."""
    layer = imaging.layer(
        ("/etc/absolute.env", setting),
        ("../../../../../../tmp/climbs.env", setting),
        ("a/../../b/./climbs.env", setting),
        imaging.member("out", type=b"2", linkname="/etc/passwd"),
        imaging.member("climbs", type=b"2", linkname="../../../../etc/passwd"),
        imaging.member("hard", type=b"1", linkname="/etc/shadow"),
        imaging.member("hard2", type=b"1", linkname="../../etc/shadow"),
        ("out/through.env", setting),
        imaging.member("dev/mem", type=b"3", devmajor=1, devminor=1),
        imaging.member("dev/sda", type=b"4"),
        imaging.member("run/fifo", type=b"6"),
    )
    seen = look(_image(folder, layer))
    assert seen.paths == [
        "/b/climbs.env",
        "/etc/absolute.env",
        "/out/through.env",
        "/tmp/climbs.env",
    ]
    assert seen.report["summary"]["not_applicable"] == {
        "device": 2,
        "fifo": 1,
        "hard link": 2,
        "link": 2,
    }
    assert (seen.status, seen.unseen) == (1, [])


def test_strange_names_are_told(look: Callable[[Path], Seen], folder: Path, setting: bytes) -> None:
    """Names that are not UTF-8, hold line feeds or are very long lose nothing."""
    layer = imaging.layer(
        imaging.member("bytes\udcff.env", setting),
        ("line\nfeed|bar.env", setting),
        ("x" * 5000 + ".env", setting),
        ("ordinary.env", setting),
    )
    seen = look(_image(folder, layer))
    assert seen.paths == [r"/bytes\xff.env", "/line\nfeed|bar.env", "/ordinary.env"]
    assert [reason for _, reason in seen.unseen] == ["name too long"]


def test_a_secret_in_a_whiteout(look: Callable[[Path], Seen], folder: Path, setting: bytes) -> None:
    """What a whiteout holds is never seen in a container, but it is in the image."""
    layer = imaging.layer((".wh.app.env", setting), ("app/.wh..wh..opq", setting))
    assert "/.wh.app.env" in look(_image(folder, layer)).paths


@pytest.mark.parametrize("compression", imaging.COMPRESS)
def test_thousands_of_layers(
    look: Callable[[Path], Seen], folder: Path, setting: bytes, compression: str
) -> None:
    """The lowest layers are looked at, the others told."""
    layers = [imaging.layer((f"{number}.env", setting)) for number in range(2_000)]
    seen = look(_image(folder, *layers, compression=compression))
    assert len(seen.paths) == 256
    assert "more than 256 layers" in seen.report["inconclusive"][0]["detail"]


def test_a_bomb(look: Callable[[Path], Seen], folder: Path, setting: bytes) -> None:
    """A layer that expands a thousand times is given up, and what was before it kept."""
    begin = imaging.layer(("first.env", setting))[:1024]
    info = imaging.tarfile.TarInfo("zeros")
    info.size = 1500 * MIB
    head = gzip.compress(begin + info.tobuf(imaging.tarfile.GNU_FORMAT))
    seen = look(_packed(folder, head + gzip.compress(bytes(64 * MIB)) * 24))
    assert seen.paths == ["/first.env"]
    assert "expands suspiciously well" in str(seen.unseen)


def test_a_layer_that_is_not_what_it_says(
    look: Callable[[Path], Seen], folder: Path, setting: bytes
) -> None:
    """A digest that does not match is told, of the blob and of what comes out of it."""
    content = imaging.layer(("app.env", setting))
    seen = look(_packed(folder, gzip.compress(content), b"another content"))
    assert [reason for _, reason in seen.unseen] == ["digest does not match"]
    files = imaging.documents(imaging.made(content))
    name = next(name for name, data in files.items() if data == content)
    files[name] = imaging.layer(("other.env", setting))
    seen = look(imaging.archive(files, folder / "image.tar"))
    assert {reason for _, reason in seen.unseen} == {"digest does not match"}
    assert seen.status == 1
    assert look(_image(folder, content)).unseen == []


def test_a_layer_that_is_missing(look: Callable[[Path], Seen], folder: Path) -> None:
    """A layer that is not there, or is named outside of the archive, is told, and status 3."""
    layer = imaging.layer(("a", b"b"))
    files = imaging.documents(imaging.made(layer))
    seen = look(
        imaging.archive({k: v for k, v in files.items() if v != layer}, folder / "image.tar")
    )
    assert (seen.status, seen.unseen[0][1]) == (3, "layer is not in the archive")
    files = imaging.docker_old(imaging.made(layer))
    saved = json.loads(files["manifest.json"])
    saved[0]["Layers"] = ["../../../../../../etc/hostname"]
    files["manifest.json"] = json.dumps(saved).encode()
    seen = look(imaging.archive(files, folder / "image.tar"))
    assert (seen.status, seen.unseen[0][1]) == (3, "layer is not in the archive")


def test_links_of_a_folder_are_not_followed(
    look: Callable[[Path], Seen], folder: Path, tmp_path: Path, setting: bytes
) -> None:
    """A blob that is a link, or a FIFO, to somewhere else is not read."""
    layer = imaging.layer(("app.env", setting))
    files = imaging.documents(imaging.made(layer))
    image = imaging.folder(files, folder / "image")
    blob = image / imaging.blob(layer)
    (tmp_path / "layer").write_bytes(layer)
    blob.unlink()
    blob.symlink_to(tmp_path / "layer")
    seen = look(image)
    assert (seen.status, seen.paths) == (3, [])
    blob.unlink()
    os.mkfifo(blob)
    seen = look(image)
    assert (seen.status, seen.unseen[0][1]) == (3, "layer is not in the archive")


def test_rubbish_behind_a_layer(look: Callable[[Path], Seen], folder: Path, setting: bytes) -> None:
    """Bytes behind the end of a compressed layer are told, and the layer is looked at."""
    content = imaging.layer(("app.env", setting))
    seen = look(_packed(folder, gzip.compress(content) + b"rubbish", content))
    assert seen.paths == ["/app.env"]
    assert [why for _, why in seen.unseen] == ["data after the end of the compressed stream"]


@pytest.mark.parametrize("compression", imaging.COMPRESS)
def test_a_layer_that_ends_too_early(
    look: Callable[[Path], Seen], folder: Path, setting: bytes, compression: str
) -> None:
    """What was before the end is looked at, also where a header claims more than there is."""
    info = imaging.tarfile.TarInfo("claims.env")
    info.size = 10 << 30
    content = imaging.layer(("first.env", setting))[:1024] + info.tobuf() + setting
    seen = look(_image(folder, content, compression=compression))
    assert "/first.env" in seen.paths
    assert "truncated" in str(seen.unseen)


def test_a_claim_reaches_no_further_than_its_layer(
    look: Callable[[Path], Seen], folder: Path, setting: bytes
) -> None:
    """A size that is too large does not make the next layer's bytes part of a file."""
    info = imaging.tarfile.TarInfo("claims.env")
    info.size = MIB
    seen = look(_image(folder, info.tobuf(), imaging.layer(("next.env", setting))))
    assert seen.paths == ["/next.env"]


def test_an_extended_header_of_a_gigabyte(
    look: Callable[[Path], Seen], folder: Path, setting: bytes
) -> None:
    """A header that claims a gigabyte is passed over."""
    info = imaging.tarfile.TarInfo("pax")
    info.type, info.size = b"x", 1 << 30
    rest = imaging.layer(("behind.env", setting))
    blob = gzip.compress(info.tobuf(), 1) + gzip.compress(bytes(64 * MIB), 1) * 16
    seen = look(_packed(folder, blob + gzip.compress(rest)))
    assert "extended header is too large" in str(seen.unseen)


def test_a_sparse_member(look: Callable[[Path], Seen], folder: Path, setting: bytes) -> None:
    """A file that claims to be a terabyte of holes is what is stored of it."""
    info = imaging.tarfile.TarInfo("sparse.env")
    info.size = len(setting)
    header = bytearray(info.tobuf(imaging.tarfile.GNU_FORMAT))
    header[156:157] = b"S"
    header[386:410] = b"00000000000\0" + f"{len(setting):011o}\0".encode()
    header[483:495] = b"77777777777\0"
    header[148:156] = b"        "
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    seen = look(_image(folder, bytes(header) + setting.ljust(512, b"\0") + bytes(1024)))
    assert (seen.paths, seen.unseen) == (["/sparse.env"], [])


@pytest.mark.parametrize(
    "document",
    [b"[" * 200_000, b'{"manifests": ' + b'{"a":' * 200_000, b"", b"null", b"\xff" * 100, b"7"],
)
def test_broken_documents(look: Callable[[Path], Seen], folder: Path, document: bytes) -> None:
    """An index that is deep, empty or of another type is told in one line, and status 3."""
    seen = look(imaging.archive({"index.json": document}, folder / "image.tar"))
    assert (seen.status, [why for _, why in seen.unseen]) == (3, ["image not understood"])


def test_a_configuration_of_rubbish(look: Callable[[Path], Seen], folder: Path) -> None:
    """Wrong types in what runs do not keep the layers from being looked at."""
    made = imaging.made(imaging.layer(("a", b"b")), Env={"A": 1}, Cmd=7, Labels=["x", None])
    seen = look(imaging.archive(imaging.documents(made), folder / "image.tar"))
    assert (seen.status, seen.report["summary"]["files"]) == (0, 1)


def test_what_is_no_image(look: Callable[[Path], Seen], folder: Path) -> None:
    """Rubbish, an empty file, an archive of something else and nothing at all are told."""
    path = folder / "image"
    for data in (b"", b"rubbish" * 1000, imaging.layer(("a", b"b"))):
        path.write_bytes(data)
        assert look(path).status == 3
    path.unlink()
    assert look(path).unseen == [(str(path), "cannot be read")]
