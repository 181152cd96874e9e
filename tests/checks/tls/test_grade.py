"""A grade follows from three scores and from the faults that cap it."""

from __future__ import annotations

import datetime
from typing import NamedTuple

import msgspec
import pytest

from checks.tls import grade as grading
from checks.tls import judging
from checks.tls.facts import Accepted, EndpointFacts, Http, Prime, Target
from checks.tls.numbers import Version


class Key(NamedTuple):
    kind: str
    bits: int
    curve: str = ""
    label: str = ""


class Signature(NamedTuple):
    name: str = "RSA"
    digest: str = "sha256"


class Leaf(NamedTuple):
    key: Key = Key("ec", 256, "secp256r1")
    signature: Signature = Signature()
    lifetime: datetime.timedelta = datetime.timedelta(days=90)


SOUND = EndpointFacts(
    target=Target("127.0.0.1", 443),
    versions={version: version >= Version.TLS12 for version in Version},
    suites=(Accepted(Version.TLS13, 0x1302), Accepted(Version.TLS12, 0xC030)),
    complete=True,
)
STRICT = Http(200, "max-age=63072000")


def graded(*failed: str, leaf: Leaf = Leaf(), **known: object) -> grading.Grade:  # noqa: B008 - frozen
    found = grading.grade(msgspec.structs.replace(SOUND, **known), [leaf], failed)
    assert found is not None
    return found


def test_a_sound_endpoint_gets_an_a() -> None:
    """100 for protocols, 90 for a key like 3072 bits, 100 for ciphers."""
    assert graded() == grading.Grade("A", 97)


def test_hsts_makes_it_an_a_plus() -> None:
    """A long max-age does, a short one and a missing fallback protection do not."""
    assert graded(http=STRICT).letter == "A+"
    assert graded(http=Http(200, "max-age=1")).letter == "A"
    assert graded("tls-fallback-scsv-missing", http=STRICT).letter == "A"


@pytest.mark.parametrize(
    ("check", "letter"),
    [
        ("tls-1.3-missing", "A-"),
        ("tls-1.0", "B"),
        ("tls-cipher-rc4", "B"),
        ("cert-chain-incomplete", "B"),
        ("tls-sslv3", "C"),
        ("tls-compression", "C"),
        ("cert-name-mismatch", "M"),
        ("cert-untrusted", "T"),
        ("tls-renegotiation-insecure", "F"),
        ("vuln-heartbleed", "F"),
        ("tls-cipher-cbc", "A+"),
    ],
)
def test_a_named_fault_caps_the_grade(check: str, letter: str) -> None:
    """One fault is enough, and it is said; what caps nothing changes nothing."""
    found = graded(check, http=STRICT)
    assert found.letter == letter
    assert bool(found.reasons) is (letter != "A+")


def test_the_worst_cap_wins_and_stands_first() -> None:
    """An untrusted certificate weighs more than an old protocol."""
    found = graded("tls-1.0", "cert-untrusted", "tls-1.3-missing")
    assert found.letter == "T"
    assert found.reasons[0] == "cert-untrusted (T at best)"


@pytest.mark.parametrize(
    ("leaf", "letter"),
    [
        (Leaf(Key("rsa", 2048)), "A"),
        (Leaf(Key("rsa", 1024)), "B"),
        (Leaf(Key("rsa", 768)), "F"),
        (Leaf(Key("ec", 192, "secp192r1")), "B"),
        (Leaf(Key("ed25519", 256)), "A"),
        (Leaf(Key("mldsa65", 15616)), "A"),
    ],
)
def test_keys_count_by_their_strength(leaf: Leaf, letter: str) -> None:
    """A curve counts like an RSA key that is as hard to break."""
    assert graded(leaf=leaf).letter == letter


def test_parameters_and_suites_count() -> None:
    """Short primes, CBC alone, static keys alone and suites without encryption."""
    assert graded(primes=(Prime(1 << 1023, 2),)).score == 94
    assert graded(primes=(Prime(1 << 511, 2),)).letter == "F"
    assert graded(suites=(Accepted(Version.TLS12, 0xC014),)).letter == "B"
    assert graded(suites=(Accepted(Version.TLS12, 0x009D),)).letter == "B"
    assert graded(suites=(Accepted(Version.TLS12, 0x0002),))[:2] == ("F", 0)
    assert graded(suites=()).score == 0


def test_an_old_server_gets_a_c_at_best() -> None:
    """TLS 1.2 is the least for more."""
    old = {version: version is Version.TLS10 for version in Version}
    assert graded(versions=old).letter == "C"


def test_what_speaks_no_tls_has_no_grade() -> None:
    """There is nothing to grade."""
    silent = msgspec.structs.replace(SOUND, versions=dict.fromkeys(Version, False))
    assert grading.grade(silent, [], ()) is None


def test_caps_name_checks_that_exist() -> None:
    """A renamed check would cap nothing; probes of the deep tier are judged elsewhere."""
    named = {check for check in grading._CAPS if check.startswith("tls-")}
    assert named <= judging.known().keys()


@pytest.mark.parametrize("weak", [0x0005, 0xC012])
def test_an_old_cipher_costs_more_where_clients_of_today_would_get_it(weak: int) -> None:
    """A server that chooses RC4 or 3DES in TLS 1.2, or has nothing else, is capped at C."""
    first = (Accepted(Version.TLS12, weak), Accepted(Version.TLS12, 0xC030))
    assert graded(suites=first, server_order=True).letter == "C"
    assert graded(suites=first[::-1], server_order=True).letter != "C"
    assert graded(suites=first, server_order=False).letter != "C"
    alone = graded(suites=first[:1], server_order=False)
    assert any(why.endswith("with TLS 1.2 (C at best)") for why in alone.reasons)
