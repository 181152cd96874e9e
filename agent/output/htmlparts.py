"""The parts of the HTML page: tiles, charts, the table of findings, what does not count."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from agent.output import charts as draw
from agent.output import words
from agent.output.charts import Part, Row, escape
from agent.output.text import by_reason
from checks.model import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from agent.report import CheckInfo, Report
    from checks.model import Finding, Suppressed

_READERS: Final = {"everyone": "critical", "group": "medium", "owner": "good", "unknown": "info"}
_WEB: Final = ("https://", "http://")
_WORST_FIRST: Final = tuple(reversed(Severity))


def tiles(report: Report) -> str:
    """Give the counts at a glance."""
    items = [_tile(severity.label, n, severity.label) for severity, n in report.severities.items()]
    items.append(_tile("suppressed", len(report.suppressed), ""))
    items.append(_tile("not looked at", len(report.inconclusive), "warn"))
    if report.counts.endpoints:
        items.append(_tile("endpoints", report.counts.endpoints, ""))
    else:
        items.append(_tile("files looked at", report.counts.files, ""))
    return f'<ul class="tiles">\n{"".join(items)}</ul>\n'


def _tile(name: str, count: int, style: str) -> str:
    classes = f"{style} zero" if not count else style
    return f'<li class="{classes.strip()}"><b>{count:,}</b><span>{name}</span></li>\n'


def charts(report: Report, infos: Mapping[str, CheckInfo]) -> str:
    """Draw the findings by severity, reader, check and folder or endpoint."""
    severities = [Part(one.label, n, one.label) for one, n in report.severities.items()]
    cards = [draw.ring("By severity", severities)]
    if any(finding.access for finding in report.findings):
        readers = Counter(words.readers(finding.access) for finding in report.findings)
        who = [Part(name, readers[name], style) for name, style in _READERS.items()]
        cards.append(draw.ring("Who can read it", who))
    cards.append(draw.bars("By check", _rows(report.findings, lambda f: _title(f.check, infos))))
    if len(report.endpoints) > 1:
        cards.append(draw.bars("By place", _rows(report.findings, lambda f: f.location.path)))
    if not report.endpoints:
        by_folder = _rows(report.findings, lambda one: folder(one, report.roots))
        cards.append(draw.bars("By folder", by_folder))
    return f'<div class="charts">\n{"".join(cards)}</div>\n'


def _rows(findings: Iterable[Finding], label: Callable[[Finding], str]) -> list[Row]:
    counts: defaultdict[str, Counter[Severity]] = defaultdict(Counter)
    for finding in findings:
        counts[label(finding)][finding.severity] += 1
    return [
        Row(name, tuple(Part(one.label, seen[one], one.label) for one in _WORST_FIRST if seen[one]))
        for name, seen in counts.items()
    ]


def _title(check: str, infos: Mapping[str, CheckInfo]) -> str:
    return infos[check].title if check in infos else check


def folder(finding: Finding, roots: tuple[str, ...]) -> str:
    """Give the folder right below the scanned root that a finding is in, or the root itself."""
    path = finding.location.path
    holding = [root for root in roots if path.startswith(root.rstrip("/") + "/")]
    root = max(holding, key=len, default="").rstrip("/")
    first, below, _ = path[len(root) :].removeprefix("/").partition("/")
    start = f"{root}/" if root or path.startswith("/") else ""
    return f"{start}{first}/" if below and not first.endswith("!") else start or path


def findings(report: Report, infos: Mapping[str, CheckInfo]) -> Iterator[str]:
    """Give the filters and the table, the most severe findings first."""
    yield f"<h2>Findings ({len(report.findings):,})</h2>\n"
    yield _filters(report)
    yield '<div class="scroll"><table id="findings"><thead><tr>'
    heads = (("rank", "Severity"), ("path", "Where"), ("message", "What"))
    for key, name in (*heads, ("check", "Check"), ("readers", "Readers")):
        yield f'<th scope="col" data-key="{key}">{name}</th>'
    yield "</tr></thead>\n<tbody>\n"
    in_order = sorted(report.findings, key=lambda one: (-one.severity, one.location.path))
    yield from (_row(finding, infos) for finding in in_order)
    yield "</tbody></table></div>\n"


def _filters(report: Report) -> str:
    buttons = "".join(_toggle(one.label) for one, n in report.severities.items() if n)
    checks = sorted({finding.check for finding in report.findings})
    readers = sorted({words.readers(finding.access) for finding in report.findings})
    return (
        '<div class="filters" id="filters" hidden>\n'
        '<input type="search" placeholder="Filter by path, key, check …" aria-label="Filter">\n'
        f"{_select('check', 'every check', checks)}{_select('readers', 'every reader', readers)}"
        f"{buttons}\n<output></output></div>\n"
    )


def _toggle(label: str) -> str:
    return f'<button type="button" data-severity="{label}" aria-pressed="true">{label}</button>'


def _select(name: str, everything: str, values: list[str]) -> str:
    options = "".join(f'<option value="{escape(one)}">{escape(one)}</option>' for one in values)
    first = f'<option value="">{everything}</option>'
    return f'<select name="{name}" aria-label="{name}">{first}{options}</select>\n'


def _row(finding: Finding, infos: Mapping[str, CheckInfo]) -> str:
    label, readers = finding.severity.label, words.readers(finding.access)
    path, check = escape(finding.location.path), escape(finding.check)
    who = f'<span class="{readers}">{readers}</span>'
    if finding.access:
        access = words.access(finding.access).partition(",")[0]
        who += f'<span class="key">{escape(access)}</span>'
    return (
        f'<tr data-rank="{int(finding.severity)}" data-severity="{label}" data-path="{path}"'
        f' data-check="{check}" data-readers="{readers}" data-message="{escape(finding.message)}">'
        f'<td><span class="badge {label}">{label}</span></td>'
        f'<td><span class="path">{path}</span>{_where(finding)}</td>'
        f"<td>{_what(finding, infos)}</td>"
        f'<td class="check">{check}</td><td>{who}</td></tr>\n'
    )


def _where(finding: Finding) -> str:
    """Give line, key path and layer below a path."""
    where = finding.location
    parts = [f"line {where.line}" if where.line else "", where.key_path]
    parts.append(f"layer {where.layer}" if where.layer else "")
    parts.append(words.origin(finding.origin))
    told = ", ".join(part for part in parts if part)
    return f'<span class="key">{escape(told)}</span>' if told else ""


def _what(finding: Finding, infos: Mapping[str, CheckInfo]) -> str:
    """Give message and mask, and what to do about it behind a fold."""
    mask = words.evidence(finding)
    shown = f' <span class="mask">{escape(mask)}</span>' if mask else ""
    facts = [
        ("Fix", escape(finding.fix)),
        ("Lines", f"<pre>{_pre(finding.snippet)}</pre>" if finding.snippet else ""),
        ("Check", escape(_title(finding.check, infos))),
        ("Confidence", finding.confidence.label),
        *(("See", _link(reference)) for reference in finding.references),
        ("Identity", f"<code>{escape(finding.identity)}</code>" if finding.identity else ""),
    ]
    listed = "".join(f"<dt>{name}</dt><dd>{fact}</dd>" for name, fact in facts if fact)
    fold = f"<details><summary>Fix and details</summary><dl>{listed}</dl></details>"
    return f"{escape(finding.message)}{shown}{fold}"


def _pre(snippet: str) -> str:
    return "\n".join(map(escape, snippet.splitlines()))


def _link(reference: str) -> str:
    shown = escape(reference)
    if not reference.startswith(_WEB):
        return shown
    return f'<a href="{shown}" rel="noopener noreferrer">{shown}</a>'


def inconclusive(report: Report) -> Iterator[str]:
    """List everything that was not looked at, by reason, behind folds."""
    if not report.inconclusive:
        return
    yield f"<h2>Not looked at ({len(report.inconclusive):,})</h2>\n"
    yield '<div class="card unseen"><p>What is there may hold anything.</p>\n'
    for reason, ones in by_reason(report.inconclusive):
        yield f"<details><summary>{escape(reason)} ({len(ones):,})</summary><ul>\n"
        for one in ones:
            detail = f' <span class="soft">{escape(one.detail)}</span>' if one.detail else ""
            yield f'<li><span class="path">{escape(one.path)}</span>{detail}</li>\n'
        yield "</ul></details>\n"
    yield "</div>\n"


def notes(report: Report) -> Iterator[str]:
    """List what is neither found nor missing and has to be known."""
    if not report.notes:
        return
    yield f"<h2>Not judged ({len(report.notes):,})</h2>\n"
    yield '<div class="card"><ul>\n'
    yield from (f"<li>{escape(note)}</li>\n" for note in report.notes)
    yield "</ul></div>\n"


def suppressed(report: Report) -> Iterator[str]:
    """List what does not count, with who answers for it."""
    if not report.suppressed:
        return
    yield f"<h2>Suppressed ({len(report.suppressed):,})</h2>\n"
    yield '<div class="scroll"><table><thead><tr>'
    for name in ("Severity", "Where", "Why it does not count", "Check"):
        yield f'<th scope="col">{name}</th>'
    yield "</tr></thead>\n<tbody>\n"
    yield from map(_suppressed, report.suppressed)
    yield "</tbody></table></div>\n"


def _suppressed(one: Suppressed) -> str:
    finding = one.finding
    label = finding.severity.label
    return (
        f'<tr><td><span class="badge {label}">{label}</span></td>'
        f'<td><span class="path">{escape(finding.location.path)}</span>{_where(finding)}</td>'
        f'<td>{escape(words.justification(one))}</td><td class="check">{escape(finding.check)}</td>'
        "</tr>\n"
    )
