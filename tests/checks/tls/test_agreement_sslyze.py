"""Our own look and sslyze's come to the same of real servers, wherever both look.

Set-ups are drawn anew in every run; HYGIENE_AGENT_SEED repeats the draws of one whose seed was
printed.
"""

from __future__ import annotations

import os
import random
import runpy
import secrets
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from checks.tls import deep, look, suites
from checks.tls.facts import Target
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from checks.tls.deepenv import Interpreter
    from checks.tls.deepfacts import Deep
    from checks.tls.facts import EndpointFacts
    from checks.tls.suites import Suite
    from tests.checks.tls.drawn import Running
    from tests.checks.tls.serving import Made

_HERE = Path(__file__).parent
_SERVING = runpy.run_path(str(_HERE / "serving.py"))
made, s_server = _SERVING["made"], _SERVING["s_server"]
_DRAWN = runpy.run_path(str(_HERE / "drawn.py"))
_SERVERS = sorted(_DRAWN["SERVERS"])
_DRAWS = 20
_SECONDS = 60.0
_FEATURES = (
    *("client_renegotiation", "compression", "extended_master_secret", "fallback_scsv"),
    "secure_renegotiation",
)

if TYPE_CHECKING:
    Suites = dict[Version, set[str]]


@pytest.fixture(scope="session")
def seed() -> str:
    """The seed of this run, the same in all its processes."""
    one_run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    return os.environ.get("HYGIENE_AGENT_SEED") or one_run or secrets.token_hex(8)


class Both(NamedTuple):
    """What our own look and sslyze's come to."""

    ours: EndpointFacts
    theirs: Deep

    @classmethod
    def of(cls, target: Target, sslyze: Interpreter, *, all_suites: bool = False) -> Both:
        """Look twice."""
        ours = look.observe(target, seconds=_SECONDS, all_suites=all_suites)
        return cls(ours, deep.look(target, sslyze))

    @property
    def our_suites(self) -> Suites:
        """Every version that we saw spoken, with its suites."""
        spoken = [version for version, yes in self.ours.versions.items() if yes]
        accepted = [(one.version, suites.of(one.suite).name) for one in self.ours.suites]
        return {version: {name for at, name in accepted if at == version} for version in spoken}

    @property
    def their_suites(self) -> Suites:
        """The same by sslyze."""
        return {version: set(self.theirs.agreed[version]) for version in self.theirs.versions}

    def features(self) -> dict[str, tuple[bool, bool]]:
        """Give both answers to each question that both settled."""
        pairs = {name: (getattr(self.ours, name), getattr(self.theirs, name)) for name in _FEATURES}
        if self.ours.early_data is not None:
            pairs["early_data"] = (self.ours.early_data > 0, self.theirs.early_data)
        return {name: pair for name, pair in pairs.items() if None not in pair}


@pytest.mark.parametrize("number", range(_DRAWS))
def test_versions_and_suites_are_the_same_of_any_set_up(
    number: int, seed: str, made: Callable[[str], Made], sslyze: Interpreter
) -> None:
    """Of 20 set-ups drawn at random, each server in turn, both list the same to the suite."""
    drawn = _DRAWN["draw"](random.Random(f"{seed}/{number}"), _SERVERS[number % len(_SERVERS)])
    told = f"HYGIENE_AGENT_SEED={seed}, set-up {number}: {drawn}"
    print(told)
    with _DRAWN["started"](drawn, made) as running:
        target = Target("127.0.0.1", running.port, "localhost", running.starttls)
        both = Both.of(target, sslyze, all_suites=True)
        expected = both.their_suites
        if Version.TLS12 in drawn.versions:
            blind = [suite for suite in _known() if _is_blind(suite, drawn.key)]
            expected.setdefault(Version.TLS12, set()).update(_agreed(running, blind))
    assert both.our_suites == {version: names for version, names in expected.items() if names}, told
    assert both.ours.unseen == (), told
    assert all(ours is theirs for ours, theirs in both.features().values()), told


@cache
def _known() -> tuple[Suite, ...]:
    """Give the suites of TLS 1.2 that this host's OpenSSL has."""
    words = ["openssl", "ciphers", "-s", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    by_name = suites.by_openssl_name()
    return tuple(by_name[name] for name in said.strip().split(":") if name in by_name)


def _is_blind(suite: Suite, key: str) -> bool:
    """Say whether sslyze cannot see that a server of a kind of key accepts a suite of TLS 1.2.

    It asks by OpenSSL 1.0.2, which has no Ed25519; and for what that does not have by 1.1.1 at
    SECLEVEL 1, where OpenSSL offers no anonymous suites.
    """
    if suite.is_anonymous:
        return "CAMELLIA" in suite.name and suite.name.endswith("_SHA256")
    return key == "ed25519" and suite.authentication == "ECDSA"


def _agreed(running: Running, asked: list[Suite]) -> set[str]:
    """Ask for suites of TLS 1.2 by OpenSSL's own client."""
    words = ["openssl", "s_client", "-connect", f"127.0.0.1:{running.port}", "-tls1_2"]
    words += ["-servername", "localhost"]
    words += ["-starttls", running.starttls] if running.starttls else []
    return {
        suite.name
        for suite in asked
        if f"Cipher is {suite.openssl}\n"
        in _said(*words, "-cipher", f"{suite.openssl}:@SECLEVEL=0")
    }


def _said(*words: str) -> str:
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_SECONDS
    )
    return done.stdout.decode("utf-8", "replace")


