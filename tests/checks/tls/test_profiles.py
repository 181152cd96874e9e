"""Every rule of every profile is kept by a set-up that keeps it and broken by one that does not."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import PolicyError
from checks.model import Severity
from checks.tls import certificate, profiles, suites
from checks.tls.facts import Accepted, EndpointFacts, Http, Prime, Target
from checks.tls.numbers import GROUPS, Version
from checks.tls.profilewire import Elsewhere

TLS12, TLS13 = Version.TLS12, Version.TLS13
CODES = {suite.name: suite.code for suite in suites.known().values()}
NUMBERS = {name: number for number, name in GROUPS.items()}
LONG = 2**2048 - 1942289
SHORT = 2**1023 + 1155


class Key(NamedTuple):
    kind: str
    bits: int
    curve: str = ""

    @property
    def label(self) -> str:
        return self.curve or f"{self.kind.upper()} {self.bits}"


class Signature(NamedTuple):
    name: str
    digest: str


class Leaf(NamedTuple):
    key: Key = Key("ec", 256, "secp256r1")
    signature: Signature = Signature("ECDSA", "sha256")
    lifetime: datetime.timedelta = datetime.timedelta(days=90)


def versions(*spoken: Version) -> dict[Version, bool | None]:
    return {version: version in spoken for version in Version}


def accept(*names: str) -> tuple[Accepted, ...]:
    both = ((suites.of(CODES[n]).is_tls13, CODES[n]) for n in names)
    return tuple(Accepted(TLS13 if modern else TLS12, code) for modern, code in both)


def groups(*names: str) -> tuple[int, ...]:
    return tuple(NUMBERS[name] for name in names)


MODERN = EndpointFacts(
    target=Target("127.0.0.1", 443),
    versions=versions(TLS13),
    suites=accept("TLS_AES_256_GCM_SHA384"),
    complete=True,
    groups=groups("SecP384r1MLKEM1024"),
    early_data=0,
    http=Http(200, "max-age=63072000; includeSubDomains"),
)
OLD = msgspec.structs.replace(
    MODERN,
    versions=versions(TLS12),
    suites=accept("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    groups=(),
    curves=groups("secp384r1"),
    encrypt_then_mac=True,
)
CBC = accept("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384")
QUANTUM = Leaf(Key("mldsa87", 20736), Signature("ML-DSA-87", ""))
MOZILLA_GROUPS = {"groups": groups("x25519")}
DAY = datetime.timedelta(days=1)
TODAY = datetime.date(2033, 1, 1)
"""A day on which every rule holds."""

# (profile, rule): what keeps it and what breaks it, each a change of MODERN or a leaf.
Change = dict[str, Any] | Leaf
CASES: dict[tuple[str, str], tuple[Change, Change]] = {
    ("mozilla-modern", "versions"): ({}, {"versions": versions(TLS12, TLS13)}),
    ("mozilla-modern", "suites"): ({}, {"suites": accept("TLS_AES_128_CCM_SHA256")}),
    ("mozilla-modern", "groups"): (MOZILLA_GROUPS, {"groups": groups("x448")}),
    ("mozilla-modern", "keys"): (Leaf(), Leaf(Key("rsa", 4096))),
    ("mozilla-modern", "signatures"): (Leaf(), Leaf(signature=Signature("ECDSA", "sha1"))),
    ("mozilla-modern", "lifetime"): (Leaf(), Leaf(lifetime=91 * DAY)),
    ("mozilla-modern", "hsts"): ({}, {"http": Http(200, "max-age=63071999")}),
    ("mozilla-intermediate", "versions"): (
        {"versions": versions(TLS12)},
        {"versions": versions(Version.TLS11, TLS12)},
    ),
    ("mozilla-intermediate", "suites"): (
        {"suites": accept("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256")},
        {"suites": accept("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")},
    ),
    ("mozilla-intermediate", "groups"): (
        {"groups": groups("X25519MLKEM768"), "curves": groups("secp384r1")},
        {"curves": groups("secp521r1")},
    ),
    ("mozilla-intermediate", "keys"): (Leaf(Key("rsa", 2048)), Leaf(Key("rsa", 1024))),
    ("mozilla-intermediate", "signatures"): (
        Leaf(signature=Signature("RSA", "sha384")),
        Leaf(signature=Signature("RSA", "sha1")),
    ),
    ("mozilla-intermediate", "lifetime"): (Leaf(lifetime=366 * DAY), Leaf(lifetime=367 * DAY)),
    ("mozilla-intermediate", "hsts"): ({"http": Http(404)}, {"http": Http(200)}),
    ("nist-800-52r2", "versions"): ({}, {"versions": versions(Version.TLS10, TLS13)}),
    ("nist-800-52r2", "tls13"): ({}, {"versions": versions(TLS12)}),
    ("nist-800-52r2", "suites"): (
        {"suites": accept("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "TLS_AES_128_CCM_SHA256")},
        {"suites": accept("TLS_CHACHA20_POLY1305_SHA256")},
    ),
    ("nist-800-52r2", "primes"): ({"primes": (Prime(LONG, 2),)}, {"primes": (Prime(SHORT, 2),)}),
    ("nist-800-52r2", "keys"): (Leaf(Key("rsa", 2048)), Leaf(Key("ec", 521, "secp521r1"))),
    ("nist-800-52r2", "signatures"): (Leaf(), Leaf(signature=Signature("RSA", "sha1"))),
    ("bsi-tr-02102-2", "versions"): ({}, {"versions": versions(Version.TLS11, TLS13)}),
    ("bsi-tr-02102-2", "versions-2032"): ({}, {"versions": versions(TLS12, TLS13)}),
    ("bsi-tr-02102-2", "suites"): (
        {"suites": accept("TLS_ECDHE_ECDSA_WITH_AES_256_CCM")},
        {"suites": accept("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA")},
    ),
    ("bsi-tr-02102-2", "suites-2030"): (
        {},
        {"suites": accept("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")},
    ),
    ("bsi-tr-02102-2", "encrypt-then-mac"): (
        {"versions": versions(TLS12), "suites": CBC, "encrypt_then_mac": True},
        {"versions": versions(TLS12), "suites": CBC, "encrypt_then_mac": False},
    ),
    ("bsi-tr-02102-2", "groups"): (
        {"groups": groups("SecP256r1MLKEM768", "ffdhe3072"), "curves": groups("brainpoolP256r1")},
        {"groups": groups("x25519")},
    ),
    ("bsi-tr-02102-2", "groups-2032"): ({}, {"groups": groups("secp256r1")}),
    ("bsi-tr-02102-2", "primes"): (
        {"primes": (Prime(1 << 3000, 2),)},
        {"primes": (Prime(LONG, 2),)},
    ),
    ("bsi-tr-02102-2", "keys"): (Leaf(Key("rsa", 3000)), Leaf(Key("rsa", 2048))),
    ("pci-dss-4.0.1", "versions"): ({}, {"versions": versions(Version.TLS10)}),
    ("pci-dss-4.0.1", "strength"): (
        {"suites": accept("TLS_RSA_WITH_AES_128_CBC_SHA")},
        {"suites": accept("TLS_RSA_WITH_RC4_128_SHA")},
    ),
    ("pci-dss-4.0.1", "primes"): ({"primes": (Prime(LONG, 2),)}, {"primes": (Prime(SHORT, 2),)}),
    ("pci-dss-4.0.1", "keys"): (Leaf(Key("ed25519", 256)), Leaf(Key("ec", 192, "secp192r1"))),
    ("cnsa-2.0", "versions"): ({}, {"versions": versions(TLS12)}),
    ("cnsa-2.0", "suites"): ({}, {"suites": accept("TLS_AES_128_GCM_SHA256")}),
    ("cnsa-2.0", "groups"): ({"groups": groups("MLKEM1024")}, {"groups": groups("X25519MLKEM768")}),
    ("cnsa-2.0", "keys"): (QUANTUM, Leaf(Key("mldsa65", 15616))),
    ("cnsa-2.0", "signatures"): (QUANTUM, Leaf()),
    ("cis-nginx", "versions"): ({}, {"versions": versions(TLS12, TLS13)}),
    ("cis-nginx", "hsts"): (
        {"http": Http(200, "max-age=31536000; includeSubDomains")},
        {"http": Http(200, "max-age=31536000")},
    ),
    ("nginx-stig", "versions"): ({}, {"versions": versions(Version.TLS11)}),
    ("ncsc-nl-2025", "versions"): ({}, {"versions": versions(Version.TLS11)}),
    ("ncsc-nl-2025", "tls12"): ({}, {"versions": versions(TLS12)}),
    ("ncsc-nl-2025", "suites"): (
        {"suites": accept("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")},
        {"suites": accept("TLS_RSA_WITH_AES_128_GCM_SHA256")},
    ),
    ("ncsc-nl-2025", "suites-phase-out"): ({}, {"suites": CBC}),
    ("ncsc-nl-2025", "groups"): ({"groups": groups("ffdhe3072")}, {"groups": groups("ffdhe2048")}),
    ("ncsc-nl-2025", "groups-phase-out"): ({}, {"curves": groups("secp224r1")}),
    ("ncsc-nl-2025", "primes"): ({}, {"primes": (Prime(1 << 4000, 2),)}),
    ("ncsc-nl-2025", "keys"): (Leaf(Key("rsa", 2048)), Leaf(Key("rsa", 2047))),
    ("ncsc-nl-2025", "keys-phase-out"): (Leaf(Key("rsa", 3072)), Leaf(Key("rsa", 3071))),
    ("ncsc-nl-2025", "signatures"): (
        Leaf(signature=Signature("Ed25519", "")),
        Leaf(signature=Signature("RSA", "sha1")),
    ),
    ("ncsc-nl-2025", "signatures-phase-out"): (Leaf(), Leaf(signature=Signature("RSA", "sha224"))),
}


def broken(name: str, change: Change, today: datetime.date | None = TODAY) -> set[str]:
    """Name the rules of a profile that MODERN with a change, or with a leaf, breaks."""
    leaves = [change] if isinstance(change, Leaf) else []
    facts = MODERN if isinstance(change, Leaf) else msgspec.structs.replace(MODERN, **change)
    found = profiles.violations(facts, profiles.shipped(name), leaves, today)
    return {fault.fact.partition("/")[2] for fault in found}


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_a_rule_is_broken_by_what_breaks_it_and_kept_by_what_keeps_it(name: str, rule: str) -> None:
    """One change decides."""
    keeps, breaks = CASES[name, rule]
    assert rule not in broken(name, keeps)
    assert rule in broken(name, breaks)


def test_every_rule_of_every_profile_is_tried() -> None:
    """A new rule needs its case; one that is looked at elsewhere has none."""
    shipped = {
        (name, rule.id)
        for name in profiles.names()
        for rule in profiles.shipped(name).rules
        if not isinstance(rule, Elsewhere)
    }
    assert shipped == CASES.keys()


@pytest.mark.parametrize(
    ("name", "facts", "leaf"),
    [
        ("mozilla-modern", {"groups": groups("X25519MLKEM768", "x25519")}, Leaf()),
        ("mozilla-intermediate", {"groups": groups("secp256r1")}, Leaf(Key("rsa", 2048))),
        ("nist-800-52r2", {}, Leaf()),
        ("bsi-tr-02102-2", {}, Leaf(Key("ec", 256, "brainpoolP256r1"))),
        ("pci-dss-4.0.1", {}, Leaf()),
        ("cnsa-2.0", {}, QUANTUM),
        ("cis-nginx", {}, Leaf()),
        ("nginx-stig", {}, Leaf()),
        ("ncsc-nl-2025", {}, Leaf(Key("rsa", 3072))),
    ],
)
def test_a_set_up_that_keeps_a_whole_profile_breaks_nothing(
    name: str, facts: dict[str, Any], leaf: Leaf
) -> None:
    """Every profile can be kept."""
    seen = msgspec.structs.replace(MODERN, **facts)
    assert list(profiles.violations(seen, profiles.shipped(name), [leaf], TODAY)) == []


def test_a_tls12_server_passes_intermediate_and_fails_modern() -> None:
    """ECDHE with AES-GCM in TLS 1.2 is what intermediate is for."""
    facts = OLD
    rsa = [Leaf(Key("rsa", 2048), Signature("RSA", "sha256"), 366 * DAY)]
    intermediate = profiles.violations(facts, profiles.shipped("mozilla-intermediate"), rsa)
    modern = profiles.violations(facts, profiles.shipped("mozilla-modern"), rsa)
    assert list(intermediate) == []
    assert {fault.fact for fault in modern} >= {"mozilla-modern/versions", "mozilla-modern/keys"}


def test_a_fault_names_the_standard_the_clause_and_what_was_seen() -> None:
    """One line says all of it, the fix says what to do, the severity is the rule's."""
    facts = msgspec.structs.replace(MODERN, versions=versions(Version.TLS10, TLS12))
    (fault,) = profiles.violations(facts, profiles.shipped("nginx-stig"), [])
    assert fault.check == "profile-violation"
    assert fault.message == "F5 NGINX STIG V1R1 (V-278381, CAT I): speaks TLS 1.0"
    assert fault.fix == "Offer nothing but TLS 1.2, TLS 1.3."
    assert fault.severity is Severity.HIGH
    assert "profile-violation" in profiles.CHECKS


