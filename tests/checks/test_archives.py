"""Archives: every member comes out, every obstacle is named, no limit is passed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.archives import Budget, Limits, Member, Skipped, kind, members

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1 << 20
TEXT = b"user = alice\n" * 50
SMALL = Limits(member_bytes=4 * MIB, total_bytes=16 * MIB)


def opened(
    data: bytes, name: str = "a", limits: Limits = SMALL
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Open an archive; give the data and the refusals by path."""
    got = list(members(name, io.BytesIO(data), limits, Budget()))
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


def an_ar(files: dict[str, bytes]) -> bytes:
    """Make an ar archive as dpkg does."""
    out = b"!<arch>\n"
    for name, data in files.items():
        out += f"{name + '/':<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data
        out += b"\n" * (len(data) % 2)
    return out


def a_cpio(files: dict[str, bytes]) -> bytes:
    """Make a "new" cpio archive."""
    out = b""
    for name, data in {**files, "TRAILER!!!": b""}.items():
        raw = name.encode() + b"\0"
        fields = [1, 0o100600, 7, 8, 1, 0, len(data), 0, 0, 0, 0, len(raw), 0]
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + raw
        out += head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)
    return out


def an_rpm(payload: bytes) -> bytes:
    """Make the skeleton of an rpm package around a payload."""
    header = b"\x8e\xad\xe8\x01" + bytes(4) + struct.pack(">2L", 1, 5) + bytes(16) + b"12345"
    return b"\xed\xab\xee\xdb" + bytes(92) + header + b"\0" * 3 + header + payload


def zstd(data: bytes) -> bytes:
    """Compress with a checksum and without the size."""
    return zstandard.ZstdCompressor(write_checksum=True, write_content_size=False).compress(data)


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
}
CONTAINERS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "ar": an_ar,
    "cpio": a_cpio,
    "tar": a_tar,
    "zip": a_zip,
}


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_compressed_file_gives_one_member(suffix: str) -> None:
    """A compressed text is one member, named without the suffix."""
    assert opened(COMPRESSORS[suffix](TEXT), f"logs/app.log.{suffix}") == (
        {f"logs/app.log.{suffix}!/app.log": TEXT},
        {},
    )


@pytest.mark.parametrize("form", CONTAINERS)
@pytest.mark.parametrize("suffix", ["", *COMPRESSORS])
def test_container_gives_its_files(form: str, suffix: str) -> None:
    """A container gives its files, and a compressed one reads like a plain one."""
    data = CONTAINERS[form]({"etc/app.conf": TEXT, "empty": b"", "odd": b"x"})
    name = f"a.{form}"
    if suffix:
        data, name = COMPRESSORS[suffix](data), f"{name}.{suffix}"
    files, skipped = opened(data, name)
    assert files.pop(f"{name}!/empty", b"") == b""
    assert files == {f"{name}!/etc/app.conf": TEXT, f"{name}!/odd": b"x"}
    assert not skipped


@pytest.mark.parametrize("form", CONTAINERS)
def test_plain_text_is_no_archive(form: str) -> None:
    """A text that has an archive's name is none, and one that is opened as one is refused."""
    assert kind(TEXT, f"a.{form}") == ""
    assert opened(TEXT, f"a.{form}") == ({}, {f"a.{form}": "not an archive"})


def test_archives_within_archives_are_opened() -> None:
    """A package in an image layer in an archive comes out with its whole path."""
    jar = a_zip({"application.properties": TEXT})
    deb = an_ar({"debian-binary": b"2.0\n", "data.tar.xz": lzma.compress(a_tar({"app.jar": jar}))})
    files, skipped = opened(gzip.compress(a_tar({"app.deb": deb})), "b.tgz")
    assert files["b.tgz!/app.deb!/data.tar.xz!/app.jar!/application.properties"] == TEXT
    assert not skipped


def test_rpm_payload_is_read() -> None:
    """An rpm package gives the files of its payload, and one in an unknown compression a reason."""
    payload = a_cpio({"./etc/app.conf": TEXT})
    for suffix, compress in COMPRESSORS.items():
        files, skipped = opened(an_rpm(compress(payload)), "p.rpm")
        assert files == {"p.rpm!/./etc/app.conf": TEXT}, suffix
        assert not skipped
    assert opened(an_rpm(b"????????"), "p.rpm") == ({}, {"p.rpm": "unsupported compression"})


