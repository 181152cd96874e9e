"""The report for a person: grouped, ordered, safe to print."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.output import text
from agent.report import Report
from checks.model import Confidence, Finding, Location, Severity

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def printed(report: Report, *, colour: bool = False, width: int = 100) -> str:
    """Give the whole text."""
    return "".join(text.render(report, {}, colour=colour, width=width))


def test_the_worst_file_comes_first(report: Report) -> None:
    """Files are ordered by their worst finding, findings of a file by severity."""
    lines = printed(report, width=120).splitlines()
    heads = [line for line in lines if line.startswith("/")]
    assert [head.split()[0] for head in heads[:1]] == ["/srv/app/a.yml"]
    assert heads[-1].startswith("/var/b 100%.zip!/etc/c:d.env")
    assert [line.split()[0] for line in lines[1:3]] == ["critical", "low"]


def test_a_finding_is_one_line(report: Report) -> None:
    """Severity, check, place, message and mask stand on one line where there is room."""
    assert (
        "  critical  clear-text-password  30:db.password  "
        "A database password in clear text: ••••••••, 14 characters\n"
    ) in printed(report, width=120)


def test_a_narrow_terminal_gets_shorter_lines(report: Report) -> None:
    """No sentence is longer than the width; a path is never broken."""
    lines = printed(report, width=60).splitlines()
    assert all(len(line) <= 60 for line in lines if not re.match(r"\s*/", line))
    assert any(len(line) > 60 for line in lines)


def test_a_fix_is_said_once_for_a_file(report: Report) -> None:
    """Findings of one file with the same fix share its line."""
    first = printed(report).split("\n\n")[0]
    assert first.count("fix: Move it to Vault") == 1
    assert first.count("clear-text-password") == 2


def test_the_readers_of_a_file_are_named(report: Report) -> None:
    """Owner, group (by number where it has no name), mode and readers stand beside the path."""
    assert "/srv/app/a.yml  root:33 0644, readable by everyone\n" in printed(report)


def test_the_summary_counts_everything(report: Report) -> None:
    """The last lines say how much was found, looked at, suppressed and left out."""
    tail = printed(report).splitlines()[-6:]
    looked = "Looked at 24,877 files and 412 archive members, 206.0 MiB, in 3.21 s"
    assert tail == [
        "5 findings: 1 critical, 1 high, 1 medium, 1 low, 1 info.",
        f"{looked} under policy default 7.",
        "3 suppressed: 1 by baseline, 1 by mark, 1 by waiver.",
        "Not applicable: 3 sockets, 1 binary file.",
        "4 files did not keep to their format: read line by line.",
        "6 not looked at: see above.",
    ]


def test_what_was_not_looked_at_is_grouped(report: Report) -> None:
    """A reason is said once, with a few paths and the count of the rest."""
    told = printed(report)
    assert (
        "  permission denied (5)\n    /srv/p0\n    /srv/p1\n    /srv/p2\n    and 2 more\n" in told
    )
    assert "  truncated (1)\n" in told
    assert "after 3 members" in told


def test_suppressions_say_who_answers(report: Report) -> None:
    """Each suppression has its kind, owner, reason and end; a mark the owner of its file."""
    told = printed(report)
    assert "mark by root, in a file of root: a fixture (1)\n" in told
    assert "waiver by team-x, until 2027-01-31: moving (1)\n" in told
    assert (
        "baseline: accepted (1)\n    /srv/app/a.yml:40:db.password  clear-text-password\n" in told
    )


def test_nothing_found_is_only_clean_when_all_was_seen(report: Report, clean: Report) -> None:
    """A scan that could not look everywhere does not say that there is nothing."""
    assert printed(clean).startswith("No findings.\n")
    blind = msgspec.structs.replace(report, findings=())
    assert "No findings in what could be looked at.\n" in printed(blind)


def test_colour_only_when_asked(report: Report) -> None:
    """Colours are added around the same text."""
    assert "\x1b" not in printed(report)
    coloured = printed(report, colour=True)
    assert "\x1b[" in coloured
    assert ANSI.sub("", coloured) == printed(report)


def test_hostile_names_are_escaped(report: Report) -> None:
    """Escape sequences, undecodable bytes and bidirectional marks are shown, not obeyed."""
    told = printed(report)
    assert r"/srv/x/\x1b[2J" in told
    assert r"</script>\xff\u202e.env" in told
    told.encode("utf-8")


@given(st.text(st.characters(), max_size=60), st.text(st.characters(), max_size=200))
def test_any_name_prints(name: str, key: str) -> None:
    """Whatever a name holds, the text encodes, has no control character and keeps its lines."""
    one = Finding("c", Severity.LOW, Confidence.LOW, Location(name, 1, 1, key), name, key)
    whole = Report(version="1", started="", seconds=0, roots=(name,), findings=(one,))
    told = printed(whole)
    told.encode("utf-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", told)


@pytest.mark.parametrize("width", [0, 1, 39])
def test_an_absurd_width_is_survived(report: Report, width: int) -> None:
    """A terminal that claims no width gets 40 columns."""
    assert printed(report, width=width) == printed(report, width=40)
