"""Under a further name a few questions find what a whole look finds, whatever differs.

What is known is given as it comes from any listener, so that set-ups need no names to be compared.
Set-ups are drawn anew in every run; HYGIENE_AGENT_SEED repeats the draws of one whose seed was
printed.
"""

from __future__ import annotations

import datetime
import os
import random
import runpy
import secrets
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from checks.tls import further, judging, look, suites
from checks.tls.facts import Accepted, Target
from checks.tls.faults import Context
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from checks.tls.facts import EndpointFacts
    from tests.checks.tls.serving import Made

_HERE = Path(__file__).parent
_SERVING = runpy.run_path(str(_HERE / "serving.py"))
made, s_server, gnutls = _SERVING["made"], _SERVING["s_server"], _SERVING["gnutls"]
_DRAWN = runpy.run_path(str(_HERE / "drawn.py"))
_DRAWS, _SECONDS = 6, 30.0
_FEW = 18
"""Connections under a further name, of 25 to 45 for a whole look."""
_MODERN = (Version.TLS12, Version.TLS13)
_OLD = (Version.TLS10, Version.TLS11, Version.TLS12)

SOUND = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
_MODERN13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
_MUTED = {"connections", "failed", "seconds"}


def _target(port: int, starttls: str = "") -> Target:
    return Target("127.0.0.1", port, "www.example.org", starttls)


def _checks(facts: EndpointFacts) -> set[str]:
    context = Context(datetime.datetime.now(datetime.UTC))
    return {finding.check for finding in judging.findings(facts, context)}


def _observe(target: Target, known: EndpointFacts | None = None) -> EndpointFacts:
    return look.observe(target, seconds=_SECONDS, known=known)


def _told(facts: EndpointFacts) -> dict[str, Any]:
    """What the facts say, without what depends on how they were found."""
    return {k: v for k, v in msgspec.structs.asdict(facts).items() if k not in _MUTED}


def _nginx(
    suites: str = SOUND, versions: tuple[Version, ...] = _MODERN, *, early_data: bool = False
) -> Any:  # noqa: ANN401 - found by path
    return _DRAWN["Drawn"]("nginx", "rsa", versions, suites, _MODERN13, early_data)


@pytest.fixture(scope="module")
def sound(made: Callable[[str], Made]) -> EndpointFacts:
    """A whole look at a server that is as it should be, but for its certificate."""
    with _DRAWN["started"](_nginx(), made) as up:
        return _observe(_target(up.port))


def test_the_same_set_up_shows_the_same_by_fewer_connections(
    sound: EndpointFacts, made: Callable[[str], Made]
) -> None:
    """Nothing is left out of the facts, and nothing is in them that a whole look has not."""
    with _DRAWN["started"](_nginx(), made) as up:
        found = _observe(_target(up.port), sound)
        whole = _observe(_target(up.port))
    assert found.connections <= _FEW < whole.connections
    now, then = _told(found), _told(whole)
    assert {k for k in now if now[k] != then[k]} <= {"suites", "server_order"}
    assert set(found.suites) <= set(whole.suites)


WEAKER = {
    "a suite without forward secrecy": (f"{SOUND}:AES128-GCM-SHA256", "tls-no-forward-secrecy"),
    "a suite that encrypts nothing": (
        f"{SOUND}:ECDHE-RSA-NULL-SHA:@SECLEVEL=0",
        "tls-cipher-null",
    ),
    "an anonymous suite": (f"{SOUND}:AECDH-AES128-SHA:@SECLEVEL=0", "tls-cipher-anonymous"),
    "CBC": (f"{SOUND}:ECDHE-RSA-AES128-SHA256", "tls-cipher-cbc"),
}


@pytest.mark.parametrize(("suites", "check"), WEAKER.values(), ids=WEAKER)
def test_a_weak_suite_of_one_name_is_found_by_few_questions(
    sound: EndpointFacts, made: Callable[[str], Made], suites: str, check: str
) -> None:
    """Though it is the last one that the server would choose."""
    with _DRAWN["started"](_nginx(suites), made) as up:
        found, whole = _observe(_target(up.port), sound), _observe(_target(up.port))
        assert found.connections <= _FEW
        assert _checks(found) == _checks(whole)
        back = _observe(_target(up.port), whole)
    assert check in _checks(found) - _checks(sound)
    with _DRAWN["started"](_nginx(), made) as up:
        assert check not in _checks(_observe(_target(up.port), back))


def test_early_data_of_one_name_is_found(sound: EndpointFacts, made: Callable[[str], Made]) -> None:
    """A ticket shows it, of which each name has its own."""
    with _DRAWN["started"](_nginx(early_data=True), made) as up:
        found = _observe(_target(up.port), sound)
    assert found.connections <= _FEW
    assert "tls-early-data" in _checks(found) - _checks(sound)


OTHERWISE = {
    "older versions": (_OLD, "tls-1.0"),
    "no version above 1.2": (_MODERN[:1], "tls-1.3-missing"),
    "no version below 1.3": (_MODERN[1:], ""),
}


