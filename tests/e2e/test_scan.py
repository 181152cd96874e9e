"""The scan command from outside: exit codes, thresholds, outputs, the same report every time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Hygiene

CLEAN, FOUND, WRONG, UNSEEN = 0, 1, 2, 3
SUFFIXES = {
    "report.html": "<!DOCTYPE html>",
    "report.htm": "<!DOCTYPE html>",
    "report.json": '{\n"schema"',
    "report.jsonl": '{"event"',
    "report.sarif": '{"$schema"',
    "report.txt": "",
    "REPORT.JSON": '{\n"schema"',
}


def test_a_tree_without_credentials_is_clean(hygiene: Hygiene, folder: Path) -> None:
    """Exit status 0 says that everything was looked at and nothing was found."""
    (folder / "plain.txt").write_text("nothing here\n")
    status, report = hygiene.report(folder)
    assert (status, report["findings"], report["summary"]["files"]) == (CLEAN, [], 1)


def test_a_password_is_found_at_its_line(hygiene: Hygiene, tree: Path) -> None:
    """Exit status 1 comes with the place of the finding."""
    status, report = hygiene.report(tree)
    [finding] = report["findings"]
    assert status == FOUND
    assert (finding["check"], finding["line"]) == ("embedded-password", 2)
    assert finding["path"] == str(tree / "app.env")


@pytest.mark.parametrize(
    "words",
    [
        ("scan",),
        ("scan", ".", "--no-such-option"),
        ("scan", ".", "--fail-on", "terrible"),
        ("scan", ".", "--jobs", "0"),
        ("scan", ".", "--policy", "missing.yaml"),
        ("scan", ".", "--baseline", "missing.json"),
        ("scan", ".", "--rules", "missing.yaml"),
        ("scan", ".", "--output", "no/such/folder/report.json"),
    ],
)
def test_wrong_usage_is_status_two(hygiene: Hygiene, tree: Path, words: tuple[str, ...]) -> None:
    """What cannot be done as asked is neither clean nor found."""
    done = hygiene(*words, cwd=tree)
    assert done.returncode == WRONG
    assert done.stderr


def test_a_path_that_is_not_there_is_not_clean(hygiene: Hygiene, folder: Path) -> None:
    """A scan of nothing says that it saw nothing."""
    status, report = hygiene.report(folder / "missing")
    assert status == UNSEEN
    assert report["inconclusive"][0]["reason"] == "not found"


def test_an_unreadable_file_is_status_three(person: Hygiene, home: Path) -> None:
    """A file that the user may not read is listed with its reason."""
    (home / "secret.env").write_text("A=1\n")
    (home / "secret.env").chmod(0)
    status, report = person.report(home)
    assert status == UNSEEN
    assert [(one["path"], one["reason"]) for one in report["inconclusive"]] == [
        (str(home / "secret.env"), "permission denied")
    ]


def test_an_unreadable_folder_is_status_three(person: Hygiene, home: Path) -> None:
    """A folder that the user may not enter is listed too."""
    (home / "closed").mkdir(mode=0)
    status, report = person.report(home)
    assert status == UNSEEN
    assert report["inconclusive"][0]["path"] == str(home / "closed")


def test_a_finding_outranks_what_was_not_seen(person: Hygiene, home: Path, password: str) -> None:
    """Exit status 1 wins over 3, and both are in the report."""
    (home / "secret.env").touch(mode=0)
    (home / "app.env").write_text(f"DB_PASSWORD={password}\n")
    status, report = person.report(home)
    assert status == FOUND
    assert (len(report["findings"]), len(report["inconclusive"])) == (1, 1)


@pytest.mark.parametrize(
    ("least", "status"), [("low", FOUND), ("high", FOUND), ("critical", CLEAN)]
)
def test_the_threshold_decides(hygiene: Hygiene, tree: Path, least: str, status: int) -> None:
    """A finding under the threshold is reported and does not fail the scan."""
    done = hygiene("scan", tree, "--fail-on", least)
    assert done.returncode == status
    assert "embedded-password" in done.stdout


def test_the_policy_sets_the_threshold_and_the_option_wins(hygiene: Hygiene, tree: Path) -> None:
    """`fail_on` of a policy counts unless the command line says otherwise."""
    policy = tree.parent / "policy.yaml"
    policy.write_text("fail_on: critical\n")
    assert hygiene("scan", tree, "--policy", policy).returncode == CLEAN
    assert hygiene("scan", tree, "--policy", policy, "--fail-on", "low").returncode == FOUND


@pytest.mark.parametrize(("name", "start"), SUFFIXES.items())
def test_the_name_of_the_output_decides_its_form(
    hygiene: Hygiene, tree: Path, folder: Path, name: str, start: str
) -> None:
    """The report goes to the file, a summary to the terminal."""
    done = hygiene("scan", tree, "--output", folder / name)
    written = (folder / name).read_text()
    assert done.returncode == FOUND
    assert written.startswith(start)
    assert "embedded-password" in written
    assert "1 finding" in done.stdout


def test_a_quiet_scan_with_output_prints_nothing(
    hygiene: Hygiene, tree: Path, folder: Path
) -> None:
    """Only the file and the exit status speak."""
    done = hygiene("scan", tree, "--quiet", "--output", folder / "r.json")
    assert (done.returncode, done.stdout, done.stderr) == (FOUND, "", "")


def test_the_format_outranks_the_name(hygiene: Hygiene, tree: Path, folder: Path) -> None:
    """`--format` decides where both are given."""
    hygiene("scan", tree, "--format", "sarif", "--output", folder / "r.json")
    assert json.loads((folder / "r.json").read_text())["version"] == "2.1.0"


def test_two_scans_say_the_same(
    hygiene: Hygiene, tree: Path, make_password: Callable[[str], str]
) -> None:
    """But for the time two reports of one tree are equal, whatever the processes did."""
    for number in range(150):
        text = f"a: 1\npassword: {make_password(str(number))}\n"
        (tree / f"{number}.yaml").write_text(text)
    (tree / "broken.tar").write_bytes(b"\x1f\x8b\x08" + bytes(50))
    reports = [hygiene.report(tree, "--jobs", str(jobs))[1] for jobs in (1, 2, 5)]
    for report in reports:
        assert len(report["findings"]) == 151
        del report["seconds"], report["started"]
    assert reports[0] == reports[1] == reports[2]
