"""Judge one password hash by the cost that it states.

Floors are below what the OWASP Password Storage Cheat Sheet asks of a new system (argon2id with
19 MiB and 2 passes, scrypt with N = 2 ** 17, bcrypt 10, PBKDF2-SHA256 with 600,000 iterations):
what is reported should be worth a change.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

OWASP: Final = "OWASP Password Storage Cheat Sheet"

PBKDF2_FLOOR: Final = 100_000
SHA_CRYPT_FLOOR: Final = 5000
BCRYPT_FLOOR: Final = 10
SCRAM_FLOOR: Final = 4096
"""RFC 7677 4: at least 4096 iterations."""
ARGON2_MEMORY_FLOOR: Final = 7168
"""KiB; the cheat sheet's smallest choice is 7 MiB with 5 passes."""
ARGON2_WORK_FLOOR: Final = 5 * 7168
SCRYPT_FLOOR: Final = 1 << 14
"""N * r * p / 8; the original paper's choice for log-ins."""

_ITOA64: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Verdict(NamedTuple):
    """How strong one hash of a scheme is; see HashFacts for the words."""

    strength: str
    reason: str = ""
    source: str = ""
    cost: int = 0


def always(strength: str, reason: str = "", source: str = OWASP) -> Callable[..., Verdict]:
    """Give the same verdict to every hash of a scheme."""
    return lambda _: Verdict(strength, reason, source if reason else "")


def counted(
    floor: int, source: str = OWASP, default: int = 0
) -> Callable[[re.Match[str]], Verdict]:
    """Judge by the group `cost`, or DEFAULT where the text leaves it out."""

    def judge(found: re.Match[str]) -> Verdict:
        cost = int(found["cost"] or default)
        if cost >= floor:
            return Verdict("ok", cost=cost)
        return Verdict("weak", f"a cost of {cost} is under {floor}", source, cost)

    return judge


def argon2(found: re.Match[str]) -> Verdict:
    """Judge by memory in KiB and passes."""
    memory, passes = int(found["memory"]), int(found["passes"])
    if memory < ARGON2_MEMORY_FLOOR or memory * passes < ARGON2_WORK_FLOOR:
        reason = f"{memory} KiB of memory with {passes} passes are too cheap"
        return Verdict("weak", reason, OWASP, memory)
    return Verdict("ok", cost=memory)


def scrypt(found: re.Match[str]) -> Verdict:
    """Judge by N, r and p."""
    n, r, p = int(found["n"]), int(found["r"]), int(found["p"])
    return _scrypt_verdict(n, r, p)


def _scrypt_verdict(n: int, r: int, p: int) -> Verdict:
    if n * r * p >= 8 * SCRYPT_FLOOR:
        return Verdict("ok", cost=n)
    return Verdict("weak", f"N={n} r={r} p={p} is too cheap", OWASP, n)


def scrypt7(found: re.Match[str]) -> Verdict | None:
    """`$7$`: one digit for log2 of N, five each for r and p, lowest first (crypt(5))."""
    exponent = _ITOA64.index(found["n"])
    r, p = (sum(_ITOA64.index(c) << 6 * i for i, c in enumerate(found[name])) for name in "rp")
    return _scrypt_verdict(1 << exponent, r, p) if r and p else None


def phpass(found: re.Match[str]) -> Verdict:
    """Judge the portable hashes of phpass, which are never in order."""
    cost = 1 << _ITOA64.index(found["cost"])
    return Verdict("weak", "it is iterated MD5", OWASP, cost)


def drupal(found: re.Match[str]) -> Verdict:
    """Judge Drupal 7's iterated SHA-512."""
    return iterated(1 << _ITOA64.index(found["cost"]))


def aix(found: re.Match[str]) -> Verdict:
    """Judge AIX, which writes the binary logarithm of the iterations."""
    return iterated(1 << min(int(found["cost"]), 31))


def yescrypt(found: re.Match[str]) -> Verdict:
    """crypt(5): the second character of the parameters is log2 of N, less one."""
    cost = 1 << _ITOA64.index(found["n"]) + 1
    if cost >= 1 << 10:
        return Verdict("ok", cost=cost)
    return Verdict("weak", f"N={cost} is too cheap", "crypt(5)", cost)


def _packed(found: re.Match[str]) -> bytes:
    text = found["blob"].rstrip("=")
    return base64.b64decode(text[: len(text) - (len(text) % 4 == 1)] + "=" * (-len(text) % 4))


def identity(found: re.Match[str]) -> Verdict | None:
    """ASP.NET Core Identity version 3: 1, PRF, iterations, salt size, each of 4 bytes but the 1."""
    blob = _packed(found)
    fields = [int.from_bytes(blob[at : at + 4], "big") for at in (1, 5, 9)]
    if len(blob) != 61 or blob[0] != 1 or fields[0] > 2 or fields[2] != 16 or not fields[1]:
        return None
    return iterated(fields[1])


def directory(found: re.Match[str]) -> Verdict:
    """389 Directory Server: the first 4 bytes are the iterations."""
    return iterated(int.from_bytes(_packed(found)[:4], "big"))


def iterated(cost: int) -> Verdict:
    """Judge a number of PBKDF2 or like iterations."""
    if cost >= PBKDF2_FLOOR:
        return Verdict("ok", cost=cost)
    return Verdict("weak", f"{cost} iterations are under {PBKDF2_FLOOR}", OWASP, cost)
