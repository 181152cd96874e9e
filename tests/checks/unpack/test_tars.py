"""Tar archives: all dialects, and headers that lie."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import tracemalloc

import pytest

from checks.archives import Budget, Limits, Member, Skipped, kind, members

MIB = 1 << 20
TEXT = b"user = alice\n" * 50


def opened(data: bytes, name: str = "a") -> tuple[dict[str, bytes], dict[str, str]]:
    """Open an archive; give the data and the refusals by path."""
    got = list(members(name, io.BytesIO(data), Limits(), Budget()))
    files = {one.path: one.data for one in got if isinstance(one, Member)}
    return files, {one.path: one.reason for one in got if isinstance(one, Skipped)}


def a_tar(files: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Make a tar archive with a directory, a link and a device beside the files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.uid, info.gid = len(data), 0o640, 1000, 50
            archive.addfile(info, io.BytesIO(data))
        for kind_, name in ((tarfile.DIRTYPE, "d"), (tarfile.SYMTYPE, "l"), (tarfile.CHRTYPE, "c")):
            info = tarfile.TarInfo(name)
            info.type = kind_
            archive.addfile(info)
    return out.getvalue()


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar_dialects_and_long_names(form: int) -> None:
    """Long names are whole in each dialect."""
    name = "d" * 90 + "/" + "f" * 60
    assert opened(a_tar({name: TEXT}, form)) == ({f"a!/{name}": TEXT}, {})


def test_v7_tar_is_recognised() -> None:
    """A header without magic counts by its checksum."""
    data = bytearray(a_tar({"f": TEXT}, tarfile.USTAR_FORMAT))
    for at in range(0, len(data), 512):
        if data[at + 257 : at + 262] == b"ustar":
            data[at + 257 : at + 265] = bytes(8)
            data[at + 148 : at + 156] = b" " * 8
            data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])
    assert kind(bytes(data[:512]), "x") == "tar"
    assert opened(bytes(data)) == ({"a!/f": TEXT}, {})
    data[3] ^= 1
    assert kind(bytes(data[:512]), "x") == ""


def test_huge_pax_header_is_not_read() -> None:
    """An extended header of absurd size costs no memory and has a reason."""
    info = tarfile.TarInfo("x")
    info.type, info.size = b"x", 8 * MIB
    noise = random.Random(6).randbytes(MIB) * 8
    data = info.tobuf(tarfile.GNU_FORMAT) + noise + a_tar({"f": TEXT})
    for claim in (data, info.tobuf(tarfile.GNU_FORMAT)):
        packed = gzip.compress(claim, 1)
        tracemalloc.start()
        files, skipped = opened(packed, "a.tgz")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert skipped["a.tgz!/x"] == "extended header is too large"
        assert peak < MIB
        assert claim is not data or files == {"a.tgz!/f": TEXT}


def test_sparse_tar_member_gives_its_stored_pieces() -> None:
    """A GNU sparse member of a terabyte gives what is stored of it and costs nothing more."""
    info = tarfile.TarInfo("sparse")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, len(TEXT)
    head = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    head[482] = 1
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    more = bytes(504) + b"\0" + bytes(7)
    padded = TEXT + bytes(-len(TEXT) % 512)
    files, skipped = opened(bytes(head) + more + padded + a_tar({"f": TEXT}))
    assert files == {"a!/sparse": TEXT, "a!/f": TEXT}
    assert not skipped


def test_tar_behind_an_end_mark_is_read() -> None:
    """Concatenated archives are read to the end; other data behind the end has a reason."""
    files, skipped = opened(a_tar({"one": TEXT}) + a_tar({"two": TEXT}))
    assert list(files) == ["a!/one", "a!/two"]
    assert not skipped
    assert opened(a_tar({"one": TEXT}) + b"password" * 64)[1] == {"a": "corrupt header"}
    assert opened(a_tar({"one": TEXT}) + b"password")[1] == {"a": "truncated"}


def test_negative_and_absurd_sizes_are_refused() -> None:
    """A header that claims a negative or endless size ends the archive with a reason."""
    for size in (b"\xff" * 12, b"\x80" + b"\xff" * 11):
        head = bytearray(a_tar({"f": b""}, tarfile.GNU_FORMAT)[:512])
        head[124:136] = size
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
        files, skipped = opened(bytes(head) + bytes(1024))
        assert not files
        assert skipped
