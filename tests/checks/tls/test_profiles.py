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

from checks.model import Severity
from checks.tls import certificate, judging, profilefile, profiles, remedies, suites
from checks.tls.config import Pair, Setting, Site
from checks.tls.facts import Accepted, Chain, EndpointFacts, Http, Prime, Target
from checks.tls.numbers import GROUPS, Version
from checks.tls.profilewire import Faultless
from checks.tls.remedies import Kind
from checks.tls.siting import Located

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


class Extensions(NamedTuple):
    ocsp: tuple[str, ...] = ()


class Leaf(NamedTuple):
    key: Key = Key("ec", 256, "secp256r1")
    signature: Signature = Signature("ECDSA", "sha256")
    lifetime: datetime.timedelta = datetime.timedelta(days=90)
    extensions: Extensions = Extensions()
    der: bytes = b"leaf"


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
    chains=(Chain((b"leaf",), b"staple"),),
)
OLD = msgspec.structs.replace(
    MODERN,
    versions=versions(TLS12),
    suites=accept("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    groups=(),
    curves=groups("secp384r1"),
    encrypt_then_mac=True,
    extended_master_secret=True,
    secure_renegotiation=True,
    compression=False,
    server_order=False,
)
CBC = accept("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384")
QUANTUM = Leaf(Key("mldsa87", 20736), Signature("ML-DSA-87", ""))
ASKED = Leaf(extensions=Extensions(("http://ocsp.example.org",)))
UNSTAPLED = ASKED._replace(der=b"another")
MOZILLA_GROUPS = {"groups": groups("x25519")}
DAY = datetime.timedelta(days=1)
TODAY = datetime.date(2033, 1, 1)
"""A day on which every rule holds."""


def classic(**changes: object) -> Change:
    """Change what a server of TLS 1.2 showed."""
    return msgspec.structs.asdict(OLD) | changes


Change = dict[str, Any] | Leaf | str
"""Of MODERN, a certificate, or the id of a check that found something."""
KEEPS: Change = {}
# (profile, rule): what keeps it and what breaks it.
CASES: dict[tuple[str, str], tuple[Change, Change]] = {
    ("mozilla-modern", "versions"): (KEEPS, {"versions": versions(TLS12, TLS13)}),
    ("mozilla-modern", "suites"): (KEEPS, {"suites": accept("TLS_AES_128_CCM_SHA256")}),
    ("mozilla-modern", "groups"): (MOZILLA_GROUPS, {"groups": groups("x448")}),
    ("mozilla-modern", "keys"): (Leaf(), Leaf(Key("rsa", 4096))),
    ("mozilla-modern", "signatures"): (Leaf(), Leaf(signature=Signature("RSA", "sha256"))),
    ("mozilla-modern", "lifetime"): (Leaf(), Leaf(lifetime=91 * DAY)),
    ("mozilla-modern", "hsts"): (KEEPS, {"http": Http(200, "max-age=63071999")}),
    ("mozilla-modern", "stapling"): (ASKED, UNSTAPLED),
    ("mozilla-modern", "order"): (classic(), classic(server_order=True)),
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
        Leaf(signature=Signature("RSA", "sha256")),
        Leaf(signature=Signature("RSA", "sha384")),
    ),
    ("mozilla-intermediate", "lifetime"): (Leaf(lifetime=366 * DAY), Leaf(lifetime=367 * DAY)),
    ("mozilla-intermediate", "lifetime-recommended"): (Leaf(), Leaf(lifetime=91 * DAY)),
    ("mozilla-intermediate", "hsts"): ({"http": Http(404)}, {"http": Http(200)}),
    ("mozilla-intermediate", "stapling"): (Leaf(der=b"another"), UNSTAPLED),
    ("mozilla-intermediate", "order"): (classic(), classic(server_order=True)),
    ("nist-800-52r2", "versions"): (KEEPS, {"versions": versions(Version.TLS10, TLS13)}),
    ("nist-800-52r2", "tls13"): (KEEPS, {"versions": versions(TLS12)}),
    ("nist-800-52r2", "suites"): (
        {"suites": accept("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_AES_128_CCM_SHA256")},
        {"suites": accept("TLS_CHACHA20_POLY1305_SHA256")},
    ),
    ("nist-800-52r2", "groups"): (
        {"groups": groups("x25519", "secp256r1")},
        {"groups": groups("x25519")},
    ),
    ("nist-800-52r2", "groups-approved"): (KEEPS, {"groups": groups("secp256r1", "x25519")}),
    ("nist-800-52r2", "primes"): ({"primes": (Prime(LONG, 2),)}, {"primes": (Prime(SHORT, 2),)}),
    ("nist-800-52r2", "keys"): (
        Leaf(Key("ec", 521, "secp521r1")),
        Leaf(Key("ec", 192, "secp192r1")),
    ),
    ("nist-800-52r2", "curves"): (Leaf(Key("rsa", 2048)), Leaf(Key("ec", 521, "secp521r1"))),
    ("nist-800-52r2", "signatures"): (Leaf(), Leaf(signature=Signature("RSA", "sha1"))),
    ("nist-800-52r2", "lifetime"): (Leaf(lifetime=1096 * DAY), Leaf(lifetime=1097 * DAY)),
    ("nist-800-52r2", "status"): (ASKED, Leaf()),
    ("nist-800-52r2", "renegotiation"): (classic(), classic(secure_renegotiation=False)),
    ("nist-800-52r2", "extended-master-secret"): (classic(), classic(extended_master_secret=False)),
    ("nist-800-52r2", "encrypt-then-mac"): (
        classic(encrypt_then_mac=False),
        classic(encrypt_then_mac=False, suites=CBC),
    ),
    ("nist-800-52r2", "compression"): (classic(), classic(compression=True)),
    ("nist-800-52r2", "early-data"): (KEEPS, {"early_data": 16384}),
    ("bsi-tr-02102-2", "versions"): (KEEPS, {"versions": versions(Version.TLS11, TLS13)}),
    ("bsi-tr-02102-2", "versions-2032"): (KEEPS, {"versions": versions(TLS12, TLS13)}),
    ("bsi-tr-02102-2", "suites"): (
        {"suites": accept("TLS_ECDHE_ECDSA_WITH_AES_256_CCM")},
        {"suites": accept("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA")},
    ),
    ("bsi-tr-02102-2", "forward-secrecy"): (
        {"suites": accept("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")},
        {"suites": accept("TLS_DH_RSA_WITH_AES_128_GCM_SHA256")},
    ),
    ("bsi-tr-02102-2", "suites-2027"): (
        KEEPS,
        {"suites": accept("TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256")},
    ),
    ("bsi-tr-02102-2", "suites-2030"): (
        KEEPS,
        {"suites": accept("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")},
    ),
    ("bsi-tr-02102-2", "encrypt-then-mac"): (
        classic(suites=CBC),
        classic(suites=CBC, encrypt_then_mac=False),
    ),
    ("bsi-tr-02102-2", "extended-master-secret"): (
        classic(),
        classic(extended_master_secret=False),
    ),
    ("bsi-tr-02102-2", "renegotiation"): (classic(), classic(secure_renegotiation=False)),
    ("bsi-tr-02102-2", "renegotiation-client"): (KEEPS, "tls-renegotiation-client"),
    ("bsi-tr-02102-2", "compression"): (classic(), classic(compression=True)),
    ("bsi-tr-02102-2", "early-data"): (KEEPS, {"early_data": 1}),
    ("bsi-tr-02102-2", "groups"): (
        {"groups": groups("SecP256r1MLKEM768", "ffdhe3072"), "curves": groups("brainpoolP256r1")},
        {"groups": groups("X25519MLKEM768")},
    ),
    ("bsi-tr-02102-2", "groups-2032"): (KEEPS, {"groups": groups("secp256r1")}),
    ("bsi-tr-02102-2", "primes"): (
        {"primes": (Prime(1 << 3000, 2),)},
        {"primes": (Prime(LONG, 2),)},
    ),
    ("bsi-tr-02102-2", "keys"): (Leaf(Key("rsa", 3000)), Leaf(Key("rsa", 2999))),
    ("bsi-tr-02102-2", "signatures"): (
        Leaf(signature=Signature("RSA", "sha256")),
        Leaf(signature=Signature("Ed25519", "")),
    ),
    ("bsi-tr-02102-2", "signatures-2026"): (
        Leaf(signature=Signature("RSA-PSS", "sha256")),
        Leaf(signature=Signature("RSA", "sha256")),
    ),
    ("pci-dss-4.0.1", "versions"): (KEEPS, {"versions": versions(Version.TLS10)}),
    ("pci-dss-4.0.1", "strength"): (
        {"suites": accept("TLS_RSA_WITH_AES_128_CBC_SHA")},
        {"suites": accept("TLS_RSA_WITH_RC4_128_SHA")},
    ),
    ("pci-dss-4.0.1", "primes"): ({"primes": (Prime(LONG, 2),)}, {"primes": (Prime(SHORT, 2),)}),
    ("pci-dss-4.0.1", "keys"): (Leaf(Key("ed25519", 256)), Leaf(Key("ec", 192, "secp192r1"))),
    ("pci-dss-4.0.1", "signatures"): (Leaf(), Leaf(signature=Signature("RSA", "sha1"))),
    ("pci-dss-4.0.1", "implementations"): ("tls-early-data", "tls-compression"),
    ("pci-dss-4.0.1", "trusted"): ("cert-expiring", "cert-expired"),
    ("cnsa-2.0", "versions"): (KEEPS, {"versions": versions(TLS12)}),
    ("cnsa-2.0", "suites"): (KEEPS, {"suites": accept("TLS_AES_128_GCM_SHA256")}),
    ("cnsa-2.0", "groups"): (KEEPS, {"groups": groups("X25519MLKEM768")}),
    ("cnsa-2.0", "hybrid"): ({"groups": groups("MLKEM1024")}, KEEPS),
    ("cnsa-2.0", "keys"): (QUANTUM, Leaf(Key("mldsa65", 15616))),
    ("cnsa-2.0", "signatures"): (QUANTUM, Leaf(signature=Signature("ECDSA", "sha384"))),
    ("cnsa-2.0", "early-data"): (KEEPS, {"early_data": 1}),
    ("cis-nginx", "redirect"): ("http-hsts-short", "http-plain-no-redirect"),
    ("cis-nginx", "trusted"): ("cert-expiring", "cert-untrusted"),
    ("cis-nginx", "versions"): (KEEPS, {"versions": versions(TLS12, TLS13)}),
    ("cis-nginx", "stapling"): (ASKED, UNSTAPLED),
    ("cis-nginx", "hsts"): (
        {"http": Http(200, "max-age=31536000; includeSubDomains")},
        {"http": Http(200, "max-age=31536000")},
    ),
    ("nginx-stig", "versions"): (KEEPS, {"versions": versions(Version.TLS11)}),
    ("nginx-stig", "keys"): (Leaf(), Leaf(Key("ec", 224, "secp224r1"))),
    ("nginx-stig", "signatures"): (Leaf(), Leaf(signature=Signature("RSA", "sha1"))),
    ("nginx-stig", "valid"): ("cert-expiring", "cert-expired"),
    ("ncsc-nl-2025", "versions"): (KEEPS, {"versions": versions(Version.TLS11)}),
    ("ncsc-nl-2025", "tls12"): (KEEPS, {"versions": versions(TLS12)}),
    ("ncsc-nl-2025", "suites"): (
        {"suites": accept("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")},
        {"suites": accept("TLS_RSA_WITH_AES_128_GCM_SHA256")},
    ),
    ("ncsc-nl-2025", "suites-phase-out"): (KEEPS, {"suites": CBC}),
    ("ncsc-nl-2025", "groups"): ({"groups": groups("ffdhe3072")}, {"groups": groups("ffdhe2048")}),
    ("ncsc-nl-2025", "groups-phase-out"): (KEEPS, {"curves": groups("secp224r1")}),
    ("ncsc-nl-2025", "primes"): (KEEPS, {"primes": (Prime(1 << 4000, 2),)}),
    ("ncsc-nl-2025", "keys"): (Leaf(Key("rsa", 2048)), Leaf(Key("rsa", 2047))),
    ("ncsc-nl-2025", "keys-phase-out"): (Leaf(Key("rsa", 3072)), Leaf(Key("rsa", 3071))),
    ("ncsc-nl-2025", "signatures"): (
        Leaf(signature=Signature("Ed25519", "")),
        Leaf(signature=Signature("RSA", "sha1")),
    ),
    ("ncsc-nl-2025", "signatures-phase-out"): (Leaf(), Leaf(signature=Signature("RSA", "sha224"))),
}

