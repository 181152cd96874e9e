"""A suite is told under the worst that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.model import Severity
from checks.tls import suites
from checks.tls.checks import ciphers
from checks.tls.facts import Accepted
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable

TLS12 = Version.TLS12
SOUND = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
CBC = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (SOUND, set()),
        ("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", set()),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", set()),
        (CBC, {"tls-cipher-cbc"}),
        ("TLS_RSA_WITH_AES_128_GCM_SHA256", {"tls-no-forward-secrecy"}),
        ("TLS_RSA_WITH_AES_128_CBC_SHA", {"tls-cipher-cbc", "tls-no-forward-secrecy"}),
        ("TLS_PSK_WITH_AES_128_GCM_SHA256", {"tls-no-forward-secrecy"}),
        ("TLS_SRP_SHA_WITH_AES_128_CBC_SHA", {"tls-cipher-cbc"}),
        ("TLS_RSA_WITH_NULL_SHA", {"tls-cipher-null"}),
        ("TLS_ECDH_anon_WITH_NULL_SHA", {"tls-cipher-null", "tls-cipher-anonymous"}),
        ("TLS_DH_anon_WITH_AES_128_CBC_SHA", {"tls-cipher-anonymous"}),
        ("TLS_DH_anon_EXPORT_WITH_RC4_40_MD5", {"tls-cipher-anonymous", "tls-cipher-export"}),
        ("TLS_RSA_EXPORT_WITH_RC4_40_MD5", {"tls-cipher-export"}),
        ("TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", {"tls-cipher-export"}),
        ("TLS_ECDHE_RSA_WITH_RC4_128_SHA", {"tls-cipher-rc4"}),
        ("TLS_RSA_WITH_RC4_128_MD5", {"tls-cipher-rc4", "tls-no-forward-secrecy"}),
        ("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", {"tls-cipher-64bit-block"}),
        ("TLS_RSA_WITH_IDEA_CBC_SHA", {"tls-cipher-64bit-block", "tls-no-forward-secrecy"}),
    ],
)
def test_a_suite_is_told_under_its_worst(
    endpoint: Callable, ids: Callable, accepted: Callable, name: str, expected: set[str]
) -> None:
    """NULL, anonymous and export suites are that alone; a missing secrecy comes beside the rest."""
    assert ids(ciphers, endpoint(suites=accepted(TLS12, name))) == expected


def test_tls_13_suites_have_no_fault(endpoint: Callable, ids: Callable) -> None:
    """Suites of TLS 1.3 name no key exchange and have forward secrecy all the same."""
    modern = tuple(
        Accepted(Version.TLS13, suite.code)
        for suite in suites.known().values()
        if suite.is_tls13 and suite.name.startswith(("TLS_AES", "TLS_CHACHA"))
    )
    assert len(modern) >= 5
    assert ids(ciphers, endpoint(suites=modern, server_order=False)) == set()


def test_an_unregistered_suite_is_not_judged(endpoint: Callable, ids: Callable) -> None:
    """Nothing is known of a number that nobody registered."""
    strange = (Accepted(TLS12, 0xFEFE),)
    assert ids(ciphers, endpoint(suites=strange, server_order=False)) == set()


@pytest.mark.parametrize("order", [True, False, None])
def test_the_order_counts_where_it_is_the_clients_and_a_suite_is_weak(
    endpoint: Callable,
    ids: Callable,
    accepted: Callable,
    order: bool | None,  # noqa: FBT001 - a column of the table
) -> None:
    """The server's order, an order not settled and sound suites alone are no faults."""
    weak = endpoint(suites=accepted(TLS12, SOUND, CBC), server_order=order)
    sound = endpoint(suites=accepted(TLS12, SOUND), server_order=order)
    assert ("tls-server-preference" in ids(ciphers, weak)) is (order is False)
    assert ids(ciphers, sound) == set()


def test_a_message_names_suites_and_versions_in_one_line(
    endpoint: Callable, faults: Callable, accepted: Callable
) -> None:
    """A suite in two versions stands once; of many suites the first four do."""
    name = "TLS_ECDHE_RSA_WITH_RC4_128_SHA"
    both = accepted(Version.TLS10, name) + accepted(TLS12, name)
    (fault,) = faults(ciphers, endpoint(suites=both))
    assert fault.message == f"accepts {name} (TLS 1.0, TLS 1.2)"
    every = tuple(Accepted(TLS12, code) for code, suite in suites.known().items() if suite.is_cbc)
    for fault in faults(ciphers, endpoint(suites=every)):
        assert "\n" not in fault.message
        assert len(fault.message) < 400


def test_a_fault_stays_the_same_when_more_suites_are_seen(
    endpoint: Callable, faults: Callable, accepted: Callable
) -> None:
    """What makes a fault the same next time is its class, not the list."""
    one = faults(ciphers, endpoint(suites=accepted(TLS12, CBC)))
    more = accepted(TLS12, CBC, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA")
    two = faults(ciphers, endpoint(suites=more))
    assert [fault.fact for fault in one] == [fault.fact for fault in two]


def test_des_is_worse_than_triple_des(
    endpoint: Callable, faults: Callable, accepted: Callable
) -> None:
    """A key of 56 bits is found in hours; Sweet32 takes gigabytes."""
    short = endpoint(suites=accepted(TLS12, "TLS_DHE_RSA_WITH_DES_CBC_SHA"))
    long = endpoint(suites=accepted(TLS12, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"))
    assert [fault.severity for fault in faults(ciphers, short)] == [Severity.HIGH]
    assert [fault.severity for fault in faults(ciphers, long)] == [None]


@pytest.mark.parametrize(
    "name", ["TLS_RSA_EXPORT_WITH_DES40_CBC_SHA", "TLS_DH_anon_WITH_DES_CBC_SHA"]
)
def test_short_keys_make_nothing_milder(
    endpoint: Callable, faults: Callable, accepted: Callable, name: str
) -> None:
    """What is critical stays so where its cipher has small blocks and a short key as well."""
    (fault,) = faults(ciphers, endpoint(suites=accepted(Version.TLS10, name)))
    assert fault.severity is None
    assert ciphers.CHECKS[fault.check].severity is Severity.CRITICAL


def test_severities_are_those_that_are_promised() -> None:
    """No encryption, no certificate and export are critical; an order is worth a word."""
    assert {check: text.severity.label for check, text in ciphers.CHECKS.items()} == {
        "tls-cipher-null": "critical",
        "tls-cipher-anonymous": "critical",
        "tls-cipher-export": "critical",
        "tls-cipher-rc4": "high",
        "tls-cipher-64bit-block": "medium",
        "tls-cipher-cbc": "low",
        "tls-no-forward-secrecy": "medium",
        "tls-server-preference": "info",
    }
