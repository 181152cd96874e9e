"""The scan command from outside: exit codes, outputs, baseline, marks, waivers, interruptions."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

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


@pytest.fixture
def tree(folder: Path, password: str) -> Path:
    """A folder with one password and one file without."""
    tree = folder / "tree"
    tree.mkdir()
    (tree / "app.env").write_text(f"# database\nDB_PASSWORD={password}\n")
    (tree / "plain.txt").write_text("nothing here\n")
    return tree


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


def _terminal(hygiene: Hygiene, tree: Path, env: dict[str, str]) -> bytes:
    """Give what a scan prints on a terminal."""
    ours, theirs = pty.openpty()
    with hygiene.start("scan", tree, env=env, stdout=theirs) as process:
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 65536):
                written += part
        except OSError:  # the other side was closed
            pass
        process.communicate(timeout=30)
    os.close(ours)
    return written


def test_colours_are_for_terminals_that_want_them(hygiene: Hygiene, tree: Path) -> None:
    """A terminal gets colours unless NO_COLOR is set; a pipe never does."""
    assert b"\x1b[" in _terminal(hygiene, tree, {"NO_COLOR": "", "TERM": "xterm"})
    plain = _terminal(hygiene, tree, {"NO_COLOR": "1", "TERM": "xterm"})
    assert b"embedded-password" in plain
    assert b"\x1b[" not in plain
    assert "\x1b[" not in hygiene("scan", tree).stdout


@pytest.mark.parametrize("words", [("rules", "list"), ("scan", ".")])
def test_a_reader_that_goes_away_is_no_error(
    hygiene: Hygiene, tree: Path, words: tuple[str, ...]
) -> None:
    """With `| head -1` nothing but the exit status of a closed pipe is left."""
    reading, writing = os.pipe()
    os.close(reading)
    done = hygiene(*words, cwd=tree, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_full_disk_is_one_line(hygiene: Hygiene, tree: Path) -> None:
    """A report that could not be printed is status 2, not 0 or 1."""
    with open("/dev/full", "wb") as full:
        done = hygiene("scan", tree, stdout=full.fileno())
    assert (done.returncode, done.stderr) == (WRONG, "hygiene-agent: No space left on device\n")


@pytest.mark.parametrize("closed", [(1,), (0, 1), (0, 1, 2)])
def test_closed_standard_streams_change_nothing(
    hygiene: Hygiene, tree: Path, folder: Path, closed: tuple[int, ...]
) -> None:
    """A daemon's closed descriptors do not make a file of ours one of them."""
    output = folder / "r.json"
    redirections = " ".join(f"{number}>&-" for number in closed)
    script = f'exec "$@" {redirections}'
    words = [*hygiene.command, "scan", str(tree), "--output", str(output)]
    env = os.environ | {"HYGIENE_AGENT_STATE": str(hygiene.state)}
    done = subprocess.run(["sh", "-c", script, "sh", *words], env=env, check=False, timeout=30)
    assert done.returncode == FOUND
    assert len(json.loads(output.read_text())["findings"]) == 1


@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_an_interrupted_scan_says_so_and_leaves_nothing(
    hygiene: Hygiene, folder: Path, send: Callable[[int, int], None]
) -> None:
    """Ctrl-C, to the whole group or to the parent alone, is exit status 130 at once."""
    first = folder / "0.conf"
    first.write_bytes(b"password=" + b"x1!" * 2_000_000)
    for number in range(1, 200):
        os.link(first, folder / f"{number}.conf")
    with hygiene.start("scan", folder) as process:
        _wait_for_workers(process.pid)
        send(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def _wait_for_workers(pid: int) -> None:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    deadline = time.monotonic() + 20
    while not children.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_two_scans_start_at_once_on_a_cold_cache(
    hygiene: Hygiene, tree: Path, folder: Path
) -> None:
    """Both find everything and both use the fingerprint key that stays."""
    cold = type(hygiene)(folder / "cold")
    both = [cold.start("scan", "--format", "json", tree) for _ in range(2)]
    reports = []
    for process in both:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (FOUND, "")
        reports.append(json.loads(out))
    third = cold.report(tree)[1]
    prints = [one["findings"][0]["evidence"]["fingerprints"] for one in (*reports, third)]
    assert prints[0] == prints[1] == prints[2]
    assert [path.name for path in cold.state.rglob(".*")] == []


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


@pytest.mark.parametrize("way", ["module", "script"])
def test_what_lies_in_the_working_folder_is_never_imported(
    hygiene: Hygiene, tree: Path, folder: Path, way: str
) -> None:
    """A planted module of our own or of a library stays text."""
    proof = folder / "imported"
    code = f"open({str(proof)!r}, 'a').write(__name__)\n"
    for name in ("agent", "checks"):
        (tree / name).mkdir()
        (tree / name / "__init__.py").write_text(code)
        (tree / f"{name}.py").write_text(code)
    for name in ("hyperscan", "click", "msgspec", "yaml", "json", "sitecustomize"):
        (tree / f"{name}.py").write_text(code)
    script = Path(sys.executable).with_name("hygiene-agent")
    run = hygiene if way == "module" else type(hygiene)(hygiene.state, (str(script),))
    done = run("scan", ".", cwd=tree)
    assert done.returncode == FOUND
    assert not proof.exists()
