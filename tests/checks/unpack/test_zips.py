"""Zip archives: every claim of the directory is checked against the bytes."""

from __future__ import annotations

import io
import random
import struct
import zipfile

import pytest

from checks.archives import Budget, Limits, Member, Skipped, kind, members

TEXT = b"user = alice\n" * 50


def opened(data: bytes, name: str = "a") -> tuple[dict[str, bytes], dict[str, str]]:
    """Open an archive; give the data and the refusals by path."""
    got = list(members(name, io.BytesIO(data), Limits(), Budget()))
    files = {one.path: one.data for one in got if isinstance(one, Member)}
    return files, {one.path: one.reason for one in got if isinstance(one, Skipped)}


def a_zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Make a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type, info.external_attr = method, 0o600 << 16
            archive.writestr(info, data)
    return out.getvalue()


def test_encrypted_zip_member_is_named() -> None:
    """An encrypted member has its reason, and its neighbours are read."""
    data = bytearray(a_zip({"locked": TEXT, "open": TEXT}))
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= 1
    files, skipped = opened(bytes(data))
    assert skipped == {"a!/locked": "encrypted"}
    assert files == {"a!/open": TEXT}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_zip_methods(method: int) -> None:
    """Stored, deflated and bzip2 members are read."""
    assert opened(a_zip({"f": TEXT}, method)) == ({"a!/f": TEXT}, {})


def test_unsupported_zip_method_is_named() -> None:
    """A member in a compression we do not read has its reason."""
    assert opened(a_zip({"f": TEXT}, zipfile.ZIP_LZMA))[1] == {"a!/f": "unsupported compression"}


@pytest.mark.parametrize("claim", [0, 1, 10**6])
def test_lying_zip_sizes(claim: int) -> None:
    """A size that does not fit gives the real bytes and a reason."""
    data = bytearray(a_zip({"f": TEXT}))
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, claim)
    files, skipped = opened(bytes(data))
    assert files == {"a!/f": TEXT}
    assert skipped == {"a!/f": "size or checksum differs from the directory's"}


def test_overlapping_zip_members_are_refused() -> None:
    """Directory entries that share one member's bytes are stopped at the size of the file."""
    noise = random.Random(5).randbytes(100_000)
    data = a_zip({"f": noise}, zipfile.ZIP_STORED)
    at = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[at:end]
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 500, 500, 500 * len(entry), at, 0)
    budget = Budget()
    bomb = io.BytesIO(data[:at] + entry * 500 + tail)
    got = list(members("a", bomb, Limits(), budget))
    assert got[-1] == Skipped("a", "members share the same bytes (a decompression bomb?)")
    assert budget.expanded <= 2 * len(noise)


def test_zip_links_and_directories_are_passed_over() -> None:
    """A directory and a symbolic link have no content."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.mkdir("d")
        link = zipfile.ZipInfo("l")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/shadow")
    assert opened(out.getvalue()) == ({}, {})


def test_zip64_and_a_prefix_are_understood() -> None:
    """A zip64 archive and one behind a script's head are read."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open("f", "w", force_zip64=True) as member:
        member.write(TEXT)
    assert opened(out.getvalue()) == ({"a!/f": TEXT}, {})
    plain = a_zip({"f": TEXT})
    assert kind(b"#!/bin/sh\n" + plain, "x") == ""
    shifted = a_zip({"hidden": b"x"}, zipfile.ZIP_STORED) + plain
    read, skipped = opened(shifted)
    assert (read, [*skipped]) == ({"a!/f": TEXT}, ["a"])
