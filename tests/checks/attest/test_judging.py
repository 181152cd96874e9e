"""Only what a trusted key signed is believed, and each thing that is not good enough is said."""

from __future__ import annotations

import base64
import datetime
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from checks.attest import judging, publickeys
from checks.attest.judging import Wanted
from checks.errors import AttestationError
from checks.model import Severity
from tests.checks.attest import making

if TYPE_CHECKING:
    from tests.checks.attest.making import Private

OURS = Ed25519PrivateKey.generate()
CURVE = ec.generate_private_key(ec.SECP256R1())
OTHER = Ed25519PrivateKey.generate()
TRUSTED = [publickeys.read(making.pem(one)) for one in (OURS, CURVE)]
DIGEST, AT = making.DIGEST, making.AT


def _envelope(*keys: Private, kind: str = making.KIND) -> dict[str, Any]:
    return making.envelope(making.statement(), *keys, kind=kind)


def _believed(told: dict[str, Any]) -> judging.Signed:
    return judging.believed(json.dumps(told).encode(), TRUSTED)


@pytest.mark.parametrize("key", [OURS, CURVE])
def test_one_trusted_key_is_enough(key: Private) -> None:
    """Whatever else signed it, in whatever order, and whatever key ids it names."""
    told = _envelope(OTHER, key)
    assert _believed(told).key == publickeys.name(key.public_key())
    told["signatures"].reverse()
    for one, name in zip(told["signatures"], ("", "\x1b[2J"), strict=True):
        one["keyid"] = name
    assert _believed(told).key == publickeys.name(key.public_key())


def test_no_other_key_is() -> None:
    """A stranger's signature is refused, also under the id of a trusted key."""
    told = _envelope(OTHER)
    told["signatures"][0]["keyid"] = publickeys.name(OURS.public_key())
    with pytest.raises(AttestationError, match="by none of the keys"):
        _believed(told)


def test_a_changed_payload_is_refused() -> None:
    """Another digest under the same signature is not read at all."""
    told = _envelope(OURS)
    payload = base64.b64decode(told["payload"]).replace(b"ab", b"ac")
    with pytest.raises(AttestationError, match="by none of the keys"):
        _believed(told | {"payload": base64.b64encode(payload).decode()})
    with pytest.raises(AttestationError, match="by none of the keys"):
        _believed(told | {"payload": base64.b64encode(b"[" * 100_000).decode()})


def test_a_signature_for_another_type_is_refused() -> None:
    """The same bytes, signed as something else, are not an attestation, however they are sent."""
    told = _envelope(OURS, kind="application/json")
    with pytest.raises(AttestationError, match="expected a payload of type"):
        _believed(told)
    with pytest.raises(AttestationError, match="by none of the keys"):
        _believed(told | {"payloadType": making.KIND})
    raw = OURS.sign(base64.b64decode(told["payload"]))
    bare = _envelope(OURS) | {"signatures": [{"sig": base64.b64encode(raw).decode()}]}
    with pytest.raises(AttestationError, match="by none of the keys"):
        _believed(bare)


def test_an_algorithm_cannot_be_chosen() -> None:
    """What else a signature says of itself does not matter."""
    told = _envelope(OTHER)
    told["signatures"][0] |= {"alg": "none", "scheme": "hmac", "sig": ""}
    with pytest.raises(AttestationError, match="by none of the keys"):
        _believed(told)


def test_a_signed_text_that_is_no_attestation_is_refused() -> None:
    """What a trusted key signed has to be a statement about a scan."""
    with pytest.raises(AttestationError, match="statement: not what it should be"):
        _believed(making.envelope({"_type": "x"}, OURS))


def _faults(wanted: Wanted, later: float = 0, **other: object) -> list[str]:
    told = judging.believed(making.attested(OURS, **other), TRUSTED).statement
    return list(judging.faults(told, wanted, AT + datetime.timedelta(days=later)))


@pytest.mark.parametrize(
    "subject", ["", "app:1", f"sha256:{DIGEST}", f"app:1@sha256:{DIGEST}", f"x/y@sha256:{DIGEST}"]
)
def test_the_subject_is_known_by_digest_or_name(subject: str) -> None:
    """The digest decides where there is one: registries have names of their own."""
    assert judging.is_subject(subject) == bool(subject)
    assert _faults(Wanted(subject)) == []


@pytest.mark.parametrize(
    "subject", ["app", "app:2", f"sha256:{'0' * 64}", f"app:1@sha256:{'0' * 64}", DIGEST]
)
def test_another_subject_is_said(subject: str) -> None:
    """It is told what it is about instead; the right name does not help another digest."""
    [said] = _faults(Wanted(subject))
    assert said == f"subject: it is about app:1@sha256:{DIGEST}, not {subject}"


@pytest.mark.parametrize("subject", ["", "sha256:", f"sha256:{DIGEST.upper()}", "a@sha256:12"])
def test_what_names_no_subject_is_wrong(subject: str) -> None:
    """A digest has to be whole, in lower case."""
    assert not judging.is_subject(subject)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("failed", "gate: failed by findings at or over medium"),
        ("incomplete", "gate: 3 could not be looked at"),
    ],
)
def test_only_what_passed_is_good(result: str, said: str) -> None:
    """What failed and what was not wholly seen are told apart."""
    told = making.predicate(
        verdict={"result": result, "failOn": "medium"},
        coverage={"files": 1, "bytes": 1, "notLookedAt": {"cannot be read": 1, "x": 2}},
    )
    assert _faults(Wanted(), predicate=told) == [said]


def test_a_weaker_gate_is_seen_through() -> None:
    """Who asks for a stricter threshold counts what was found by it."""
    assert _faults(Wanted(threshold=Severity.MEDIUM)) == []
    [said] = _faults(Wanted(threshold=Severity.LOW))
    assert said == "gate: passed at medium, but has findings at or over low"


def test_age_counts_from_the_scan() -> None:
    """Thirty days are thirty days; a little ahead is a clock, a day ahead is not."""
    assert _faults(Wanted(days=30), later=30) == []
    assert _faults(Wanted(days=30), later=31) == ["age: 31 days, expected at most 30"]
    assert _faults(Wanted(), later=10_000) == []
    assert _faults(Wanted(), later=-0.005) == []
    [said] = _faults(Wanted(), later=-1)
    assert said.startswith("age: from 2026-11-01 12:00 by its clock")


def test_another_policy_is_said() -> None:
    """Only the hash tells policies apart."""
    assert _faults(Wanted(policy=making.POLICY)) == []
    [said] = _faults(Wanted(policy="0" * 64))
    assert said.startswith("policy: judged by one of sha256 cdcd")


def test_hostile_names_are_safe_to_show() -> None:
    """Escape sequences are escaped, long names cut, many subjects counted."""
    many = [{"name": "\x1b[2J" * 200, "digest": {"md5": "\n"}}] * 5
    [said] = _faults(Wanted("app"), subject=many)
    assert said.isprintable()
    assert "2 more" in said
    assert len(said) < 2000
