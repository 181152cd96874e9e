"""Ar archives: the ways of GNU and BSD to write long names, and damage."""

from __future__ import annotations

import io

import pytest

from checks.errors import FormatError, LimitError
from checks.unpack import UNKNOWN, ars
from checks.unpack.limits import Budget, Limits, Meter
from checks.unpack.streams import Raw


def an_entry(name: bytes, data: bytes, uid: bytes = b"7") -> bytes:
    """Make one member with its header."""
    head = b"%-16s%-12d%-6s%-6d%-8o%-10d`\n" % (name, 0, uid, 8, 0o100640, len(data))
    return head + data + b"\n" * (len(data) % 2)


def read(data: bytes) -> list[tuple[str, bytes]]:
    """Give name and content of each member."""
    meter = Meter(Limits(), Budget())
    stream = Raw(io.BytesIO(ars.MAGIC + data))
    return [(item.name, item.body.read(99)) for item in ars.items(stream, meter) if item.body]


def test_names_of_gnu_and_bsd() -> None:
    """Short names, names in GNU's table and names in front of the data are all whole."""
    table = b"a-very-long-name.conf/\nanother-long-name.conf/\n"
    archive = (
        an_entry(b"/", b"symbols")
        + an_entry(b"//", table)
        + an_entry(b"short/", b"1")
        + an_entry(b"/23", b"2")
        + an_entry(b"#1/20", b"a-bsd-style-name\0\0\0\0" + b"3")
        + an_entry(b"bsd", b"4")
    )
    assert read(archive) == [
        ("short", b"1"),
        ("another-long-name.conf", b"2"),
        ("a-bsd-style-name", b"3"),
        ("bsd", b"4"),
    ]


def test_owner_and_mode() -> None:
    """Owner, group and mode come from the header; an empty field is unknown."""
    stream = Raw(io.BytesIO(ars.MAGIC + an_entry(b"a/", b"1") + an_entry(b"b/", b"1", b"")))
    one, two = ars.items(stream, Meter(Limits(), Budget()))
    assert (one.uid, one.gid, one.mode) == (7, 8, 0o640)
    assert two.uid == UNKNOWN


@pytest.mark.parametrize(
    "damage",
    [
        an_entry(b"a/", b"data")[:-2],
        an_entry(b"a/", b"data").replace(b"`\n", b"??"),
        an_entry(b"a/", b"data").replace(b"4         ", b"-4        "),
        an_entry(b"/x", b"data"),
        an_entry(b"a/", b"data")[:30],
    ],
)
def test_damage_is_a_format_error(damage: bytes) -> None:
    """A header that is cut, unmarked or not numeric ends the archive."""
    with pytest.raises(FormatError):
        read(damage)
    assert read(an_entry(b"a/", b"data")) == [("a", b"data")]


def test_endless_name_table_is_refused() -> None:
    """A name table over the limit is not read."""
    with pytest.raises(LimitError):
        read(an_entry(b"//", bytes(2 << 20)))
