"""Password hashes are named and judged, and lock marks and other values are not hashes."""

from __future__ import annotations

import base64
import hashlib
import random
import string
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.secrets import hashes, hashschemes, md5crypt
from checks.secrets.trivial import opens

ITOA64 = "./0123456789" + string.ascii_uppercase + string.ascii_lowercase
BASE64 = string.ascii_letters + string.digits + "+/"
RNG = random.Random(20)


def _h(size: int) -> str:
    return "".join(RNG.choice(ITOA64) for _ in range(size))


def _b(size: int) -> str:
    return "".join(RNG.choice(BASE64) for _ in range(size))


def _x(size: int) -> str:
    return "".join(RNG.choice("0123456789abcdef") for _ in range(size))


def _identity(iterations: int) -> str:
    head = b"\1" + b"".join(n.to_bytes(4, "big") for n in (1, iterations, 16))
    return base64.b64encode(head + RNG.randbytes(48)).decode()


def _directory(iterations: int) -> str:
    return base64.b64encode(iterations.to_bytes(4, "big") + RNG.randbytes(320)).decode()


_X128 = _x(128).upper()

CASES = [
    # value, hint, scheme, strength, cost
    (_h(13), "crypt", "des-crypt", "broken", 0),
    ("_" + _h(19), "crypt", "bsdi", "broken", 0),
    (f"$1${_h(8)}${_h(22)}", "", "md5-crypt", "weak", 0),
    (f"$apr1${_h(8)}${_h(22)}", "", "apr1", "weak", 0),
    (f"$2b$12${_h(53)}", "", "bcrypt", "ok", 12),
    (f"$2y$05${_h(53)}", "", "bcrypt", "weak", 5),
    (f"$wp$2y$10${_h(53)}", "", "bcrypt", "ok", 10),
    (f"$2x$10${_h(53)}", "", "bcrypt-x", "weak", 0),
    (f"$5${_h(16)}${_h(43)}", "", "sha256-crypt", "ok", 5000),
    (f"$6${_h(16)}${_h(86)}", "", "sha512-crypt", "ok", 5000),
    (f"$6$rounds=1000${_h(16)}${_h(86)}", "", "sha512-crypt", "weak", 1000),
    (f"$6$rounds=656000${_h(16)}${_h(86)}", "", "sha512-crypt", "ok", 656000),
    (f"$y$j9T${_h(22)}${_h(43)}", "", "yescrypt", "ok", 4096),
    (f"$gy$j9T${_h(22)}${_h(43)}", "", "gost-yescrypt", "ok", 4096),
    (f"$7$CU..../....{_h(22)}${_h(43)}", "", "scrypt", "ok", 16384),
    (f"$7$8U..../....{_h(22)}${_h(43)}", "", "scrypt", "weak", 1024),
    (f"$argon2id$v=19$m=19456,t=2,p=1${_b(22)}${_b(43)}", "", "argon2", "ok", 19456),
    (f"$argon2i$v=19$m=4096,t=3,p=1${_b(22)}${_b(43)}", "", "argon2", "weak", 4096),
    (f"argon2$argon2id$v=19$m=102400,t=2,p=8${_b(22)}${_b(43)}", "", "argon2", "ok", 102400),
    (f"pbkdf2_sha256$600000${_h(22)}${_b(43)}=", "", "pbkdf2-django", "ok", 600000),
    (f"pbkdf2_sha256$36000${_h(12)}${_b(43)}=", "", "pbkdf2-django", "weak", 36000),
    (f"bcrypt_sha256$$2b$12${_h(53)}", "", "bcrypt", "ok", 12),
    (f"$pbkdf2-sha256$29000${_h(22)}${_h(43)}", "", "pbkdf2-passlib", "weak", 29000),
    (f"pbkdf2:sha256:260000${_h(16)}${_x(64)}", "", "pbkdf2-werkzeug", "ok", 260000),
    (f"scrypt:32768:8:1${_h(16)}${_x(128)}", "", "scrypt-werkzeug", "ok", 32768),
    (f"scrypt$16384${_h(22)}$8$5${_b(86)}==", "", "scrypt-django", "ok", 16384),
    (f"sha1${_h(8)}${_x(40)}", "", "digest-framework", "weak", 0),
    (f"grub.pbkdf2.sha512.10000.{_X128}.{_X128}", "", "pbkdf2-grub", "ok", 10000),
    (_x(100), "grafana", "pbkdf2-grafana", "weak", 0),
    (_identity(100_000), "", "pbkdf2-identity", "ok", 100_000),
    (_identity(10_000), "", "pbkdf2-identity", "weak", 10_000),
    ("{SSHA}" + _b(32), "", "ldap-ssha", "weak", 0),
    ("{SHA}" + _b(27) + "=", "", "ldap-sha", "broken", 0),
    ("{MD5}" + _b(22) + "==", "", "ldap-md5", "broken", 0),
    ("{SMD5}" + _b(28), "", "ldap-smd5", "weak", 0),
    ("{SSHA512}" + _b(96), "", "ldap-ssha2", "weak", 0),
    ("{SHA256}" + _b(43) + "=", "", "ldap-sha2", "broken", 0),
    ("{CRYPT}" + _h(13), "", "des-crypt", "broken", 0),
    (f"{{CRYPT}}$6${_h(16)}${_h(86)}", "", "sha512-crypt", "ok", 5000),
    (f"{{BLF-CRYPT}}$2y$12${_h(53)}", "", "bcrypt", "ok", 12),
    (f"{{PBKDF2-SHA512}}10000${_h(22)}${_h(86)}", "", "ldap-pbkdf2", "weak", 10000),
    ("{PBKDF2_SHA256}" + _directory(30_000), "", "ldap-pbkdf2-389", "weak", 30_000),
    (f"{{ssha256}}06${_h(16)}${_h(43)}", "", "aix", "weak", 64),
    ("*" + _x(40).upper(), "", "mysql-native", "broken", 0),
    (_x(16), "mysql", "mysql-old", "broken", 0),
    (f"$A$005${_h(20)}{_h(43)}", "", "mysql-caching-sha2", "ok", 0),
    ("md5" + _x(32), "", "postgres-md5", "weak", 0),
    (f"SCRAM-SHA-256$4096:{_b(22)}==${_b(43)}=:{_b(43)}=", "", "scram", "ok", 4096),
    (_x(32), "ntlm", "ntlm", "broken", 0),
    (_x(32), "lm", "lm", "broken", 0),
    (_x(64), "digest", "digest", "broken", 0),
    (f"$P$B{_h(30)}", "", "phpass", "weak", 8192),
    (f"$H$9{_h(30)}", "", "phpass", "weak", 2048),
    (f"$S$D{_h(51)}", "", "drupal", "weak", 32768),
    (f"$8${_h(14)}${_h(43)}", "", "cisco-8", "ok", 0),
    (f"$9${_h(14)}${_h(43)}", "", "cisco-9", "ok", 0),
    ("$9$" + "aBcD.1-/xYzW", "", "juniper-9", "broken", 0),
    ("08" + _x(12).upper(), "cisco-7", "cisco-7", "broken", 0),
    ("S:" + _x(60).upper() + ";T:" + _x(160).upper(), "", "oracle-11g", "weak", 0),
    ("T:" + _x(160).upper(), "", "oracle-12c", "ok", 0),
    (_x(16).upper(), "oracle", "oracle-10g", "broken", 0),
    ("0x0200" + _x(136).upper(), "", "mssql-2012", "weak", 0),
    (f"$7$101${_b(16)}${_b(86)}==", "", "pbkdf2-mosquitto", "weak", 101),
    (f"$6${_b(16)}${_b(86)}==", "", "sha512-mosquitto", "weak", 0),
    (_b(48), "rabbitmq", "sha256-rabbitmq", "weak", 0),
    ("{" + _x(40) + _h(8), "", "sha1-transmission", "weak", 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "hint", "scheme", "strength", "cost"), CASES, ids=lambda v: str(v)[:12]
)
def test_names_and_judges(value: str, hint: str, scheme: str, strength: str, cost: int) -> None:
    """Each scheme is named, with its cost, and what is not in order has reason and source."""
    facts = hashes.classify(value, hint)
    assert facts is not None
    assert (facts.scheme, facts.strength, facts.cost) == (scheme, strength, cost)
    assert facts.strength == "ok" or (facts.reason and facts.source)
    assert value not in repr(facts)
    assert hashes.classify(value + "\n", hint) is None


