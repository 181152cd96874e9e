"""The environment of sslyze is believed only while nobody else can change what is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from checks.tls import deepenv
from checks.tls.deepfacts import DeepError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from checks.tls.deepenv import Interpreter

NOBODY = 65534


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment without packages, as the venv module makes it."""
    home = tmp_path / "deep"
    words = [sys.executable, "-I", "-m", "venv", "--without-pip", str(home)]
    subprocess.run(words, check=True, capture_output=True)
    (home / "lib" / "module.py").write_text("")
    return home


def interpreter(home: Path) -> str:
    return str(home / "bin" / "python")


def reason(path: str) -> str:
    with pytest.raises(DeepError) as refused:
        deepenv.believed(path)
    return str(refused.value)


def test_the_place_is_fixed(tmp_path: Path) -> None:
    """It is inside our own environment, unless the variable names another interpreter."""
    assert deepenv.location({}, "/opt/tool") == "/opt/tool/deep/bin/python"
    assert deepenv.location({"HYGIENE_AGENT_DEEP": ""}, "/x") == "/x/deep/bin/python"
    assert deepenv.location({"HYGIENE_AGENT_DEEP": "/y/python"}, "/x") == "/y/python"


def test_an_environment_of_ones_own_is_believed(environment: Path, sslyze: Interpreter) -> None:
    """One that the venv module made is, and the one with sslyze in it."""
    path = interpreter(environment)
    assert deepenv.believed(path).path == path
    assert deepenv.believed(sslyze.path) == sslyze


def test_what_is_missing_is_named() -> None:
    """The place is said where there is nothing, and nothing is taken from the working folder."""
    assert reason("/nonexistent/python") == "sslyze: no environment at /nonexistent/python"
    assert reason("python3") == "sslyze: the path of its interpreter is not absolute"
    assert reason("/usr/bin") == "sslyze: its interpreter is no file"


def _group(path: Path) -> None:
    os.chown(path, -1, NOBODY)
    path.chmod(0o775)


CHANGES: dict[str, Callable[[Path], None]] = {
    "everybody": lambda path: path.chmod(0o777),
    "a group": _group,
    "an owner": lambda path: os.chown(path, NOBODY, -1),
}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("part", ["", "..", "bin", "lib", "lib/module.py", "pyvenv.cfg"])
def test_what_others_can_change_is_refused(environment: Path, part: str, change: str) -> None:
    """A folder above, a folder or a file that another user or group can change is named."""
    part_of = (environment / part).resolve()
    CHANGES[change](part_of)
    assert reason(interpreter(environment)) == f"sslyze: others can change {part_of}"


def test_a_file_that_everybody_can_write_is_refused(environment: Path) -> None:
    """Without root's rights as well."""
    deepenv.believed(interpreter(environment))
    module = environment / "lib" / "module.py"
    module.chmod(0o666)
    assert reason(interpreter(environment)) == f"sslyze: others can change {module}"


def test_a_folder_for_everybody_with_a_sticky_bit_is_fine(environment: Path) -> None:
    """As /tmp is: nobody can rename there what is not theirs."""
    environment.parent.chmod(0o1777)
    deepenv.believed(interpreter(environment))
    environment.parent.chmod(0o777)
    assert "others can change" in reason(interpreter(environment))


def test_the_way_behind_links_is_looked_at(environment: Path, tmp_path: Path) -> None:
    """A link is as good as every folder on the way to what it names."""
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    shutil.copy(os.path.realpath(sys.executable), open_folder / "python")
    link = environment / "bin" / "python"
    link.unlink()
    link.symlink_to("../../open/python")
    deepenv.believed(str(link))
    open_folder.chmod(0o777)
    assert reason(str(link)) == f"sslyze: others can change {open_folder}"


def test_links_inside_are_followed(environment: Path, tmp_path: Path) -> None:
    """A package that is linked into the environment counts as a part of it."""
    package = tmp_path / "package.py"
    package.write_text("")
    (environment / "lib" / "package.py").symlink_to(package)
    deepenv.believed(interpreter(environment))
    package.chmod(0o666)
    assert reason(interpreter(environment)) == f"sslyze: others can change {package}"


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    """A circle is no file; nothing hangs."""
    (tmp_path / "python").symlink_to(tmp_path / "python")
    assert reason(str(tmp_path / "python")).startswith("sslyze: ")
