"""Draw TLS endpoints for the HTML page: protocols, suites, how much of a certificate is left."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

from agent.output.charts import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.report import Report
    from checks.tls.summary import CertificateSummary, EndpointSummary

_OBSOLETE: Final = frozenset({"SSL 2", "SSL 3", "TLS 1.0", "TLS 1.1"})
_GRADES: Final = {"A": "good", "B": "medium", "C": "high"}
"""Style by the letter's first; whatever is worse is critical."""
_LATE: Final = ((0.1, "critical"), (1 / 3, "medium"), (1.0, "good"))
"""Style by the share of a life that is left."""
_WIDTH: Final = 1000
_DAY: Final = timedelta(days=1)


def cards(report: Report) -> Iterator[str]:
    """Give one card an endpoint, in the report's order."""
    if not report.endpoints:
        return
    now = datetime.fromisoformat(report.started)
    yield f"<h2>TLS endpoints ({len(report.endpoints):,})</h2>\n"
    yield '<div class="charts">\n'
    yield from (_card(one, now) for one in report.endpoints)
    yield "</div>\n"


def _card(one: EndpointSummary, now: datetime) -> str:
    owner = one.owner
    whose = " · ".join(filter(None, (owner.software, owner.unit or owner.executable, owner.user)))
    places = "".join(f'<span class="key">{escape(file)}</span>' for file in one.files)
    return (
        f'<section class="card endpoint">{_grade(one)}<h3 class="path">{escape(one.place)}</h3>'
        f'<p class="soft">{escape(whose)}</p>{places}{_versions(one)}'
        f"{''.join(_life(certificate, now) for certificate in one.certificates)}{_details(one)}"
        "</section>\n"
    )


def _grade(one: EndpointSummary) -> str:
    if not one.grade:
        return ""
    why = escape("; ".join(one.grade_reasons) or "in the way of SSL Labs")
    style = _GRADES.get(one.grade[0], "critical")
    return f'<b class="grade {style}" title="{why}">{escape(one.grade)}</b>'


def _versions(one: EndpointSummary) -> str:
    """Give the protocols as a strip: filled where spoken, struck through where not."""
    items = "".join(_version(label, spoken) for label, spoken in one.protocols.items())
    return f'<ul class="versions" aria-label="protocols">{items}</ul>'


def _version(label: str, spoken: bool | None) -> str:  # noqa: FBT001 - a fact, not a switch
    style, told = ("off", "not spoken") if spoken is False else ("unsettled", "not settled")
    if spoken:
        style, told = ("on critical", "obsolete") if label in _OBSOLETE else ("on good", "spoken")
    return f'<li class="{style}" title="{told}">{escape(label)}</li>'


def _life(one: CertificateSummary, now: datetime) -> str:
    """Draw a certificate's life as a bar, with the part that is gone filled."""
    begin, end = datetime.fromisoformat(one.not_before), datetime.fromisoformat(one.not_after)
    whole = max(end - begin, timedelta(seconds=1))
    left = min(max((end - now) / whole, 0.0), 1.0)
    style = next(style for share, style in _LATE if left <= share)
    days = (end - now) // _DAY
    told = f"{days:,} of {whole // _DAY:,} days left" if end > now else "expired"
    label = escape(f"{one.key}, {', '.join(one.names[:3]) or one.subject}", longest=200)
    gone = _WIDTH * (1 - left)
    return (
        f'<div class="life"><span class="label" title="{escape(one.sha256)}">{label}</span>'
        f"<b>{told}</b>"
        f'<svg viewBox="0 0 {_WIDTH} 10" preserveAspectRatio="none" role="img"'
        f' aria-label="{told}"><rect class="{style}" x="0" width="{gone:.0f}" height="10"/></svg>'
        f'<span class="soft">{escape(begin.date().isoformat())}</span>'
        f'<span class="soft">{escape(end.date().isoformat())}</span></div>'
    )


def _details(one: EndpointSummary) -> str:
    facts = [
        *_suites(one),
        ("Groups", ", ".join(one.groups)),
        ("ALPN", ", ".join(one.alpn)),
        ("HSTS", one.hsts or ""),
        *(("Issuer", certificate.issuer) for certificate in one.certificates),
        ("Asked in", f"{one.connections:,} connections, {1000 * one.seconds:,.0f} ms"),
    ]
    listed = "".join(f"<dt>{name}</dt><dd>{escape(told)}</dd>" for name, told in facts if told)
    return f"<details><summary>Suites and details</summary><dl>{listed}</dl></details>"


def _suites(one: EndpointSummary) -> Iterator[tuple[str, str]]:
    """Give the suites of each version; where not all were asked for, say that these are some."""
    for version, group in groupby(sorted(one.suites, key=lambda s: s.version), lambda s: s.version):
        names = ", ".join(suite.name for suite in group)
        yield (
            version,
            names if one.complete or version == "TLS 1.3" else f"{names}, others not asked",
        )
