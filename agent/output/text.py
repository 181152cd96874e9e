"""Write a report for a person at a terminal, by file, the worst first, the sum at the end.

No character of a scanned file or of its name reaches the terminal unescaped.
"""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Final

from agent.output import words
from checks.model import Severity
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from agent.report import CheckInfo, Report
    from checks.model import Finding, Inconclusive

STYLES: Final = {
    Severity.CRITICAL: "1;97;41",
    Severity.HIGH: "1;31",
    Severity.MEDIUM: "33",
    Severity.LOW: "36",
    Severity.INFO: "2",
}
BOLD: Final = "1"
DIM: Final = "2"
WARNING: Final = "33"
GOOD: Final = "32"
_SHOWN_PATHS: Final = 3
_WIDEST_COLUMN: Final = 36
_SEVERITY_WIDTH: Final = 8
_INDENT: Final = " " * (_SEVERITY_WIDTH + 4)
_NARROWEST: Final = 40
_READABLE: Final = 110
"""Sentences are broken at this width, however wide the terminal is."""


class Paint:
    """Colours text when asked to, lays it out to a width."""

    def __init__(self, width: int, *, colour: bool) -> None:
        self.width = max(width, _NARROWEST)
        self._colour = colour

    def __call__(self, style: str, text: str) -> str:
        """Give TEXT in a style (parameters of ECMA-48's SGR), or as it is without colours."""
        return f"\x1b[{style}m{text}\x1b[0m" if self._colour and text else text

    def wrap(self, text: str, first: str, further: str) -> list[str]:
        """Break TEXT into lines behind the indents FIRST and FURTHER, at spaces only."""
        return textwrap.wrap(
            text,
            min(self.width, _READABLE),
            initial_indent=first,
            subsequent_indent=further,
            break_long_words=False,
            break_on_hyphens=False,
        )


def render(
    report: Report, _infos: Mapping[str, CheckInfo], *, colour: bool = False, width: int = 100
) -> Iterator[str]:
    """Give the report piece by piece, each ending in a newline.

    colour: use ANSI colours; width: columns to fill (a path is never broken).
    """
    paint = Paint(width, colour=colour)
    for group in _by_file(report.findings):
        yield from _file(group, paint)
    yield from _suppressed(report, paint)
    yield from not_looked_at(report.inconclusive, paint)
    yield from _notes(report, paint)
    yield from _summary(report, paint)


