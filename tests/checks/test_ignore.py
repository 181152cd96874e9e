"""Ignore files name what is left out, below their own folder only."""

from __future__ import annotations

import pytest

from checks import ignore


@pytest.mark.parametrize(
    ("glob", "path", "left_out"),
    [
        ("*.log", "/srv/a.log", True),
        ("*.log", "/srv/deep/er/a.log", True),
        ("*.log", "/srv/a.conf", False),
        ("*.log", "/srvx/a.log", False),
        ("sub/*", "/srv/sub/c.conf", True),
        ("sub/*", "/srv/other/sub/c.conf", False),
        ("/top", "/srv/top", True),
        ("/top", "/srv/sub/top", False),
        ("build/", "/srv/sub/build", True),
        ("# *.conf", "/srv/# a.conf", False),
    ],
)
def test_a_glob_leaves_out_what_it_names(glob: str, path: str, left_out: bool) -> None:  # noqa: FBT001 - a column of the table
    """A glob without a slash is for names at any depth, one with a slash for paths."""
    pattern = ignore.pattern(glob + "\n", "/srv")
    assert (pattern is not None and pattern.match(path) is not None) is left_out


def test_an_empty_file_leaves_out_nothing() -> None:
    """Comments and blank lines, a lone slash too, are no globs."""
    assert ignore.pattern("\n  \n# x\n/\n", "/srv") is None


def test_a_folder_with_special_characters_is_taken_literally() -> None:
    """The folder's own name is no expression."""
    pattern = ignore.pattern("a", "/srv/[x](y)")
    assert pattern is not None
    assert pattern.match("/srv/[x](y)/a")
    assert not pattern.match("/srv/xy/a")
