"""Try a handful of trivial passwords on hashes that are cheap to compute, and on no others.

Bounds: at most MOST_CANDIDATES passwords of at most 64 characters; one costs a single hash or, for
md5-crypt and apr1, a thousand rounds of MD5: 20 ms in all.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from checks.lazy import regex
from checks.secrets import md5crypt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_CANDIDATES: Final = 16
_LONGEST: Final = 64
_LDAP_NAME: Final = regex(r"s?(sha|md5)(224|256|384|512|)")
_BY_SIZE: Final = {16: "md5", 20: "sha1", 28: "sha224", 32: "sha256", 48: "sha384", 64: "sha512"}


def opens(value: str, scheme: str, candidates: Sequence[str]) -> bool:
    """Say whether the hash is that of one of the candidates; False for schemes that are not cheap.

    SCHEME is the name that hashes.classify gave. Nothing is raised for a malformed value.
    """
    check = _CHECKS.get(scheme)
    if check is None:
        return False
    bare = value.lstrip("!")
    few = [one for one in candidates[:MOST_CANDIDATES] if len(one) <= _LONGEST]
    try:
        return any(check(bare, candidate) for candidate in few)
    except (ValueError, binascii.Error):
        return False


def _ldap(value: str, candidate: str) -> bool:
    """RFC 2307 userPassword: base64 of the digest and, after it, of the salt."""
    name, _, text = value[1:].partition("}")
    found = _LDAP_NAME.fullmatch(name.lower())
    if not found:
        return False
    algorithm = found[1] + (found[2] or ("1" if found[1] == "sha" else ""))
    raw = base64.b64decode(text)
    size = hashlib.new(algorithm, usedforsecurity=False).digest_size
    return _same(algorithm, candidate.encode() + raw[size:], raw[:size])


def _digest(value: str, candidate: str) -> bool:
    raw = bytes.fromhex(value)
    return len(raw) in _BY_SIZE and _same(_BY_SIZE[len(raw)], candidate.encode(), raw)


def _framework(value: str, candidate: str) -> bool:
    """Old Django and Werkzeug: Django hashes salt and password, Werkzeug takes an HMAC."""
    algorithm, salt, text = value.split("$")
    raw = bytes.fromhex(text)
    keyed = hmac.digest(salt.encode(), candidate.encode(), algorithm) if salt else b""
    return _same(algorithm, (salt + candidate).encode(), raw) or hmac.compare_digest(keyed, raw)


def _mysql(value: str, candidate: str) -> bool:
    inner = hashlib.sha1(candidate.encode(), usedforsecurity=False).digest()
    return _same("sha1", inner, bytes.fromhex(value[1:]))


def _md5crypt(value: str, candidate: str) -> bool:
    _, name, salt, text = value.split("$")
    computed = md5crypt.compute(candidate, salt, f"${name}$")
    return hmac.compare_digest(computed.encode(), text.encode())


def _same(algorithm: str, data: bytes, expected: bytes) -> bool:
    digest = hashlib.new(algorithm, data, usedforsecurity=False).digest()
    return hmac.compare_digest(digest, expected)


_CHECKS: Final[dict[str, Callable[[str, str], bool]]] = {
    "apr1": _md5crypt,
    "digest": _digest,
    "digest-framework": _framework,
    "ldap-md5": _ldap,
    "ldap-sha": _ldap,
    "ldap-sha2": _ldap,
    "ldap-smd5": _ldap,
    "ldap-ssha": _ldap,
    "ldap-ssha2": _ldap,
    "md5-crypt": _md5crypt,
    "mysql-native": _mysql,
}
