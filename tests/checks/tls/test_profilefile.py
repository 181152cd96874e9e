"""One's own profile says what it wants in the words of the shipped ones, and is read strictly."""

from __future__ import annotations

import datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import PolicyError
from checks.model import Severity
from checks.tls import profilefile, profiles, suites
from checks.tls.facts import Accepted, EndpointFacts, Target
from checks.tls.numbers import Version

OWN: dict[str, Any] = {"id": "ours", "title": "Ours"}
RULE: dict[str, Any] = {"id": "life", "kind": "lifetime", "clause": "4.2", "days": 30}


def facts(version: Version, suite: str, groups: tuple[int, ...], unseen: str = "") -> EndpointFacts:
    return EndpointFacts(
        target=Target("127.0.0.1", 443),
        versions={one: one is version for one in Version},
        suites=(Accepted(version, suites.by_name()[suite].code),),
        complete=True,
        groups=groups,
        unseen=(unseen,) if unseen else (),
    )


MODERN = facts(Version.TLS13, "TLS_AES_256_GCM_SHA384", (29,))
OLD = facts(Version.TLS12, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", (24,))


def broken(profile: profilefile.Profile, seen: EndpointFacts) -> set[str]:
    return {fault.fact for fault in profiles.violations(profiles.Subject(seen), profile)}


def test_an_own_profile_changes_a_shipped_one() -> None:
    """Rules of the same id are replaced, others are added, some are left out."""
    own = profilefile.from_mapping(
        {
            **OWN,
            "base": "mozilla-modern",
            "without": ["groups"],
            "severity": "low",
            "rules": [
                {"id": "suites", "kind": "suites", "clause": "7", "refused": ["AES256-SHA"]},
                {**RULE, "severity": "critical"},
            ],
        }
    )
    base = profilefile.shipped("mozilla-modern")
    assert {rule.id for rule in own.rules} == {r.id for r in base.rules} - {"groups"} | {"life"}
    (fault,) = profiles.violations(profiles.Subject(OLD), own)
    assert fault.fact == "ours/versions"
    assert own.severity == "low"
    assert next(rule for rule in own.rules if rule.id == "life").severity == "critical"


def test_severities_are_the_rules_own_or_the_profiles() -> None:
    """What a rule says counts before what the profile says."""
    rules = [
        {"id": "a", "kind": "versions", "clause": "1", "refused": ["TLS 1.2"]},
        {"id": "b", "kind": "versions", "clause": "2", "required": ["TLS 1.3"], "severity": "info"},
    ]
    own = profilefile.from_mapping({**OWN, "severity": "critical", "rules": rules})
    found = profiles.violations(profiles.Subject(OLD), own)
    assert [fault.severity for fault in found] == [Severity.CRITICAL, Severity.INFO]


def test_an_own_profile_may_stand_alone_and_name_suites_as_openssl_does() -> None:
    """Names are found whatever their case, in IANA's words, OpenSSL's and NIST's."""
    suite = {"id": "s", "kind": "suites", "clause": "1", "allowed": ["ecdhe-rsa-aes256-gcm-sha384"]}
    curve = {"id": "g", "kind": "groups", "clause": "2", "allowed": ["P-384"]}
    own = profilefile.from_mapping({**OWN, "rules": [suite, curve]})
    assert broken(own, OLD) == set()
    assert broken(own, MODERN) == {"ours/s", "ours/g"}


def test_a_group_can_be_asked_for() -> None:
    """Where none of those needed is there, that is what is said; an unsettled list says nothing."""
    need = {"id": "g", "kind": "groups", "clause": "2", "need": ["X25519MLKEM768"]}
    own = profilefile.from_mapping({**OWN, "rules": [need]})
    (fault,) = profiles.violations(profiles.Subject(MODERN), own)
    assert fault.message == "Ours (2): accepts none of X25519MLKEM768"
    assert fault.fix == "Switch on X25519MLKEM768."
    cut = facts(Version.TLS13, "TLS_AES_256_GCM_SHA384", (29,), "groups of TLS 1.3: reset")
    assert broken(own, cut) == set()


RULES: list[tuple[dict[str, Any], str]] = [
    ({**RULE, "days": "30"}, "rules[0].days: expected int, got '30'"),
    ({**RULE, "days": 0}, "rules[0].days: expected int >= 1, got 0"),
    ({**RULE, "kind": "life"}, "rules[0].kind: expected one of faults, feature, groups, hsts, "),
    ({**RULE, "kind": 3}, "rules[0].kind: expected one of faults, "),
    ({"id": "a", "clause": "1"}, "rules[0].kind: expected a value, got none"),
    ({"id": "a", "kind": "lifetime", "clause": "1"}, "rules[0].days: expected a value, got none"),
    ({**RULE, "x": 1}, "rules[0].x: unknown key, expected one of checked, clause, days, fix, id, "),
    ({**RULE, 1: 1}, "rules[0]: expected "),
    ({**RULE, "id": "A b"}, "rules[0].id: expected str matching regex '^[a-z0-9][a-z0-9."),
    ({**RULE, "since": "soon"}, "rules[0].since: expected a date such as 2027-03-31, got 'soon'"),
    ({**RULE, "severity": "hihg"}, "rules[0].severity: expected one of critical, high, "),
    (
        {"id": "a", "kind": "suites", "clause": "1", "allowed": ["NOPE"]},
        "rules[0]: expected a cipher suite such as TLS_AES_128_GCM_SHA256, got 'NOPE'",
    ),
    (
        {"id": "a", "kind": "groups", "clause": "1"},
        "rules[0]: expected either allowed or refused, got none",
    ),
    (
        {"id": "a", "kind": "groups", "clause": "1", "allowed": ["x448"], "refused": ["x448"]},
        "rules[0]: expected either allowed or refused, got both",
    ),
    (
        {"id": "a", "kind": "keys", "clause": "1", "curves": ["p257"]},
        "rules[0]: expected a group such as X25519MLKEM768, got 'p257'",
    ),
    (
        {"id": "a", "kind": "keys", "clause": "1", "kinds": ["rsa"]},
        "rules[0]: expected kinds of ed25519, ed448, mldsa44, mldsa65, mldsa87, got 'rsa'",
    ),
    (
        {"id": "a", "kind": "signatures", "clause": "1", "allowed": ["RSA sha257"]},
        "rules[0]: expected a signature such as ECDSA sha256, got 'RSA sha257'",
    ),
    (
        {"id": "a", "kind": "status", "clause": "1"},
        "rules[0]: expected address: true or stapled: true, got neither",
    ),
    (
        {"id": "a", "kind": "setting", "clause": "1", "server": "nginx", "name": "ssl_x"},
        "rules[0]: expected allowed, most or required, got none",
    ),
    (
        {"id": "a", "kind": "key_file", "clause": "1", "server": "iis", "mode": "0400"},
        "rules[0].server: expected one of apache, caddy, dovecot, haproxy, lighttpd, nginx, ",
    ),
    (
        {"id": "a", "kind": "key_file", "clause": "1", "server": "nginx", "mode": "u=r"},
        "rules[0].mode: expected str matching regex '^0?[0-7]{3}$', got 'u=r'",
    ),
]
WHOLE: list[tuple[object, str]] = [
    (None, "expected object, got null"),
    ({**OWN}, "rules: expected a value, got none"),
    ({**OWN, "rules": [RULE, RULE]}, "expected each rule's id once, got 'life' twice"),
    ({**OWN, "rules": {}}, "rules: expected array, got object"),
    ({**OWN, "rules": ["life"]}, "rules[0]: expected object, got 'life'"),
    ({**OWN, "base": "mordern"}, "base: expected one of bsi-tr-02102-2, "),
    ({**OWN, "base": 3}, "base: expected str, got 3"),
    (
        {**OWN, "base": "cnsa-2.0", "without": ["x"]},
        "without[0]: expected a rule of cnsa-2.0, got 'x'",
    ),
    (
        {**OWN, "base": "cnsa-2.0", "rules": [RULE, RULE]},
        "rules: expected each rule's id once, got 'life' twice",
    ),
    *(({**OWN, "rules": [rule]}, message) for rule, message in RULES),
]


@pytest.mark.parametrize(("raw", "message"), WHOLE)
def test_an_error_names_place_expected_and_found(raw: object, message: str) -> None:
    """Unknown kinds, names, keys and rules, wrong types and rules given twice."""
    with pytest.raises(PolicyError) as error:
        profilefile.from_mapping(raw, "ours.yaml")
    assert str(error.value).startswith(f"ours.yaml: {message}")


def test_an_error_shows_no_more_than_a_word() -> None:
    """What is hostile or long is cut and made printable."""
    rule = {"id": "a", "kind": "suites", "clause": "1", "allowed": ["\x1b[2J" * 5000]}
    with pytest.raises(PolicyError) as error:
        profilefile.from_mapping({**OWN, "rules": [rule]}, "ours.yaml")
    assert len(str(error.value)) < 400
    assert str(error.value).isprintable()


@pytest.mark.parametrize("text", ["a: [", "published: 2026-13-99", "x: !!python/name:os.system"])
def test_a_file_that_is_no_profile_is_refused(text: str) -> None:
    """No traceback but a PolicyError with the file's name."""
    with pytest.raises(PolicyError, match=r"^ours\.yaml: "):
        profilefile.parse("ours.yaml", text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8))
