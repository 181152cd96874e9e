"""Cipher strings, as OpenSSL itself expands them."""

from __future__ import annotations

import random
import shutil
import subprocess
import time

import pytest

from checks.errors import LimitError
from checks.tls import suites
from checks.tls.cipherlist import expand, level_of, named
from checks.tls.cipherwords import Build, permitted, present

BUILD = Build((3, 0))
STRINGS = (
    "DEFAULT",
    "DEFAULT@SECLEVEL=0",
    "DEFAULT:!SHA1",
    "DEFAULT:@SECLEVEL=3",
    "AES128-SHA:DEFAULT",
    "ALL",
    "ALL:!COMPLEMENTOFDEFAULT:!eNULL",
    "ALL:COMPLEMENTOFALL:@SECLEVEL=0",
    "ALL:-SHA:SHA",
    "ALL:!SHA:SHA",
    "ALL:!ADH:RC4+RSA:+HIGH:+MEDIUM",
    "COMPLEMENTOFDEFAULT:@SECLEVEL=0",
    "COMPLEMENTOFDEFAULT+HIGH",
    "HIGH",
    "HIGH!aNULL",
    "HIGH:!aNULL:!MD5",
    "HIGH:MEDIUM:+3DES:!aNULL",
    "HIGH:@STRENGTH:!kRSA",
    "HIGH+COMPLEMENTOFDEFAULT:@SECLEVEL=0",
    "MEDIUM:@SECLEVEL=0",
    "LOW:AES128-SHA",
    "FIPS",
    "kRSA",
    "aRSA+AESGCM",
    "kDHE:kECDHE",
    "EECDH+AESGCM:EDH+AESGCM",
    "ECDHE+AESGCM:CHACHA20",
    "ECDHE+aNULL:AES256-SHA",
    "ADH:AECDH:@SECLEVEL=0",
    "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH:!eNULL",
    "aDSS:@SECLEVEL=0",
    "DSS+AES",
    "ECDSA",
    "DH",
    "ECDH",
    "RSA",
    "AES",
    "AES128:AES256",
    "AESCCM",
    "AESCCM8:@SECLEVEL=1",
    "CAMELLIA",
    "ARIA:!kRSA",
    "CBC",
    "SHA256",
    "SHA384:SHA",
    "MD5:@SECLEVEL=0",
    "eNULL:@SECLEVEL=0",
    "eNULL:AES128-SHA",
    "TLSv1.2",
    "TLSv1.0",
    "SSLv3:@SECLEVEL=0",
    "SUITEB128",
    "SUITEB128ONLY",
    "SUITEB192",
    "@SECLEVEL=4:ALL",
    "@SECLEVEL=5:ALL",
    "HIGH, AES;SHA384",
    "AES128+AES256!SHA:CHACHA20",
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384",
    "RC4-SHA:DES-CBC3-SHA:AES256-SHA",
    "NOSUCH+AES:AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-SHA+kRSA:AES128-SHA",
    "PSK:SRP:AES128-SHA",
    "ALL:!PSK:!SRP",
    "ALL:!COMPLEMENTOFALL",
)
REFUSED = ("HIGH:@NOSUCH", "HIGH:+", "AES+", "AES_128", "HIGH:@SECLEVEL=9", "!ALL", "")


def test_sets_are_those_of_openssl_3_0() -> None:
    """Every string gives the suites that `openssl ciphers -s` prints, no more and no less."""
    assert len(STRINGS) > 60
    for text in STRINGS:
        assert _ours(text) == _printed(text), text


def test_strings_made_by_chance_are_read_alike() -> None:
    """Keywords and names in any order, with any operators, at any SECLEVEL."""
    chance = random.Random(7)
    words = [word for text in STRINGS for word in text.replace("+", ":").split(":")]
    words = [word for word in words if word.isalnum()] + list(present(BUILD).names)
    for _ in range(60):
        joined = ["+".join(chance.choices(words, k=chance.choice([1, 1, 2, 3]))) for _ in range(4)]
        text = ":" + ":".join(chance.choice(["", "", "!", "-", "+"]) + one for one in joined)
        text += f":@SECLEVEL={chance.randrange(6)}"
        assert _ours(text) == _printed(text), text