def test_a_real_certificate_can_be_held_against_a_profile() -> None:
    """What is read from DER answers all that rules ask."""
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "www.example.org")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + 400 * DAY)
    leaf = certificate.read(built.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))
    found = profiles.violations(OLD, profiles.shipped("mozilla-intermediate"), [leaf])
    said = {fault.fact.partition("/")[2]: fault.message for fault in found}
    assert set(said) == {"keys", "lifetime"}
    assert "RSA 1024" in said["keys"]
    assert "400 days" in said["lifetime"]


def test_a_rule_that_does_not_hold_yet_is_left_out() -> None:
    """TLS 1.2 is recommended until the end of 2031, and without a day nobody can say."""
    change = {"versions": versions(TLS12, TLS13)}
    for today in (None, datetime.date(2031, 12, 31)):
        assert "versions-2032" not in broken("bsi-tr-02102-2", change, today)
    assert "versions-2032" in broken("bsi-tr-02102-2", change, datetime.date(2032, 1, 1))


def test_what_speaks_no_tls_breaks_no_profile() -> None:
    """There is nothing to hold against it."""
    silent = msgspec.structs.replace(MODERN, versions=versions())
    for name in profiles.names():
        assert list(profiles.violations(silent, profiles.shipped(name), [], TODAY)) == []
        assert list(profiles.unsettled(silent, profiles.shipped(name), [], TODAY)) == []