def _by_file(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Group findings by file (and image layer): the file with the worst finding first."""
    by_path = sorted(findings, key=_file_key)
    groups = [
        sorted(group, key=lambda one: (-one.severity, _mended(one), one.location.line, one.check))
        for _, group in groupby(by_path, key=_file_key)
    ]
    return sorted(groups, key=lambda group: (-group[0].severity, _file_key(group[0])))


def _file_key(finding: Finding) -> tuple[str, str]:
    return finding.location.path, finding.location.layer


def _file(group: list[Finding], paint: Paint) -> Iterator[str]:
    yield _heading(group[0], paint)
    checks = _column(one.check for one in group)
    places = _column(words.place(one) for one in group)
    heads = [_head(one, checks, places) for one in group]
    room = paint.width - len(_INDENT)
    fits = all(len(h) + len(_told(one)) <= room for h, one in zip(heads, group, strict=True))
    said = {("", "")}
    for finding, head, following in zip(group, heads, [*group[1:], None], strict=True):
        yield from _finding(finding, head, paint, fits=fits)
        mended = _mended(finding)
        if mended not in said and (following is None or _mended(following) != mended):
            said.add(mended)
            yield from _fix(*mended, paint)
    yield "\n"


def _mended(finding: Finding) -> tuple[str, str]:
    return finding.fix, finding.snippet


def _heading(finding: Finding, paint: Paint) -> str:
    parts = [paint(BOLD, printable(finding.location.path))]
    if finding.location.layer:
        parts.append(paint(DIM, f"layer {printable(finding.location.layer, longest=80)}"))
    if finding.access:
        wide = finding.access.readers == "everyone"
        parts.append(paint(WARNING if wide else DIM, words.access(finding.access)))
    told = words.origin(finding.origin)
    came = (f"{line}\n" for line in paint.wrap(told, "  ", "  ")) if told else ()
    return "  ".join(parts) + "\n" + "".join(came)


def _head(finding: Finding, checks: int, places: int) -> str:
    """Give check and place in columns of the given widths."""
    return f"{printable(finding.check):<{checks}}  {words.place(finding):<{places}}  "


def _told(finding: Finding) -> str:
    return " ".join(part for part in (printable(finding.message), words.evidence(finding)) if part)


def _finding(finding: Finding, head: str, paint: Paint, *, fits: bool) -> Iterator[str]:
    """Give one line, or two where the findings of a file do not fit on one line each."""
    word = finding.severity.label
    start = f"  {paint(STYLES[finding.severity], word)}{' ' * (_SEVERITY_WIDTH - len(word))}  "
    if fits:
        yield f"{start}{head}{_told(finding)}\n"
        return
    yield f"{start}{head}".rstrip() + "\n"
    yield from (f"{line}\n" for line in paint.wrap(_told(finding), _INDENT, _INDENT))


def _fix(fix: str, snippet: str, paint: Paint) -> Iterator[str]:
    """Give what mends it; lines to be pasted are never broken."""
    further = _INDENT + "     "
    for line in paint.wrap(f"fix: {printable(fix)}", _INDENT, further):
        yield paint(GOOD, line) + "\n"
    yield from (f"{further}{printable(line)}\n" for line in snippet.splitlines())


def _column(texts: Iterable[str]) -> int:
    return min(_WIDEST_COLUMN, max(map(len, texts), default=0))


def _suppressed(report: Report, paint: Paint) -> Iterator[str]:
    """Give what does not count by justification: who answers for it, why, and a few places."""
    if not report.suppressed:
        return
    yield paint(BOLD, f"Suppressed ({len(report.suppressed):,})") + "\n"
    told = sorted((words.justification(one), _place(one.finding)) for one in report.suppressed)
    for reason, group in groupby(told, lambda one: one[0]):
        lines = [where for _, where in group]
        yield f"  {reason} ({len(lines):,})\n"
        yield from _some(lines, paint)
    yield "\n"


def _place(finding: Finding) -> str:
    where = words.place(finding)
    path = printable(finding.location.path)
    return f"{path}:{where}  {finding.check}" if where else f"{path}  {finding.check}"


def not_looked_at(unseen: Collection[Inconclusive], paint: Paint) -> Iterator[str]:
    """Give what was not looked at, by reason, the most frequent first, a few paths of each."""
    if not unseen:
        return
    heading = f"Not looked at ({len(unseen):,}); what is there may hold anything"
    yield paint(WARNING, heading) + "\n"
    for reason, ones in by_reason(unseen):
        yield f"  {printable(reason)} ({len(ones):,})\n"
        yield from _some([_unseen(one) for one in ones], paint)
    yield "\n"


def _notes(report: Report, paint: Paint) -> Iterator[str]:
    """Give what is neither found nor missing and has to be known."""
    if not report.notes:
        return
    yield paint(BOLD, f"Not judged ({len(report.notes):,})") + "\n"
    for note in report.notes:
        yield from (f"{line}\n" for line in paint.wrap(printable(note), "  ", "    "))
    yield "\n"


def by_reason(ones: Iterable[Inconclusive]) -> list[tuple[str, list[Inconclusive]]]:
    """Group what was not looked at by reason, the most frequent first, each sorted by path."""
    in_order = sorted(ones, key=lambda one: (one.reason, one.path, one.detail))
    groups = [(reason, list(group)) for reason, group in groupby(in_order, lambda one: one.reason)]
    return sorted(groups, key=lambda group: (-len(group[1]), group[0]))


def _unseen(one: Inconclusive) -> str:
    detail = f"  {printable(one.detail, longest=200)}" if one.detail else ""
    return f"{printable(one.path)}{detail}"


def _some(lines: list[str], paint: Paint) -> Iterator[str]:
    for line in lines[:_SHOWN_PATHS]:
        yield f"    {line}\n"
    if len(lines) > _SHOWN_PATHS:
        yield paint(DIM, f"    and {len(lines) - _SHOWN_PATHS:,} more") + "\n"


def _summary(report: Report, paint: Paint) -> Iterator[str]:
    worst = max((one.severity for one in report.findings), default=None)
    style = GOOD if worst is None else STYLES[worst]
    if worst is None and report.inconclusive:
        style = WARNING
    yield paint(style, words.verdict(report)) + "\n"
    rest = (words.extent, words.suppressed_by_kind, words.not_applicable, words.degraded)
    for told in rest:
        if line := told(report):
            yield "".join(f"{part}\n" for part in paint.wrap(line, "", "  "))
    if report.inconclusive:
        line = f"{len(report.inconclusive):,} not looked at: see above."
        yield paint(WARNING, line) + "\n"
