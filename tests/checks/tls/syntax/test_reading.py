"""The limits of one reading, and how its gaps are told."""

from __future__ import annotations

import pytest

from checks.tls.config import Setting, Site
from checks.tls.syntax import reading
from checks.tls.syntax.reading import Reading, absolute, is_pattern, literal, told


class Files:
    """A tree of texts by path."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.asked = 0

    def read(self, path: str) -> str | None:
        """Give a text."""
        return self.texts.get(path)

    def glob(self, pattern: str) -> tuple[str, ...]:
        """Give all paths."""
        self.asked += 1
        return tuple(self.texts)


SITE = Site(server="x", place=Setting("a", "", "/a", 1), unseen=("own",))


def test_a_file_is_not_read_inside_itself() -> None:
    """A loop and too deep a chain are gaps; the same file once more beside itself is none."""
    one = Reading(Files(a="text"))
    assert one.text("a") == one.text("a") == one.text("a", ("b",)) == "text"
    assert one.unseen == ()
    assert one.text("a", ("a",)) is None
    assert one.text("a", tuple(map(str, range(reading.DEEPEST)))) is None
    assert one.text("gone") is None
    assert [gap.partition(": ")[2] for gap in one.unseen] == [
        "includes itself",
        f"more than {reading.DEEPEST} files include one another",
        "cannot be read",
    ]


def test_characters_and_files_are_counted() -> None:
    """All files together, and each as often as it is read."""
    half = reading.CHARACTERS // 2
    large = Reading(Files(a="x" * half))
    assert [large.text("a") is None for _ in range(3)] == [False, False, True]
    many = Reading(Files(a="x"))
    read = [many.text("a") for _ in range(reading.FILES + 1)]
    assert (read.count("x"), many.unseen) == (reading.FILES, (f"more than {reading.FILES} files",))


def test_patterns_are_asked_so_often() -> None:
    """Beyond that they fit nothing, which is a gap."""
    files = Files(a="")
    one = Reading(files)
    for _ in range(60_000):
        one.glob("*")
    assert files.asked == 50_000
    assert len(one.unseen) == 1


def test_gaps_are_told_by_every_site_or_by_the_file() -> None:
    """A site of the main file stands in where no other comes after a gap."""
    clean = Reading(Files())
    assert list(told([SITE], clean, "x", "/m")) == [SITE]
    assert list(told([], clean, "x", "/m")) == []
    clean.miss("gap")
    assert [site.unseen for site in told([SITE, SITE], clean, "x", "/m")] == [("own", "gap")] * 2
    (alone,) = told([], clean, "x", "/m")
    assert (alone.unseen, alone.listens, alone.place.path) == (("gap",), (), "/m")


def test_gaps_without_end_are_told_as_such() -> None:
    """Each gap once, a few of them, and then that there are more."""
    one = Reading(Files())
    for number in range(1000):
        one.miss(f"gap {number // 2}")
    assert len(one.unseen) == 51
    assert one.unseen[0] == "gap 0"
    assert one.unseen[-1] == "more than can be told"


@pytest.mark.parametrize(
    ("path", "seen"), [("/a", "/a"), ("a", "/b/a"), ("../a", "/b/../a"), ("", "/b/")]
)
def test_paths_are_seen_from_a_folder(path: str, seen: str) -> None:
    """An absolute path stays as it is."""
    assert absolute("/b", path) == seen


def test_a_path_can_stand_for_itself() -> None:
    """Its wildcards are put in brackets."""
    assert literal("/a[b]*?c") == "/a[[]b][*][?]c"
    assert is_pattern("/a*")
    assert not is_pattern("/a]")
