"""Names in a layer mean paths in the image's root, and whiteouts mean what they hide."""

from __future__ import annotations

import pytest

from checks.images import names
from checks.images.names import Hidden


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("etc/passwd", "/etc/passwd"),
        ("./etc//passwd", "/etc/passwd"),
        ("/etc/passwd", "/etc/passwd"),
        ("../../etc/passwd", "/etc/passwd"),
        ("a/b/../../../c", "/c"),
        ("etc/", "/etc"),
        ("a\0b", "/a"),
        (".", "/"),
        ("", "/"),
        ("a/..b/...", "/a/..b/..."),
    ],
)
def test_a_name_is_a_path_in_the_root(name: str, path: str) -> None:
    """No way of writing a name leads out of the root of the image."""
    assert names.normal(name) == path


@pytest.mark.parametrize(
    ("path", "hides"),
    [
        ("/app/.wh.env", Hidden("/app/env")),
        ("/.wh.etc", Hidden("/etc")),
        ("/app/.wh..wh..opq", Hidden("/app", below=True)),
        ("/.wh..wh..opq", Hidden("/", below=True)),
        ("/app/.wh..env", Hidden("/app/.env")),
        ("/app/.wh..", None),
        ("/app/.wh...", None),
        ("/app/.wh.", None),
        ("/app/.wh..wh.plnk", None),
        ("/app/wh.env", None),
        ("/.wh.app/env", None),
    ],
)
def test_a_whiteout_is_known_by_its_last_name(path: str, hides: Hidden | None) -> None:
    """A whiteout hides one name or all of its folder; nothing leads to a folder above."""
    assert names.whiteout(path) == hides


def test_the_folders_above() -> None:
    """The folders of a path are given from the outermost in, without the root."""
    assert names.above("/a/b/c") == ["/a", "/a/b"]
    assert names.above("/a") == []
