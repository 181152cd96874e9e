"""A policy is believed only when every word of it is known; errors name the place."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from checks import policy
from checks.errors import PolicyError
from checks.model import Severity

README = Path(__file__).parents[2] / "README.md"
WAIVER = {"check": "a", "path": "b", "owner": "o", "reason": "r", "until": "2027-03-31"}


def example() -> object:
    """Give the policy that the README shows."""
    blocks = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return yaml.safe_load(next(block for block in blocks if "fail_on" in block))


def without(mapping: dict[str, Any], name: str) -> dict[str, Any]:
    """Copy a mapping without a key."""
    return {key: value for key, value in mapping.items() if key != name}


WRONG: list[tuple[object, str]] = [
    ([], "policy: expected object, got array"),
    (None, "policy: expected object, got null"),
    ("text", "policy: expected object, got 'text'"),
    ({"nope": 1}, "nope: unknown key, expected one of archives, fail_on, files"),
    ({"files": {"exclud": []}}, "files.exclud: unknown key, expected one of exclude"),
    ({"fail_on": "hihg"}, "fail_on: expected one of critical, high, info, low, medium, got 'hihg'"),
    ({"fail_on": 3}, "fail_on: expected one of critical, high, info, low, medium, got 3"),
    ({"version": 2}, "version: expected one of 1, got 2"),
    ({"image": {"max_age": -1}}, "image.max_age: expected int >= 0, got -1"),
    ({"image": {"key": "x"}}, "image.key: unknown key, expected one of attested, keys, max_age"),
    ({"marks": "yes"}, "marks: expected bool or null, got 'yes'"),
    ({"name": 7}, "name: expected str, got 7"),
    ({"files": []}, "files: expected object, got array"),
    ({"files": {"exclude": "/srv/*"}}, "files.exclude: expected array, got '/srv/*'"),
    ({"files": {"exclude": ["a", 1]}}, "files.exclude[1]: expected str, got 1"),
    ({"files": {"seconds_per_file": 0}}, "files.seconds_per_file: expected int >= 1, got 0"),
    ({"archives": {"depth": 17}}, "archives.depth: expected int <= 16, got 17"),
    ({"archives": {"depth": True}}, "archives.depth: expected int, got true"),
    ({"archives": {"ratio": 1.5}}, "archives.ratio: expected int, got float"),
    ({"archives": {"members": 10**40}}, "archives.members: expected int <= 1000000000, got int"),
    ({"secrets": {"disable": {"a": 1}}}, "secrets.disable: expected array, got object"),
    (
        {"secrets": {"severity": {"a": "low", "b": "bad"}}},
        "secrets.severity.b: expected one of critical, high, info, low, medium, got 'bad'",
    ),
    ({"secrets": {"severity": {1: "low"}}}, "secrets.severity: expected names as keys"),
    ({1: 2}, "policy: expected names as keys"),
    ({"waivers": {}}, "waivers: expected array, got object"),
    ({"waivers": [WAIVER, without(WAIVER, "owner")]}, "waivers[1].owner: expected a value"),
    ({"waivers": [WAIVER | {"reason": ""}]}, "waivers[0].reason: expected str of length >= 1"),
    ({"waivers": [WAIVER | {"until": "soon"}]}, "waivers[0].until: expected a date such as"),
    ({"waivers": [WAIVER | {"till": 1}]}, "waivers[0].till: unknown key"),
]


@pytest.mark.parametrize(("raw", "message"), WRONG)
def test_an_error_names_place_expected_and_found(raw: object, message: str) -> None:
    """The message begins with the key path and says what would have been right."""
    with pytest.raises(PolicyError) as caught:
        policy.from_mapping(raw)
    assert str(caught.value).startswith(message)


def test_an_error_shows_no_more_than_a_word() -> None:
    """A long or hostile value is cut and made printable."""
    with pytest.raises(PolicyError) as caught:
        policy.from_mapping({"fail_on": "\x1b[31m" + "x " * 5000})
    assert len(str(caught.value)) < 150
    assert str(caught.value).isprintable()
    with pytest.raises(PolicyError) as caught:
        policy.from_mapping({"k\x1b[31m" * 500: 1})
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


def test_nothing_said_is_the_built_in_policy() -> None:
    """Every key has a default, and the default is the same as an empty file."""
    assert policy.from_mapping({}) == policy.Policy()
    assert policy.Policy().threshold is Severity.MEDIUM
    assert policy.from_mapping({"fail_on": "critical"}).threshold is Severity.CRITICAL


def test_the_example_of_the_readme_is_a_policy() -> None:
    """What the README shows is accepted and means what it says."""
    told = policy.from_mapping(example())
    assert told.threshold is Severity.HIGH
    assert told.files.exclude == ("/srv/backup/*",)
    assert told.secrets.disable == ("weak-password",)
    assert told.waivers[0].until == datetime.date(2027, 3, 31)


def as_json(raw: object) -> object:
    """Write dates as JSON has them."""
    if isinstance(raw, dict):
        return {key: as_json(value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [as_json(value) for value in raw]
    return raw.isoformat() if isinstance(raw, datetime.date) else raw


def test_the_schema_is_one_and_agrees() -> None:
    """An editor that checks by the schema accepts and refuses what the program does."""
    schema = policy.schema()
    kind = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
    kind.check_schema(schema)
    checker = kind(schema, format_checker=kind.FORMAT_CHECKER)
    assert checker.is_valid(as_json(example()))  # type: ignore[arg-type]  # it is JSON
    assert checker.is_valid({})
    for raw, _ in WRONG:
        if "1: " not in repr(raw) and "'until': 'soon'" not in repr(raw):  # no JSON; no check
            assert not checker.is_valid(raw), raw  # type: ignore[arg-type]  # it is JSON


_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates()
)
_NAMES = st.sampled_from([*policy.schema()["$defs"]["Policy"]["properties"], "exclude", "severity"])
_ANY = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(_NAMES | st.text(max_size=3) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_ANY)
def test_anything_else_is_a_policy_error(raw: object) -> None:
    """Whatever a YAML file holds, it is a policy or is refused with one line."""
    said = "policy: fine"
    try:
        policy.from_mapping(raw)
    except PolicyError as error:
        said = str(error)
    assert said.isprintable()
    assert ": " in said


def test_a_policy_that_contains_itself_is_refused() -> None:
    """An alias of YAML may make a mapping its own value."""
    raw: dict[str, object] = {"name": "x"}
    raw["files"] = raw
    with pytest.raises(PolicyError):
        policy.from_mapping(raw)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"attested": True}, "image: expected keys by which the image is attested"),
        ({"keys": ["x"]}, "image: expected keys of Ed25519, or ECDSA on P-256 or P-384"),
    ],
)
def test_an_attestation_that_nobody_could_check_is_not_wanted(told: object, said: str) -> None:
    """Without a key, or with one that is none, no image could ever be attested."""
    with pytest.raises(PolicyError, match=said):
        policy.from_mapping({"image": told})
    key = Ed25519PrivateKey.generate().public_key()
    pem = key.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo).decode()
    wanted = policy.from_mapping({"image": {"attested": True, "keys": [pem], "max_age": 30}}).image
    assert (wanted.attested, wanted.keys, wanted.max_age) == (True, (pem,), 30)
