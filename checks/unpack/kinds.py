"""Recognise archives and compressed files by their first bytes."""

from __future__ import annotations

from typing import Final

from checks.unpack import ars, rpms, tars

HEAD: Final = 512
"""How many first bytes a decision needs."""

GZIP_MAGIC: Final = b"\x1f\x8b\x08"
XZ_MAGIC: Final = b"\xfd7zXZ\0"
_MAGICS: Final = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (GZIP_MAGIC, "gzip"),
    (XZ_MAGIC, "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"070701", "cpio"),
    (b"070702", "cpio"),
    (ars.MAGIC, "ar"),
    (rpms.MAGIC, "rpm"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"PK\x07\x08", "zip-split"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x02\x21\x4c\x18", "lz4"),
    (b"\x89LZO\0\r\n\x1a\n", "lzop"),
    (b"LZIP\x01", "lzip"),
    (b"MSCF\0\0\0\0", "cab"),
    (b"xar!\0\x1c", "xar"),
    (b"!<thin>\n", "ar-thin"),
)
_BY_FIRST: Final = {
    magic[:1]: tuple(pair for pair in _MAGICS if pair[0][:1] == magic[:1]) for magic, _ in _MAGICS
}
_BZIP2_BODIES: Final = (b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90")
"""The first block of a bzip2 stream begins with the digits of pi, an empty stream with its end."""

_WITHOUT_ZERO: Final = frozenset((b"B", b"\x1f"))
"""How a kind below begins that may have no zero byte; the others have one in their first bytes."""
FIRST: Final = frozenset(b"".join((*_BY_FIRST, *_WITHOUT_ZERO)))
"""How an archive begins that has no zero byte among its first bytes."""

COMPRESSED: Final = frozenset(("bzip2", "gzip", "lzma", "xz", "zstd", "rpm"))
"""Kinds that hold one stream."""
CONTAINERS: Final = frozenset(("ar", "cpio", "tar", "zip"))
"""Kinds that hold files; any other kind is recognised only."""

_SUFFIXES: Final = (".gz", ".bz2", ".xz", ".zst", ".zstd", ".lzma", ".rpm")


def kind(head: bytes, name: str) -> str:
    """Name the kind of archive that a file begins, "" when it is none.

    head: its first HEAD bytes; name: helps where a kind has no magic of its own (lzma, compress).
    """
    for magic, found in _BY_FIRST.get(head[:1], ()):
        if head.startswith(magic):
            return found
    if b"\0" not in head and head[:1] not in _WITHOUT_ZERO:
        return ""
    if head[:3] == b"BZh" and head[4:10] in _BZIP2_BODIES:
        return "bzip2"
    if head[:3] == b"\x5d\0\0" and name.lower().endswith((".lzma", ".tlz")):
        return "lzma"
    if head[:2] == b"\x1f\x9d" and name.lower().endswith((".z", ".taz")):
        return "compress"
    if head[:4] == b"hsqs" and head[28:30] == b"\x04\0":  # a squashfs 4 superblock
        return "squashfs"
    if head[257:262] == b"ustar" or tars.is_header(head):
        return "tar"
    return ""


def inner_name(name: str) -> str:
    """Give the last component of a compressed file's name without its suffix: x/a.txt.gz, a.txt."""
    base = name.rpartition("/")[2]
    for suffix in _SUFFIXES:
        if base.lower().endswith(suffix) and len(base) > len(suffix):
            return base[: -len(suffix)]
    return base
