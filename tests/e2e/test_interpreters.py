"""Every interpreter of this machine that the program may run with finds the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Hygiene

if TYPE_CHECKING:
    from tests.e2e.conftest import Planted

ROOT = Path(__file__).parents[2]
SUPPORTED = [f"python3.{minor}" for minor in range(11, 15)]


def _others() -> list[str]:
    """Name the supported interpreters in the usual folders whose version is not this one's."""
    found = [Path(folder, name) for folder in ("/usr/bin", "/usr/local/bin") for name in SUPPORTED]
    return [str(path) for path in found if path.exists() and _version(path) != sys.version]


def _version(interpreter: Path) -> str:
    words = [interpreter, "-I", "-c", "import sys; print(end=sys.version)"]
    return subprocess.run(words, capture_output=True, check=True, text=True, timeout=60).stdout


def _installed(interpreter: str, folder: Path) -> Hygiene:
    """Give the program as it is in this tree, run by another interpreter."""
    python = folder / "venv/bin/python"
    subprocess.run([interpreter, "-I", "-m", "venv", folder / "venv"], check=True, timeout=120)
    install = [python, "-I", "-m", "pip", "--quiet", "install", "--editable", ROOT]
    subprocess.run(install, check=True, timeout=300)
    state = folder / "state"
    state.mkdir(mode=0o700)
    return Hygiene(state, (str(python), "-I", "-m", "agent"))


def _found(hygiene: Hygiene, planted: Planted) -> list[tuple[str, ...]]:
    done = hygiene("scan", "--format", "json", planted.folder, timeout=120)
    findings = json.loads(done.stdout)["findings"]
    told = ("path", "line", "key_path", "check", "severity")
    return sorted(tuple(str(one.get(field)) for field in told) for one in findings)


@pytest.mark.parametrize("interpreter", _others())
def test_another_interpreter_finds_the_same(
    interpreter: str, hygiene: Hygiene, planted: Planted, folder: Path
) -> None:
    other = _installed(interpreter, folder)
    assert other("rules", "check").returncode == 0
    expected = _found(hygiene, planted)
    assert len(expected) > 100
    assert _found(other, planted) == expected
