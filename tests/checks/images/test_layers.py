"""A layer is read as a stream whatever its compression, and its digest is that of all of it."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError, HygieneError, LimitError
from checks.images import layers
from checks.images.layers import Layer
from checks.unpack.limits import Budget, Limits, Meter
from checks.unpack.streams import Raw
from tests import imaging

if TYPE_CHECKING:
    from checks.unpack.tars import Entry

TEXT = b"text " * 50_000
CONTENT = imaging.layer(
    imaging.member("etc", type=b"5"),
    ("etc/a", b"1"),
    imaging.member("etc/b", type=b"2", linkname="a"),
    imaging.member("etc/c", type=b"1", linkname="etc/a"),
    imaging.member("dev/null", type=b"3"),
    imaging.member("run/fifo", type=b"6"),
    imaging.member("x" * 300, TEXT, uid=2**31, gid=5),
    imaging.member("y" * 300, type=b"2", linkname="z" * 300),
)


def opened(data: bytes, limits: Limits | None = None) -> Layer:
    return Layer(Raw(io.BytesIO(data)), Meter(limits or layers.limits(200), Budget()))


@pytest.mark.parametrize("compression", imaging.COMPRESS)
def test_every_compression_gives_the_same(compression: str) -> None:
    """Kinds, names, targets, owners and bytes are those of the plain layer."""
    layer = opened(imaging.COMPRESS[compression](CONTENT))
    found = []
    for entry in layer.entries():
        body = entry.item.body
        found.append((entry.kind, entry.item.name, entry.target, body.read(10**6) if body else b""))
    assert found == [
        ("folder", "etc/", "", b""),
        ("file", "etc/a", "", b"1"),
        ("symlink", "etc/b", "a", b""),
        ("link", "etc/c", "etc/a", b""),
        ("device", "dev/null", "", b""),
        ("fifo", "run/fifo", "", b""),
        ("file", "x" * 300, "", TEXT),
        ("symlink", "y" * 300, "z" * 300, b""),
    ]
    assert layer.compressed == (compression != "plain")
    assert layer.finish() == ((imaging.sha(CONTENT), "") if layer.compressed else ("", ""))


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_the_digest_is_of_what_nobody_read_too(compression: str) -> None:
    """Bodies that are passed over count."""
    layer = opened(imaging.COMPRESS[compression](CONTENT))
    assert sum(1 for _ in layer.entries()) == 8
    assert layer.finish()[0] == imaging.sha(CONTENT)


def test_where_a_file_lies_in_a_plain_layer() -> None:
    """The position at an entry is that of its first byte."""
    layer = opened(CONTENT)
    for entry in layer.entries():
        if entry.kind == "file":
            at = layer.position
            wanted = TEXT if entry.item.size > 1 else b"1"
            assert CONTENT[at : at + entry.item.size] == wanted


def test_rubbish_behind_a_stream_is_noted() -> None:
    """What stands behind the end of a gzip stream is told."""
    layer = opened(gzip.compress(CONTENT) + b"rubbish")
    assert sum(1 for _ in layer.entries()) == 8
    assert layer.finish() == (imaging.sha(CONTENT), "data after the end of the compressed stream")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (CONTENT[:2_000], "truncated"),
        (gzip.compress(CONTENT)[:500], "truncated"),
        (b"rubbish " * 500, "corrupt header"),
        (gzip.compress(b"rubbish " * 500), "corrupt header"),
        (b"PK\3\4" + bytes(600), "unsupported layer"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 600, "corrupt"),
    ],
    ids=["cut", "gzip cut", "rubbish", "gzip of rubbish", "zip", "zstd"],
)
def test_what_is_no_layer(data: bytes, why: str) -> None:
    """Every way of being none is one error of ours."""
    with pytest.raises((FormatError, LimitError), match=why):
        _read(data)


def _read(data: bytes, limits: Limits | None = None) -> list[Entry]:
    layer = opened(data, limits)
    found = list(layer.entries())
    layer.finish()
    return found


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        (Limits(ratio=10, grace=1 << 20), "expands suspiciously well"),
        (Limits(total_bytes=1 << 20, ratio=10**6), "expands to too many bytes"),
        (Limits(members=1, ratio=10**6), "too many headers"),
    ],
)
def test_what_costs_too_much(limits: Limits, why: str) -> None:
    """A layer that expands too well, to too much or to too many entries is given up."""
    many = [(f"{number}", bytes(300_000)) for number in range(12)]
    with pytest.raises(HygieneError, match=why):
        _read(gzip.compress(imaging.layer(*many)), limits)


def test_nothing_is_a_layer() -> None:
    """A layer without entries is no fault; another has its entry."""
    one = imaging.layer(("one", b"x"))
    for packed in (bytes, gzip.compress):
        assert _read(packed(bytes(1024))) == []
        assert [entry.item.name for entry in _read(packed(one))] == ["one"]
