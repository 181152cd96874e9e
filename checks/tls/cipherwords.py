"""What the keywords of OpenSSL's cipher strings select: traits of suites, and who has which.

Compared with what OpenSSL 3.0.19, 3.5 and 4.0 make of the same strings; openssl-ciphers(1).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.tls import suites

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.tls.suites import Suite

LEVELS: Final = {0: 0, 1: 80, 2: 112, 3: 128, 4: 192, 5: 256}
"""The bits of security that each SECLEVEL wants at least (SSL_CTX_set_security_level(3))."""


class Build(NamedTuple):
    """An OpenSSL as far as cipher strings go. weak: built with enable-weak-ssl-ciphers."""

    version: tuple[int, int] = (3, 0)
    weak: bool = False


class _Traits(NamedTuple):
    """What keywords select by; strength: several words between blanks."""

    exchange: str
    authentication: str
    cipher: str
    mac: str
    least: str
    strength: str
    default: str


_DIMENSION: Final = {name: index for index, name in enumerate(_Traits._fields)}
_OF_NAMES: Final = ("exchange", "authentication", "cipher", "mac", "strength")
"""What the name of a suite adds to the words that it is joined with."""
_PSK: Final = ("PSK", "RSAPSK", "DHEPSK", "ECDHEPSK")
_PROVEN: Final = ("RSA", "ECDSA", "DSS", "PSK", "SRP")
_AES128: Final = ("AES128", "AES128GCM", "AES128CCM", "AES128CCM8")
_AES256: Final = ("AES256", "AES256GCM", "AES256CCM", "AES256CCM8")
_CCM8: Final = ("AES128CCM8", "AES256CCM8")
_CCM: Final = ("AES128CCM", "AES256CCM", *_CCM8)
_ARIA: Final = ("ARIA128GCM", "ARIA256GCM")
_CAMELLIA: Final = ("CAMELLIA128", "CAMELLIA256")
_FIPS: Final = ("AES128", "AES128GCM", "AES256", "AES256GCM", "3DES")
_MEDIUM: Final = ("RC4", "3DES", "SEED", "IDEA")
_CBC: Final = ("AES128", "AES256", *_CAMELLIA, "SEED", "IDEA", "3DES")
_SECRET: Final = (*_AES128, *_AES256, *_ARIA, *_CAMELLIA, "CHACHA20", "SEED", "IDEA", "3DES", "RC4")
_LEGACY: Final = {"RC4": (1, 1), "SEED": (1, 1), "IDEA": (1, 1)}
"""Ciphers that moved to a provider which is not loaded, with the last series that has them."""
_WEAK: Final = ("RC4", "3DES")
_SERIES: Final = {
    "CBC": ((3, 0), (99, 0)),
    "FIPS": ((1, 1), (3, 99)),
    "SSLv3": ((1, 1), (3, 99)),
}
"""Keywords that are not known to all releases: the first and the last that know them."""

_RULES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "ALL": {"cipher": _SECRET},
    "COMPLEMENTOFALL": {"cipher": ("NULL",)},
    "COMPLEMENTOFDEFAULT": {"default": ("no",)},
    "kRSA": {"exchange": ("RSA",)},
    "kDHE": {"exchange": ("DHE",)},
    "kEDH": {"exchange": ("DHE",)},
    "DH": {"exchange": ("DHE",)},
    "kECDHE": {"exchange": ("ECDHE",)},
    "kEECDH": {"exchange": ("ECDHE",)},
    "ECDH": {"exchange": ("ECDHE",)},
    "kPSK": {"exchange": ("PSK",)},
    "kRSAPSK": {"exchange": ("RSAPSK",)},
    "kDHEPSK": {"exchange": ("DHEPSK",)},
    "kECDHEPSK": {"exchange": ("ECDHEPSK",)},
    "PSK": {"exchange": _PSK},
    "SRP": {"exchange": ("SRP",)},
    "kSRP": {"exchange": ("SRP",)},
    "aRSA": {"authentication": ("RSA",)},
    "aDSS": {"authentication": ("DSS",)},
    "DSS": {"authentication": ("DSS",)},
    "aNULL": {"authentication": ("NULL",)},
    "aECDSA": {"authentication": ("ECDSA",)},
    "ECDSA": {"authentication": ("ECDSA",)},
    "aPSK": {"authentication": ("PSK",)},
    "aSRP": {"authentication": ("SRP",)},
    "EDH": {"exchange": ("DHE",), "authentication": _PROVEN},
    "DHE": {"exchange": ("DHE",), "authentication": _PROVEN},
    "EECDH": {"exchange": ("ECDHE",), "authentication": _PROVEN},
    "ECDHE": {"exchange": ("ECDHE",), "authentication": _PROVEN},
    "RSA": {"exchange": ("RSA",), "authentication": ("RSA",)},
    "ADH": {"exchange": ("DHE",), "authentication": ("NULL",)},
    "AECDH": {"exchange": ("ECDHE",), "authentication": ("NULL",)},
    "eNULL": {"cipher": ("NULL",)},
    "NULL": {"cipher": ("NULL",)},
    "3DES": {"cipher": ("3DES",)},
    "RC4": {"cipher": ("RC4",)},
    "IDEA": {"cipher": ("IDEA",)},
    "SEED": {"cipher": ("SEED",)},
    "AES": {"cipher": (*_AES128, *_AES256)},
    "AES128": {"cipher": _AES128},
    "AES256": {"cipher": _AES256},
    "AESGCM": {"cipher": ("AES128GCM", "AES256GCM")},
    "AESCCM": {"cipher": _CCM},
    "AESCCM8": {"cipher": _CCM8},
    "CAMELLIA": {"cipher": _CAMELLIA},
    "CAMELLIA128": {"cipher": ("CAMELLIA128",)},
    "CAMELLIA256": {"cipher": ("CAMELLIA256",)},
    "CHACHA20": {"cipher": ("CHACHA20",)},
    "ARIA": {"cipher": _ARIA},
    "ARIAGCM": {"cipher": _ARIA},
    "ARIA128": {"cipher": ("ARIA128GCM",)},
    "ARIA256": {"cipher": ("ARIA256GCM",)},
    "CBC": {"cipher": _CBC},
    "MD5": {"mac": ("MD5",)},
    "SHA": {"mac": ("SHA1",)},
    "SHA1": {"mac": ("SHA1",)},
    "SHA256": {"mac": ("SHA256",)},
    "SHA384": {"mac": ("SHA384",)},
    "SSLv3": {"least": ("SSLv3",)},
    "TLSv1": {"least": ("TLSv1",)},
    "TLSv1.0": {"least": ("TLSv1",)},
    "TLSv1.2": {"least": ("TLSv1.2",)},
    "LOW": {"strength": ("LOW",)},
    "MEDIUM": {"strength": ("MEDIUM",)},
    "HIGH": {"strength": ("HIGH",)},
    "FIPS": {"strength": ("FIPS",), "cipher": _SECRET},
}


class Present(NamedTuple):
    """The suites that a build has below TLS 1.3: traits by code, codes by the names it takes."""

    traits: Mapping[int, _Traits]
    names: Mapping[str, int]


@cache
def present(build: Build) -> Present:
    """Give the suites of a build."""
    found = {
        suite.code: _in_series(traits, build)
        for suite in suites.by_openssl_name().values()
        if (traits := _traits(suite)) and _is_built(traits.cipher, build)
    }
    names = {suites.of(code).openssl: code for code in found}
    if build.version >= (3, 2):
        names |= {suites.of(code).name: code for code in found}
    return Present(found, names)


def _in_series(traits: _Traits, build: Build) -> _Traits:
    # CHANGES of 3.2: CCM8 suites have short tags and count as 64 bits since.
    short = traits.cipher in _CCM8 and build.version >= (3, 2)
    return traits._replace(strength="MEDIUM") if short else traits


def _is_rule(word: str, build: Build) -> bool:
    first, last = _SERIES.get(word, ((0, 0), (99, 0)))
    return word in _RULES and first <= build.version <= last


def _is_built(cipher: str, build: Build) -> bool:
    last = _LEGACY.get(cipher)
    if last and build.version > last:
        return False
    return build.weak or cipher not in _WEAK


class Pattern:
    """Words that "+" joins, met word by word: a suite has to fit all of them."""

    def __init__(self, build: Build) -> None:
        self._build = build
        self._present = present(build)
        self._wanted: dict[str, frozenset[str]] = {}
        self._code: int | None = None
        self.holds = True

    def join(self, word: str) -> bool:
        """Add a word; False where it is unknown or excludes those before, which ends the item."""
        code = self._present.names.get(word)
        rule = _RULES[word] if _is_rule(word, self._build) else None
        if code is not None:
            self._code = code
            values = self._present.traits[code]._asdict().items()
            rule = {name: tuple(value.split()) for name, value in values if name in _OF_NAMES}
        elif rule is None:
            self.holds = False
            return False
        if "strength" in rule and "strength" not in self._wanted:
            # OpenSSL keeps both in one field: the first strength overwrites "not a default".
            self._wanted.pop("default", None)
        for name, allowed in rule.items():
            both = self._wanted.get(name, frozenset(allowed)) & frozenset(allowed)
            self._wanted[name] = both
            self.holds = self.holds and bool(both)
        return self.holds

    def suites(self) -> set[int]:
        """Give the suites that fit; none where the words exclude one another."""
        if not self.holds:
            return set()
        traits = self._present.traits
        codes = traits if self._code is None else [self._code]
        tests = [(_DIMENSION[name], allowed) for name, allowed in self._wanted.items()]
        return {code for code in codes if all(ok & {*traits[code][i].split()} for i, ok in tests)}


def permitted(code: int, level: int, build: Build) -> bool:
    """Say whether a SECLEVEL lets a suite through; at 0 all pass, and those of TLS 1.3 here."""
    traits = present(build).traits.get(code)
    if level == 0 or traits is None:
        return True
    if traits.authentication == "NULL" or traits.mac == "MD5" or _bits(traits) < LEVELS[level]:
        return False
    if level >= 2 and traits.cipher == "RC4":
        return False
    if level >= 3 and traits.exchange not in {"DHE", "ECDHE", "DHEPSK", "ECDHEPSK"}:
        return False
    return not (level >= 4 and traits.mac == "SHA1")


@cache
def _traits(suite: Suite) -> _Traits | None:
    """Say what a suite is selected by; None for one of TLS 1.3, or that OpenSSL 1.1.1 dropped."""
    exchange, authentication = _agreement(suite)
    cipher, mac = _cipher(suite), _mac(suite)
    if not exchange or cipher not in {*_SECRET, "NULL"}:
        return None
    odd = cipher in {*_CCM, *_ARIA, *_CAMELLIA, *_MEDIUM} or authentication in {"NULL", "DSS"}
    default = "no" if odd and cipher != "NULL" else "yes"
    strength, least = _strength(exchange, cipher), _least(exchange, mac)
    return _Traits(exchange, authentication, cipher, mac, least, strength, default)


def _strength(exchange: str, cipher: str) -> str:
    if cipher == "NULL":
        return "NONE FIPS"
    strength = "MEDIUM" if cipher in _MEDIUM else "HIGH"
    return f"{strength} FIPS" if cipher in _FIPS and exchange != "SRP" else strength


def _agreement(suite: Suite) -> tuple[str, str]:
    """Give key exchange and authentication as OpenSSL tells them apart; "" for none of its own."""
    if suite.is_tls13 or suite.is_export:
        return "", ""
    exchange, authentication = suite.exchange, suite.authentication
    if suite.is_anonymous:
        return {"DH": "DHE", "ECDH": "ECDHE"}.get(exchange, ""), "NULL"
    if exchange == "SRP":
        return "SRP", authentication if authentication in {"RSA", "DSS"} else "SRP"
    if authentication == "PSK" and exchange != "PSK":
        kind = f"{exchange}PSK"
        return (kind if kind in _PSK else ""), "RSA" if exchange == "RSA" else "PSK"
    return (exchange if exchange in {"RSA", "DHE", "ECDHE", "PSK"} else ""), authentication


def _cipher(suite: Suite) -> str:
    name = suite.cipher.removesuffix("_CBC").removesuffix("_EDE")
    if name.startswith(("CHACHA20", "RC4")):
        return name.partition("_")[0]
    return name.replace("_", "") if name != "DES" else ""


def _mac(suite: Suite) -> str:
    if suite.is_aead:
        return "AEAD"
    last = suite.name.rpartition("_")[2]
    return "SHA1" if last == "SHA" else last


def _least(exchange: str, mac: str) -> str:
    """Give the least version as OpenSSL notes it: PSK with SHA-2 under CBC is one of TLS 1.0."""
    modern = mac in {"SHA256", "SHA384"}
    if mac == "AEAD" or (modern and "PSK" not in exchange):
        return "TLSv1.2"
    return "TLSv1" if modern or exchange.startswith("ECDHE") else "SSLv3"


def _bits(traits: _Traits) -> int:
    if traits.cipher in {"NULL", "3DES"}:
        return 0 if traits.cipher == "NULL" else LEVELS[2]
    if traits.cipher in _CCM8 and "MEDIUM" in traits.strength:
        return 64
    return 256 if "256" in traits.cipher or traits.cipher == "CHACHA20" else 128
