"""The command among other processes: terminals, pipes, interruptions, cold starts, plants."""

from __future__ import annotations

import json
import os
import pty
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

FOUND, WRONG = 1, 2


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
        process.communicate(timeout=60)
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
    done = subprocess.run(["sh", "-c", script, "sh", *words], env=env, check=False, timeout=60)
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
        _, err = process.communicate(timeout=10)  # at once: all of it takes far longer
    assert process.returncode == 130
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def _wait_for_workers(pid: int) -> None:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    deadline = time.monotonic() + 60
    while not children.read_text():
        assert time.monotonic() < deadline
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