PLACE = Setting("server", "", "/etc/nginx/site", 3)
KEY = Setting("ssl_certificate_key", "/etc/nginx/key", "/etc/nginx/site", 5)


def site(**settings: str) -> Site:
    """Give a site of nginx with settings, each on a line of its own."""
    said = [Setting(name, value, "/etc/nginx/site", 9) for name, value in settings.items()]
    pair = Pair(Setting("ssl_certificate", "/etc/nginx/crt", "/etc/nginx/site", 4), KEY)
    return Site(server="nginx", place=PLACE, names=("a.example",), pairs=(pair,), settings=(*said,))


SOUND = {"ssl_protocols": "TLSv1.3", "ssl_session_timeout": "15m"}
# (profile, rule): what keeps it and what breaks it: settings of a site, or a key's mode.
FILES: dict[tuple[str, str], tuple[dict[str, str] | int, dict[str, str] | int]] = {
    ("cis-nginx", "key-file"): (0o400, 0o600),
    ("cis-nginx", "directive"): (
        {"ssl_protocols": "tlsv1.3"},
        {"ssl_protocols": "TLSv1.2 TLSv1.3"},
    ),
    ("cis-nginx", "order"): ({}, {"ssl_prefer_server_ciphers": "on"}),
    ("cis-nginx", "tickets"): ({"ssl_session_tickets": "on"}, {"ssl_session_tickets": "off"}),
    ("nginx-stig", "directive"): ({"ssl_protocols": "TLSv1.2"}, {}),
    ("nginx-stig", "key-file"): (0o600, 0o640),
    ("nginx-stig", "session-timeout"): (
        {"ssl_session_timeout": "900"},
        {"ssl_session_timeout": "1h"},
    ),
}


