"""What Postfix's parameters mean for TLS: level, protocols, suites, certificates.

https://www.postfix.org/postconf.5.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats.textlines import folded, numbered
from checks.lazy import regex
from checks.tls.config import Ineffective, Pair, Setting
from checks.tls.numbers import Version
from checks.tls.syntax import sslconf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from checks.tls.syntax.postfix import Values
    from checks.tls.syntax.reading import Reading

OFFERED: Final = "may"
ENFORCED: Final = "encrypt"
WRAPPED: Final = "wrapped"
DEMANDED: Final = (ENFORCED, WRAPPED)

DEFAULTS: Final = {
    "inet_interfaces": "all",
    "smtpd_enforce_tls": "no",
    "smtpd_tls_ciphers": "medium",
    "smtpd_tls_dkey_file": "$smtpd_tls_dcert_file",
    "smtpd_tls_eckey_file": "$smtpd_tls_eccert_file",
    "smtpd_tls_eecdh_grade": "auto",
    "smtpd_tls_key_file": "$smtpd_tls_cert_file",
    "smtpd_tls_mandatory_ciphers": "medium",
    "smtpd_tls_mandatory_protocols": ">=TLSv1",
    "smtpd_tls_protocols": ">=TLSv1",
    "smtpd_tls_wrappermode": "no",
    "smtpd_use_tls": "no",
    "tls_export_cipherlist": "aNULL:-aNULL:HIGH:MEDIUM:LOW:EXPORT:+RC4:@STRENGTH",
    "tls_high_cipherlist": "aNULL:-aNULL:HIGH:@STRENGTH",
    "tls_low_cipherlist": "aNULL:-aNULL:HIGH:MEDIUM:LOW:+RC4:@STRENGTH",
    "tls_medium_cipherlist": "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH",
    "tls_null_cipherlist": "eNULL:!aNULL",
    "tls_eecdh_strong_curve": "prime256v1",
    "tls_eecdh_ultra_curve": "secp384r1",
    "default_database_type": "hash",
}
"""Defaults of release 3.7, as `postconf -d` prints them; the rest are empty."""
_TAKEN: Final = (
    "smtpd_enforce_tls", "smtpd_tls_CAfile", "smtpd_tls_CApath", "smtpd_tls_ask_ccert",
    "smtpd_tls_cert_file", "smtpd_tls_chain_files", "smtpd_tls_ciphers", "smtpd_tls_dcert_file",
    "smtpd_tls_dh1024_param_file", "smtpd_tls_dh512_param_file", "smtpd_tls_dkey_file",
    "smtpd_tls_eccert_file", "smtpd_tls_eckey_file", "smtpd_tls_eecdh_grade",
    "smtpd_tls_exclude_ciphers", "smtpd_tls_key_file", "smtpd_tls_mandatory_ciphers",
    "smtpd_tls_mandatory_exclude_ciphers", "smtpd_tls_mandatory_protocols", "smtpd_tls_protocols",
    "smtpd_tls_req_ccert", "smtpd_tls_security_level", "smtpd_tls_wrappermode", "smtpd_use_tls",
    "tls_config_file", "tls_config_name", "tls_disable_workarounds", "tls_eecdh_auto_curves",
    "tls_eecdh_strong_curve", "tls_eecdh_ultra_curve", "tls_export_cipherlist",
    "tls_ffdhe_auto_groups", "tls_high_cipherlist", "tls_low_cipherlist", "tls_medium_cipherlist",
    "tls_null_cipherlist", "tls_preempt_cipherlist", "tls_server_sni_maps", "tls_ssl_options",
)  # fmt: skip
_BY_LEVEL: Final = ("ciphers", "protocols")
"""Parameters of which there are two, one for TLS that is offered and one where it is demanded."""
_KINDS: Final = ("", "d", "ec")
_KNOWN: Final = tuple(version for version in Version if version is not Version.SSL2)
_BETWEEN: Final = regex(r"[\s,:]++")
_SOURCE: Final = regex(r"([a-z]++):(/\S++)\Z")
_TEXT_MAPS: Final = ("hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash")
_MOST_NAMES: Final = 1_000
_MOST_CHAIN: Final = 64


def level(values: Values) -> str | None:
    """Say whether a service offers TLS, demands it or begins in it; None where it has none."""
    if _is_yes(values.value("smtpd_tls_wrappermode")):
        return WRAPPED
    word = values.value("smtpd_tls_security_level").lower()
    if word:
        return {"none": None, "may": OFFERED}.get(word, ENFORCED)
    if _is_yes(values.value("smtpd_enforce_tls")):
        return ENFORCED
    return OFFERED if _is_yes(values.value("smtpd_use_tls")) else None


def _is_yes(value: str) -> bool:
    return value.lower() == "yes"


def _named(kind: str, level: str) -> str:
    return f"smtpd_tls_{'mandatory_' if level in DEMANDED else ''}{kind}"


def protocols(values: Values, level: str) -> tuple[tuple[Version, ...] | None, list[Ineffective]]:
    """Give the versions switched on, None for the default; a list that Postfix cannot read."""
    setting = values.setting(_named("protocols", level))
    if setting is None:
        return None, []
    allowed = _versions(setting.value)
    if allowed is None:
        reason = "Postfix cannot read the list and switches TLS off"
        return (), [Ineffective(setting, reason)]
    return allowed, []


def _versions(text: str) -> tuple[Version, ...] | None:
    """Read `!SSLv3, TLSv1.2`, `>=TLSv1.2, <=0304`: exclusions, a choice, or bounds."""
    low, high = Version.SSL3, Version.TLS13
    chosen: set[Version] = set()
    refused: set[Version] = set()
    for word in filter(None, _BETWEEN.split(text)):
        name = word.lstrip("<>=!")
        version = _bound(name) if word[0] in "<>" else sslconf.VERSIONS.get(name.lower())
        if version is None:
            return None
        if word.startswith(">="):
            low = version
        elif word.startswith("<="):
            high = version
        else:
            (refused if word[0] == "!" else chosen).add(version)
    return tuple(
        version
        for version in _KNOWN
        if low <= version <= high and version not in refused and (not chosen or version in chosen)
    )


def _bound(name: str) -> Version | None:
    """Read a bound: a name or the version's number in hexadecimal digits."""
    known = sslconf.VERSIONS.get(name.lower())
    digits = name.lower().removeprefix("0x")
    if known or not re.fullmatch("[0-9a-f]{4}", digits):
        return known
    number = int(digits, 16)
    return next((version for version in Version if version == number), None)


