"""The schemes of password hashes: how each looks and who judges it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.secrets import hashverdicts as v

if TYPE_CHECKING:
    from collections.abc import Callable

_PHK: Final = "https://phk.freebsd.dk/sagas/md5crypt_eol/"
_NSA: Final = "NSA, Cisco Password Types: Best Practices, 2022"
_CRYPT: Final = "crypt(5)"
_MYSQL: Final = "MySQL Reference Manual, password hashing"

_FAST: Final = "one fast hash, guessed at billions a second"
_PLAIN: Final = "one fast hash without salt, looked up in tables"
_CLEAR: Final = "the password itself can be read from it"
_TEN: Final = f"10000 iterations are under {v.PBKDF2_FLOOR}"


class Scheme(NamedTuple):
    """One scheme: the whole value is of `shape`, and `judge` says None if it is not one.

    hint: the hint of hashes.classify without which the shape says too little.
    """

    name: str
    shape: str
    judge: Callable[[re.Match[str]], v.Verdict | None]
    salted: bool = True
    reversible: bool = False
    hint: str = ""

    @property
    def start(self) -> str:
        """The text that every such hash begins with, "" where there is none."""
        if self.shape.startswith("(?i:\\{"):
            return "{"
        found = _START.match(self.shape)
        return found[0].replace("\\", "") if found else ""

    @property
    def pattern(self) -> re.Pattern[str]:
        """The shape, compiled when first asked for: all of them take 25 ms."""
        return _compiled(self.shape)


_START: Final = regex(r"(?:(?:\\[^A-Za-z\d]|[\w:])(?![?*{]))+")
"""What a shape begins with that stands for itself."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return regex(pattern, re.ASCII)


def _re(pattern: str) -> str:
    """Write out "~", a character of crypt(3)'s base64, and "&", one of ordinary base64."""
    return pattern.replace("~", "[./0-9A-Za-z]").replace("&", "[A-Za-z0-9+/]")


def _sha_crypt(name: str, digit: int, size: int) -> Scheme:
    pattern = rf"\${digit}\$(?:rounds=(?P<cost>\d{{1,9}})\$)?[^$:\s]{{0,16}}\$~{{{size}}}"
    return Scheme(name, _re(pattern), v.counted(v.SHA_CRYPT_FLOOR, _CRYPT, 5000))


_UNIX: Final = (
    Scheme("bcrypt", _re(r"(?:\$wp)?\$2[aby]?\$(?P<cost>\d\d)\$~{53}"), v.counted(v.BCRYPT_FLOOR)),
    Scheme("bcrypt-x", _re(r"\$2x\$\d\d\$~{53}"), v.always("weak", "a faulty bcrypt", _CRYPT)),
    _sha_crypt("sha256-crypt", 5, 43),
    _sha_crypt("sha512-crypt", 6, 86),
    Scheme("yescrypt", _re(r"\$y\$~(?P<n>~)~{1,20}\$~{0,86}\$~{43}"), v.yescrypt),
    Scheme("gost-yescrypt", _re(r"\$gy\$~(?P<n>~)~{1,20}\$~{0,86}\$~{43}"), v.yescrypt),
    Scheme("scrypt", _re(r"\$7\$(?P<n>~)(?P<r>~{5})(?P<p>~{5})[^$:\s]{0,86}\$~{43}"), v.scrypt7),
    Scheme(
        "md5-crypt",
        _re(r"\$1\$[^$:\s]{0,8}\$~{22}"),
        v.always("weak", "its author declared it unsafe in 2012", _PHK),
    ),
    Scheme(
        "apr1",
        _re(r"\$apr1\$[^$:\s]{0,8}\$~{22}"),
        v.always("weak", "a thousand rounds of MD5", _PHK),
    ),
    Scheme("sun-md5", _re(r"\$md5[$,][^:\s]{0,40}\$~{22}"), v.always("weak", "iterated MD5")),
    Scheme(
        "sha1-crypt",
        _re(r"\$sha1\$(?P<cost>\d{1,9})\$[^$:\s]{0,64}\$~{28}"),
        v.counted(v.PBKDF2_FLOOR),
    ),
    Scheme("nt-crypt", _re(r"\$3\$\$[0-9a-f]{32}"), v.always("broken", _PLAIN), salted=False),
    Scheme(
        "des-crypt",
        _re(r"~{13}"),
        v.always("broken", "it keeps 8 characters of the password", _CRYPT),
        hint="crypt",
    ),
    Scheme("bsdi", _re(r"_~{19}"), v.always("broken", "iterated DES", _CRYPT), hint="crypt"),
    Scheme("phpass", _re(r"\$[PH]\$(?P<cost>~)~{30}"), v.phpass),
    Scheme("drupal", _re(r"\$S\$(?P<cost>~)~{51}"), v.drupal),
)

