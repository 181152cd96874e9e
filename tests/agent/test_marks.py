"""Paths that changed are given once they are at rest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agent import marks
from agent.marks import Marks

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_there_at_the_beginning_is_given_at_once_and_once(tmp_path: Path) -> None:
    """As is what is not there."""
    path, missing = tmp_path / "a", tmp_path / "missing"
    path.touch()
    one = Marks([str(path), str(missing)])
    assert one.turn(100) == [str(path), str(missing)]
    assert one.turn(101) == one.turn(102) == []


def test_a_change_is_given_when_it_is_at_rest(tmp_path: Path) -> None:
    """And not while it goes on."""
    path = tmp_path / "a"
    one = Marks([str(path)])
    one.turn(100)
    path.write_text("1")
    assert one.turn(101) == []
    path.write_text("22")
    assert one.turn(101.21) == []
    assert one.turn(101.42) == [str(path)]
    assert one.turn(102) == []


def test_a_change_that_never_rests_is_given_nevertheless(tmp_path: Path) -> None:
    """Who writes all the time hides nothing."""
    path = tmp_path / "a"
    one = Marks([str(path)])
    one.turn(100)
    given = []
    for i in range(40):
        path.write_text("x" * i)
        given += one.turn(101 + 0.21 * i)
    assert 1 <= len(given) <= 3


def test_each_kind_of_change_is_one(tmp_path: Path) -> None:
    """Content, mode, another file of the same content, a link; looking at it is none."""
    path = tmp_path / "a"
    path.write_text("x")
    seen = [marks.of(str(path))]
    path.read_text()
    assert marks.of(str(path)) == seen[0]
    path.chmod(0o600)
    seen.append(marks.of(str(path)))
    path.with_name("b").write_text("x")
    path.with_name("b").rename(path)
    seen.append(marks.of(str(path)))
    path.unlink()
    seen.append(marks.of(str(path)))
    path.symlink_to("x")
    seen.append(marks.of(str(path)))
    assert len(set(seen)) == 5


def test_a_path_is_given_again_when_that_was_asked_for(tmp_path: Path) -> None:
    """Though it does not change; and not twice."""
    one = Marks([str(tmp_path)])
    one.turn(100)
    one.again(str(tmp_path), 110)
    assert one.turn(105) == []
    assert one.turn(110) == [str(tmp_path)]
    assert one.turn(111) == []


def test_many_paths_are_looked_at_less_often(tmp_path: Path) -> None:
    """So that they cost no more."""
    few, many = Marks([str(tmp_path)]), Marks([f"{tmp_path}/{i}" for i in range(4000)])
    few.turn(100)
    many.turn(100)
    os.utime(tmp_path)
    (tmp_path / "17").touch()
    few.turn(100.3)
    assert few.turn(100.6) == [str(tmp_path)]
    assert many.turn(101) == []
    assert many.turn(102) == []
    assert many.turn(104.1) == [f"{tmp_path}/17"]