def test_proves_every_scheme() -> None:
    """No scheme is without a case here."""
    named = {case[2] for case in CASES}
    rare = {"sun-md5", "sha1-crypt", "nt-crypt", "pbkdf2-cisco-asa", "pbkdf2-atlassian",
            "cleartext", "mssql-2000", "scram-dovecot", "cisco-4"}  # fmt: skip
    assert {scheme.name for scheme in hashschemes.SCHEMES} == named | rare


@pytest.mark.parametrize(
    "value", ["", "!", "*", "x", "!!", "!*", "*LK*", "NP", "*NP*", "!locked", "-"]
)
def test_takes_lock_marks_for_no_hash(value: str) -> None:
    """An account without a usable password has no hash."""
    assert hashes.classify(value, "crypt") is None


@pytest.mark.parametrize(
    "value",
    [_x(32), _x(40), _x(64), _h(13), _h(43), _x(16), _x(100), "$6$short", "$2b$12$", "md5", "08AB",
     "{{ password_hash }}", "{SSHA}", "$1$salt", "${PASSWORD}", "AQAAAA" + _b(78), "x" * 5000],
    ids=lambda v: v[:8],
)  # fmt: skip
def test_needs_more_than_a_bare_shape(value: str) -> None:
    """Hexadecimal and short words are hashes only where a hint says so."""
    assert hashes.classify(value) is None


