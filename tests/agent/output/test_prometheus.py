"""Metrics that Prometheus' own parser reads, whatever a host's names are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from agent.output import prometheus
from agent.report import Report
from checks.model import Inconclusive

if TYPE_CHECKING:
    from checks.tls.summary import EndpointSummary

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


def text(report: Report) -> str:
    return "".join(prometheus.render(report, {}))


def read(report: Report) -> Samples:
    """Give name, labels and value of every sample; a series that is there twice is a fault."""
    found: Samples = {}
    for family in text_string_to_metric_families(text(report)):
        assert family.type == "gauge"
        assert family.documentation.endswith(".")
        assert family.name not in found
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {})
            assert sample.timestamp is None
            found[sample.name][labels] = sample.value
    return found


def one(found: Samples, name: str, **labels: Any) -> float | None:  # noqa: ANN401 - any label
    return found.get(f"hygiene_agent_{name}", {}).get(tuple(sorted(labels.items())))


def test_the_run_is_told(tls_report: Report) -> None:
    """Version, time and extent, in seconds since 1970 and in base units."""
    found = read(tls_report)
    assert one(found, "info", version="1.2.3", policy="") == 1
    assert one(found, "last_run_timestamp_seconds") == 1780315200
    assert one(found, "run_duration_seconds") == 0.5
    assert all(name.startswith("hygiene_agent_") for name in found)


def test_outcomes_are_counted(report: Report) -> None:
    """Findings by check and severity, suppressed by what did it, the unseen by reason."""
    found = read(report)
    assert one(found, "findings", check="clear-text-password", severity="critical") == 1
    assert one(found, "findings", check="private-key-readable", severity="medium") == 1
    assert one(found, "suppressed", kind="waiver") == 1
    assert one(found, "inconclusive", reason="permission denied") == 5
    assert one(found, "looked_at_bytes") == 206 << 20


def test_a_clean_run_has_no_samples_of_faults(clean: Report) -> None:
    """That it ran all the same shows by its time."""
    found = read(clean)
    assert "hygiene_agent_findings" not in found
    assert "hygiene_agent_inconclusive" not in found
    assert one(found, "last_run_timestamp_seconds")


def test_endpoints_are_told(
    tls_report: Report, endpoint: EndpointSummary, mail: EndpointSummary
) -> None:
    """Up or down, each settled protocol, the grade, what the look took."""
    found = read(tls_report)
    assert one(found, "endpoint_up", endpoint=endpoint.place) == 1
    assert one(found, "endpoint_up", endpoint="tls://127.0.0.1:1") == 0
    spoken = {
        protocol: one(
            found, "endpoint_protocol_supported", endpoint=endpoint.place, protocol=protocol
        )
        for protocol in endpoint.protocols
    }
    assert spoken == {"TLS 1.0": 0, "TLS 1.1": None, "TLS 1.2": 1, "TLS 1.3": 1}
    assert one(found, "endpoint_grade", endpoint=mail.place, grade="F") == 1
    assert one(found, "endpoint_grade", endpoint=mail.place, grade="A") is None
    assert one(found, "endpoint_connections", endpoint=mail.place) == 31
    assert one(found, "endpoint_look_duration_seconds", endpoint=mail.place) == 0.25


def test_certificates_have_their_times(tls_report: Report, endpoint: EndpointSummary) -> None:
    """By kind of key, which a renewal keeps; of two with one kind the first to end counts."""
    (known,) = endpoint.certificates
    other = msgspec.structs.replace(known, key="RSA 2048", not_after="2027-01-01T00:00:00+00:00")
    sooner = msgspec.structs.replace(known, not_after="2026-06-02T00:00:00+00:00", sha256="e")
    both = msgspec.structs.replace(endpoint, certificates=(known, other, sooner))
    found = read(msgspec.structs.replace(tls_report, endpoints=(both,)))

    def ends(key: str) -> float | None:
        name = "certificate_not_after_timestamp_seconds"
        return one(found, name, endpoint=endpoint.place, key=key)

    assert (ends("EC secp256r1"), ends("RSA 2048")) == (1780358400, 1798761600)
    name = "certificate_not_before_timestamp_seconds"
    assert one(found, name, endpoint=endpoint.place, key="RSA 2048") == 1777636800


def test_the_number_of_series_is_bounded(tls_report: Report, endpoint: EndpointSummary) -> None:
    """Neither endpoints nor reasons make more than so many; what is left out is counted."""
    many = tuple(
        msgspec.structs.replace(endpoint, place=f"tls://127.0.0.1:{number}")
        for number in range(1, prometheus.MOST_ENDPOINTS + 41)
    )
    reasons = [Inconclusive("/x", f"reason {number}") for number in range(90)]
    unseen = (*reasons, Inconclusive("/x", "reason 7"))
    found = read(msgspec.structs.replace(tls_report, endpoints=many, inconclusive=unseen))
    assert len(found["hygiene_agent_endpoint_up"]) == prometheus.MOST_ENDPOINTS
    assert one(found, "endpoints_left_out") == 40
    assert len(found["hygiene_agent_inconclusive"]) == prometheus.MOST_REASONS + 1
    assert one(found, "inconclusive", reason="reason 7") == 2
    assert one(found, "inconclusive", reason="other") == 40
    assert one(read(tls_report), "endpoints_left_out") is None


def test_a_place_that_is_there_twice_is_one_series(
    tls_report: Report, endpoint: EndpointSummary
) -> None:
    """Also when places differ behind what a label can hold."""
    long = [
        msgspec.structs.replace(endpoint, place="tls://" + "a" * prometheus.LONGEST + end)
        for end in ("x", "y")
    ]
    twice = (endpoint, endpoint, *long)
    found = read(msgspec.structs.replace(tls_report, endpoints=twice, inconclusive=()))
    assert len(found["hygiene_agent_endpoint_up"]) == 2


@pytest.mark.parametrize("name", ['"', "\\", "\n", '\\"} 1\nx 1', "\x1b[2J", "\udcff", "é"])
def test_a_hostile_name_stays_in_its_label(tls_report: Report, name: str) -> None:
    """Nothing in it ends a label, a line or an encoding."""
    unseen = (Inconclusive(name, "no TLS seen"), Inconclusive("/x", name))
    found = read(msgspec.structs.replace(tls_report, inconclusive=unseen, policy=name))
    assert set(found) == set(read(tls_report))
    assert len(found["hygiene_agent_inconclusive"]) == 2
    text(msgspec.structs.replace(tls_report, policy=name)).encode()


@given(st.text(alphabet=st.characters(exclude_categories=())), st.floats(0, 1e15))
def test_any_label_and_number_can_be_read(name: str, seconds: float) -> None:
    """Whatever they are, the parser gives the number back."""
    when = "2026-06-01T12:00:00+00:00"
    report = Report(version=name, started=when, seconds=seconds, roots=(), policy=name)
    assert one(read(report), "run_duration_seconds") == seconds
