"""Archives that are bombs, broken or no archives cost their own outcome and nothing else."""

from __future__ import annotations

import gzip
import io
import random
import re
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Seen

MIB = 1024 * 1024


# Archives


def _zip(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def _tar(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return made.getvalue()


def _nested(text: bytes, depth: int) -> bytes:
    data = _tar({"inner.env": text})
    for _ in range(depth):
        data = _tar({"inner.tar.gz": data, "beside.env": text})
    return data


def _overlapping(entries: int) -> bytes:
    """A zip file in which every entry of the directory is the one member that is there."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(bytes(8 * MIB)) + packer.flush()
    fixed = struct.pack("<HHHHH", 20, 0, 8, 0, 0)
    sizes = struct.pack("<III", zlib.crc32(bytes(8 * MIB)), len(body), 8 * MIB)
    local = b"PK\3\4" + fixed + sizes + struct.pack("<HH", 1, 0) + b"0" + body
    rest = struct.pack("<HHHHHII", 6, 0, 0, 0, 0, 0, 0)
    entry = b"PK\1\2" + struct.pack("<H", 20) + fixed + sizes + rest
    directory = b"".join(entry + b"%06d" % number for number in range(entries))
    end = struct.pack("<HHHHIIH", 0, 0, entries, entries, len(directory), len(local), 0)
    return local + directory + b"PK\5\6" + end


def _encrypted(text: bytes) -> bytes:
    """A zip file whose member says that it is encrypted, in both of its headers."""
    data = bytearray(_zip({"a.env": text}))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.find(mark) + at] |= 1
    return bytes(data)


ARCHIVES: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "bomb of gzip": ("a.gz", lambda _: gzip.compress(bytes(300 * MIB), 9), "bomb"),
    "bomb of zip": (
        "a.zip",
        lambda text: _zip({"0": bytes(200 * MIB), "a.env": text}),
        "bomb|limit",
    ),
    "cut gzip": ("a.env.gz", lambda text: gzip.compress(text * 1000)[:-9], "trunc|damaged|cut|end"),
    "cut tar": ("a.tar", lambda text: gzip.decompress(_tar({"a.env": text * 2000}))[:50_000], "."),
    "encrypted": ("a.zip", _encrypted, "encrypted"),
    "nested too deep": ("a.tar.gz", lambda text: _nested(text, 6), "nested too deep"),
    "nothing but its first bytes": ("a.zip", lambda _: b"PK\3\4", "."),
    "other than its name says": ("a.tar.gz", lambda _: b"no archive, but text\n", ""),
    "overlapping": ("a.zip", lambda _: _overlapping(20_000), "."),
    "random": ("a.zip", lambda _: b"PK\3\4" + random.Random(1).randbytes(50_000), "."),
    "rar": ("a.rar", lambda _: b"Rar!\x1a\x07\x01\x00" + bytes(64), "unsupported"),
    "seven zip": ("a.7z", lambda _: b"7z\xbc\xaf\x27\x1c" + bytes(64), "unsupported"),
    "up a thousand folders": ("a.zip", lambda _: _zip({"../" * 1000 + "a.env": b"A=1\n"}), ""),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_cannot_be_read_is_told(
    look: Callable[..., Seen], folder: Path, setting: str, name: str
) -> None:
    """What was not unpacked has its reason, in bounded time and memory."""
    file, make, reason = ARCHIVES[name]
    (folder / file).write_bytes(make(setting.encode()))
    seen = look(folder)
    assert re.search(reason, seen.reasons) if reason else seen.reasons == ""
    assert seen.took.cpu < 15
    assert seen.took.peak < 400 * MIB


def test_what_can_be_read_of_a_bad_archive_is(
    look: Callable[..., Seen], folder: Path, setting: str
) -> None:
    """Members beside a bomb, before a cut and above the depth limit are looked at."""
    for name in ("bomb of zip", "cut tar", "nested too deep"):
        file, make, _ = ARCHIVES[name]
        (folder / f"{name} {file}").write_bytes(make(setting.encode()))
    seen = look(folder)
    for name in ("bomb of zip", "cut tar", "nested too deep"):
        assert seen.found_in(f"{name} "), name