def test_initramfs_segments_are_read() -> None:
    """What follows a cpio archive's trailer is opened too, as in an initramfs with microcode."""
    image = a_cpio({"early": b"1"}) + bytes(512) + zstd(a_cpio({"etc/key": TEXT}))
    files, skipped = opened(image, "initrd.img")
    assert files == {"initrd.img!/early": b"1", "initrd.img!/next-segment!/etc/key": TEXT}
    assert not skipped


@pytest.mark.parametrize(
    "head", [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\x01\0", b"\x04\x22\x4d\x18"]
)
def test_unsupported_archives_are_named(head: bytes) -> None:
    """An archive that is recognised but not read is said to be so."""
    files, skipped = opened(head + bytes(600), "x")
    assert not files
    assert skipped["x"].startswith("unsupported archive")


def test_owner_and_mode_are_kept() -> None:
    """A tar member keeps owner, group and mode; a zip member knows its mode only."""
    [first, *_] = members("a", io.BytesIO(a_tar({"f": TEXT})), SMALL, Budget())
    assert isinstance(first, Member)
    assert (first.mode, first.uid, first.gid, first.size) == (0o640, 1000, 50, len(TEXT))
    [only] = members("a", io.BytesIO(a_zip({"f": TEXT})), SMALL, Budget())
    assert isinstance(only, Member)
    assert (only.mode, only.uid, only.gid) == (0o600, -1, -1)


def test_repr_leaves_the_data_out() -> None:
    """The repr of a member does not show what it holds."""
    [only] = members("a", io.BytesIO(gzip.compress(b"canary-value")), SMALL, Budget())
    assert "canary" not in repr(only)
    assert "12 bytes" in repr(only)


def test_stream_without_seek_is_read() -> None:
    """A pipe is enough, even for a zip file."""

    class Pipe(io.BytesIO):
        def seek(self, *_: int) -> int:
            raise OSError

        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 7))

    for make in (a_zip, a_tar, lambda files: gzip.compress(a_tar(files))):
        [first, *_] = members("a", Pipe(make({"f": TEXT})), SMALL, Budget())
        assert isinstance(first, Member)
        assert first.data == TEXT


def test_names_are_made_printable() -> None:
    """Control characters and escapes in a name are shown escaped; .. and / stay text."""
    names = ["../../etc/passwd", "/etc/shadow", "a\x1b[2Jb", "c\u202egpj"]
    files, _ = opened(a_tar(dict.fromkeys(names, b"x")))
    assert list(files) == [
        "a!/../../etc/passwd",
        "a!//etc/shadow",
        r"a!/a\x1b[2Jb",
        r"a!/c\u202egpj",
    ]


def test_read_error_is_a_reason() -> None:
    """A file that fails while it is read is skipped with that reason."""

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > MIB:
                raise OSError(5, "input/output error")
            return super().read(size)

    data = a_tar({"f": bytes(2 * MIB)})
    got = list(members("a", Failing(data), SMALL, Budget()))
    assert Skipped("a!/f", "read error") in got


# Limits


def test_too_large_member_is_skipped_and_the_next_is_read() -> None:
    """A member over the limit is named, and what follows it is still read."""
    for make in (a_zip, a_tar):
        big = random.Random(1).randbytes(4 * MIB + 1)
        files, skipped = opened(make({"big": big, "small": TEXT}))
        assert skipped == {"a!/big": "larger than the limit for one file"}
        assert files == {"a!/small": TEXT}
        assert not opened(make({"big": big[:-1]}))[1]


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_decompression_bomb_is_refused(suffix: str) -> None:
    """A stream that expands far better than text is stopped after the first MiB."""
    budget = Budget()
    bomb = COMPRESSORS[suffix](bytes(64 * MIB))
    limits = Limits(ratio=50)
    got = list(members(f"a.{suffix}", io.BytesIO(bomb), limits, budget))
    assert [type(one) for one in got] == [Skipped]
    assert "bomb" in str(got[0])
    assert budget.expanded < 3 * MIB


def test_small_repetitive_file_is_no_bomb() -> None:
    """A short file of zeros compresses well and is honest."""
    assert opened(gzip.compress(bytes(MIB)), "a.gz") == ({"a.gz!/a": bytes(MIB)}, {})