def subject(change: Change = KEEPS, today: datetime.date | None = TODAY) -> profiles.Subject:
    """Give MODERN with a change."""
    if isinstance(change, Leaf):
        return profiles.Subject(MODERN, [change], today)
    if isinstance(change, str):
        return profiles.Subject(MODERN, [], today, {change})
    return profiles.Subject(msgspec.structs.replace(MODERN, **change), [], today)


def broken(name: str, change: Change, today: datetime.date | None = TODAY) -> set[str]:
    """Name the rules of a profile that MODERN with a change, or with a leaf, breaks."""
    found = profiles.violations(subject(change, today), profilefile.shipped(name))
    return {fault.fact.partition("/")[2] for fault in found}


def said_of_files(name: str, change: dict[str, str] | int) -> list[Located | str]:
    """Hold a sound site with other settings, or with a key of another mode, against a profile."""
    modes = {KEY.value: change if isinstance(change, int) else 0o400}
    one = site(**(SOUND if isinstance(change, int) else change))
    return list(profiles.misconfigured(one, modes, profilefile.shipped(name), TODAY))


def broken_in_files(name: str, change: dict[str, str] | int) -> dict[str, Located]:
    """Give what breaks a profile then, by what it is."""
    said = said_of_files(name, change)
    return {one.fault.fact: one for one in said if isinstance(one, Located)}


