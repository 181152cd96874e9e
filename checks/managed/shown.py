"""Show where a file differs from its approved content, without repeating what may be a secret.

Only words are shown that say how something is set up, or that stand in the approved content and
look like no secret; all others are dots. On a line that names a secret, and where a private key is
in the text, only the first are. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD: Final = regex(r"[^\s\"'`;,:=(){}\[\]<>|&]+")
_PLAIN: Final = frozenset(
    "on off yes no true false none all any auto optional required enabled disabled default always"
    " never root localhost deny allow permit return include listen server location ssl http https"
    " TLSv1 TLSv1.0 TLSv1.1 TLSv1.2 TLSv1.3 SSLv2 SSLv3 HIGH MEDIUM LOW ALL EXPORT NULL RC4 MD5"
    " DES 3DES aNULL eNULL ssl_protocols ssl_ciphers ssl_certificate ssl_prefer_server_ciphers"
    " server_name SSLProtocol SSLCipherSuite SSLEngine ssl-min-ver ssl-default-bind-options"
    " PermitRootLogin PasswordAuthentication".split()
)
_NUMBER: Final = regex(r"\d{1,5}[kKmMgGsdh]?")
_SECRET: Final = regex(
    r"(?i)pass|pwd|pw\b|phrase|secret|token|key|credential|auth|cookie|hash|salt|psk|pin\b|@"
)
_RANDOM: Final = regex(r"(?:.*[/.])?(?=[^/.]*\d)(?=[^/.]*[A-Za-z])[^/.]{10,}(?:[/.].*)?|.{60,}")
_PRIVATE: Final = b"PRIVATE KEY"
_DOTS: Final = "\N{HORIZONTAL ELLIPSIS}"
_LONGEST: Final = 160


class Difference(NamedTuple):
    """Where two texts differ: the first line, how many lines on each side, the first of each."""

    line: int
    approved: int
    found: int
    was: str
    now: str

    @property
    def words(self) -> str:
        """Say it in one line."""
        here = f"line {self.line}: found `{self.now}`" if self.found else f"line {self.line}"
        right = f"approved `{self.was}`" if self.approved else "approved no such line"
        lost = "" if self.found else f", {self.approved} lines are not there"
        more = max(self.approved, self.found) - 1
        return f"{here}, {right}{lost}" + (f", and {more} more lines" if more and not lost else "")


def difference(approved: bytes, found: bytes) -> Difference | None:
    """Compare two texts line by line from both ends; None where either is none or both are alike.

    It takes time in step with their lengths, whatever is in them.
    """
    if b"\0" in approved or b"\0" in found:
        return None
    right, here = (one.decode("utf-8", "replace").split("\n") for one in (approved, found))
    begin = _alike(right, here, min(len(right), len(here)))
    end = _alike(right[::-1], here[::-1], min(len(right), len(here)) - begin)
    right_part, here_part = right[begin : len(right) - end], here[begin : len(here) - end]
    if not right_part and not here_part:
        return None
    plain = _PRIVATE not in approved and _PRIVATE not in found
    known = set(_WORD.findall(approved.decode("utf-8", "replace"))) if plain else set()
    was, now = (_cut(_masked(part[0], known)) if part else "" for part in (right_part, here_part))
    return Difference(begin + 1, len(right_part), len(here_part), was, now)


def _alike(one: Sequence[str], other: Sequence[str], most: int) -> int:
    """Count the lines that are the same from the beginning on."""
    return next((i for i in range(most) if one[i] != other[i]), most)


def _masked(line: str, known: set[str]) -> str:
    if len(line) > _LONGEST:
        line = line[:_LONGEST] + _DOTS
    secret = _SECRET.search(line) is not None
    return _WORD.sub(
        lambda word: word[0] if _is_shown(word[0], known, secret=secret) else _DOTS, line
    )


def _is_shown(word: str, known: set[str], *, secret: bool) -> bool:
    if word in _PLAIN:
        return True
    if secret:
        return False
    return bool(_NUMBER.fullmatch(word)) or (word in known and _RANDOM.fullmatch(word) is None)


def _cut(line: str) -> str:
    return printable(line.strip(), longest=_LONGEST)
