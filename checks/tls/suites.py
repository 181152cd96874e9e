"""The cipher suites of TLS: what each one's name says about its strength."""

from __future__ import annotations

from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from checks import packaged
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Mapping

_BITS: Final = {
    "3DES": 112,
    "DES40": 40,
    "DES": 56,
    "RC2": 40,
    "IDEA": 128,
    "SEED": 128,
    "SM4": 128,
}
_WIDTHS: Final = {"40", "56", "128", "128L", "256"}
_SMALL_BLOCKS: Final = ("3DES", "DES", "DES40", "IDEA", "RC2", "28147", "MAGMA")
_AEAD: Final = ("AEGIS", "CCM", "GCM", "MGM", "POLY1305")
_EPHEMERAL: Final = ("DHE", "ECCPWD", "ECDHE")
_INTEGRITY_ONLY: Final = ("SHA256", "SHA384")
"""RFC 9150: suites of TLS 1.3 that encrypt nothing are named for their digest alone."""
_KEPT: Final = 1024
"""Names that are taken apart once; there are 400, and each of them is asked for again and again."""


class Suite(NamedTuple):
    """One suite. code: its number; name: IANA's; openssl: OpenSSL's name or ""."""

    code: int
    name: str
    openssl: str

    @property
    def is_tls13(self) -> bool:
        """A suite of TLS 1.3 names no key exchange; but for RFC 9367's, by their mode MGM."""
        return "_WITH_" not in self.name or "_MGM_" in self.name

    @property
    def exchange(self) -> str:
        """How keys are agreed: "ECDHE", "DHE", "RSA", "ECDH", "DH", "PSK" ...; "" in TLS 1.3."""
        return "" if self.is_tls13 else _agreement(self.name)[0]

    @property
    def authentication(self) -> str:
        """What the server proves itself by: "RSA", "ECDSA", "DSS", "PSK", "anon"; "" in TLS 1.3."""
        return "" if self.is_tls13 else _agreement(self.name)[-1]

    @property
    def cipher(self) -> str:
        """Cipher and mode: "AES_128_GCM", "RC4_128", "NULL"."""
        return _cipher(self.name)

    @property
    def bits(self) -> int:
        """Effective strength of the cipher in bits."""
        words = self.cipher.split("_")
        if "NULL" in words or words[0] in _INTEGRITY_ONLY:
            return 0
        if words[0] in _BITS:
            return next((int(w) for w in words if w in {"40", "56"}), _BITS[words[0]])
        return next((int(word.rstrip("L")) for word in words if word in _WIDTHS), 256)

    @property
    def is_aead(self) -> bool:
        """Encryption and authentication are one."""
        return any(mode in self.name for mode in _AEAD)

    @property
    def is_cbc(self) -> bool:
        """A block cipher in CBC mode with a MAC under it."""
        return "_CBC" in self.cipher

    @property
    def is_anonymous(self) -> bool:
        """Nobody proves anything: whoever sits between reads along."""
        return "anon" in self.authentication

    @property
    def is_export(self) -> bool:
        """A suite weakened for the export rules of the nineties."""
        return "_EXPORT" in self.name

    @property
    def has_small_blocks(self) -> bool:
        """Blocks of 64 bits, which repeat within gigabytes (CVE-2016-2183)."""
        return self.cipher.split("_")[0] in _SMALL_BLOCKS

    @property
    def has_forward_secrecy(self) -> bool:
        """A key that is lost later does not open what was recorded; nor is there one to lose.

        Without a certificate the agreement is ephemeral (RFC 5246 7.4.3).
        """
        return self.is_tls13 or self.is_anonymous or self.exchange in _EPHEMERAL

    def fits(self, version: Version) -> bool:
        """Say whether a version can negotiate it (RFC 5246 A.5, RFC 8446 B.4)."""
        if version is Version.TLS13 or self.is_tls13:
            return version is Version.TLS13 and self.is_tls13
        if version is Version.SSL2:
            return False
        modern = self.is_aead or self.name.endswith(("_SHA256", "_SHA384", "_OMAC"))
        return version is Version.TLS12 or not modern


@lru_cache(maxsize=_KEPT)
def _agreement(name: str) -> tuple[str, ...]:
    """Take apart what a suite's name says before its cipher."""
    parts = tuple(
        part
        for part in name.partition("_WITH_")[0].split("_")[1:]
        if not part.startswith("EXPORT") and not part.isdigit()
    )
    if parts == ("PSK", "DHE"):  # RFC 6655 turns two names around
        return parts[::-1]
    return tuple(part for part in parts if part != "SHA")  # of SRP_SHA


@lru_cache(maxsize=_KEPT)
def _cipher(name: str) -> str:
    tail = name.removeprefix("TLS_").rpartition("WITH_")[2]
    if tail.endswith(("_CCM", "_CCM_8")):
        return tail
    return tail.rpartition("_MGM_")[0] + "_MGM" if "_MGM_" in tail else tail.rpartition("_")[0]


def _read() -> dict[int, Suite]:
    text = packaged.text(__package__, "suites.tsv")
    rows = (row.split("\t") for row in text.splitlines())
    return {int(row[0], 16): Suite(int(row[0], 16), *[*row[1:], ""][:2]) for row in rows}


@cache
def known() -> Mapping[int, Suite]:
    """Give every suite by its code."""
    return MappingProxyType(_read())


@cache
def by_name() -> Mapping[str, Suite]:
    """Give every suite by IANA's name."""
    return MappingProxyType({suite.name: suite for suite in known().values()})


@cache
def by_openssl_name() -> Mapping[str, Suite]:
    """Give the suites that OpenSSL has a name for, by that name."""
    return MappingProxyType({s.openssl: s for s in known().values() if s.openssl})


def of(code: int) -> Suite:
    """Give a suite by its code; one that nobody registered is named by its number."""
    return known().get(code) or Suite(code, f"TLS_UNKNOWN_WITH_{code:04X}", "")
