"""Faults of versions and handshakes are found where they are, and only there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from checks.model import Severity
from checks.tls.checks import protocols
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable

SSL2, SSL3, TLS10, TLS11, TLS12, TLS13 = Version


def test_a_sound_endpoint_has_no_fault(endpoint: Callable, ids: Callable) -> None:
    """TLS 1.2 and 1.3 with every protection give nothing."""
    assert ids(protocols, endpoint()) == set()


@pytest.mark.parametrize(
    ("versions", "check"),
    [
        ((SSL2, TLS12, TLS13), "tls-sslv2"),
        ((SSL3, TLS12, TLS13), "tls-sslv3"),
        ((TLS10, TLS12, TLS13), "tls-1.0"),
        ((TLS11, TLS12, TLS13), "tls-1.1"),
        ((TLS12,), "tls-1.3-missing"),
    ],
)
def test_a_version_is_told_by_its_own_check(
    endpoint: Callable, ids: Callable, versions: tuple[Version, ...], check: str
) -> None:
    """An old version that is spoken is a fault, and so is a new one that is not."""
    assert ids(protocols, endpoint(*versions)) == {check}


@pytest.mark.parametrize("version", [SSL2, SSL3, TLS10, TLS11, TLS13])
def test_a_version_that_was_not_settled_is_no_fault(
    endpoint: Callable, ids: Callable, version: Version
) -> None:
    """None means not settled, of an old version as of TLS 1.3."""
    versions = dict(endpoint(TLS12, TLS13).versions) | {version: None}
    assert ids(protocols, endpoint(versions=versions)) == set()


def test_what_speaks_no_tls_has_no_fault(endpoint: Callable, ids: Callable) -> None:
    """Where no version is spoken, TLS 1.3 is not missing."""
    silent = endpoint(versions=dict.fromkeys(Version, False))
    assert ids(protocols, silent) == set()


@pytest.mark.parametrize(
    ("known", "check"),
    [
        ({"compression": True}, "tls-compression"),
        ({"secure_renegotiation": False}, "tls-renegotiation-insecure"),
        ({"client_renegotiation": True}, "tls-renegotiation-client"),
        ({"extended_master_secret": False}, "tls-extended-master-secret-missing"),
        ({"early_data": 16384}, "tls-early-data"),
    ],
)
def test_a_feature_is_told_and_nothing_where_it_was_not_settled(
    endpoint: Callable, ids: Callable, known: dict[str, Any], check: str
) -> None:
    """Each protection that is off is one fault; one that nobody looked at is none."""
    assert ids(protocols, endpoint(**known)) == {check}
    assert ids(protocols, endpoint(**dict.fromkeys(known))) == set()


@pytest.mark.parametrize(
    ("versions", "scsv", "told"),
    [
        ((TLS11, TLS12), False, True),
        ((TLS11, TLS12), True, False),
        ((TLS11, TLS12), None, False),
        ((TLS12, TLS13), False, False),
        ((SSL2, TLS12), False, False),
    ],
)
def test_fallback_counts_where_there_is_something_to_fall_back_to(
    endpoint: Callable,
    ids: Callable,
    versions: tuple[Version, ...],
    scsv: bool | None,  # noqa: FBT001 - a column of the table
    told: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """RFC 7507 is about versions from SSL 3 to TLS 1.2, more than one of them."""
    found = ids(protocols, endpoint(*versions, fallback_scsv=scsv))
    assert ("tls-fallback-scsv-missing" in found) is told


@pytest.mark.parametrize("versions", [(TLS13,), (SSL3,), (SSL2,)])
def test_the_extended_master_secret_is_of_tls_below_13(
    endpoint: Callable, ids: Callable, versions: tuple[Version, ...]
) -> None:
    """Neither TLS 1.3 nor SSL has it, so that neither misses it."""
    found = ids(protocols, endpoint(*versions, extended_master_secret=False))
    assert "tls-extended-master-secret-missing" not in found


def test_renegotiation_is_no_matter_of_tls_13(endpoint: Callable, ids: Callable) -> None:
    """TLS 1.3 has no renegotiation that could be insecure."""
    assert ids(protocols, endpoint(TLS13, secure_renegotiation=False)) == set()


def test_messages_name_what_was_seen(endpoint: Callable, faults: Callable) -> None:
    """A message is one line with the version or the number in it."""
    facts = endpoint(SSL3, TLS11, fallback_scsv=False, early_data=4096)
    said = {fault.check: fault.message for fault in faults(protocols, facts)}
    assert said["tls-sslv3"] == "speaks SSL 3"
    assert said["tls-1.3-missing"] == "speaks TLS 1.1 at best"
    assert "forced fallback to SSL 3" in said["tls-fallback-scsv-missing"]
    assert "4096 bytes" in said["tls-early-data"]
    assert all("\n" not in message for message in said.values())


def test_severities_are_those_that_are_promised() -> None:
    """SSL 2 is critical, old versions are high, what is only missing is info."""
    severities = {check: text.severity for check, text in protocols.CHECKS.items()}
    assert severities == {
        "tls-sslv2": Severity.CRITICAL,
        "tls-sslv3": Severity.HIGH,
        "tls-1.0": Severity.HIGH,
        "tls-1.1": Severity.HIGH,
        "tls-1.3-missing": Severity.INFO,
        "tls-compression": Severity.HIGH,
        "tls-renegotiation-insecure": Severity.HIGH,
        "tls-renegotiation-client": Severity.MEDIUM,
        "tls-fallback-scsv-missing": Severity.LOW,
        "tls-extended-master-secret-missing": Severity.LOW,
        "tls-early-data": Severity.MEDIUM,
    }