def test_what_was_not_seen_is_not_kept() -> None:
    """Unknown versions, suites by class, groups cut short and missing certificates are said."""
    facts = msgspec.structs.replace(
        OLD,
        versions=versions(TLS12) | {Version.SSL3: None},
        complete=False,
        unseen=("curves: no answer in time",),
        suites=CBC,
        encrypt_then_mac=None,
    )
    profile = profiles.shipped("bsi-tr-02102-2")
    said = "\n".join(profiles.unsettled(facts, profile, [], datetime.date(2026, 11, 22)))
    for why in ("SSL 3", "by class only", "curves", "no certificate", "encrypt then mac"):
        assert why in said
    assert list(profiles.violations(facts, profile, [], datetime.date(2026, 11, 22))) == []


def test_what_was_seen_whole_leaves_nothing_open() -> None:
    """Where all is settled, only what is looked at elsewhere remains."""
    keeps = [Leaf(Key("ec", 256, "secp256r1"))]
    assert list(profiles.unsettled(MODERN, profiles.shipped("bsi-tr-02102-2"), keeps)) == []
    (left,) = profiles.unsettled(MODERN, profiles.shipped("mozilla-modern"), keeps)
    assert left == "Mozilla modern 6.0 (ocsp_staple): see cert-must-staple-missing"


