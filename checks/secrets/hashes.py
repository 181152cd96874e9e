"""Recognise password hashes and say how well their scheme withstands guessing."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from checks.lazy import regex
from checks.secrets import hashschemes

if TYPE_CHECKING:
    from checks.secrets.hashschemes import Scheme
    from checks.secrets.hashverdicts import Verdict

_LONGEST: Final = 1024
_LOCKED: Final = regex(
    r"[!*x-]{0,3}|\*?(?:LK|NP|LOCKED|NOLOGIN)\*?(?:LK\*)?|!?\*?locked\*?", re.IGNORECASE
)
_PREFIX: Final = regex(
    r"(?:\{(?:crypt|bcrypt|blf-crypt|(?:md5|sha256|sha512|des)-crypt|argon2(?:id?)?|x-crypt)\}"
    r"|argon2(?=\$argon2)|bcrypt(?:_sha256)?\$(?=\$2))",
    re.IGNORECASE,
)


@cache
def _starts() -> tuple[tuple[str, Scheme], ...]:
    """Give the schemes by how they start: few values start so, and few shapes are compiled."""
    return tuple((one.start, one) for one in hashschemes.SCHEMES)


class HashFacts(msgspec.Struct, frozen=True):
    """What a password hash says about itself.

    scheme: its name; cost: iterations, or the exponent for bcrypt, or KiB for argon2, 0 for none;
    strength: "broken" (guessed or undone at once), "weak" (guessed cheaply) or "ok", with the
    reason and its source ("" for "ok" without remark); reversible: the password itself can be
    computed from it; locked: a lock mark stands before it, so that it lets nobody in.
    """

    scheme: str
    cost: int
    salted: bool
    strength: str
    reason: str
    source: str
    reversible: bool = False
    locked: bool = False


def classify(value: str, hint: str = "") -> HashFacts | None:
    """Give the facts of a password hash, or None for lock marks and anything else.

    HINT is for shapes that say nothing by themselves; one of "crypt" (a field of shadow, passwd
    or htpasswd), "ntlm", "lm", "digest" (bare hexadecimal), "oracle", "mysql", "cisco-4",
    "cisco-7", "grafana", "rabbitmq". A hint never hides a scheme that names itself.
    """
    if len(value) > _LONGEST or _LOCKED.fullmatch(value):
        return None
    bare = value.lstrip("!")
    # Directory servers and frameworks write their own name before a crypt(3) hash.
    prefix = _PREFIX.match(bare)
    inner = bare[prefix.end() :] if prefix else bare
    inner_hint = "crypt" if prefix else hint
    for start, scheme in _starts():
        if inner.startswith(start) and (not scheme.hint or scheme.hint == inner_hint):
            found = scheme.pattern.fullmatch(inner)
            verdict = scheme.judge(found) if found else None
            if verdict:
                return _facts(scheme, verdict, locked=bare != value)
    return None


def _facts(scheme: Scheme, verdict: Verdict, *, locked: bool) -> HashFacts:
    return HashFacts(
        scheme.name,
        verdict.cost,
        scheme.salted,
        verdict.strength,
        verdict.reason,
        verdict.source,
        scheme.reversible,
        locked,
    )