def ciphers(values: Values, level: str) -> Setting | None:
    """Put the cipher list together from grade, list and exclusions; None for all defaults."""
    grade_name = _named("ciphers", level)
    list_name = f"tls_{values.value(grade_name).lower()}_cipherlist"
    without = ["smtpd_tls_exclude_ciphers"]
    without += ["smtpd_tls_mandatory_exclude_ciphers"] if level in DEMANDED else []
    names = (*without, grade_name, list_name)
    place = next((setting for name in names if (setting := values.setting(name))), None)
    if place is None:
        return None
    text = values.value(list_name)
    excluded = [word for name in without for word in _BETWEEN.split(values.value(name)) if word]
    if "null" not in list_name:
        excluded.append("eNULL")
    return Setting(place.name, ":!".join([text, *excluded]), place.path, place.line)


def groups(values: Values) -> Setting | None:
    """Give the curves where they are set: by name, or by a grade that means one curve."""
    grade = values.setting("smtpd_tls_eecdh_grade")
    word = grade.value.lower() if grade else "auto"
    if grade and word in {"strong", "ultra"}:
        return Setting(grade.name, values.value(f"tls_eecdh_{word}_curve"), grade.path, grade.line)
    curves = values.setting("tls_eecdh_auto_curves") if word == "auto" else None
    return curves if curves and curves.value else None


def dh_file(values: Values) -> Setting | None:
    """Give the file of Diffie-Hellman parameters; the words auto and none name no file."""
    setting = values.setting("smtpd_tls_dh1024_param_file")
    return setting if setting and setting.value.startswith("/") else None


def settings(values: Values, level: str) -> tuple[Setting, ...]:
    """Give all parameters that bear on TLS, are set and count at a level."""
    idle = {_named(kind, OFFERED if level in DEMANDED else ENFORCED) for kind in _BY_LEVEL}
    names = (name for name in _TAKEN if name not in idle)
    return tuple(setting for name in names if (setting := values.setting(name)))


