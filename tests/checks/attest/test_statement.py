"""A statement is read as it was written, and nothing else is taken for one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.attest import statement
from checks.errors import AttestationError
from tests.checks.attest import making


def _read(**other: object) -> statement.Statement:
    return statement.read(json.dumps(making.statement(**other)).encode())


def test_it_is_read_as_it_was_written() -> None:
    """Names are those of in-toto; fields that a newer version has are passed over."""
    told = _read(predicate=making.predicate(further=[1]), more={})
    assert told.predicate.verdict.fail_on == "medium"
    assert told.predicate.policy.editions == {"base": 3}
    assert statement.read(statement.write(told)) == told
    written = json.loads(statement.write(told))
    assert set(written) == {"_type", "subject", "predicateType", "predicate"}
    assert written["_type"] == "https://in-toto.io/Statement/v1"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an older type": ({"_type": "https://in-toto.io/Statement/v0.1"}, "expected type"),
    "another predicate": ({"predicateType": "https://slsa.dev/provenance/v1"}, "no scan"),
    "no subject": ({"subject": []}, "of length >= 1"),
    "a subject without digest": ({"subject": [{"name": "a", "digest": {}}]}, "of length >= 1"),
    "a digest that is a number": ({"subject": [{"digest": {"sha256": 1}}]}, "expected str"),
    "very many subjects": ({"subject": [{"digest": {"sha256": "a"}}] * 1001}, "of length <= 1000"),
    "a predicate that is a list": ({"predicate": []}, "expected object"),
    "an unknown result": (
        {"predicate": making.predicate(verdict={"result": "great", "failOn": "low"})},
        "invalid enum value",
    ),
    "an unknown severity": ({"predicate": making.predicate(findings={"x": 1})}, "invalid enum"),
    "a negative count": ({"predicate": making.predicate(findings={"low": -1})}, "int >= 0"),
    "a time without zone": (
        {"predicate": making.predicate(started="2026-11-01T12:00:00")},
        "expected datetime|timezone",
    ),
    "a hash that is none": (
        {"predicate": making.predicate(policy={"name": "", "sha256": "x", "rules": "x"})},
        "matching regex",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_none_is_refused(name: str) -> None:
    """The refusal says what was expected and repeats nothing that was said."""
    other, said = WRONG[name]
    with pytest.raises(AttestationError, match=said) as caught:
        _read(**other)
    assert "great" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"7", b"\xff", b"[" * 100_000, b'{"_type": 1}'])
def test_what_is_no_statement_at_all_is_refused(data: bytes) -> None:
    """There is one kind of error for all of it."""
    with pytest.raises(AttestationError):
        statement.read(data)