def test_every_profile_has_its_source() -> None:
    """A file is named like its profile and says where it comes from."""
    for name in profiles.names():
        profile = profiles.shipped(name)
        assert profile.id == name
        assert profile.source.startswith("https://")
        assert profile.version


OWN: dict[str, Any] = {"id": "ours", "title": "Ours"}
RULE: dict[str, Any] = {"id": "life", "kind": "lifetime", "clause": "4.2", "days": 30}


def test_an_own_profile_changes_a_shipped_one() -> None:
    """Rules of the same id are replaced, others are added, some are left out."""
    own = profiles.from_mapping(
        {
            **OWN,
            "base": "mozilla-modern",
            "without": ["hsts"],
            "rules": [{**RULE, "id": "lifetime", "severity": "critical"}],
        }
    )
    assert "hsts" not in {rule.id for rule in own.rules}
    leaf = Leaf(lifetime=31 * DAY)
    facts = msgspec.structs.replace(MODERN, groups=groups("x25519"))
    (fault,) = profiles.violations(facts, own, [leaf])
    assert fault.fact == "ours/lifetime"
    assert fault.severity is Severity.CRITICAL
    assert "has a certificate of 31 days" in fault.message


def test_an_own_profile_may_stand_alone_and_name_suites_as_openssl_does() -> None:
    """Names are found whatever their case, in IANA's words, OpenSSL's and NIST's."""
    suite = {"id": "s", "kind": "suites", "clause": "1", "allowed": ["ecdhe-rsa-aes256-gcm-sha384"]}
    curve = {"id": "g", "kind": "groups", "clause": "2", "allowed": ["P-384"]}
    own = profiles.from_mapping({**OWN, "rules": [suite, curve]})
    assert list(profiles.violations(OLD, own, [])) == []
    assert {f.fact for f in profiles.violations(MODERN, own, [])} == {"ours/s", "ours/g"}


