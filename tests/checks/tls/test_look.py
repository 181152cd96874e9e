"""Looking at real servers: what they agree to is seen, what they refuse is not claimed."""

from __future__ import annotations

import runpy
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from checks.tls import look, suites
from checks.tls.facts import Target
from checks.tls.numbers import Version

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from checks.tls.facts import EndpointFacts
    from tests.checks.tls.serving import Made

    Serve = Callable[..., AbstractContextManager[Target]]

_SERVING = runpy.run_path(str(Path(__file__).with_name("serving.py")))
listening, made, s_server = _SERVING["listening"], _SERVING["made"], _SERVING["s_server"]
NAME = "localhost"
WEAK = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-min_protocol", "TLSv1")


@pytest.fixture
def serve(s_server: Callable[..., AbstractContextManager[int]]) -> Serve:
    """Run OpenSSL's server with options of its own, and give how to reach it."""

    @contextmanager
    def served(*options: str, kind: str = "rsa") -> Iterator[Target]:
        with s_server(*options, kind=kind) as port:
            yield Target("127.0.0.1", port, NAME)

    return served


def names(facts: EndpointFacts, version: Version) -> set[str]:
    return {suites.of(one.suite).name for one in facts.suites if one.version == version}


def spoken(facts: EndpointFacts) -> set[str]:
    return {version.label for version, yes in facts.versions.items() if yes}


def test_a_modern_server_is_seen_as_it_is(serve: Serve) -> None:
    """Versions, groups, both certificates' proof, tickets and HTTP, by few connections."""
    with serve("-www", "-groups", "P-384:X25519") as target:
        facts = look.observe(target)
    assert spoken(facts) == {"TLS 1.3", "TLS 1.2"}
    assert set(facts.groups) == {24, 29}
    assert set(facts.curves) == {24, 29}
    assert [chain.proved for chain in facts.chains] == [True]
    assert facts.tickets
    assert facts.http is not None
    assert facts.http.status == 200
    assert (facts.compression, facts.fallback_scsv, facts.early_data) == (False, None, 0)
    assert facts.unseen == ()
    assert facts.connections <= 64


def test_both_certificates_of_a_pair_are_seen(serve: Serve, made: Callable[[str], Made]) -> None:
    """A server with an RSA and an ECDSA certificate shows each to who asks for its kind."""
    other = ("-dcert", made("p256").certificate, "-dkey", made("p256").private)
    with serve(*other) as target:
        assert len(look.observe(target).chains) == 2
    with serve(*other, "-no_tls1_3") as target:
        assert len(look.observe(target).chains) == 2
    with serve() as target:
        assert len(look.observe(target).chains) == 1


def test_weak_suites_and_versions_are_found_by_class(serve: Serve) -> None:
    """NULL, anonymous and static suites and TLS 1.0 are seen where they are, and only there."""
    with serve(*WEAK) as target:
        weak = look.observe(target)
    assert {"TLS 1.0", "TLS 1.1"} <= spoken(weak)
    accepted = [suites.of(one.suite) for one in weak.suites]
    assert any(one.bits == 0 for one in accepted)
    assert any(one.is_anonymous for one in accepted)
    assert any(one.exchange == "RSA" for one in accepted)
    assert weak.fallback_scsv is True
    with serve("-cipher", "ECDHE+AESGCM") as target:
        sound = look.observe(target)
    assert all(suites.of(one.suite).has_forward_secrecy for one in sound.suites)
    assert "TLS 1.0" not in spoken(sound)


def test_all_suites_are_listed_when_asked_for(serve: Serve) -> None:
    """The list is the server's own, to the suite."""
    wanted = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA384:AES128-SHA:DHE-RSA-AES256-SHA256"
    with serve("-cipher", wanted, "-no_tls1_3") as target:
        facts = look.observe(target, all_suites=True)
    assert names(facts, Version.TLS12) == {
        suites.by_openssl_name()[name].name for name in wanted.split(":")
    }
    assert facts.complete


@pytest.mark.parametrize(("option", "expected"), [((), False), (("-serverpref",), True)])
def test_whose_order_counts_is_seen(
    serve: Serve,
    option: tuple[str, ...],
    expected: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """The server's own order is told from the client's."""
    with serve("-no_tls1_3", *option) as target:
        assert look.observe(target).server_order is expected


def test_early_data_is_seen_where_it_is_allowed(serve: Serve) -> None:
    """The ticket says how much; without the option it says nothing."""
    with serve("-early_data", "-max_early_data", "4096") as target:
        assert look.observe(target).early_data == 4096
    with serve() as target:
        assert look.observe(target).early_data == 0


def _drip(link: socket.socket) -> None:
    for byte in b"\x16\x03\x03\x40\x00" + bytes(60):
        link.send(bytes([byte]))
        time.sleep(0.5)


def _flood(link: socket.socket) -> None:
    while True:
        link.sendall(b"\x16\x03\x03\x40\x00" + b"\x0b\x7f\xff\xff" + bytes(16380))


def _ssh(link: socket.socket) -> None:
    link.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    link.recv(1024)


@pytest.mark.parametrize("talk", [_drip, _flood, _ssh, lambda link: time.sleep(30)])
def test_a_peer_that_does_not_play_along_ends_in_time(
    talk: Callable[[socket.socket], None],
) -> None:
    """Whatever it sends, the look ends within its deadline and claims nothing."""
    with listening(talk) as port:
        started = time.monotonic()
        facts = look.observe(Target("127.0.0.1", port), seconds=2.0)
        assert time.monotonic() - started < 3.0
    assert not facts.speaks_tls
    assert facts.unseen