@pytest.mark.parametrize("text", REFUSED)
def test_what_openssl_refuses_switches_nothing_on(text: str) -> None:
    """An operator without a word, an unknown command, and nothing at all."""
    assert _printed(text) is None
    choice = expand(text, BUILD)
    assert not choice.valid or not choice.suites


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("DEFAULT", None),
        ("DEFAULT@SECLEVEL=0", 0),
        ("HIGH:@SECLEVEL=2:@SECLEVEL=1", 1),
        ("@SECLEVEL=3", 3),
        ("HIGH@SECLEVEL=1", 1),
        ("HIGH:@SECLEVEL=7", None),
        ("NOSUCH@SECLEVEL=1", None),
        ("A" * 20_000, None),
    ],
)
def test_the_level_is_the_last_one(text: str, level: int | None) -> None:
    """It may stand anywhere, but not behind a word that OpenSSL does not know."""
    assert level_of(text) == level


def test_releases_differ() -> None:
    """SEED is gone from 3.0, IANA's names came with 3.2, FIPS and SSLv3 went with 4.0."""
    seed, iana = "SEED", "TLS_RSA_WITH_AES_128_CBC_SHA"
    assert expand(seed, Build((1, 1))).suites
    assert not expand(seed, BUILD).suites
    assert expand(iana, Build((3, 5))).suites == {0x2F}
    assert not expand(iana, BUILD).suites
    assert expand("FIPS", Build((3, 5))).suites
    assert not expand("FIPS", Build((4, 0))).suites
    assert expand("DES-CBC3-SHA", Build((3, 0), weak=True)).suites == {0x0A}
    assert not expand("DES-CBC3-SHA", BUILD).suites


def test_short_tags_are_weak_since_3_2() -> None:
    """A CCM8 suite counts as 64 bits there, which no SECLEVEL but 0 lets through."""
    (ccm8,) = expand("AES128-CCM8", BUILD).suites
    assert permitted(ccm8, 2, BUILD)
    assert not permitted(ccm8, 1, Build((3, 5)))
    assert permitted(ccm8, 0, Build((3, 5)))


def test_names_that_are_added_are_told() -> None:
    """Those that OpenSSL lacks as well, but none that is taken away or joined."""
    text = "RC4-SHA:!DES-CBC3-SHA:HIGH:AES128-SHA+kRSA"
    assert [suites.of(code).openssl for code in named(text)] == ["RC4-SHA"]


def test_long_strings_end_soon() -> None:
    """The longest string that is read takes little time, a longer one is refused."""
    start = time.monotonic()
    expand("A+" * 8_000, BUILD)
    expand("AES+" * 4_000 + "SHA", BUILD)
    expand("!ALL:ALL:" * 1_800, BUILD)
    assert time.monotonic() - start < 5
    with pytest.raises(LimitError):
        expand("A" * 20_000, BUILD)


def _ours(text: str) -> set[str] | None:
    """Give the suites without those that need a secret or password beforehand, as -s does."""
    choice = expand(text, BUILD)
    level = 2 if choice.level is None else choice.level
    names = [suites.of(code).openssl for code in choice.suites if permitted(code, level, BUILD)]
    kept = {name for name in names if "PSK" not in name and "SRP" not in name}
    return kept if choice.valid and choice.suites else None


def _printed(text: str) -> set[str] | None:
    program = shutil.which("openssl")
    assert program, "the tests need OpenSSL 3.0"
    command = [program, "ciphers", "-s", "-v", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    rows = [line.split() for line in done.stdout.splitlines()]
    return {row[0] for row in rows if row[1] != "TLSv1.3"}
