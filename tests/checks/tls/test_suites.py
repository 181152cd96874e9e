"""What a suite's name says about it, against a table and against this host's OpenSSL."""

from __future__ import annotations

import re
import subprocess

import pytest

from checks.tls import suites
from checks.tls.numbers import Version

# name: exchange, authentication, bits, and marks: a AEAD, c CBC, f forward secrecy, n anonymous,
# e export, s blocks of 64 bits
KNOWN = {
    "TLS_RSA_WITH_NULL_MD5": ("RSA", "RSA", 0, ""),
    "TLS_RSA_EXPORT_WITH_RC4_40_MD5": ("RSA", "RSA", 40, "e"),
    "TLS_RSA_WITH_RC4_128_SHA": ("RSA", "RSA", 128, ""),
    "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5": ("RSA", "RSA", 40, "ces"),
    "TLS_RSA_WITH_IDEA_CBC_SHA": ("RSA", "RSA", 128, "cs"),
    "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA": ("RSA", "RSA", 40, "ces"),
    "TLS_RSA_WITH_DES_CBC_SHA": ("RSA", "RSA", 56, "cs"),
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA": ("RSA", "RSA", 112, "cs"),
    "TLS_RSA_EXPORT1024_WITH_RC4_56_SHA": ("RSA", "RSA", 56, "e"),
    "TLS_RSA_EXPORT1024_WITH_RC2_CBC_56_MD5": ("RSA", "RSA", 56, "ces"),
    "TLS_DHE_DSS_EXPORT1024_WITH_DES_CBC_SHA": ("DHE", "DSS", 56, "cfes"),
    "TLS_DH_anon_EXPORT_WITH_RC4_40_MD5": ("DH", "anon", 40, "fne"),
    "TLS_DH_anon_WITH_AES_128_GCM_SHA256": ("DH", "anon", 128, "afn"),
    "TLS_ECDH_anon_WITH_NULL_SHA": ("ECDH", "anon", 0, "fn"),
    "TLS_DH_RSA_WITH_AES_128_CBC_SHA": ("DH", "RSA", 128, "c"),
    "TLS_ECDH_ECDSA_WITH_AES_256_GCM_SHA384": ("ECDH", "ECDSA", 256, "a"),
    "TLS_KRB5_EXPORT_WITH_RC4_40_SHA": ("KRB5", "KRB5", 40, "e"),
    "TLS_RSA_WITH_SEED_CBC_SHA": ("RSA", "RSA", 128, "c"),
    "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA": ("RSA", "RSA", 256, "c"),
    "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256": ("DHE", "RSA", 256, "cf"),
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA": ("ECDHE", "RSA", 128, "f"),
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA": ("ECDHE", "RSA", 112, "cfs"),
    "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8": ("ECDHE", "ECDSA", 128, "af"),
    "TLS_ECDHE_RSA_WITH_ARIA_256_CBC_SHA384": ("ECDHE", "RSA", 256, "cf"),
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": ("ECDHE", "RSA", 256, "af"),
    "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256": ("DHE", "PSK", 128, "af"),
    "TLS_PSK_DHE_WITH_AES_256_CCM_8": ("DHE", "PSK", 256, "af"),
    "TLS_RSA_PSK_WITH_NULL_SHA384": ("RSA", "PSK", 0, ""),
    "TLS_PSK_WITH_3DES_EDE_CBC_SHA": ("PSK", "PSK", 112, "cs"),
    "TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256": ("ECDHE", "PSK", 128, "af"),
    "TLS_SRP_SHA_WITH_AES_256_CBC_SHA": ("SRP", "SRP", 256, "c"),
    "TLS_SRP_SHA_RSA_WITH_3DES_EDE_CBC_SHA": ("SRP", "RSA", 112, "cs"),
    "TLS_ECCPWD_WITH_AES_128_GCM_SHA256": ("ECCPWD", "ECCPWD", 128, "af"),
    "TLS_GOSTR341001_WITH_28147_CNT_IMIT": ("GOSTR341001", "GOSTR341001", 256, "s"),
    "TLS_GOSTR341112_256_WITH_MAGMA_CTR_OMAC": ("GOSTR341112", "GOSTR341112", 256, "s"),
    "TLS_GOSTR341112_256_WITH_KUZNYECHIK_MGM_L": ("", "", 256, "af"),
    "TLS_AES_128_GCM_SHA256": ("", "", 128, "af"),
    "TLS_AES_128_CCM_8_SHA256": ("", "", 128, "af"),
    "TLS_CHACHA20_POLY1305_SHA256": ("", "", 256, "af"),
    "TLS_AEGIS_128L_SHA256": ("", "", 128, "af"),
    "TLS_AEGIS_256_SHA512": ("", "", 256, "af"),
    "TLS_SM4_GCM_SM3": ("", "", 128, "af"),
    "TLS_SHA384_SHA384": ("", "", 0, "f"),
}
BY_NAME = {suite.name: suite for suite in suites.known().values()}