@pytest.mark.parametrize(("name", "rule"), CASES)
def test_a_rule_is_broken_by_what_breaks_it_and_kept_by_what_keeps_it(name: str, rule: str) -> None:
    """One change decides."""
    keeps, breaks = CASES[name, rule]
    assert rule not in broken(name, keeps)
    assert rule in broken(name, breaks)


@pytest.mark.parametrize(("name", "rule"), FILES)
def test_a_rule_on_files_is_broken_by_what_breaks_it_and_kept_by_what_keeps_it(
    name: str, rule: str
) -> None:
    """One setting or mode decides; the fault stands at its line."""
    keeps, breaks = FILES[name, rule]
    fact = f"{name}/{rule}/a.example"
    assert fact not in broken_in_files(name, keeps)
    found = broken_in_files(name, breaks)[fact]
    line = 5 if isinstance(breaks, int) else 9 if breaks else 3
    assert (found.setting.path, found.setting.line) == ("/etc/nginx/site", line)


def test_every_rule_of_every_profile_is_tried() -> None:
    """A new rule needs its case."""
    shipped = {
        (name, rule.id) for name in profilefile.names() for rule in profilefile.shipped(name).rules
    }
    assert shipped == CASES.keys() | FILES.keys()


def test_checks_that_rules_name_exist() -> None:
    """A renamed check would never be found."""
    for name in profilefile.names():
        for rule in profilefile.shipped(name).rules:
            if isinstance(rule, Faultless):
                assert set(rule.checks) <= judging.known().keys()


