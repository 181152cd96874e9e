"""Score the detection on the corpus: recall, precision, and which lines were missed or false.

Run:  python tests/corpus/score.py [--verbose] [--held-out] [--keep DIR] [--seed N] [--command C]

The rendered files are scanned by the installed `agent`. A labelled line counts as found if any
finding points at it (at any line of a value of several lines); a finding at another line is a false
line, except a low `weak-password`, counted apart, and one about a whole file (line 0), left out.
Details are shown only for two thirds of the templates; the held-out third gives its two figures,
unless --held-out shows it too. Exit status 0, whatever the figures; 1 if the scan gave no report.
"""

from __future__ import annotations

import argparse
import collections
import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import generate

REPORT_STATUS = (0, 1, 3)
SCANNER = (sys.executable, "-I", "-m", "agent")


class Hit(NamedTuple):
    """A finding, reduced to what is compared."""

    path: str
    line: int
    check: str
    severity: str


class Result(NamedTuple):
    """What one template gave: labels found and missed, false lines, weak ones elsewhere."""

    template: generate.Template
    found: list[generate.Label]
    missed: list[generate.Label]
    false: list[Hit]
    weak_elsewhere: list[Hit]


class NoReportError(Exception):
    """The scan ended without a report."""


def scan(folders: list[Path], command: list[str]) -> list[Hit]:
    """Run the scanner on FOLDERS and give its findings; raises NoReportError."""
    with tempfile.TemporaryDirectory() as outside:
        report = Path(outside, "report.json")
        options = ["--format", "json", "--output", str(report), "--quiet"]
        words = [*command, "scan", *map(str, folders), *options]
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        if done.returncode not in REPORT_STATUS or not report.exists():
            raise NoReportError(f"{shlex.join(command)}: status {done.returncode}: {done.stderr}")
        findings = json.loads(report.read_text())["findings"]
    return [_hit(finding) for finding in findings]


def _hit(finding: dict[str, object]) -> Hit:
    """Reduce one finding; its place is in `location` or beside its other members."""
    place = finding.get("location", finding)
    if not isinstance(place, dict) or "path" not in place:
        raise NoReportError("location: expected an object with a path")
    path, line = str(place["path"]).split("!/")[0], int(place.get("line", 0))
    return Hit(path, line, str(finding["check"]), str(finding["severity"]))


def relative(hit: Hit, folder: Path) -> Hit:
    """Give HIT with its path relative to FOLDER, under which the scan was."""
    path = Path(hit.path)
    return hit._replace(path=str(path.relative_to(folder)) if path.is_absolute() else hit.path)


def judge(
    templates: list[generate.Template], labels: list[generate.Label], hits: list[Hit]
) -> list[Result]:
    """Compare HITS with LABELS, template by template."""
    by_path: dict[str, set[Hit]] = collections.defaultdict(set)
    for hit in hits:
        if hit.line:
            by_path[hit.path].add(hit)
    wanted: dict[str, list[generate.Label]] = collections.defaultdict(list)
    for label in labels:
        wanted[label.path].append(label)
    return [_result(each, wanted[each.path], by_path[each.path]) for each in templates]


def _result(template: generate.Template, labels: list[generate.Label], hits: set[Hit]) -> Result:
    lines = {hit.line for hit in hits}
    covered = {line for label in labels for line in range(label.first, label.last + 1)}
    found: list[generate.Label] = []
    missed: list[generate.Label] = []
    for label in _lines(labels):
        hit = any(line in lines for line in range(label.first, label.last + 1))
        (found if hit else missed).append(label)
    strays = {hit.line: hit for hit in sorted(hits) if hit.line not in covered}.values()
    weak = [hit for hit in strays if hit.check == "weak-password" and hit.severity == "low"]
    return Result(template, found, missed, [hit for hit in strays if hit not in weak], weak)


def _lines(labels: list[generate.Label]) -> list[generate.Label]:
    """Give the labels to be found, one a line."""
    return list({label.first: label for label in labels if not label.optional}.values())