def marks(suite: suites.Suite) -> str:
    every = {
        "a": suite.is_aead,
        "c": suite.is_cbc,
        "f": suite.has_forward_secrecy,
        "n": suite.is_anonymous,
        "e": suite.is_export,
        "s": suite.has_small_blocks,
    }
    return "".join(mark for mark, is_so in every.items() if is_so)


@pytest.mark.parametrize("name", KNOWN)
def test_a_name_says_what_the_suite_is(name: str) -> None:
    """Strength, agreement and every weakness are read off the registered name."""
    suite = BY_NAME[name]
    read = (suite.exchange, suite.authentication, suite.bits, marks(suite))
    assert read == KNOWN[name]


def _openssl(*words: str) -> list[str]:
    done = subprocess.run(
        ["openssl", "ciphers", *words, "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()


ROW = re.compile(
    r"\s*0x(?P<high>..),0x(?P<low>..) - (?P<name>\S+)\s+(?P<version>\S+)\s+Kx=(?P<exchange>\S+)"
    r"\s+Au=(?P<proof>\S+)\s+Enc=(?P<cipher>[\w/]+)(?:\((?P<bits>\d+)\))?\s+Mac=(?P<mac>\S+)"
)


def _openssl_table() -> list[tuple[suites.Suite, re.Match[str]]]:
    rows = [row for row in map(ROW.match, _openssl("-V")) if row]
    return [(suites.of(int(row["high"] + row["low"], 16)), row) for row in rows]


def test_openssl_calls_its_suites_the_same() -> None:
    """Every suite of this OpenSSL is known by OpenSSL's own name, and by the standard's."""
    table = _openssl_table()
    assert len(table) > 100
    assert {suite.code: suite.openssl for suite, _ in table} == {
        suite.code: row["name"] for suite, row in table
    }
    assert all(suites.by_openssl_name()[row["name"]] is suite for suite, row in table)
    for line in _openssl("-stdname"):
        standard, _, name, *_ = line.split()
        assert suites.by_openssl_name()[name].name == standard


def test_openssl_thinks_the_same_of_its_suites() -> None:
    """Strength, mode, anonymity and forward secrecy agree with OpenSSL's description."""
    for suite, row in _openssl_table():
        assert suite.bits == (0 if row["cipher"] == "None" else int(row["bits"])), suite.name
        assert suite.is_aead == (row["mac"] == "AEAD"), suite.name
        assert suite.is_anonymous == (row["proof"] == "None" and row["exchange"] != "SRP")
        ephemeral = row["exchange"] in {"any", "DH", "ECDH", "DHEPSK", "ECDHEPSK"}
        assert suite.has_forward_secrecy == ephemeral, suite.name
        assert suite.is_tls13 == (row["version"] == "TLSv1.3")
        assert suite.fits(Version.TLS12) == (row["version"] != "TLSv1.3")
        if "PSK" not in suite.name:  # RFC 5487 3 lets those with CBC and SHA-2 go below TLS 1.2
            assert suite.fits(Version.TLS11) == (row["version"] in {"SSLv3", "TLSv1"})


def test_codes_and_names_are_unique() -> None:
    """No two rows of the table are about the same suite."""
    known = suites.known()
    assert len({suite.name for suite in known.values()}) == len(known)
    assert all(suite.code == code for code, suite in known.items())
    named = [suite.openssl for suite in known.values() if suite.openssl]
    assert len(set(named)) == len(named)


def test_every_suite_has_a_strength_and_a_place() -> None:
    """Nothing registered falls through: bits are of a known size, some version negotiates it."""
    for suite in suites.known().values():
        assert suite.bits in {0, 40, 56, 112, 128, 256}
        assert suite.fits(Version.TLS12) != suite.fits(Version.TLS13)
        assert not suite.fits(Version.SSL2)
        assert not suite.fits(Version.SSL3) or suite.fits(Version.TLS11)


def test_an_unknown_suite_is_named_by_its_number() -> None:
    """A number that nobody registered does not raise, and is no AEAD and not forward secret."""
    unknown = suites.of(0xFAFA)
    assert unknown.name == "TLS_UNKNOWN_WITH_FAFA"
    assert not unknown.is_aead
    assert not unknown.has_forward_secrecy
    assert not unknown.is_tls13