def test_total_is_shared_by_all_levels() -> None:
    """Many members that are each within the limit stop at the total."""
    noise = random.Random(2).randbytes(3 * MIB)
    inner = a_zip({f"{n}": noise for n in range(3)}, zipfile.ZIP_STORED)
    limits = Limits(member_bytes=16 * MIB, total_bytes=16 * MIB)
    files, skipped = opened(a_tar({"1.zip": inner, "2.zip": inner}), limits=limits)
    assert skipped == {"a": "expands to too many bytes: the rest was not looked at"}
    assert len(files) == 2


def test_member_count_is_limited() -> None:
    """More members than allowed end the archive with that reason."""
    data = a_zip({f"{n}": b"x" for n in range(11)})
    files, skipped = opened(data, limits=Limits(members=10))
    assert len(files) == 10
    assert skipped == {"a": "too many members: the rest was not looked at"}
    assert not opened(data, limits=Limits(members=11))[1]


def test_headers_without_members_are_limited() -> None:
    """Directories count too: an archive of nothing else comes to an end."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for n in range(201):
            info = tarfile.TarInfo(f"d{n}")
            info.type = tarfile.DIRTYPE
            archive.addfile(info)
    _, skipped = opened(out.getvalue(), limits=Limits(members=20))
    assert skipped == {"a": "too many headers: the rest was not looked at"}


def test_depth_is_limited() -> None:
    """Archives nested deeper than allowed are named and not opened, compressed layers included."""
    data = TEXT
    for n in range(5):
        data = a_zip({f"{n}.zip" if n else "text": data})
    files, skipped = opened(data)
    assert not files
    assert list(skipped.values()) == ["archives are nested too deep"]
    data = TEXT
    for _ in range(5):
        data = gzip.compress(data)
    assert list(opened(data, "a.gz")[1].values()) == ["archives are nested too deep"]
    assert list(opened(gzip.decompress(data), "a.gz")[0].values()) == [TEXT]


def test_quine_ends() -> None:
    """An archive that seems to hold itself again and again ends at the depth limit."""
    data = a_zip({"r/r.zip": b"PK\x03\x04"})
    for _ in range(8):
        data = a_zip({"r/r.zip": data, "s/s.zip": data})
    files, skipped = opened(data)
    assert not files
    assert set(skipped.values()) == {"archives are nested too deep"}


def test_nested_zip_files_share_one_allowance() -> None:
    """Zip files inside others are held in memory only up to the limit for one member."""
    noise = random.Random(3).randbytes(5 * MIB)
    inner = a_zip({"noise": noise}, zipfile.ZIP_STORED)
    _, skipped = opened(a_tar({"big.zip": inner, "small.zip": a_zip({"t": TEXT})}))
    assert skipped == {"a!/big.zip": "nested zip file is too large"}


# Damage


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_truncated_stream_gives_what_was_read_and_a_reason(suffix: str) -> None:
    """What stands before the cut is given out, and the cut is named."""
    noise = random.Random(4).randbytes(600_000)
    files, skipped = opened(COMPRESSORS[suffix](noise)[:-1000], f"a.{suffix}")
    assert list(skipped.values()) == ["truncated"]
    assert all(noise.startswith(data) for data in files.values())
    assert files or suffix == "bz2"  # which gives whole blocks of 900 kB only


@pytest.mark.parametrize("form", CONTAINERS)
def test_truncated_container_has_a_reason(form: str) -> None:
    """A container that is cut short never ends silently."""
    data = CONTAINERS[form]({"one": TEXT, "two": bytes(1000) + b"x"})
    used = len(data.rstrip(b"\0"))
    for cut in (used * 2 // 5, used // 4):
        _, skipped = opened(data[:cut])
        assert skipped, cut
    assert not opened(data)[1]


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zst"])
def test_further_frames_are_read_and_garbage_is_named(suffix: str) -> None:
    """Concatenated streams are one, zero padding is nothing, other trailing bytes have a reason."""
    pack, name = COMPRESSORS[suffix], f"a.{suffix}"
    assert opened(pack(b"one") + pack(b"two") + bytes(100), name) == ({f"{name}!/a": b"onetwo"}, {})
    files, skipped = opened(pack(b"one") + b"password", name)
    assert files == {f"{name}!/a": b"one"}
    assert "after the end" in skipped[f"{name}!/a"]
    _, skipped = opened(pack(a_tar({"f": TEXT})) + b"password", name)
    assert "after the end" in skipped[name]


def test_many_empty_frames_are_limited() -> None:
    """A file of nothing but empty frames comes to an end."""
    _, skipped = opened(gzip.compress(b"") * 300, "a.gz", Limits(members=20))
    assert skipped == {"a.gz": "too many headers: the rest was not looked at"}


def test_wrong_checksum_is_named() -> None:
    """A flipped bit in gzip's checksum gives what was read and a reason."""
    data = bytearray(gzip.compress(TEXT))
    data[-5] ^= 1
    files, skipped = opened(bytes(data), "a.gz")
    assert TEXT.startswith(files["a.gz!/a"])
    assert skipped == {"a.gz!/a": "corrupt"}