def figures(results: list[Result]) -> str:
    """Say recall and precision over RESULTS in one line."""
    found = sum(len(result.found) for result in results)
    lines = found + sum(len(result.missed) for result in results)
    false = sum(len(result.false) for result in results)
    weak = sum(len(result.weak_elsewhere) for result in results)
    clean = [result for result in results if not result.template.positive]
    spoiled = sum(bool(result.false) for result in clean)
    return (
        f"recall {_percent(found, lines)} ({found} of {lines} lines), "
        f"precision {_percent(found, found + false)} ({false} false lines, "
        f"{spoiled} of {len(clean)} clean files), weak elsewhere {weak}"
    )


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "n/a"


def show(results: list[Result], folder: Path, *, verbose: bool) -> None:
    """Print what was found by kind and by format, and with VERBOSE every missed or false line."""
    print(f"\n{'kind':24}{'found':>7}{'lines':>7}")
    for kind, found, lines in _by_kind(results):
        if found < lines or verbose:
            print(f"{kind[:23]:24}{found:7}{lines:7}")
    print(f"\n{'format':24}{'found':>7}{'lines':>7}{'false':>7}")
    for name in sorted({result.template.format for result in results}):
        these = [result for result in results if result.template.format == name]
        found, missed, false = (sum(len(r[at]) for r in these) for at in (1, 2, 3))
        if missed or false or verbose:
            print(f"{name:24}{found:7}{found + missed:7}{false:7}")
    if verbose:
        _details(results, folder)


def _by_kind(results: list[Result]) -> list[tuple[str, int, int]]:
    found = collections.Counter(label.kind for result in results for label in result.found)
    lines = found + collections.Counter(label.kind for r in results for label in r.missed)
    return [(kind, found[kind], lines[kind]) for kind in sorted(lines)]


def _details(results: list[Result], folder: Path) -> None:
    print("\nmissed")
    for result in results:
        for label in result.missed:
            _detail(result.template, label.first, label.kind, folder)
    _strays("false", [(result.template, result.false) for result in results], folder)
    _strays("weak elsewhere", [(r.template, r.weak_elsewhere) for r in results], folder)


def _strays(title: str, pairs: list[tuple[generate.Template, list[Hit]]], folder: Path) -> None:
    print(f"\n{title}")
    for template, hits in pairs:
        for hit in hits:
            _detail(template, hit.line, hit.check, folder)


def _detail(template: generate.Template, line: int, word: str, folder: Path) -> None:
    text = _text(folder, template, line)
    print(f"  {template.format}/{template.path}:{line} [{word}] {text}")


def _text(folder: Path, template: generate.Template, line: int) -> str:
    encoding = {"utf16": "utf-16", "latin1": "latin-1"}.get(template.variant, "utf-8")
    lines = (folder / template.path).read_text(encoding, errors="replace").split("\n")
    return lines[line - 1].strip()[:110] if 0 < line <= len(lines) else ""


def run(options: argparse.Namespace, folder: Path) -> None:
    """Render into FOLDER, scan, print."""
    folder = folder.resolve()
    templates, labels = generate.write(folder, options.seed)
    command = shlex.split(options.command) or list(SCANNER)
    hits = [relative(hit, folder) for hit in scan([folder], command)]
    results = judge(templates, labels, hits)
    open_part = [result for result in results if not result.template.held_out]
    held_out = [result for result in results if result.template.held_out]
    print(f"open part:     {figures(open_part)}")
    print(f"held-out part: {figures(held_out)}")
    show(results if options.held_out else open_part, folder, verbose=options.verbose)


def main() -> None:
    """Read the options and run; a scan without a report is exit status 2."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--verbose", action="store_true", help="list missed and false lines")
    parser.add_argument("--held-out", action="store_true", help="show the held-out third too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="render here and leave it")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--command", default="", help="the scanner, without its `scan`")
    options = parser.parse_args()
    try:
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            run(options, options.keep)
        else:
            with tempfile.TemporaryDirectory(prefix="hosts-") as folder:
                run(options, Path(folder))
    except NoReportError as error:
        sys.exit(f"score: {error}")


if __name__ == "__main__":
    main()