@pytest.mark.parametrize(
    ("name", "facts", "leaf"),
    [
        ("mozilla-modern", {"groups": groups("X25519MLKEM768", "x25519")}, Leaf()),
        (
            "mozilla-intermediate",
            {"groups": groups("secp256r1")},
            Leaf(Key("ec", 384, "secp384r1")),
        ),
        ("nist-800-52r2", {"groups": groups("SecP384r1MLKEM1024", "secp384r1")}, ASKED),
        ("bsi-tr-02102-2", {}, Leaf(Key("ec", 256, "brainpoolP256r1"))),
        ("pci-dss-4.0.1", {}, Leaf()),
        ("cnsa-2.0", {"groups": groups("MLKEM1024")}, QUANTUM),
        ("cis-nginx", {}, Leaf()),
        ("nginx-stig", {}, Leaf()),
        ("ncsc-nl-2025", {}, Leaf(Key("rsa", 3072))),
    ],
)
def test_a_set_up_that_keeps_a_whole_profile_breaks_nothing(
    name: str, facts: dict[str, Any], leaf: Leaf
) -> None:
    """Every profile can be kept, and nothing of it stays open."""
    seen = profiles.Subject(msgspec.structs.replace(MODERN, **facts), [leaf], TODAY)
    assert list(profiles.violations(seen, profilefile.shipped(name))) == []
    assert list(profiles.unsettled(seen, profilefile.shipped(name))) == []


def test_a_site_that_keeps_a_profile_breaks_nothing() -> None:
    """Also in its files."""
    for name in profilefile.names():
        assert said_of_files(name, 0o400) == []


def test_a_tls12_server_passes_intermediate_and_fails_modern() -> None:
    """ECDHE with AES-GCM in TLS 1.2 is what intermediate is for."""
    rsa = Leaf(Key("rsa", 2048), Signature("RSA", "sha256"), 90 * DAY)
    seen = profiles.Subject(OLD, [rsa])
    assert list(profiles.violations(seen, profilefile.shipped("mozilla-intermediate"))) == []
    modern = profiles.violations(seen, profilefile.shipped("mozilla-modern"))
    assert {fault.fact for fault in modern} >= {"mozilla-modern/versions", "mozilla-modern/keys"}


def test_a_fault_names_the_standard_the_clause_and_what_was_seen() -> None:
    """One line says all of it, the fix says what to do, the severity is the rule's."""
    seen = subject({"versions": versions(Version.TLS10, TLS12)})
    (fault,) = profiles.violations(seen, profilefile.shipped("nginx-stig"))
    assert fault.check == "profile-violation"
    assert fault.message == "F5 NGINX STIG V1R1 (V-278381, CAT I): speaks TLS 1.0"
    assert fault.fix == "Offer nothing but TLS 1.2, TLS 1.3."
    assert fault.remedy is not None
    assert fault.remedy.kind is Kind.PROTOCOLS
    assert fault.remedy.versions == (TLS12, TLS13)
    assert fault.severity is Severity.HIGH
    assert "profile-violation" in profiles.CHECKS


