"""Settings that are commented out are read; what explains a setting is not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.formats import comments

VALUE = "p%x!7@z"


def read(text: str) -> list[tuple[str, str, int]]:
    """Give name, value and line of what is read."""
    return [(entry.keys[-1], entry.value, entry.line) for entry in comments.parse(text)]


@pytest.mark.parametrize("mark", ["#", "# ", "  # ", "##  ", ";", "; ", "!", "//", "// ", "\t//\t"])
@pytest.mark.parametrize(
    "line",
    [
        "db.password={}", "password: {}", 'password = "{}"', "  'password': '{}',",
        "- password: {}",
        "export password={}", "<password>{}</password>", '<Db url="x" password="{}"/>',
    ],
)  # fmt: skip
def test_a_setting_behind_a_mark_is_read_at_its_line(mark: str, line: str) -> None:
    """The same line without the mark is none that is commented out."""
    text = f"one = 1\r\n\n{{}}{line.format(VALUE)}\r\ntwo = 2\n"
    (name, value, at), *others = [one for one in read(text.format(mark)) if VALUE in one[1]]
    assert (name.rpartition(".")[2], value, at, others) == ("password", VALUE, 3, [])
    assert read(text.format("")) == []


@pytest.mark.parametrize(
    "line",
    [
        "# the password = {} of old", "# password: set to {}", "# see http://a.example/?p={}",
        "#!/bin/{}", "# {}", "#", "# password =", "# password == {}", "x = 1 # password={}",
    ],
)  # fmt: skip
def test_a_sentence_is_no_setting(line: str) -> None:
    """More words than a name and a value have explain it, and what follows code belongs to it."""
    assert [one for one in read(line.format(VALUE)) if one[0] == "password"] == []


def test_a_comment_of_xml_may_have_several_lines() -> None:
    """Elements and attributes in it are read; those behind its end are others'."""
    text = f'<a>\n<!-- old\n  <p password="{VALUE}"/>\n  words\n-->\n<p password="x{VALUE}"/>\n</a>'
    assert read(text) == [("password", VALUE, 3)]
    assert read(text.replace("<!--", "<!")) == []
    assert read(f'<a>\n<!-- never ended\n<p password="{VALUE}"/>') == []


def test_the_mark_of_source_code_is_known() -> None:
    """A definition of C begins with the same sign and is none."""
    for row in ("// x = 1", "  # x = 1", "/* x = 1", " * x = 1"):
        found = comments.MARK.match(row)
        assert found is not None
        assert row[found.end() :] == "x = 1"
    for row in ("#define X 1", "# define X 1", "x = 1 // y", "*/"):
        assert comments.MARK.match(row) is None


@given(st.text("#;!/<>-=:\"' \n\tab9", max_size=60))
def test_any_text_is_read(text: str) -> None:
    """No text fails, and every line is one of the text's."""
    assert all(0 < line <= text.count("\n") + 1 for _, _, line in read(text))


@pytest.mark.parametrize(
    "piece", ["#", "# ", "#a=b\n", "#a = ", "<!--", "<!-- <a\n", '#"a"=\'', "# a" * 9, " \t"]
)
def test_a_hostile_text_costs_time_in_proportion(piece: str) -> None:
    """Marks, names and openers without an end are passed over."""
    begun = time.process_time()
    read(piece * (200_000 // len(piece)))
    assert time.process_time() - begun < 2
