"""What ELF files need of glibc is found, and what is too new is refused."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType


@pytest.fixture(scope="module")
def glibc(script: Callable[[str], ModuleType]) -> ModuleType:
    """The script that looks."""
    return script("glibc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program that needs glibc and zlib."""
    folder = tmp_path_factory.mktemp("elf")
    (folder / "program.c").write_text('#include <stdio.h>\nint main(void) { return puts("x"); }\n')
    (folder / "link").symlink_to("/bin/sh")
    subprocess.run(["cc", "-o", folder / "program", folder / "program.c"], check=True)
    return folder


def _by_objdump(path: Path) -> str:
    told = subprocess.run(
        ["objdump", "-T", path], capture_output=True, text=True, check=True
    ).stdout
    found: list[str] = re.findall(r"GLIBC_([0-9.]+)", told)
    return max(found, key=lambda one: tuple(map(int, one.split("."))))


def test_the_newest_symbol_counts(glibc: ModuleType, folder: Path) -> None:
    """It is the version that objdump shows too; text and links are passed over."""
    (found,) = glibc.needs(folder)
    assert found.path.name == "program"
    assert found.glibc == glibc.parsed(_by_objdump(found.path))
    assert found.libraries == {"libc.so.6"}


def test_what_is_too_new_is_refused(glibc: ModuleType, folder: Path) -> None:
    """A folder passes with the version that it needs, and not with one before it."""
    version = _by_objdump(folder / "program")
    major, minor = glibc.parsed(version)[:2]
    glibc.main(str(folder), version)
    with pytest.raises(SystemExit, match="more than glibc"):
        glibc.main(str(folder), f"{major}.{minor - 1}")


def test_a_library_of_elsewhere_is_refused(glibc: ModuleType, folder: Path) -> None:
    """What is neither glibc's nor in the folder is named; what lies in the folder is not."""
    (found,) = glibc.needs(folder)
    other = found._replace(libraries=frozenset({"libz.so.1", "program"}))
    assert glibc.foreign([found, other]) == {"libz.so.1"}
    assert not glibc.foreign([found])
