"""Weak, common and composite Diffie-Hellman parameters, weak curves, post-quantum groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.model import Severity
from checks.tls import primes
from checks.tls.checks import exchange
from checks.tls.facts import Prime
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable

BY_NAME = {known.name: prime for prime, known in primes.known().items()}
UNCOMMON_1024 = 2**1023 + 1155
UNCOMMON_2048 = 2**2048 - 1942289
COMPOSITE_2048 = (2**1023 + 1155) * (2**1024 - 105)
"""Two primes of half the length: no small factor gives it away."""


def test_the_numbers_of_this_test_are_what_they_say() -> None:
    """The uncommon ones are primes that nobody published, the composite is none."""
    assert primes.is_composite(UNCOMMON_1024) is False
    assert primes.is_composite(UNCOMMON_2048) is False
    assert primes.is_composite(COMPOSITE_2048) is True
    assert not {UNCOMMON_1024, UNCOMMON_2048} & primes.known().keys()


@pytest.mark.parametrize(
    ("prime", "expected"),
    [
        (UNCOMMON_1024, {"tls-dh-weak"}),
        (UNCOMMON_2048, set()),
        (COMPOSITE_2048, {"tls-dh-composite"}),
        (BY_NAME["RFC 2409 group 2"], {"tls-dh-weak", "tls-dh-common-prime"}),
        (BY_NAME["nginx before 1.11"], {"tls-dh-weak", "tls-dh-common-prime"}),
        (BY_NAME["Apache httpd 2.2"], {"tls-dh-weak", "tls-dh-common-prime"}),
        (BY_NAME["Java before 8"], {"tls-dh-weak", "tls-dh-common-prime"}),
        (BY_NAME["RFC 5114 group 24"], {"tls-dh-common-prime"}),
        (BY_NAME["RFC 3526 group 14"], {"tls-dh-common-prime"}),
        (BY_NAME["RFC 7919 ffdhe2048"], set()),
        (BY_NAME["RFC 7919 ffdhe8192"], set()),
        (0, {"tls-dh-weak", "tls-dh-composite"}),
        (1, {"tls-dh-weak", "tls-dh-composite"}),
        (2**4096, {"tls-dh-composite"}),
    ],
)
def test_parameters_are_judged_by_length_use_and_primality(
    endpoint: Callable, ids: Callable, prime: int, expected: set[str]
) -> None:
    """Groups of RFC 7919 and long primes of one's own are no faults."""
    assert ids(exchange, endpoint(primes=(Prime(prime, 2),))) == expected


@pytest.mark.parametrize("generator", [0, 1, -1])
def test_a_generator_of_one_value_gives_the_key_away(
    endpoint: Callable, ids: Callable, generator: int
) -> None:
    """1 and -1 generate nothing, however long the prime."""
    prime = Prime(UNCOMMON_2048, generator % UNCOMMON_2048)
    assert ids(exchange, endpoint(primes=(prime,))) == {"tls-dh-weak"}


def test_a_long_shared_prime_is_worth_a_word_only(endpoint: Callable, faults: Callable) -> None:
    """Nobody can work on 2048 bits, for one server or for all; 1024 is another matter."""
    long = endpoint(primes=(Prime(BY_NAME["RFC 3526 group 14"], 2),))
    short = endpoint(primes=(Prime(BY_NAME["RFC 2409 group 2"], 2),))
    assert [fault.severity for fault in faults(exchange, long)] == [Severity.INFO]
    assert [fault.severity for fault in faults(exchange, short)] == [None, None]


def test_messages_name_bits_and_origin(endpoint: Callable, faults: Callable) -> None:
    """The length and whose prime it is stand in the message, the number itself does not."""
    known = endpoint(primes=(Prime(BY_NAME["nginx before 1.11"], 2),))
    weak, common = faults(exchange, known)
    assert "1024 bits" in weak.message
    assert "nginx before 1.11" in common.message
    assert weak.fact == common.fact == primes.fingerprint(BY_NAME["nginx before 1.11"])


@pytest.mark.parametrize(
    ("curves", "told"),
    [((21,), True), ((29, 19), True), ((1,), True), ((29, 23, 24, 25, 30), False), ((), False)],
)
def test_curves_under_250_bits_are_weak(
    endpoint: Callable,
    ids: Callable,
    curves: tuple[int, ...],
    told: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """P-224 and below are told; P-256, X25519 and above are not."""
    assert ids(exchange, endpoint(curves=curves)) == ({"tls-group-weak"} if told else set())


def test_a_weak_curve_is_named(endpoint: Callable, faults: Callable) -> None:
    """Strong ones beside it are left out of the message, one without a name has its number."""
    (fault,) = faults(exchange, endpoint(curves=(29, 21, 17)))
    assert fault.message == "accepts secp224r1, group 17"


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ((29, 23), {"tls-pq-missing"}),
        ((0x11EC, 29), set()),
        ((0x11EC,), {"tls-pq-only"}),
        ((0x11EC, 0x11ED), {"tls-pq-only"}),
        ((), set()),
    ],
)
def test_post_quantum_groups_are_told_where_they_miss_or_stand_alone(
    endpoint: Callable, ids: Callable, groups: tuple[int, ...], expected: set[str]
) -> None:
    """No group at all means that nothing was settled."""
    assert ids(exchange, endpoint(groups=groups)) == expected


def test_a_list_of_groups_that_was_cut_short_says_nothing(
    endpoint: Callable, ids: Callable
) -> None:
    """The group that was not reached may be the post-quantum one."""
    cut = endpoint(groups=(29,), unseen=("groups of TLS 1.3: no answer in time",))
    assert ids(exchange, cut) == set()


def test_groups_are_of_tls_13(endpoint: Callable, ids: Callable) -> None:
    """Where TLS 1.3 is not spoken, that is the fault, and told elsewhere."""
    assert ids(exchange, endpoint(Version.TLS12, groups=(29,))) == set()


def test_severities_are_those_that_are_promised() -> None:
    """A composite modulus is critical, a shared prime is not."""
    assert {check: text.severity.label for check, text in exchange.CHECKS.items()} == {
        "tls-dh-weak": "high",
        "tls-dh-common-prime": "medium",
        "tls-dh-composite": "critical",
        "tls-group-weak": "high",
        "tls-pq-missing": "info",
        "tls-pq-only": "info",
    }