def test_tells_locked_and_reversible() -> None:
    """A lock mark before a hash is told, and so is what gives the password away."""
    value = f"$6${_h(16)}${_h(86)}"
    locked, usable = hashes.classify("!" + value), hashes.classify(value)
    assert locked is not None
    assert usable is not None
    assert (locked.locked, usable.locked) == (True, False)
    clear = hashes.classify("{noop}" + _h(9))
    assert clear is not None
    assert clear.reversible
    assert not usable.reversible


def _ldap(name: str, algorithm: str, password: str, salt: bytes = b"") -> str:
    digest = hashlib.new(algorithm, password.encode() + salt).digest()
    return f"{{{name}}}" + base64.b64encode(digest + salt).decode()


def _made(password: str) -> list[tuple[str, str]]:
    salt, secret = _h(8), password.encode()
    inner = hashlib.sha1(hashlib.sha1(secret).digest()).hexdigest().upper()
    return [
        (_ldap("SHA", "sha1", password), ""),
        (_ldap("MD5", "md5", password), ""),
        (_ldap("SHA256", "sha256", password), ""),
        (_ldap("SSHA", "sha1", password, b"saltsalt"), ""),
        (_ldap("SMD5", "md5", password, b"saltsalt"), ""),
        (_ldap("SSHA512", "sha512", password, b"saltsalt"), ""),
        ("*" + inner, ""),
        (hashlib.md5(secret).hexdigest(), "digest"),
        (hashlib.sha256(secret).hexdigest(), "digest"),
        (f"sha1${salt}$" + hashlib.sha1(salt.encode() + secret).hexdigest(), ""),
        (f"$1${salt}$" + md5crypt.compute(password, salt, "$1$"), ""),
        (f"$apr1${salt}$" + md5crypt.compute(password, salt, "$apr1$"), ""),
    ]


@pytest.mark.parametrize("number", range(12))
def test_opens_only_trivial_passwords(number: int) -> None:
    """A cheap hash of a trivial password is opened, that of another is not."""
    for password, expected in (("changeit", True), ("nobody knows this", False)):
        value, hint = _made(password)[number]
        facts = hashes.classify(value, hint)
        assert facts is not None
        assert opens(value, facts.scheme, ["", "admin", "changeit"]) is expected


def test_never_tries_an_expensive_scheme() -> None:
    """Schemes that are made to be slow are not tried, and neither are endless candidates."""
    assert not opens(f"$2b$12${_h(53)}", "bcrypt", ["changeit"])
    value = hashlib.md5(b"last").hexdigest()
    assert not opens(value, "digest", [str(n) for n in range(16)] + ["last"])
    assert opens(value, "digest", [str(n) for n in range(15)] + ["last"])


@pytest.mark.parametrize("password", ["a", "changeit", "p" * 17, "q" * 40])
def test_computes_what_openssl_computes(password: str) -> None:
    """md5-crypt and apr1 agree with OpenSSL for short and long passwords."""
    for option, magic in (("-1", "$1$"), ("-apr1", "$apr1$")):
        done = subprocess.run(
            ["openssl", "passwd", option, "-salt", "abcdefgh", password],
            check=True,
            capture_output=True,
            text=True,
        )
        assert done.stdout.strip() == f"{magic}abcdefgh$" + md5crypt.compute(
            password, "abcdefgh", magic
        )


HINTS = st.sampled_from(["", "crypt", "ntlm", "digest", "oracle", "mysql", "cisco-7", "grafana"])
STARTS = st.sampled_from(
    [
        "",
        "$6$",
        "$2b$",
        "{SSHA}",
        "{MD5}",
        "$1$",
        "$7$",
        "*",
        "md5",
        "AQAAAA",
        "$y$",
        "{PBKDF2_SHA256}",
    ]
)


@given(STARTS, st.text(max_size=120) | st.text(ITOA64 + "$=", max_size=120), HINTS)
def test_never_fails_on_any_text(start: str, rest: str, hint: str) -> None:
    """Any text is classified and tried without an error."""
    value = start + rest
    facts = hashes.classify(value, hint)
    named = [facts.scheme] if facts else []
    for scheme in (*named, "md5-crypt", "ldap-ssha", "digest-framework", "mysql-native"):
        assert not opens(value, scheme, [])
        assert opens(value, scheme, ["", "x"]) or not opens(value, scheme, ["x"])