def test_nothing_but_a_policy_error_leaves(raw: object) -> None:
    """Whatever stands where a profile should."""
    with pytest.raises(PolicyError):
        profilefile.from_mapping({**OWN, "rules": raw, "base": raw} if raw else raw)


@given(
    st.dictionaries(
        st.sampled_from(["id", "kind", "clause", "allowed", "days", "mode", "server", "name", "x"]),
        st.sampled_from(["a", "suites", "keys", "nginx", "setting", "key_file"])
        | st.lists(st.text(max_size=3), max_size=2)
        | st.integers(-1, 9)
        | st.dates(),
    )
)
def test_a_rule_is_taken_or_refused_in_one_line(rule: dict[str, object]) -> None:
    """No other error leaves, whatever is mixed."""
    said = ""
    try:
        profilefile.from_mapping({**OWN, "rules": [rule]})
    except PolicyError as error:
        said = str(error)
    assert said == "" or said.startswith("profile: rules[0]")
    assert said.isprintable()


def test_the_schema_is_one_and_agrees() -> None:
    """An editor that checks by it accepts what the program does."""
    schema = profilefile.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema)
    own = {**OWN, "base": "mozilla-modern", "rules": [RULE]}
    assert checker.is_valid(own)
    assert not checker.is_valid({**own, "rules": [{**RULE, "days": "30"}]})
    assert not checker.is_valid({**OWN})


def test_dates_are_yaml_dates_or_text() -> None:
    """Both stand for the same day."""
    for since in (datetime.date(2027, 1, 1), "2027-01-01"):
        (rule,) = profilefile.from_mapping({**OWN, "rules": [{**RULE, "since": since}]}).rules
        assert rule.since == datetime.date(2027, 1, 1)


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    """Shipped profiles are files of a folder; nothing else is read by its name."""
    for name in ("mordern", "../profiles/mozilla-modern", ""):
        with pytest.raises(PolicyError, match="expected one of bsi-tr-02102-2, "):
            profilefile.shipped(name)