def test_a_group_can_be_asked_for() -> None:
    """Where none of those needed is there, that is what is said; an unsettled list says nothing."""
    need = {"id": "g", "kind": "groups", "clause": "2", "need": ["X25519MLKEM768"]}
    own = profiles.from_mapping({**OWN, "rules": [need]})
    (fault,) = profiles.violations(MODERN, own, [])
    assert fault.message == "Ours (2): accepts none of X25519MLKEM768"
    assert fault.fix == "Switch on X25519MLKEM768."
    cut = msgspec.structs.replace(MODERN, unseen=("groups of TLS 1.3: connection reset",))
    assert list(profiles.violations(cut, own, [])) == []


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (None, "policy: tls.profile: Expected object, got null"),
        ({**OWN}, "policy: tls.profile: Object missing required field rules"),
        ({**OWN, "rules": [{**RULE, "days": "30"}]}, "rules[0].days: Expected int, got str"),
        ({**OWN, "rules": [{**RULE, "kind": "life"}]}, "rules[0].kind: Invalid value 'life'"),
        ({**OWN, "rules": [{**RULE, "x": 1}]}, "rules[0]: Object contains unknown field x"),
        ({**OWN, "rules": [{**RULE, 1: 1}]}, "rules[0]: Expected str"),
        ({**OWN, "rules": [RULE, RULE]}, "rule 'life' stands twice"),
        (
            {**OWN, "rules": [{"id": "a", "kind": "suites", "clause": "1", "allowed": ["NOPE"]}]},
            "rules[0]: unknown name 'NOPE'",
        ),
        (
            {**OWN, "rules": [{"id": "a", "kind": "groups", "clause": "1"}]},
            "rules[0]: expected either allowed or refused",
        ),
        ({**OWN, "base": "mordern"}, "expected one of bsi-tr-02102-2, "),
        ({**OWN, "base": "cnsa-2.0", "without": ["x"]}, "without: no rule 'x' in cnsa-2.0"),
    ],
)
def test_an_own_profile_is_refused_by_the_place_of_its_fault(raw: object, message: str) -> None:
    """Unknown kinds, names, keys and rules, wrong types and rules given twice."""
    with pytest.raises(PolicyError) as error:
        profiles.from_mapping(raw, "policy: tls.profile")
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["a: [", "published: 2026-13-99", "x: !!python/name:os.system"])
def test_a_file_that_is_no_profile_is_refused(text: str) -> None:
    """No traceback but a PolicyError with the file's name."""
    with pytest.raises(PolicyError, match=r"^ours\.yaml: "):
        profiles.parse("ours.yaml", text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8))
def test_nothing_but_a_policy_error_leaves(raw: object) -> None:
    """Whatever stands where a profile should."""
    with pytest.raises(PolicyError):
        profiles.from_mapping({**OWN, "rules": raw, "base": raw} if raw else raw)
