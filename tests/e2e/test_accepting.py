"""What does not count: baseline, marks and waivers, each listed and none believed too far."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Hygiene

CLEAN, FOUND = 0, 1


def _baseline(hygiene: Hygiene, tree: Path) -> Path:
    baseline = tree / ".hygiene.json"
    done = hygiene("baseline", tree, "--output", baseline)
    assert (done.returncode, "1 accepted" in done.stdout) == (CLEAN, True)
    return baseline


def test_a_baseline_accepts_what_was_there(hygiene: Hygiene, tree: Path) -> None:
    """What a baseline holds is listed as suppressed, not dropped; the baseline itself is clean."""
    status, report = hygiene.report(tree, "--baseline", _baseline(hygiene, tree))
    assert status == CLEAN
    assert [one["suppression"]["kind"] for one in report["suppressed"]] == ["baseline"]


def test_a_baseline_accepts_a_line_that_moved(hygiene: Hygiene, tree: Path, password: str) -> None:
    """The value and the file count, not the line."""
    baseline = _baseline(hygiene, tree)
    (tree / "app.env").write_text(f"\n\n\n# more\nDB_PASSWORD={password}\n")
    assert hygiene("scan", tree, "--baseline", baseline).returncode == CLEAN


def test_a_baseline_accepts_no_new_value_on_the_old_line(
    hygiene: Hygiene, tree: Path, make_password: Callable[[str], str]
) -> None:
    """A changed password is a new finding."""
    baseline = _baseline(hygiene, tree)
    (tree / "app.env").write_text(f"# database\nDB_PASSWORD={make_password('new')}\n")
    assert hygiene("scan", tree, "--baseline", baseline).returncode == FOUND


def test_a_baseline_accepts_no_copy_elsewhere(hygiene: Hygiene, tree: Path) -> None:
    """The same value in another file is a new finding."""
    baseline = _baseline(hygiene, tree)
    shutil.copy(tree / "app.env", tree / "copy.env")
    status, report = hygiene.report(tree, "--baseline", baseline)
    assert status == FOUND
    assert [Path(one["path"]).name for one in report["findings"]] == ["copy.env"]


def test_a_baseline_moves_with_its_tree(hygiene: Hygiene, tree: Path, folder: Path) -> None:
    """Paths are relative to the baseline file, so that a checkout may lie anywhere."""
    _baseline(hygiene, tree)
    elsewhere = folder / "else where"
    shutil.move(tree, elsewhere)
    done = hygiene("scan", ".", "--baseline", ".hygiene.json", cwd=elsewhere)
    assert done.returncode == CLEAN


def _marked(folder: Path, password: str) -> Path:
    path = folder / "marked.env"
    path.write_text(f"DB_PASSWORD={password}  # hygiene: allow embedded-password a test account\n")
    return path


def test_a_person_marks_files_of_their_own(person: Hygiene, home: Path, password: str) -> None:
    """A mark counts by default where a person scans their own tree, and is listed."""
    os.chown(_marked(home, password), home.stat().st_uid, -1)
    status, report = person.report(home)
    assert status == CLEAN
    assert report["suppressed"][0]["suppression"]["reason"] == "a test account"


def test_a_mark_in_a_tree_of_somebody_else_is_not_believed(
    person: Hygiene, home: Path, password: str
) -> None:
    """By default a mark counts in one's own tree only, and where the command line says so."""
    if os.geteuid():
        pytest.skip("only root can give a tree to somebody else")
    os.chown(home, 0, 0)
    _marked(home, password)
    assert person("scan", home).returncode == FOUND
    assert person("scan", home, "--marks").returncode == CLEAN


@pytest.mark.skipif(bool(os.geteuid()), reason="only root's scans are root's")
def test_root_believes_no_mark_by_default(hygiene: Hygiene, folder: Path, password: str) -> None:
    """Root's scans believe marks only when the policy or the command line says so."""
    _marked(folder, password)
    policy = folder / "policy.yaml"
    policy.write_text("marks: true\n")
    assert hygiene("scan", folder).returncode == FOUND
    assert hygiene("scan", folder, "--marks").returncode == CLEAN
    assert hygiene("scan", folder, "--policy", policy).returncode == CLEAN
    assert hygiene("scan", folder, "--policy", policy, "--no-marks").returncode == FOUND


def test_a_mark_for_another_check_covers_nothing(
    hygiene: Hygiene, folder: Path, password: str
) -> None:
    """A mark names the check that it allows."""
    text = f"DB_PASSWORD={password}  # hygiene: allow weak-password a test account\n"
    (folder / "a.env").write_text(text)
    assert hygiene("scan", folder, "--marks").returncode == FOUND


@pytest.mark.parametrize(("until", "status"), [("2199-12-31", CLEAN), ("2020-01-01", FOUND)])
def test_a_waiver_ends(hygiene: Hygiene, tree: Path, until: str, status: int) -> None:
    """A waiver counts until its date, and is listed with its owner; after that it does nothing."""
    policy = tree.parent / "policy.yaml"
    waiver = {"check": "embedded-*", "path": "*/app.env", "owner": "team-x", "reason": "moving"}
    policy.write_text(json.dumps({"waivers": [waiver | {"until": until}]}))
    seen, report = hygiene.report(tree, "--policy", policy)
    assert seen == status
    owners = [one["suppression"]["owner"] for one in report["suppressed"]]
    assert owners == (["team-x"] if status == CLEAN else [])
