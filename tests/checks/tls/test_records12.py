"""Records of TLS 1.0 to 1.2 go both ways in every suite that is read here; no forged one does."""

from __future__ import annotations

import itertools
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls import suites
from checks.tls.numbers import Version
from checks.tls.records12 import Direction, Protection, can_read, readable
from checks.tls.secrets12 import Secrets, both_digests
from checks.tls.wire import WireError

VERSIONS = (Version.TLS12, Version.TLS11, Version.TLS10)
ALL = [
    Protection(version, suites.of(code), mac_last)
    for version in VERSIONS
    for code in readable(version)
    for mac_last in ((False, True) if suites.of(code).is_cbc else (False,))
]


def directions(agreed: Protection) -> tuple[Direction, Direction]:
    """Give two ends of one direction."""
    secrets = Secrets(agreed, b"premaster", (bytes(32), bytes(range(32))))
    return secrets.directions(os.urandom)[0], secrets.directions(os.urandom)[0]


@pytest.mark.parametrize("agreed", ALL, ids=lambda a: f"{a.version.label} {a.suite.name}")
def test_what_is_sealed_opens(agreed: Protection) -> None:
    """Content of any length, record after record, and only in its order and as its kind."""
    writing, reading = directions(agreed)
    contents = [b"", b"x", b"y" * 15, b"z" * 16, os.urandom(1000)]
    records = [writing.seal(23, content) for content in contents]
    assert [reading.open(23, record[5:]) for record in records] == contents
    other = directions(agreed)[1]
    with pytest.raises(WireError):
        other.open(22, records[0][5:])


@pytest.mark.parametrize("agreed", ALL[:: len(ALL) // 9 or 1], ids=lambda a: a.suite.name)
def test_no_forged_record_opens(agreed: Protection) -> None:
    """Each flipped bit, each cut and a second time in a row are noticed."""
    record = directions(agreed)[0].seal(23, b"content")[5:]
    size, value = len(record), int.from_bytes(record, "big")
    spoiled = [(value ^ 1 << bit).to_bytes(size, "big") for bit in range(0, size * 8, 3)]
    for one in (*spoiled, *(record[:end] for end in range(size)), record + bytes(16)):
        with pytest.raises(WireError):
            directions(agreed)[1].open(23, one)
    reading = directions(agreed)[1]
    reading.open(23, record)
    with pytest.raises(WireError):
        reading.open(23, record)


@given(st.sampled_from(ALL), st.binary(max_size=100))
def test_any_bytes_are_refused(agreed: Protection, body: bytes) -> None:
    """Nothing but WireError comes of bytes that were not sealed."""
    with pytest.raises(WireError):
        directions(agreed)[1].open(23, body)


def test_what_cannot_be_read_is_not_offered() -> None:
    """Neither broken ciphers nor keys that nobody proves; what can be is offered best first."""
    by_name = suites.by_openssl_name()
    for name in ("NULL-SHA256", "RC4-SHA", "DES-CBC3-SHA", "ADH-AES128-SHA", "PSK-AES128-CBC-SHA"):
        assert not can_read(by_name[name])
    offered = [suites.of(code) for code in readable(Version.TLS12)]
    kinds = [kind for kind, _ in itertools.groupby(suite.exchange for suite in offered)]
    assert kinds == ["ECDHE", "DHE", "RSA"]
    assert readable(Version.TLS13) == readable(Version.SSL2) == ()


def test_both_digests_are_those_of_tls_before_1_2() -> None:
    """MD5 first, then SHA-1."""
    assert both_digests(b"").hex() == (
        "d41d8cd98f00b204e9800998ecf8427e" + "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    )


def test_secrets_do_not_show() -> None:
    """Neither does their repr."""
    assert repr(Secrets(ALL[0], b"premaster", (b"", b""))) == "<Secrets>"