def test_a_rule_is_one_fault_however_much_breaks_it() -> None:
    """The first few are named and the others counted."""
    many = [s for s in suites.known().values() if s.fits(TLS12) and not s.is_aead]
    seen = classic(suites=tuple(Accepted(TLS12, suite.code) for suite in many))
    (fault,) = [
        fault
        for fault in profiles.violations(subject(seen), profilefile.shipped("mozilla-intermediate"))
        if fault.fact.endswith("/suites")
    ]
    assert f" and {len(many) - 4} more" in fault.message
    assert len(fault.message) < 400


def test_a_clause_that_nobody_has_compared_is_said_to_be_so() -> None:
    """Wherever the rule is told of."""
    hybrid = subject({"groups": groups("X25519MLKEM768")})
    found = profiles.violations(hybrid, profilefile.shipped("cnsa-2.0"))
    said = {fault.fact: fault.message for fault in found}
    assert "clause not compared with its text" in said["cnsa-2.0/groups"]


@pytest.mark.parametrize(
    ("name", "change", "rule", "groups_kept", "suites_kept"),
    [
        ("bsi-tr-02102-2", {"groups": groups("x25519", "secp256r1")}, "groups", (23,), ()),
        ("bsi-tr-02102-2", {"groups": groups("x25519")}, "groups", (23, 24), ()),
        ("nist-800-52r2", {"groups": groups("x25519")}, "groups", (23, 29), ()),
        (
            "nist-800-52r2",
            {"suites": accept("TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")},
            "suites",
            (),
            (0x1301, 0x1302),
        ),
        (
            "mozilla-intermediate",
            classic(suites=CBC + accept("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")),
            "suites",
            (),
            (0xC030,),
        ),
        (
            "pci-dss-4.0.1",
            classic(suites=accept("TLS_RSA_WITH_RC4_128_SHA")),
            "strength",
            (),
            remedies.CIPHERS,
        ),
    ],
)
def test_what_mends_it_keeps_what_may_stay(
    name: str,
    change: dict[str, Any],
    rule: str,
    groups_kept: tuple[int, ...],
    suites_kept: tuple[int, ...],
) -> None:
    """What the server has and may keep is taken before what is usual; of TLS 1.3, both are."""
    found = profiles.violations(subject(change), profilefile.shipped(name))
    (remedy,) = [fault.remedy for fault in found if fault.fact == f"{name}/{rule}"]
    assert remedy is not None
    assert (remedy.groups, remedy.suites) == (groups_kept, suites_kept)


def test_a_real_certificate_can_be_held_against_a_profile() -> None:
    """What is read from DER answers all that rules ask."""
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "www.example.org")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + 400 * DAY)
    leaf = certificate.read(built.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))
    seen = profiles.Subject(OLD, [leaf])
    found = profiles.violations(seen, profilefile.shipped("mozilla-intermediate"))
    said = {fault.fact.partition("/")[2]: fault.message for fault in found}
    assert set(said) == {"keys", "lifetime", "lifetime-recommended"}
    assert "RSA 1024" in said["keys"]
    assert "400 days" in said["lifetime"]


@pytest.mark.parametrize(
    ("name", "rule", "change", "first"),
    [
        ("nist-800-52r2", "tls13", {"versions": versions(TLS12)}, datetime.date(2024, 1, 1)),
        (
            "bsi-tr-02102-2",
            "signatures-2026",
            Leaf(signature=Signature("RSA", "sha256")),
            datetime.date(2026, 1, 1),
        ),
        (
            "bsi-tr-02102-2",
            "suites-2027",
            {"suites": accept("TLS_DH_RSA_WITH_AES_128_GCM_SHA256")},
            datetime.date(2027, 1, 1),
        ),
        (
            "bsi-tr-02102-2",
            "suites-2030",
            {"suites": accept("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256")},
            datetime.date(2030, 1, 1),
        ),
        (
            "bsi-tr-02102-2",
            "versions-2032",
            {"versions": versions(TLS12, TLS13)},
            datetime.date(2032, 1, 1),
        ),
        (
            "bsi-tr-02102-2",
            "groups-2032",
            {"groups": groups("secp256r1")},
            datetime.date(2032, 1, 1),
        ),
    ],
)
def test_a_rule_with_a_date_holds_from_its_first_day_on(
    name: str, rule: str, change: Change, first: datetime.date
) -> None:
    """Not the day before, and not where no day is known."""
    assert rule not in broken(name, change, None)
    assert rule not in broken(name, change, first - DAY)
    assert rule in broken(name, change, first)


