"""Say whether a value may be found by guessing: then nothing that depends on it may be shown. Pure.

Whoever holds a fingerprint's key tries ten thousand million values a second, and whoever sees
whether two fingerprints agree is told of each guess whether it was right. So words, years and
what people put between them count for what a guesser needs for them, not for their length.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import Final

from checks.lazy import regex

_ENOUGH: Final = 60.0
"""Bits: of 24 random hexadecimal digits, or of 16 random characters; "Summer2026!Prod" has 42."""
_DISTINCT: Final = 8
_PARTS: Final = regex(r"(?s)[A-Z]?[a-z]{3,}|[A-Z]{4,}|[0-9]+|.")
_WORD: Final = 12.0
"""Bits for a word."""
_SHORT: Final = 3
_LETTERS: Final = 8
"""More than these in a row count for a further word."""
_DIGIT: Final = math.log2(10)
_NUMBER: Final = 27.0
"""Bits for the longest number: of a telephone, or a day and its time."""
_OTHER: Final = 5.0
"""Bits for a single letter or sign; one that came before has less, as people's hyphens have."""
_AGAIN: Final = 3.0
_LONGEST: Final = 256
"""Characters that are looked at."""


def is_guessable(value: str) -> bool:
    """Say whether a value has too few bits for somebody who knows how people choose."""
    if len(set(value)) < _DISTINCT:
        return True
    parts = _PARTS.findall(value[:_LONGEST])
    single = [*chain.from_iterable(part for part in parts if _is_loose(part))]
    first = len(set(single))
    loose = _OTHER * first + _AGAIN * (len(single) - first)
    return loose + sum(_bits(part) for part in parts if not _is_loose(part)) < _ENOUGH


def _is_loose(part: str) -> bool:
    """Say whether characters stand together by chance: fewer than any word has."""
    return len(part) <= _SHORT and not part.isdigit()


def _bits(part: str) -> float:
    if part.isdigit():
        return min(_DIGIT * len(part), _NUMBER)
    return _WORD * math.ceil(len(part) / _LETTERS)
