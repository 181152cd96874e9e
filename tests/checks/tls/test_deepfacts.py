"""What sslyze's process prints is read strictly, and only what it shows is a fault."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.model import Severity
from checks.tls import deepfacts
from checks.tls.deepfacts import DeepError
from checks.tls.facts import Target
from checks.tls.numbers import Version

TARGET = Target("127.0.0.1", 443)
VERSIONS = ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3")


def printed(**more: object) -> bytes:
    """Write a whole answer of a sound server, with changes."""
    sound = {
        "heartbleed": False,
        "ccs": False,
        "robot": "NOT_VULNERABLE_NO_ORACLE",
        "compression": False,
        "secure_renegotiation": True,
        "client_renegotiation": False,
        "agreed": {version: [] for version in VERSIONS},
        "errors": {},
    }
    return json.dumps(sound | more).encode()


@pytest.mark.parametrize(
    ("more", "check", "severity"),
    [
        ({"heartbleed": True}, "vuln-heartbleed", Severity.CRITICAL),
        ({"ccs": True}, "vuln-ccs", Severity.HIGH),
        ({"robot": "VULNERABLE_STRONG_ORACLE"}, "vuln-robot", Severity.HIGH),
        ({"robot": "VULNERABLE_WEAK_ORACLE"}, "vuln-robot", Severity.HIGH),
    ],
)
def test_each_weakness_is_a_fault(more: dict[str, Any], check: str, severity: Severity) -> None:
    """A weakness that sslyze shows is the fault of its check, alone."""
    [fault] = deepfacts.judge(deepfacts.read(TARGET, printed(**more)))
    assert fault.check == check
    assert deepfacts.CHECKS[check].severity is severity


@pytest.mark.parametrize("robot", ["NOT_VULNERABLE_NO_ORACLE", "NOT_VULNERABLE_RSA_NOT_SUPPORTED"])
def test_a_sound_server_has_neither_fault_nor_blank(robot: str) -> None:
    """Nothing is a fault and nothing unseen where all was told."""
    found = deepfacts.read(TARGET, printed(robot=robot))
    assert list(deepfacts.judge(found)) == []
    assert found.unseen == ()


def test_what_could_not_be_told_is_inconclusive() -> None:
    """Each question without an answer is named with its reason."""
    answer = printed(
        heartbleed=None,
        robot="UNKNOWN_INCONSISTENT_RESULTS",
        agreed={"tls_1_2": ["TLS_RSA_WITH_AES_128_CBC_SHA"]},
        errors={"heartbleed": "CLIENT_CERTIFICATE_NEEDED"},
    )
    found = deepfacts.read(TARGET, answer)
    assert list(deepfacts.judge(found)) == []
    details = [one.detail for one in deepfacts.inconclusive(found)]
    assert "heartbleed: client certificate needed" in details
    assert "robot: unknown inconsistent results" in details
    assert "TLS 1.3: not said" in details
    assert not any(words.startswith("TLS 1.2") for words in details)
    assert found.versions == (Version.TLS12,)


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
    found = deepfacts.read(TARGET, printed(ccs=None, errors={"ccs": "\x1b]0;x\x07"}))
    assert found.unseen == ("ccs: not said",)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    """What is no whole answer is a DeepError and no other."""
    with pytest.raises(DeepError):
        deepfacts.read(TARGET, data)
