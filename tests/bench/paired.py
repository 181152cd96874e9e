"""Run tools side by side: environments of their own, seconds, processor time, memory, tables."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CACHE = Path.home() / ".cache" / "hygiene-agent-bench"


class Ran(NamedTuple):
    """One run of a command: seconds from start to exit, and processor seconds of all of it."""

    seconds: float
    processor: float


def install(place: Path, package: str, program: str, *, always: bool = False) -> None:
    """Make an environment of its own at PLACE that has PROGRAM."""
    if not place.exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
    if always or not (place / "bin" / program).exists():
        pip = [place / "bin" / "python", "-m", "pip", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--upgrade", package], check=True)


def timed(command: Sequence[str]) -> Ran:
    """Run to the end; what it prints and its status are of no interest here."""
    before = _processor()
    started = time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Ran(time.perf_counter() - started, _processor() - before)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peak(command: Sequence[str]) -> float:
    """Peak of the resident memory of a command and its children in MB, each page where it is."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0
    done = threading.Event()
    threading.Thread(target=lambda: (process.wait(), done.set()), daemon=True).start()
    while not done.wait(0.01):
        most = max(most, sum(map(_resident, family(process.pid))))
    return most / 1e6


def family(pid: int) -> list[int]:
    """Give a process and all that descend from it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(grand for child in children for grand in family(int(child)))]


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    except (OSError, IndexError):
        return 0


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Write a table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(row)} |" for row in lines]


def write(results: Path, title: str, text: str, *, mark: str, short: str = "") -> None:
    """Print TEXT, keep it in RESULTS, and put it, or what is SHORT of it, in the README's marks."""
    print(text)
    results.write_text(f"# {title}\n\n{text}")
    put(ROOT / "README.md", mark, short or text)


def put(page: Path, mark: str, text: str) -> None:
    """Put TEXT between the marks of a page; exits where it has none."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, _, rest = page.read_text().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{page}: no place between {begin} and {end}")
    page.write_text(f"{before}{begin}\n{text}{end}{after}")