@pytest.mark.parametrize(("versions", "check"), OTHERWISE.values(), ids=OTHERWISE)
def test_another_version_of_one_name_is_found(
    sound: EndpointFacts, made: Callable[[str], Made], versions: tuple[Version, ...], check: str
) -> None:
    """And none is told of a name that has it not."""
    with _DRAWN["started"](_nginx(f"{SOUND}:AES128-SHA:@SECLEVEL=0", versions), made) as up:
        whole = _observe(_target(up.port))
        assert _checks(_observe(_target(up.port), sound)) == _checks(whole)
    assert not check or check in _checks(whole)
    with _DRAWN["started"](_nginx(), made) as up:
        assert check not in _checks(_observe(_target(up.port), whole))


HANDSHAKES = {
    "a weak curve": (("-cipher", f"{SOUND}:@SECLEVEL=0", "-groups", "X25519:secp192r1"), True),
    "renegotiation": (("-cipher", SOUND, "-client_renegotiation"), True),
    "a client's certificate": (("-cipher", SOUND, "-no_renegotiation", "-Verify", "1"), False),
}


@pytest.mark.parametrize(("options", "weaker"), HANDSHAKES.values(), ids=HANDSHAKES)
def test_what_else_differs_is_found(
    sound: EndpointFacts,
    s_server: Callable[..., AbstractContextManager[int]],
    options: tuple[str, ...],
    *,
    weaker: bool,
) -> None:
    """As by a whole look, whether it is a fault or not."""
    with s_server(*options) as port:
        whole, found = _observe(_target(port)), _observe(_target(port), sound)
    assert _checks(found) == _checks(whole)
    assert found.asks_certificate is whole.asks_certificate is not weaker
    assert weaker == bool({"tls-group-weak", "tls-renegotiation-client"} & _checks(found))


def test_a_second_certificate_of_one_name_is_seen(
    sound: EndpointFacts,
    made: Callable[[str], Made],
    s_server: Callable[..., AbstractContextManager[int]],
) -> None:
    """Also where the listener showed no other kind of key."""
    other = made("p256")
    second = ("-dcert", other.certificate, "-dkey", other.private)
    with s_server("-cipher", "ECDHE+AESGCM", "-no_renegotiation", *second) as port:
        found = _observe(_target(port), sound)
    assert other.der in {chain.certificates[0] for chain in found.chains}
    assert len(found.chains) == 2


def test_a_staple_that_is_demanded_is_asked_for_again(sound: EndpointFacts, tmp_path: Path) -> None:
    """A server may fetch it after it was asked first, for which the few questions are too quick."""
    key, crt = str(tmp_path / "key"), str(tmp_path / "crt")
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    extra = ["-addext", "tlsfeature=status_request", "-keyout", key, "-out", crt]
    subprocess.run([*words, *extra], check=True, capture_output=True)
    port = _SERVING["free_port"]()
    server = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", crt, "-key", key]
    with _SERVING["running"]([*server, "-cipher", SOUND, "-no_renegotiation"], port):
        found = _observe(_target(port), sound)
    assert "cert-must-staple-missing" in _checks(found)
    assert found.connections > 2 * _FEW


def _drawn(rng: random.Random) -> Any:  # noqa: ANN401 - found by path
    """Draw a set-up of the versions that many have, so that many can be compared."""
    drawn = _DRAWN["draw"](rng, rng.choice(["apache", "gnutls", "haproxy", "nginx", "s_server"]))
    versions = rng.choice([_MODERN, _MODERN, _OLD])
    modern = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
    return drawn._replace(versions=versions, modern=modern, key="rsa")


def test_drawn_set_ups_are_found_alike(made: Callable[[str], Made]) -> None:
    """Whatever was known of a listener, its names are judged as if nothing were known."""
    seed = os.environ.get("HYGIENE_AGENT_SEED") or secrets.token_hex(8)
    print(f"HYGIENE_AGENT_SEED={seed}")
    rng = random.Random(f"{seed} further")
    known: list[EndpointFacts] = []
    for _ in range(_DRAWS):
        drawn = _drawn(rng)
        kept = ":ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA:@SECLEVEL=0"
        if drawn.server != "gnutls":
            drawn = drawn._replace(suites=drawn.suites + kept)
        with _DRAWN["started"](drawn, made) as up:
            target = _target(up.port, up.starttls)
            whole = _observe(target)
            for one in filter(further.can_guide, [whole, *known]):
                found = _observe(target, one)
                assert _checks(found) == _checks(whole), (drawn, one)
                assert found.unseen == whole.unseen
            known.append(whole)


@pytest.mark.parametrize(
    "changed",
    [
        {"unseen": ("curves: no answer in time",)},
        {"compression": True},
        {"compression": None},
        {"curves": (29, 21)},
        {"versions": dict.fromkeys(Version)},
        {"versions": {version: version is Version.SSL3 for version in Version}},
        {"suites": (Accepted(Version.TLS13, suites.by_name()["TLS_SHA256_SHA256"].code),)},
    ],
)
def test_not_every_look_is_one_to_go_by(sound: EndpointFacts, changed: dict[str, Any]) -> None:
    """What was not settled, or has to be listed for every name, is asked for under every name."""
    assert further.can_guide(sound)
    assert not further.can_guide(msgspec.structs.replace(sound, **changed))


def test_who_does_not_answer_is_unseen(sound: EndpointFacts) -> None:
    """What is known of a listener stands in for no answer under a name."""
    port = _SERVING["free_port"]()
    found = _observe(_target(port), sound)
    assert not found.speaks_tls
    assert found.unseen
