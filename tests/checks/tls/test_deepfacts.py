"""What sslyze's process prints is read strictly, and adds to our own look what it shows."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls import deepfacts
from checks.tls.deepfacts import DeepError
from checks.tls.facts import Accepted, EndpointFacts, Target
from checks.tls.numbers import Version

TARGET = Target("127.0.0.1", 443)
VERSIONS = ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3")


def printed(**more: object) -> bytes:
    """Write a whole answer of a sound server, with changes."""
    sound = {
        "heartbleed": False,
        "early_ccs": False,
        "robot": "NOT_VULNERABLE_NO_ORACLE",
        "compression": False,
        "secure_renegotiation": True,
        "client_renegotiation": False,
        "fallback_scsv": True,
        "extended_master_secret": True,
        "early_data": False,
        "agreed": {version: [] for version in VERSIONS},
        "errors": {},
    }
    return json.dumps(sound | more).encode()


@pytest.mark.parametrize("robot", ["NOT_VULNERABLE_NO_ORACLE", "NOT_VULNERABLE_RSA_NOT_SUPPORTED"])
def test_a_sound_server_leaves_nothing_open(robot: str) -> None:
    """Nothing is a weakness and nothing unseen where all was told."""
    found = deepfacts.read(TARGET, printed(robot=robot))
    assert (found.heartbleed, found.early_ccs, found.robot) == (False, False, "none")
    assert found.unseen == {}


def test_what_could_not_be_told_has_a_reason() -> None:
    """Each question without an answer is named with its reason."""
    answer = printed(
        heartbleed=None,
        robot="UNKNOWN_INCONSISTENT_RESULTS",
        agreed={"tls_1_2": ["TLS_RSA_WITH_AES_128_CBC_SHA"]},
        errors={"heartbleed": "CLIENT_CERTIFICATE_NEEDED"},
    )
    found = deepfacts.read(TARGET, answer)
    assert (found.heartbleed, found.robot) == (None, None)
    assert found.unseen["heartbleed"] == "client certificate needed"
    assert found.unseen["robot"] == "unknown inconsistent results"
    assert found.unseen["TLS 1.3"] == "not said"
    assert "TLS 1.2" not in found.unseen
    assert found.versions == (Version.TLS12,)


def test_what_sslyze_does_not_ask_is_not_settled() -> None:
    """Of a server that speaks TLS 1.3 it says that it has the extended master secret, unasked."""
    agreed = {"tls_1_3": ["TLS_AES_128_GCM_SHA256"]}
    assert deepfacts.read(TARGET, printed(agreed=agreed)).extended_master_secret is None
    assert deepfacts.read(TARGET, printed()).extended_master_secret is True


FACTS = EndpointFacts(
    target=TARGET,
    versions={Version.TLS12: True, Version.TLS10: None, Version.TLS11: False},
    suites=(Accepted(Version.TLS12, 0xC02F),),
    compression=False,
    unseen=("TLS 1.0: no answer in time",),
)
AGREED = {
    "tls_1_0": ["TLS_RSA_WITH_AES_128_CBC_SHA", "OLD_TLS_OF_ITS_OWN"],
    "tls_1_2": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA"],
}


def folded(facts: EndpointFacts = FACTS, **more: object) -> EndpointFacts:
    return deepfacts.folded(facts, deepfacts.read(TARGET, printed(**more)))


def test_what_sslyze_agreed_on_is_added() -> None:
    """Versions and suites that our own look has not seen come to it, behind its own."""
    found = folded(agreed=AGREED | {"tls_1_1": []})
    assert found.versions == FACTS.versions | {Version.TLS10: True}
    assert found.suites == (
        Accepted(Version.TLS12, 0xC02F),
        Accepted(Version.TLS10, 0x2F),
        Accepted(Version.TLS12, 0x2F),
    )


def test_a_refusal_of_sslyze_settles_nothing() -> None:
    """It takes a time-out for one: what we saw stays, and what we did not see stays open."""
    found = folded()
    assert found.versions == FACTS.versions
    assert found.suites == FACTS.suites
    assert found.unseen == FACTS.unseen


@pytest.mark.parametrize("name", ["heartbleed", "early_ccs", "client_renegotiation", "compression"])
@pytest.mark.parametrize("ours", [None, False, True])
@pytest.mark.parametrize("theirs", [None, False, True])
def test_a_weakness_that_either_saw_is_there(
    name: str,
    ours: bool | None,  # noqa: FBT001 - a row of the table
    theirs: bool | None,  # noqa: FBT001 - a row of the table
) -> None:
    """One that neither saw is not there, unless neither could tell: then the reason is given."""
    facts = msgspec.structs.replace(FACTS, **{name: ours})
    found = folded(facts, **{name: theirs})
    expected = True if ours or theirs else theirs if ours is None else ours
    assert getattr(found, name) is expected
    added = f"{name.replace('_', ' ')}: not said (sslyze)"
    assert (added in found.unseen) is (expected is None)


@pytest.mark.parametrize("name", ["secure_renegotiation", "extended_master_secret"])
@pytest.mark.parametrize("theirs", [False, True])
def test_a_protection_is_as_our_own_look_says(
    name: str,
    theirs: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """Sslyze is believed only where that is open."""
    seen = msgspec.structs.replace(FACTS, **{name: not theirs})
    assert getattr(folded(seen, **{name: theirs}), name) is not theirs
    assert getattr(folded(FACTS, **{name: theirs}), name) is theirs


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{",
        printed()[:-1],
        printed() * 2,
        printed(heartbleed="no"),
        printed(more=1),
        printed(agreed={"tls_9": []}),
        printed(agreed={"tls_1_2": ["\x1b[2J"]}),
        b"[" * 100_000,
        b'"\xff"',
    ],
)
def test_anything_but_a_whole_answer_is_refused(answer: bytes) -> None:
    """An answer that is cut off, strange or hostile is none."""
    with pytest.raises(DeepError):
        deepfacts.read(TARGET, answer)


def test_hostile_words_are_not_repeated() -> None:
    """A reason that is no word of sslyze's is left out."""
    found = deepfacts.read(TARGET, printed(early_ccs=None, errors={"early_ccs": "\x1b]0;x\x07"}))
    assert found.unseen == {"early_ccs": "not said"}


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    """What is no whole answer is a DeepError and no other."""
    with pytest.raises(DeepError):
        deepfacts.read(TARGET, data)
