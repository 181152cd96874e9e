r"""Write a report as metrics in Prometheus' text format (version 0.0.4), for textfile collectors.

Every metric is a gauge of the last run, without time stamps; what has no sample was not seen. The
number of series is bounded: check ids, severities, protocols and kinds of keys are words of ours;
of reasons the MOST_REASONS most frequent stand alone, of endpoints MOST_ENDPOINTS, in the order of
the report. What is past that is counted: reason="other", `hygiene_agent_endpoints_left_out`.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import datetime
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.printable import printable
from checks.tls.facts import NO_TLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agent.report import CheckInfo, Report
    from checks.tls.summary import EndpointSummary

    Samples = Iterable[tuple[Mapping[str, str], float]]

MOST_REASONS: Final = 50
MOST_ENDPOINTS: Final = 1_000
LONGEST: Final = 400
"""Characters of a label's value."""
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Metric(NamedTuple):
    """A metric with its samples. name: without `hygiene_agent_`; kind: "gauge" or "counter"."""

    name: str
    text: str
    samples: Samples
    kind: str = "gauge"


def render(report: Report, _infos: Mapping[str, CheckInfo]) -> Iterator[str]:
    """Give the metrics one after the other; one without samples is left out."""
    for metric in (*_run(report), *_outcomes(report), *_endpoints(report)):
        yield from lines(metric)


def lines(metric: Metric) -> Iterator[str]:
    """Give a metric's text; a reader refuses one whole file for one series that is there twice."""
    name, text = f"hygiene_agent_{metric.name}", metric.text.translate(_ESCAPES)
    head = f"# HELP {name} {text}\n# TYPE {name} {metric.kind}\n"
    series: dict[str, float] = {}
    for labels, value in metric.samples:
        shown = ",".join(f'{label}="{_shown(said)}"' for label, said in labels.items())
        series.setdefault(f"{{{shown}}}" if shown else "", value)
    for labels_shown, value in series.items():
        yield f"{head}{name}{labels_shown} {_number(value)}\n"
        head = ""


def _shown(value: str) -> str:
    return printable(value, longest=LONGEST).translate(_ESCAPES)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _run(report: Report) -> Iterator[Metric]:
    counts = report.counts
    version = {"version": report.version, "policy": report.policy}
    yield Metric("info", "Version of hygiene-agent and name of its policy.", [(version, 1)])
    yield _single("last_run_timestamp_seconds", "When the last run began.", _time(report.started))
    yield _single("run_duration_seconds", "How long the last run took.", report.seconds)
    yield _single("files_looked_at", "Files that the last run read.", counts.files)
    yield _single("looked_at_bytes", "Bytes that the last run read.", counts.bytes_looked_at)
    yield _single("endpoints_asked", "TLS endpoints that the last run asked.", counts.endpoints)
    yield _single("connections_made", "Connections that took.", counts.connections)


def _single(name: str, text: str, value: float) -> Metric:
    return Metric(name, text, [({}, value)])


def _outcomes(report: Report) -> Iterator[Metric]:
    found = Counter((one.check, one.severity.label) for one in report.findings)
    yield Metric(
        "findings",
        "Findings that count, by check and severity.",
        [({"check": check, "severity": word}, n) for (check, word), n in sorted(found.items())],
    )
    by = Counter(one.suppression.kind for one in report.suppressed)
    yield Metric(
        "suppressed",
        "Findings that do not count, by what suppressed them.",
        [({"kind": kind}, number) for kind, number in sorted(by.items())],
    )
    yield Metric(
        "inconclusive",
        "What could not be looked at, by reason.",
        [({"reason": reason}, number) for reason, number in _reasons(report)],
    )


def _reasons(report: Report) -> list[tuple[str, int]]:
    seen = Counter(printable(one.reason, longest=LONGEST) for one in report.inconclusive)
    frequent = sorted(seen.items(), key=lambda one: (-one[1], one[0]))
    counted = Counter(dict(frequent[:MOST_REASONS]))
    if rest := sum(number for _, number in frequent[MOST_REASONS:]):
        counted["other"] += rest
    return sorted(counted.items())


def _endpoints(report: Report) -> Iterator[Metric]:
    known = {one.place: one for one in report.endpoints}
    down = [one.path for one in report.inconclusive if one.reason == NO_TLS]
    places = list(dict.fromkeys([*known, *down]))
    shown = places[:MOST_ENDPOINTS]
    yield Metric(
        "endpoint_up",
        "Whether the endpoint spoke TLS: 1, or 0.",
        [({"endpoint": place}, place in known) for place in shown],
    )
    yield from _seen([known[place] for place in shown if place in known])
    if len(places) > len(shown):
        left_out = len(places) - len(shown)
        yield _single("endpoints_left_out", "Endpoints without metrics of their own.", left_out)


def _seen(ones: list[EndpointSummary]) -> Iterator[Metric]:
    yield Metric(
        "endpoint_protocol_supported",
        "Whether a protocol is spoken: 1, or 0; none where that was not settled.",
        [
            ({"endpoint": one.place, "protocol": protocol}, spoken)
            for one in ones
            for protocol, spoken in one.protocols.items()
            if spoken is not None
        ],
    )
    grades = [({"endpoint": one.place, "grade": one.grade}, 1) for one in ones if one.grade]
    yield Metric("endpoint_grade", "1 for the grade by SSL Labs' rules of 2009.", grades)
    yield Metric(
        "endpoint_connections",
        "Connections that the look at the endpoint took.",
        [({"endpoint": one.place}, one.connections) for one in ones],
    )
    yield Metric(
        "endpoint_look_duration_seconds",
        "How long the look at the endpoint took.",
        [({"endpoint": one.place}, one.seconds) for one in ones],
    )
    yield from _certificates(ones)


def _certificates(ones: list[EndpointSummary]) -> Iterator[Metric]:
    """Give the times of certificates, by kind of key: a label that a renewal does not change.

    Of several certificates with one kind of key the one that ends first counts.
    """
    served = [
        ({"endpoint": one.place, "key": certificate.key}, certificate)
        for one in ones
        for certificate in sorted(one.certificates, key=lambda known: _time(known.not_after))
    ]
    yield Metric(
        "certificate_not_before_timestamp_seconds",
        "When the certificate that ends first begins to be valid.",
        [(labels, _time(certificate.not_before)) for labels, certificate in served],
    )
    yield Metric(
        "certificate_not_after_timestamp_seconds",
        "When the certificate that ends first ceases to be valid.",
        [(labels, _time(certificate.not_after)) for labels, certificate in served],
    )


def _time(text: str) -> float:
    """Give seconds since 1970 of an ISO 8601 time with a zone."""
    return datetime.datetime.fromisoformat(text).timestamp()
