"""Scan the stock configuration of Debian packages: it must give no finding at medium or above.

Run:  python tests/corpus/debian.py --into DIR [--packages FILE] [--limit N] [--command C]

The packages of packages.txt are fetched by `apt-get download` and unpacked by `dpkg -x` (no script
of theirs runs), each into DIR/NAME; what is already there is not fetched again. Scanned are etc/
and usr/share/NAME and usr/share/*-config of each. Exit status 0 without such findings, 1 with some,
2 if the scan gave no report or nothing could be fetched.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

import score

HERE = Path(__file__).parent
WORTH_A_LOOK = ("medium", "high", "critical")


def fetch(name: str, into: Path) -> bool:
    """Unpack package NAME below INTO; False if apt does not know it or dpkg refuses it."""
    target, debs = into / "tree" / name, into / "debs"
    if target.is_dir():
        return True
    debs.mkdir(parents=True, exist_ok=True)
    wanted = [*debs.glob(f"{name}_*.deb")] or _downloaded(name, debs)
    if not wanted:
        return False
    target.parent.mkdir(exist_ok=True)
    return _quiet(["dpkg", "-x", str(wanted[0]), str(target)], into)


def _downloaded(name: str, debs: Path) -> list[Path]:
    _quiet(["apt-get", "download", "-q", name], debs)
    return [*debs.glob(f"{name}_*.deb")]


def _quiet(command: list[str], where: Path) -> bool:
    done = subprocess.run(command, check=False, capture_output=True, cwd=where)
    return done.returncode == 0


def configuration(tree: Path, name: str) -> list[Path]:
    """List the folders of package NAME that hold its stock configuration."""
    root = tree / name
    shares = [root / "usr/share" / name, *sorted((root / "usr/share").glob("*-config"))]
    return [folder for folder in dict.fromkeys([root / "etc", *shares]) if folder.is_dir()]


def findings(folders: list[Path], into: Path, command: list[str]) -> list[score.Hit]:
    """Scan FOLDERS and give what is worth a look, sorted, paths relative to INTO."""
    hits = [score.relative(hit, into) for hit in score.scan(folders, command)]
    return sorted(hit for hit in set(hits) if hit.severity in WORTH_A_LOOK)


def main() -> None:
    """Fetch, unpack, scan, print."""
    options = _options()
    into = options.into.resolve()
    into.mkdir(parents=True, exist_ok=True)
    names = options.packages.read_text().split()[: options.limit]
    unknown = [name for name in names if not fetch(name, into)]
    folders = [f for name in names for f in configuration(into / "tree", name)]
    if not folders:
        sys.exit("debian: no package could be fetched\nhint: run apt-get update")
    command = shlex.split(options.command) or list(score.SCANNER)
    try:
        hits = findings(folders, into / "tree", command)
    except score.NoReportError as error:
        sys.stderr.write(f"debian: {error}\n")
        sys.exit(2)
    _report(hits, folders, names, unknown)
    sys.exit(1 if hits else 0)


def _report(hits: list[score.Hit], folders: list[Path], names: list[str], out: list[str]) -> None:
    for hit in hits:
        sys.stdout.write(f"{hit.severity:9}{hit.check:24}{hit.path}:{hit.line}\n")
    files = sum(path.is_file() for folder in folders for path in folder.rglob("*"))
    sys.stdout.write(
        f"{len(hits)} findings at medium or above in {files} files of {len(names) - len(out)}"
        f" packages; not available: {len(out)} {' '.join(out)}".rstrip()
        + "\n"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--into", type=Path, required=True, help="where packages are kept")
    parser.add_argument("--packages", type=Path, default=HERE / "packages.txt")
    parser.add_argument("--limit", type=int, help="only the first N packages")
    parser.add_argument("--command", default="", help="the scanner, without its `scan`")
    return parser.parse_args()


if __name__ == "__main__":
    main()
