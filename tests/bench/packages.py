"""Install, upgrade, downgrade, remove and purge the packages in a real Debian under a real systemd.

    packaging/sources && packaging/interpreter && packaging/build
    python -m tests.bench.packages [--keep]

It needs root and mmdebstrap, which unpacks Debian into build/debian once, and runs from the top of
the source tree. An older version is made of the same sources, with a module that is gone today and
other words in agent.yaml. What does not hold ends it; --keep writes what was measured into
results-packages.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import agent
from tests.bench import lives
from tests.bench.installing import Debian
from tests.bench.lives import NAME, Packages, passwords
from tests.e2e.machine import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

_TOP = Path(agent.__file__).parents[1]
_BUILD = _TOP / "build"
_PARTS = ("agent", "checks", "packaging", "systemd", "pyproject.toml", "README.md", "LICENSE")
_INCLUDE = "systemd,systemd-sysv,dbus,man-db,procps,rpm,bash-completion,zsh,fish"
_OLDER = "0.0.9"
_RESULTS = Path(__file__).with_name("results-packages.md")


def main() -> None:
    """Make what is missing, go through all of it, and say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true")
    told = parser.parse_args()
    if why := refusal():
        raise SystemExit(why)
    newer = Packages(_TOP, agent.__version__)
    lines = []
    with tempfile.TemporaryDirectory() as copy:
        older = _older(Path(copy))
        for look in (lives.life, lives.running, lives.by_rpm, _archive, _start):
            with Debian(_debian()) as system:
                lines += (said := look(system, older, newer))
            print(*said, sep="\n", flush=True)
    made = (newer.deb, newer.deep, newer.rpm, newer.archive)
    sizes = ", ".join(f"{one.name} {one.stat().st_size / 1e6:.1f} MB" for one in made)
    lines.append(f"| sizes | - | {sizes} |")
    if told.keep:
        _RESULTS.write_text(_page("\n".join(lines)))


def _page(rows: str) -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return (
        "# Last measurements of the packages\n\n"
        "`python -m tests.bench.packages --keep`: Debian 12 under its own systemd,"
        f" {os.cpu_count()} cores, Linux {platform.release()}, {day}.\n\n"
        "| what | limit | measured |\n|---|---|---|\n" + rows + "\n"
    )


def _debian() -> Path:
    tree = _BUILD / "debian"
    if not (tree / "etc/os-release").exists():
        words = ("mmdebstrap", "--quiet", "--variant=minbase", f"--include={_INCLUDE}")
        subprocess.run([*words, "bookworm", tree], check=True)
    return tree


def _older(copy: Path) -> Packages:
    """Build an older version, in a copy of the sources."""
    for name in (*_PARTS, "CHANGELOG.md"):
        if (_TOP / name).is_dir():
            shutil.copytree(_TOP / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(_TOP / name, copy / name)
    (copy / "agent/__init__.py").write_text(f'"""The runtime."""\n\n__version__ = "{_OLDER}"\n')
    (copy / "agent/gone.py").write_text('"""A module that is gone today."""\n')
    (copy / "packaging/agent.yaml").write_text("# other words\nversion: 1\n")
    (copy / "build").mkdir()
    for name in ("python-x86_64", "tools"):
        (copy / "build" / name).symlink_to(_BUILD / name)
    subprocess.run(["packaging/build"], cwd=copy, check=True, stdout=subprocess.DEVNULL)
    return Packages(copy, _OLDER)


def _archive(system: Debian, _older: Packages, newer: Packages) -> list[str]:
    """Unpack the archive where nobody thought of, as an image build does, and move it."""
    system.did("mkdir", "/opt/a b")
    packed = system.take(newer.archive)
    system.did("tar", "-x", "-z", "-f", packed, "-C", "/opt/a b", "--strip-components=1")
    system.did("find", "/opt/a b", "-exec", "touch", "-h", "-d", "2001-01-01", "{}", "+")
    system.plant("app.conf", next(passwords()))
    for place in ("/opt/a b", "/srv/moved"):
        done = system.run(f"{place}/bin/{NAME}", "scan", "/srv/app.conf")
        assert done.returncode == 1, done.stderr
        assert "embedded-password" in done.stdout
        if place != "/srv/moved":
            system.did("mv", place, "/srv/moved")
    system.did("ln", "-s", f"/srv/moved/bin/{NAME}", f"/usr/bin/{NAME}")
    assert system.did(NAME, "--version").split()[-1] == newer.version
    written = system.did("find", "/srv/moved", "-newermt", "2002-01-01", "-type", "f")
    assert not written.strip(), written
    return ["| the archive, unpacked anywhere, moved, all times changed | works | so it does |"]


def _start(system: Debian, _older: Packages, newer: Packages) -> list[str]:
    """Time a scan of one small file, warm: the packages' and, beside it, an installed command's."""
    system.install(newer.deb)
    path = system.root / "srv/small.conf"
    path.write_text("name = value\n")
    here = (Path(sys.executable).with_name(NAME), "scan", "--quiet", path)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ways = {
        "package": lambda: system.did(NAME, "scan", "--quiet", "/srv/small.conf"),
        "pip": lambda: subprocess.run(here, check=True, env=clean, stdout=subprocess.DEVNULL),
        "entering": lambda: system.did("true"),
    }
    seconds = {name: [_timed(way) for _ in range(22)][1:] for name, way in ways.items()}
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    assert median["package"] <= 0.5, f"{median['package']:.2f} s"
    return [
        "| `hygiene-agent scan` of one small file, warm, 21 times | 0.5 s | median"
        f" {median['package']:.2f} s, worst {max(seconds['package']):.2f} s (of it"
        f" {median['entering']:.2f} s to enter the system); as installed by pip on Python"
        f" {platform.python_version()} {median['pip']:.2f} s |"
    ]


def _timed(way: Callable[[], object]) -> float:
    began = time.perf_counter()
    way()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