def pairs(values: Values, reading: Reading) -> Iterator[Pair]:
    """Give the certificates: chain files where there are any, else one a kind of key."""
    chain = values.setting("smtpd_tls_chain_files")
    if chain and chain.value:
        yield from _chained(chain, chain.value, reading)
        return
    for kind in _KINDS:
        certificate = values.setting(f"smtpd_tls_{kind}cert_file")
        if certificate is None or certificate.value in {"", "none"}:
            continue
        key = values.setting(f"smtpd_tls_{kind}key_file")
        yield Pair(certificate, key if key and key.value else certificate)


def _chained(place: Setting, text: str, reading: Reading) -> Iterator[Pair]:
    """Join the files of keys and chains: a key comes first, in the chain's file or before it."""
    key: Setting | None = None
    for name in [word for word in _BETWEEN.split(text) if word][:_MOST_CHAIN]:
        file = Setting(place.name, name, place.path, place.line)
        content = reading.text(name)
        has_key = content is None or "PRIVATE KEY-----" in content
        if has_key:
            key = file
        if content is None or "-----BEGIN CERTIFICATE-----" in content or not has_key:
            yield Pair(file, key)
            key = None


def names(values: Values, reading: Reading) -> Iterator[tuple[Setting, tuple[Pair, ...]]]:
    """Give the names that have certificates of their own, from the maps' source texts."""
    maps = values.setting("tls_server_sni_maps")
    for word in maps.value.replace(",", " ").split()[:_MOST_CHAIN] if maps else ():
        kind, path = _source(word, values)
        if kind not in _TEXT_MAPS or not path:
            reading.miss(f"tls_server_sni_maps: a map of type {kind or 'unknown'} is not read")
            continue
        yield from _rows(reading.text(path) or "", path, reading)


def _source(word: str, values: Values) -> tuple[str, str]:
    if word.startswith("/"):
        return values.value("default_database_type"), word
    found = _SOURCE.match(word)
    return (found[1], found[2]) if found else ("", "")


def _rows(text: str, path: str, reading: Reading) -> Iterator[tuple[Setting, tuple[Pair, ...]]]:
    for count, line in enumerate(folded(numbered(text))):
        if count >= _MOST_NAMES:
            reading.miss(f"{path}: more names than are looked at")
            return
        name, value = [*line.text.split(None, 1), ""][:2]
        if value:
            place = Setting(name, value, path, line.number)
            yield place, tuple(_chained(place, value, reading))


def overridden(values: Values) -> Iterator[Ineffective]:
    """Find parameters that others put out of force."""
    if values.value("smtpd_tls_security_level"):
        reason = "smtpd_tls_security_level is set and takes its place"
        old = ("smtpd_use_tls", "smtpd_enforce_tls")
        yield from _out_of_force(values, old, reason)
    if values.value("smtpd_tls_chain_files"):
        reason = "smtpd_tls_chain_files is set and takes its place"
        files = [f"smtpd_tls_{kind}{part}_file" for kind in _KINDS for part in ("cert", "key")]
        yield from _out_of_force(values, files, reason)
    reason = "export suites, its only use, are gone from OpenSSL 1.1.0 on"
    yield from _out_of_force(values, ("smtpd_tls_dh512_param_file",), reason)


def _out_of_force(values: Values, names: Iterable[str], reason: str) -> Iterator[Ineffective]:
    for name in names:
        setting = values.setting(name)
        if setting and setting.value:
            yield Ineffective(setting, reason)


def goes_without_certificate(values: Values) -> bool:
    """Say whether the set-up wants anonymous suites alone, which need no certificate."""
    return any(values.value(f"smtpd_tls_{kind}cert_file") == "none" for kind in _KINDS)


def without_certificate(values: Values) -> Iterator[Ineffective]:
    """Say that no certificate is named, without which Postfix offers no TLS."""
    names = ("smtpd_tls_wrappermode", "smtpd_tls_security_level", "smtpd_use_tls")
    found = (values.setting(name) for name in names)
    setting = next((s for s in found if s and s.value and s.value != "no"), None)
    if setting:
        yield Ineffective(setting, "no certificate is named, so TLS is not offered")
