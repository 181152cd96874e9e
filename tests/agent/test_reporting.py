"""A report goes where it was asked to go, in the form asked for, or the error says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import joining, reporting, writing
from agent.report import Report

if TYPE_CHECKING:
    from agent.inventory import Gathered

REPORT = Report(version="1", started="2026-01-01T00:00:00+00:00", seconds=0.1, roots=("/srv",))


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("r.html", "<!DOCTYPE html>"),
        ("r.htm", "<!DOCTYPE html>"),
        ("r.json", "{\n"),
        ("r.JSON", "{\n"),
        ("r.jsonl", '{"event"'),
        ("r.prom", "# HELP hygiene_agent_"),
        ("r.sarif", '{"$schema"'),
        ("r.csv", "No findings."),
        ("r.txt", "No findings."),
        ("r", "No findings."),
        ("json", "No findings."),
    ],
)
def test_the_suffix_decides_the_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, start: str
) -> None:
    """The file has the form its name says, the terminal the text."""
    reporting.give(REPORT, None, tmp_path / name, {}, quiet=False)
    assert (tmp_path / name).read_text().startswith(start)
    assert capsys.readouterr().out.startswith("No findings.")


@pytest.mark.parametrize("form", reporting.FORMATS)
def test_every_form_can_be_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    """The form that was asked for outranks the name, and both ways give the same."""
    reporting.give(REPORT, form, None, {}, quiet=True)
    reporting.give(REPORT, form, tmp_path / "r.json", {}, quiet=True)
    assert capsys.readouterr().out == (tmp_path / "r.json").read_text() != ""


def test_quiet_prints_no_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the file is written."""
    reporting.give(REPORT, None, tmp_path / "r.json", {}, quiet=True)
    assert capsys.readouterr().out == ""
    assert json.loads((tmp_path / "r.json").read_text())["summary"]["files"] == 0


@pytest.mark.parametrize("path", ["/dev/null/r.json", "/dev/full", "."])
def test_a_report_that_cannot_be_written_is_one_error(path: str) -> None:
    """The error names the file and the reason."""
    with pytest.raises(writing.OutputError, match=rf"^{path}: \w+"):
        reporting.give(REPORT, None, Path(path), {}, quiet=True)


def test_an_old_report_is_replaced(tmp_path: Path) -> None:
    """Nothing of a longer report stays behind a shorter one."""
    path = tmp_path / "r.json"
    path.write_text("x" * 1_000_000)
    reporting.give(REPORT, None, path, {}, quiet=True)
    assert json.loads(path.read_text())["tool"] == "hygiene-agent"


def test_progress_is_for_terminals() -> None:
    """Where standard error is no terminal, nothing is drawn."""
    with reporting.progress(quiet=False) as shown:
        assert shown is None


def test_a_report_goes_through_no_link(tmp_path: Path) -> None:
    """Where somebody laid a link, its target is left alone; a file that is there is replaced."""
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "r.json").symlink_to("victim")
    with pytest.raises(writing.OutputError, match="is a link"):
        reporting.give(REPORT, None, tmp_path / "r.json", {}, quiet=True)
    assert (tmp_path / "victim").read_text() == "precious"
    reporting.give(REPORT, None, tmp_path / "victim", {}, quiet=True)
    assert (tmp_path / "victim").read_text().startswith("No findings.")


@pytest.mark.parametrize(
    ("name", "start"),
    [("i.csv", '"kind"'), ("i.json", "{\n"), ("i.txt", "Listeners"), ("i.prom", "L")],
)
def test_an_inventory_is_written_in_the_form_its_name_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], gathered: Gathered, name: str, start: str
) -> None:
    """It has forms of its own; any other name is text."""
    reporting.give_inventory(joining.joined(gathered), None, tmp_path / name, quiet=False)
    assert (tmp_path / name).read_text().startswith(start)
    assert capsys.readouterr().out.startswith("Listeners")


def test_a_folder_takes_the_tables_of_an_inventory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], gathered: Gathered
) -> None:
    """One csv file each, also of what there is none of; no other form."""
    reporting.give_inventory(joining.joined(gathered), None, tmp_path, quiet=True)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("absent.csv", "certificates.csv", "keys.csv"),
        *("listeners.csv", "not-looked-at.csv", "suites.csv"),
    }
    assert capsys.readouterr().out == ""
    with pytest.raises(writing.OutputError, match="takes csv only"):
        reporting.give_inventory(joining.joined(gathered), "json", tmp_path, quiet=True)
