"""Files that a configuration draws in if they exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.tls.syntax.optional import beside, named, text_if_there
from checks.tls.syntax.reading import Reading
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_that_is_not_there_is_no_gap(tmp_path: Path) -> None:
    """One that exists and cannot be read is; a bracket in a name is no pattern."""
    (tmp_path / "a[b].conf").write_text("x")
    (tmp_path / "folder").mkdir()
    with RootTree(str(tmp_path)) as tree:
        reading = Reading(tree)
        assert text_if_there(reading, "/a[b].conf") == "x"
        assert not text_if_there(reading, "/ab.conf")
        assert reading.unseen == ()
        assert not text_if_there(reading, "/folder")
        assert reading.unseen


def test_names_are_those_beside_the_file_that_says_them() -> None:
    """A whole path stays, and dots are worked out."""
    assert beside("/etc/a/b.conf", "c.conf") == "/etc/a/c.conf"
    assert beside("/etc/a/b.conf", "../c.conf") == "/etc/c.conf"
    assert beside("/etc/a/b.conf", "/c.conf") == "/c.conf"


def test_a_name_without_wildcards_is_itself(tmp_path: Path) -> None:
    """There or not; a pattern names what fits."""
    (tmp_path / "a.conf").write_text("")
    with RootTree(str(tmp_path)) as tree:
        reading = Reading(tree)
        assert named(reading, "/gone.conf") == ["/gone.conf"]
        assert named(reading, "/*.conf") == ["/a.conf"]
        assert named(reading, "/*.none") == []