def test_dictionaries_beyond_the_memory_limit_are_refused() -> None:
    """A stream that wants a giant window is not decompressed; a usual one is."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 27}]
    params = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    giant = [
        lzma.compress(TEXT, filters=filters),
        zstandard.ZstdCompressor(compression_params=params).compressobj().compress(b"")
        or b"\x28\xb5\x2f\xfd\x00\x88\x01\0\0",
    ]
    for data in giant:
        files, skipped = opened(data, "a")
        assert not files
        assert "memory" in skipped["a"], data[:20]
    assert not opened(lzma.compress(TEXT, preset=9), "a.xz")[1]


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("size", [1, 70_000, 131_072, 131_073, 300_000])
def test_zstd_gives_its_last_block_whole(*, checksum: bool, size: int) -> None:
    """Of a block that is larger than what is asked for at once nothing is lost."""
    data = random.Random(size).randbytes(size)
    frame = zstandard.ZstdCompressor(write_checksum=checksum).compress(data)
    assert opened(frame, "a.zst") == ({"a.zst!/a": data}, {})


def test_zstd_of_empty_blocks_is_refused() -> None:
    """A zstd frame of endless empty blocks is refused before it costs much time."""
    frame = b"\x28\xb5\x2f\xfd\x00\x58" + b"\0\0\0" * 60_000 + b"\x01\0\0"
    assert opened(frame, "a.zst")[1] == {"a.zst": "divided into too many empty blocks"}


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text("abcdefgh.-_é", min_size=1, max_size=30), st.binary(max_size=2000), max_size=5
    ),
    st.sampled_from(sorted(CONTAINERS)),
    st.sampled_from(["", *COMPRESSORS]),
)
def test_whatever_is_packed_comes_out(files: dict[str, bytes], form: str, suffix: str) -> None:
    """Any files packed in any way come out unchanged (those that are archives aside)."""
    if form == "ar":
        files = {name[:15]: data for name, data in files.items() if name.isascii()}
    files = {name: b"=" + data for name, data in files.items()} | {"always": b"="}
    data = CONTAINERS[form](files)
    packed = COMPRESSORS[suffix](data) if suffix else data
    name = f"a.{suffix}"
    got, skipped = opened(packed, name)
    assert got == {f"{name}!/{path}": content for path, content in files.items()}
    assert not skipped


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_never_raises_and_never_hides(data: st.DataObject) -> None:
    """Flipped bytes, cuts and insertions end in members and reasons, within the limits."""
    form = data.draw(st.sampled_from(sorted(CONTAINERS)))
    suffix = data.draw(st.sampled_from(["", *COMPRESSORS]))
    inner = CONTAINERS[form]({"one": TEXT, "two.zip": a_zip({"three": TEXT})})
    packed = bytearray(COMPRESSORS[suffix](inner) if suffix else inner)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(packed) - 1))
        packed[at] = data.draw(st.integers(0, 255))
    budget = Budget()
    got = list(members(f"a.{suffix}", io.BytesIO(bytes(packed)), SMALL, budget))
    assert budget.expanded <= SMALL.total_bytes + (1 << 16)
    assert all(isinstance(one, Member | Skipped) for one in got)


def test_memory_stays_near_one_member() -> None:
    """Reading many large members costs one member and little more."""
    noise = random.Random(7).randbytes(3 * MIB)
    data = gzip.compress(a_tar({f"{n}": noise for n in range(4)}), 1)
    source = io.BytesIO(data)
    tracemalloc.start()
    for _ in members("a.tgz", source, SMALL, Budget()):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * MIB * 2.5


def test_raw_deflate_is_no_archive() -> None:
    """A zlib stream without a container is not guessed at."""
    assert kind(zlib.compress(TEXT), "x") == ""