OLD = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-min_protocol", "TLSv1")
S_SERVER: list[tuple[tuple[str, ...], dict[str, bool]]] = [
    ((), {"compression": False, "secure_renegotiation": True, "early_data": False}),
    (("-no_tls1_3",), {"extended_master_secret": True}),
    (OLD, {"fallback_scsv": True}),
    ((*OLD, "-no_tls1_3"), {"fallback_scsv": True, "extended_master_secret": True}),
    (("-client_renegotiation", "-no_tls1_3"), {"secure_renegotiation": True}),
]
OLD_GNUTLS = "NORMAL:-VERS-TLS1.3"
GNUTLS: list[tuple[tuple[str, ...], dict[str, bool]]] = [
    (("NORMAL",), {"secure_renegotiation": True, "early_data": False}),
    (("NORMAL", "--earlydata"), {"early_data": True}),
    ((OLD_GNUTLS,), {"extended_master_secret": True, "fallback_scsv": True}),
    ((f"{OLD_GNUTLS}:%NO_SESSION_HASH",), {"extended_master_secret": False}),
    ((f"{OLD_GNUTLS}:%DISABLE_SAFE_RENEGOTIATION",), {"secure_renegotiation": False}),
]


def _shown(target: Target, sslyze: Interpreter, expected: dict[str, bool]) -> dict[str, bool]:
    """Give of what a set-up is known for what both found, all that both settled being the same."""
    both = Both.of(target, sslyze)
    found = both.features()
    assert all(ours is theirs for ours, theirs in found.values()), found
    assert both.our_suites.keys() == both.their_suites.keys()
    return {name: found[name][0] for name in expected}


@pytest.mark.parametrize(("options", "expected"), S_SERVER)
def test_openssl_shows_both_the_same(
    options: tuple[str, ...],
    expected: dict[str, bool],
    s_server: Callable[..., AbstractContextManager[int]],
    sslyze: Interpreter,
) -> None:
    """Versions, compression, fallback, renegotiation and master secret of `openssl s_server`."""
    with s_server("-www", *options) as port:
        assert _shown(Target("127.0.0.1", port, "localhost"), sslyze, expected) == expected


@pytest.mark.parametrize(("options", "expected"), GNUTLS)
def test_gnutls_shows_both_the_same(
    options: tuple[str, ...],
    expected: dict[str, bool],
    made: Callable[[str], Made],
    sslyze: Interpreter,
) -> None:
    """The same of `gnutls-serv`, which can do without RFC 5746 and RFC 7627, with early data."""
    one, port = made("rsa"), _SERVING["free_port"]()
    words = ["gnutls-serv", "-q", "-p", str(port), "--x509certfile", one.certificate]
    words += ["--x509keyfile", one.private, "--disable-client-cert", "--priority", *options]
    with _SERVING["running"](words, port):
        assert _shown(Target("127.0.0.1", port, "localhost"), sslyze, expected) == expected


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("server", ["haproxy", "nginx"])
def test_web_servers_show_both_the_same(
    server: str,
    early: bool,  # noqa: FBT001 - a row of the table
    made: Callable[[str], Made],
    sslyze: Interpreter,
) -> None:
    """The same of haproxy and nginx with old versions on, with early data and without."""
    drawn = _DRAWN["Drawn"](server, "rsa", tuple(Version)[2:], OLD[1], early_data=early)
    expected = {"early_data": early, "fallback_scsv": True, "secure_renegotiation": True}
    with _DRAWN["started"](drawn, made) as running:
        target = Target("127.0.0.1", running.port, "localhost")
        assert _shown(target, sslyze, expected) == expected


def test_who_hangs_up_on_a_fallback_is_protected_from_it(
    made: Callable[[str], Made], sslyze: Interpreter
) -> None:
    """Dovecot's alert never leaves it, but it refuses the fallback all the same."""
    drawn = _DRAWN["Drawn"]("dovecot", "rsa", tuple(Version)[2:], OLD[1])
    with _DRAWN["started"](drawn, made) as running:
        target = Target("127.0.0.1", running.port, "localhost", running.starttls)
        known = {"fallback_scsv": True}
        assert _shown(target, sslyze, known) == known
