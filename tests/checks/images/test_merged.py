"""The root that all layers make together is what a container made from the image would see."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from checks.images import layers, names
from checks.images.fates import Fates
from checks.images.merged import SMALL, Merged
from checks.unpack.limits import Budget, Meter
from checks.unpack.streams import Raw
from tests import imaging

if TYPE_CHECKING:
    from pathlib import Path


def merged(*made: bytes) -> Merged:
    """Put layers on top of each other, with the bytes of files that are wanted."""
    fates = Fates()
    root = Merged(fates)
    for number, data in enumerate(made):
        layer = layers.Layer(Raw(io.BytesIO(data)), Meter(layers.limits(200), Budget()))
        for entry in layer.entries():
            path = names.normal(entry.item.name)
            hidden = names.whiteout(path)
            if hidden:
                fates.hides(hidden, number)
                root.hide(hidden, number)
                continue
            fates.has(path, number, folder=entry.kind == "folder")
            body = entry.item.body.read(entry.item.size) if entry.kind == "file" else b""
            kept = body if root.wants(path, len(body)) else None
            root.add(path, entry, number, data=kept)
    return root


LOWER = imaging.layer(
    imaging.member("etc", type=b"5"),
    ("etc/a", b"a"),
    ("etc/b/c", b"c"),
    ("etc/b/d", b"d"),
    imaging.member("link", type=b"2", linkname="etc/b"),
    imaging.member("etc/out", type=b"2", linkname="../../../../etc/a"),
    imaging.member("etc/loop", type=b"2", linkname="loop"),
    imaging.member("etc/dangling", type=b"2", linkname="nothing"),
    imaging.member("etc/hard", type=b"1", linkname="etc/a"),
    imaging.member("etc/dev", type=b"3"),
)


def test_files_are_read_by_their_paths_and_links() -> None:
    """Links lead to files of the image, hard ones too, and never out of its root."""
    root = merged(LOWER)
    for path in ("/etc/a", "/etc/hard", "/etc/out", "/../etc/./a", "/etc/b/../a"):
        assert root.read(path) == "a", path
    assert root.read("/link/c") == "c"
    for path in ("/etc/loop", "/etc/dangling", "/etc/dev", "/etc/b", "/etc/none", "/etc/a/b"):
        assert root.read(path) is None, path
    assert root.unseen == ("/etc/loop: too many links",)


def test_patterns_find_names() -> None:
    """Patterns see what folders and links hold."""
    assert merged(LOWER).glob("/etc/b/*") == ("/etc/b/c", "/etc/b/d")
    assert merged(LOWER).glob("/link/[c]") == ("/link/c",)
    assert merged(LOWER).glob("/none/*") == ()


@pytest.mark.parametrize(
    ("upper", "left"),
    [
        ([("etc/b/.wh.c", b"")], ("/etc/b/d",)),
        ([("etc/.wh.b", b"")], ()),
        ([("etc/b/.wh..wh..opq", b"")], ()),
        ([("etc/b/.wh..wh..opq", b""), ("etc/b/e", b"e")], ("/etc/b/e",)),
        ([("etc/b/e", b"e"), ("etc/b/.wh..wh..opq", b"")], ("/etc/b/e",)),
        ([("etc/b/e", b"e"), ("etc/.wh.b", b"")], ("/etc/b/e",)),
        ([("etc/b", b"now a file")], ()),
        ([("etc/b/", b"")], ("/etc/b/c", "/etc/b/d")),
        ([("etc/b/.wh.b", b""), ("etc/.wh.", b""), ("etc/.wh...", b"")], ("/etc/b/c", "/etc/b/d")),
        ([("link/e", b"through a link")], ("/etc/b/c", "/etc/b/d", "/etc/b/e")),
    ],
)
def test_a_layer_on_top(upper: list[tuple[str, bytes]], left: tuple[str, ...]) -> None:
    """Whiteouts take away what is below, in whatever order they stand; files replace folders."""
    members = [
        imaging.member(name, type=b"5") if name.endswith("/") else (name, data)
        for name, data in upper
    ]
    assert merged(LOWER, imaging.layer(*members)).glob("/etc/b/*") == left


def test_whose_file_it_is() -> None:
    """A path's layer is that of the file which is seen there."""
    root = merged(LOWER, imaging.layer(("etc/a", b"new")))
    assert (root.layer_of("/etc/a"), root.layer_of("/etc/b/c")) == (1, 0)
    assert root.read("/etc/a") == "new"
    assert root.layer_of("/none") is None


def test_modes_and_owners_are_the_layers() -> None:
    """A file has the owner and the mode that its layer says."""
    held = merged(imaging.layer(imaging.member("etc/key", b"k", mode=0o640, uid=7, gid=9))).held(
        "/etc/key"
    )
    assert held is not None
    assert (held.status.st_mode & 0o7777, held.status.st_uid, held.status.st_gid) == (0o640, 7, 9)


def test_what_was_not_kept_is_told() -> None:
    """A file that is in the image and was too large, or where nobody looks, is a gap."""
    root = merged(imaging.layer(("etc/large", b"x" * (SMALL + 1)), ("usr/bin/tool", b"x")))
    assert root.read("/etc/large") is None
    assert root.read("/usr/bin/tool") is None
    assert root.read("/usr/bin/other") is None
    assert root.unseen == ("/etc/large: too large", "/usr/bin/tool: not kept")


def test_a_file_of_a_plain_layer_is_read_where_it_is(folder: Path) -> None:
    """The bytes of a file that was not kept come from its place."""
    path = folder / "layer"
    path.write_bytes(b"before" + b"the file")
    entry = next(
        iter(
            layers.Layer(
                Raw(io.BytesIO(imaging.layer(("etc/a", b"the file")))),
                Meter(layers.limits(200), Budget()),
            ).entries()
        )
    )
    with path.open("rb") as file:
        root = Merged(Fates())
        root.add("/etc/a", entry, 0, place=(file.fileno(), 6))
        assert root.read("/etc/a") == "the file"


def test_names_are_bounded() -> None:
    """Of more names than any root has the rest is told as unseen."""
    many = [imaging.member(f"etc/{number}") for number in range(100_001)]
    root = merged(imaging.layer(*many))
    assert any("more than 100000 names" in why for why in root.unseen)