def test_every_rule_with_a_date_is_tried_on_its_day() -> None:
    """The table above is whole."""
    dated = [r.since for n in profilefile.names() for r in profilefile.shipped(n).rules if r.since]
    assert len(dated) == 6


def test_what_speaks_no_tls_breaks_only_rules_on_what_checks_found() -> None:
    """There is nothing else to hold against it; plain HTTP without a redirect counts."""
    silent = msgspec.structs.replace(MODERN, versions=versions())
    for name in profilefile.names():
        profile = profilefile.shipped(name)
        seen = profiles.Subject(silent, [], TODAY, {"http-plain-no-redirect"})
        facts = [fault.fact for fault in profiles.violations(seen, profile)]
        assert facts == (["cis-nginx/redirect"] if name == "cis-nginx" else [])
        assert list(profiles.unsettled(seen, profile)) == []


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
    profile = profilefile.shipped("bsi-tr-02102-2")
    seen = profiles.Subject(facts, [], datetime.date(2026, 11, 22))
    said = "\n".join(profiles.unsettled(seen, profile))
    for why in ("SSL 3", "by class only", "curves", "no certificate", "encrypt then mac"):
        assert why in said
    assert list(profiles.violations(seen, profile)) == []


def test_what_no_look_judges_is_told_apart_from_what_was_not_seen() -> None:
    """It is no gap: clauses with their reasons, and rules on files where no file was read."""
    stig = profilefile.shipped("nginx-stig")
    told = list(profiles.unjudged(stig))
    assert any("V-278407" in one for one in told)
    on_files = [one for one in told if one.endswith("no configuration of nginx was read")]
    assert len(on_files) == 3
    assert len(list(profiles.unjudged(stig, {"nginx"}))) == len(told) - 3
    assert list(profiles.unjudged(profilefile.shipped("mozilla-modern"))) == []


def test_a_key_whose_mode_is_not_known_is_not_called_kept() -> None:
    """Unseen is not clean."""
    (said,) = profiles.misconfigured(site(**SOUND), {}, profilefile.shipped("nginx-stig"))
    clause = "V-278392 and V-278410, CAT II"
    assert said == f"F5 NGINX STIG V1R1 ({clause}): the mode of /etc/nginx/key is not known"


def test_rules_on_files_are_for_one_server() -> None:
    """Another server's files break none of them."""
    other = msgspec.structs.replace(site(), server="apache")
    assert list(profiles.misconfigured(other, {}, profilefile.shipped("nginx-stig"))) == []


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        *(("15m", True), ("900", True), ("14m 60s", True), ("14m60s", True), ("0", True)),
        *(("900001ms", False), ("15m1s", False), ("1d", False), ("1M", False)),
        *(("soon", False), ("15 minutes", False), ("", False)),
    ],
)
def test_times_are_read_as_nginx_reads_them(value: str, kept: bool) -> None:  # noqa: FBT001 - a row
    """What is no time is not kept."""
    one = site(**(SOUND | {"ssl_session_timeout": value}))
    found = profiles.misconfigured(one, {KEY.value: 0o600}, profilefile.shipped("nginx-stig"))
    assert (list(found) == []) is kept


def test_every_profile_has_its_source() -> None:
    """A file is named like its profile, says where it comes from and what was read of it."""
    for name in profilefile.names():
        profile = profilefile.shipped(name)
        assert profile.id == name
        assert profile.source.startswith("https://")
        assert profile.version
        assert profile.read