_DERIVED: Final = (
    Scheme(
        "argon2",
        _re(
            r"\$argon2(?:id|i|d)\$(?:v=\d{1,3}\$)?m=(?P<memory>\d{1,10}),t=(?P<passes>\d{1,10})"
            r",p=\d{1,5}(?:,[a-z]{1,9}=&{0,64}){0,4}\$&+\$&+"
        ),
        v.argon2,
    ),
    Scheme(
        "pbkdf2-django",
        _re(r"pbkdf2_sha(?:1|256|512)\$(?P<cost>\d{1,10})\$[^$\s]*\$&+=*"),
        v.counted(v.PBKDF2_FLOOR),
    ),
    Scheme(
        "pbkdf2-passlib",
        _re(r"\$pbkdf2(?:-sha(?:1|256|512))?\$(?P<cost>\d{1,10})\$~*\$~+"),
        v.counted(v.PBKDF2_FLOOR),
    ),
    Scheme(
        "pbkdf2-werkzeug",
        _re(r"pbkdf2:(?:md5|sha\d{1,3})(?::(?P<cost>\d{1,10}))?\$[^$\s]*\$[0-9a-f]{32,128}"),
        v.counted(v.PBKDF2_FLOOR, v.OWASP, 1000),
    ),
    Scheme(
        "pbkdf2-mosquitto",
        _re(r"\$7\$(?P<cost>\d{1,9})\$&{16,88}=*\$&{86}=="),
        v.counted(v.PBKDF2_FLOOR, "Mosquitto source, password_common.c"),
    ),
    Scheme(
        "sha512-mosquitto",
        _re(r"\$6\$&{16}\$&{86}=="),
        v.always("weak", _FAST, "Mosquitto manual, mosquitto_passwd"),
    ),
    Scheme(
        "sha1-transmission",
        _re(r"\{[0-9a-f]{40}~{8}"),
        v.always("weak", _FAST, "Transmission source, crypto-utils.cc"),
    ),
    Scheme(
        "sha256-rabbitmq",
        _re(r"&{48}"),
        v.always("weak", _FAST, "RabbitMQ documentation, Credentials and Passwords"),
        hint="rabbitmq",
    ),
    Scheme(
        "pbkdf2-grub",
        _re(r"grub\.pbkdf2\.sha512\.(?P<cost>\d{1,10})\.[0-9A-F]+\.[0-9A-F]+"),
        v.counted(10_000, "GRUB manual, grub-mkpasswd-pbkdf2"),
    ),
    Scheme(
        "pbkdf2-cisco-asa",
        _re(r"\$sha512\$(?P<cost>\d{1,10})\$&+=*\$&+=*"),
        v.counted(v.PBKDF2_FLOOR),
    ),
    Scheme("pbkdf2-identity", _re(r"(?P<blob>AQAAAA&{70,90}={0,2})"), v.identity),
    Scheme("pbkdf2-grafana", _re(r"[0-9a-f]{100}"), v.always("weak", _TEN), hint="grafana"),
    Scheme(
        "scrypt-werkzeug",
        _re(r"scrypt:(?P<n>\d{1,9}):(?P<r>\d{1,4}):(?P<p>\d{1,4})\$[^$\s]*\$[0-9a-f]{64,128}"),
        v.scrypt,
    ),
    Scheme(
        "scrypt-django",
        _re(r"scrypt\$(?P<n>\d{1,9})\$[^$\s]*\$(?P<r>\d{1,4})\$(?P<p>\d{1,4})\$&+=*"),
        v.scrypt,
    ),
    Scheme(
        "digest-framework",
        _re(r"(?:md5|sha1|sha224|sha256|sha512)\$[^$\s]*\$[0-9a-f]{32,128}"),
        v.always("weak", _FAST),
    ),
)

_LDAP: Final = (
    Scheme("aix", _re(r"(?i:\{s(?:sha(?:1|256|512)|md5)\})(?P<cost>\d\d)\$~+\$~+"), v.aix),
    Scheme("ldap-sha", _re(r"(?i:\{sha\})&{27}="), v.always("broken", _PLAIN), salted=False),
    Scheme("ldap-md5", _re(r"(?i:\{md5\})&{22}=="), v.always("broken", _PLAIN), salted=False),
    Scheme(
        "ldap-sha2",
        _re(r"(?i:\{sha(?:224|256|384|512)\})&{38,88}=*"),
        v.always("broken", _PLAIN),
        salted=False,
    ),
    Scheme("ldap-ssha", _re(r"(?i:\{ssha\})&{28,120}=*"), v.always("weak", _FAST)),
    Scheme("ldap-smd5", _re(r"(?i:\{smd5\})&{22,120}=*"), v.always("weak", _FAST)),
    Scheme(
        "ldap-ssha2", _re(r"(?i:\{ssha(?:224|256|384|512)\})&{40,200}=*"), v.always("weak", _FAST)
    ),
    Scheme(
        "ldap-pbkdf2",
        _re(r"(?i:\{pbkdf2(?:-sha(?:1|256|512))?\})(?P<cost>\d{1,10})\$(?:~|[=+])*\$(?:~|[=+])+"),
        v.counted(v.PBKDF2_FLOOR),
    ),
    Scheme("ldap-pbkdf2-389", _re(r"\{PBKDF2[_-]SHA\d{1,3}\}(?P<blob>&{80,900}=*)"), v.directory),
    Scheme("pbkdf2-atlassian", _re(r"\{PKCS5S2\}&{64}"), v.always("weak", _TEN)),
    Scheme(
        "cleartext",
        _re(r"(?i:\{(?:clear|cleartext|plain|noop)\}).+"),
        v.always("broken", _CLEAR),
        salted=False,
        reversible=True,
    ),
)

