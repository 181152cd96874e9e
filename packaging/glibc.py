"""Say the oldest glibc that everything in a folder runs on; exit status 1 where that is too new.

    python glibc.py FOLDER LIMIT

Looks at the versions of symbols that each ELF file needs of glibc, and at the libraries that it
needs and that neither the folder nor what packages depend on brings.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

if TYPE_CHECKING:
    from collections.abc import Iterator

    Version = tuple[int, ...]

_GLIBC = {"libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1", "libutil.so.1"}
_OURS = {"ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2", "libgcc_s.so.1", "libstdc++.so.6"}
_MAGIC = b"\x7fELF"


class Needs(NamedTuple):
    """What an ELF file needs. glibc: the newest version among its symbols, (0,) for none."""

    path: Path
    glibc: Version
    libraries: frozenset[str]


def needs(folder: Path) -> Iterator[Needs]:
    """Give what each ELF file below a folder needs."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with open(path, "rb") as file:
                if file.read(4) == _MAGIC:
                    elf = ELFFile(file)
                    yield Needs(path, _newest(elf), frozenset(_libraries(elf)))


def _newest(elf: ELFFile) -> Version:
    return max((parsed(name[6:]) for name in _symbols(elf) if name[6:7].isdigit()), default=(0,))


def _symbols(elf: ELFFile) -> Iterator[str]:
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, versions in section.iter_versions():
                yield from (one.name for one in versions if one.name.startswith("GLIBC_"))


def _libraries(elf: ELFFile) -> Iterator[str]:
    for section in elf.iter_sections():
        if isinstance(section, DynamicSection):
            yield from (tag.needed for tag in section.iter_tags("DT_NEEDED"))


def parsed(version: str) -> Version:
    """Make a version comparable."""
    return tuple(map(int, version.split(".")))


def foreign(found: list[Needs]) -> set[str]:
    """Name the libraries that would have to come from elsewhere."""
    here = {one.path.name for one in found}
    return {name for one in found for name in one.libraries} - here - _GLIBC - _OURS


def main(folder: str, limit: str) -> None:
    """Judge a folder, and say what it needs."""
    found = list(needs(Path(folder)))
    newest = max(found, key=lambda one: one.glibc)
    said = ".".join(map(str, newest.glibc))
    print(f"{len(found)} ELF files, glibc {said} ({os.path.relpath(newest.path, folder)})")
    if newest.glibc > parsed(limit) or foreign(found):
        raise SystemExit(f"more than glibc {limit}, or of elsewhere: {sorted(foreign(found))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