_DATABASES: Final = (
    Scheme(
        "mysql-native", _re(r"\*[0-9A-F]{40}"), v.always("broken", _PLAIN, _MYSQL), salted=False
    ),
    Scheme(
        "mysql-old",
        _re(r"[0-9a-f]{16}"),
        v.always("broken", "the 64-bit hash of before MySQL 4.1", _MYSQL),
        salted=False,
        hint="mysql",
    ),
    Scheme("mysql-caching-sha2", _re(r"(?s:\$A\$005\$.{20}~{43})"), v.always("ok")),
    Scheme(
        "postgres-md5",
        _re(r"md5[0-9a-f]{32}"),
        v.always("weak", "one MD5 with the user's name for salt", "PostgreSQL manual, 20.5"),
    ),
    Scheme(
        "scram",
        _re(r"SCRAM-SHA-(?:1|256|512)\$(?P<cost>\d{1,10}):&+=*\$&+=*:&+=*"),
        v.counted(v.SCRAM_FLOOR, "RFC 7677 4"),
    ),
    Scheme(
        "scram-dovecot",
        _re(r"\{SCRAM-SHA-(?:1|256)\}(?P<cost>\d{1,10}),&+=*,&+=*,&+=*"),
        v.counted(v.SCRAM_FLOOR, "RFC 7677 4"),
    ),
    Scheme("mssql-2012", _re(r"(?i:0x0200[0-9a-f]{136})"), v.always("weak", _FAST)),
    Scheme(
        "mssql-2000", _re(r"(?i:0x0100[0-9a-f]{48}(?:[0-9a-f]{40})?)"), v.always("broken", _FAST)
    ),
    Scheme(
        "oracle-11g",
        _re(r"S:[0-9A-F]{60}(?:;[HT]:[0-9A-F]{32,160}){0,2};?"),
        v.always("weak", _FAST),
    ),
    Scheme("oracle-12c", _re(r"T:[0-9A-F]{160};?"), v.always("ok")),
    Scheme(
        "oracle-10g",
        _re(r"[0-9A-F]{16}"),
        v.always("broken", "DES over the upper-cased password", "Oracle Database Security Guide"),
        hint="oracle",
    ),
    Scheme(
        "ntlm",
        _re(r"[0-9A-Fa-f]{32}"),
        v.always("broken", _PLAIN),
        salted=False,
        hint="ntlm",
    ),
    Scheme(
        "lm",
        _re(r"[0-9A-Fa-f]{32}"),
        v.always("broken", "two halves of 7 upper-case characters each"),
        salted=False,
        hint="lm",
    ),
    Scheme(
        "digest",
        _re(r"(?:(?:[0-9A-Fa-f]{8}){4,5}|(?:[0-9A-Fa-f]{8}){7,8}|(?:[0-9A-Fa-f]{32}){3,4})"),
        v.always("broken", _PLAIN),
        salted=False,
        hint="digest",
    ),
)

_NETWORK: Final = (
    Scheme(
        "cisco-8",
        _re(r"\$8\$~{14}\$~{43}"),
        v.always("ok", "20000 iterations, which the NSA accepts", _NSA),
    ),
    Scheme("cisco-9", _re(r"\$9\$~{14}\$~{43}"), v.always("ok")),
    Scheme(
        "juniper-9",
        _re(r"\$9\$[A-Za-z0-9./-]{6,512}"),
        v.always("broken", _CLEAR, "Junos OS documentation, $9$ secrets"),
        salted=False,
        reversible=True,
    ),
    Scheme(
        "cisco-4", _re(r"~{43}"), v.always("broken", _PLAIN, _NSA), salted=False, hint="cisco-4"
    ),
    Scheme(
        "cisco-7",
        _re(r"[0-5]\d(?:[0-9A-Fa-f]{2}){1,127}"),
        v.always("broken", _CLEAR, _NSA),
        salted=False,
        reversible=True,
        hint="cisco-7",
    ),
)

SCHEMES: Final[tuple[Scheme, ...]] = (*_UNIX, *_DERIVED, *_LDAP, *_DATABASES, *_NETWORK)
