"""Tell by its shape alone whether a value was made by a machine or chosen by a person."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from checks.lazy import regex
from checks.secrets.names import Kind
from checks.secrets.phrases import is_of_application, is_passphrase
from checks.secrets.rules import entropy

_CODE: Final = regex(r"^[A-Za-z_][\w.]*(?:\(|\[|->|::)|[;)\]}{]$|^[A-Z][A-Z0-9_]+$|^[a-z]:\d+$")
"""The beginning of a call or an index, the end of a statement, a constant's name."""
_VARIABLE: Final = regex(r"^\\?[$@%]\w+(?:->|::|[\[{.,;)]|$)|[$@]\w+(?:->|[\[{])")
_MIXED: Final = 10
"""From this length on signs and both cases are chosen, with digits or without."""
CHOSEN: Final = 10
"""From this length on a value may be told of a document."""
_COMMENTED: Final = 8
"""From this length on it may be told of a comment."""
_RISING: Final = 5
"""So many characters that follow one another are an example's, where one could stand."""
_CLASSES: Final = 2
_SIGNS: Final = frozenset("!\"#$%&'()*+,;<=>?@[\\]^`{|}~")


def has_sign_or_digit(value: str) -> bool:
    """Say whether a value has what a guessed password must have: a digit, a sign or its form."""
    return (
        not _SIGNS.isdisjoint(value) or any(c.isdigit() for c in value) or is_of_application(value)
    )


def looks_chosen(value: str, named: Kind, *, quoted: bool, settings: bool) -> bool:
    """Tell a password from a word of the text: letters with digits or with signs.

    Asked only where the key was guessed from a line; a bare word, a number or an expression stands
    behind `password` there more often than a password.
    """
    if quoted and is_of_application(value):
        return True
    if not any(c.isalpha() for c in value) or not _has_one_word(value, quoted=quoted):
        return False
    if value.startswith(("0x", "0X", "(", "[", "{", "<", "&")) or _CODE.search(value):
        return False
    if _VARIABLE.search(value) or (value[0] == "-" and not (quoted and is_mixed(value))):
        return False
    digits = any(c.isdigit() for c in value)
    signs = not _SIGNS.isdisjoint(value)
    if named is Kind.PASS and not settings:
        mixed = len(value) >= _MIXED and value.lower() != value != value.upper()
        return quoted and signs and (digits or mixed)
    return digits or signs


def _has_one_word(value: str, *, quoted: bool) -> bool:
    """Refuse text with blanks unless it is quoted and no label ("Password 1")."""
    parts = value.split()
    return len(parts) < 2 or (
        quoted and any(any(c.isdigit() for c in p) and any(c.isalpha() for c in p) for p in parts)
    )


def is_no_example(value: str) -> bool:
    """Mixed as few examples are, of a password in a comment: no reference, nothing counted up."""
    letters = len(value) >= _RUN and value.isalpha() and _flickers(value)
    mixed = letters or _is_mixed(value, _COMMENTED)
    return mixed and "${" not in value and not _rises(value)


def repeats(value: str) -> bool:
    """Say whether a value is one piece over and over."""
    return value in (value * 2)[1:-1]


def _rises(value: str) -> bool:
    steps = "".join("+" if ord(b) - ord(a) == 1 else "." for a, b in pairwise(value))
    return "+" * (_RISING - 1) in steps


def is_mixed(value: str) -> bool:
    """Letters of both cases or with signs, and digits: what an example seldom has."""
    return _is_mixed(value, CHOSEN)


def _is_mixed(value: str, least: int) -> bool:
    plain = len(value) >= least and not any(c.isspace() for c in value)
    return plain and any(c.isdigit() for c in value) and _classes(value) > _CLASSES


def _classes(value: str) -> int:
    return sum(
        1
        for found in (
            any(c.islower() for c in value),
            any(c.isupper() for c in value),
            any(c.isdigit() for c in value),
            any(not c.isalnum() for c in value),
        )
        if found
    )


def looks_made(value: str) -> bool:
    """Recognise a token: long enough, and not a word, a slug or a sentence."""
    if len(value) < 8 or (any(c.isspace() for c in value) and not is_salt(value)):
        return False
    return any(c.isdigit() for c in value) and entropy(value) > 2.5 and _classes(value) > 1


def is_letters(value: str) -> bool:
    """Recognise a token of letters of one case: longer than a word, undivided; or a passphrase."""
    if is_passphrase(value):
        return True
    one_case = value.isascii() and value.isalpha() and (value.islower() or value.isupper())
    return one_case and len(value) >= _RUN and entropy(value) > 3


_RUN: Final = 20
"""Longer than most words of a language."""


def is_salt(value: str) -> bool:
    """Know the keys of WordPress: of all printable characters one is a blank now and then."""
    blanks = sum(c.isspace() for c in value)
    return (
        blanks * _SALT_WORD <= len(value) and _classes(value) == 4 and not _SIGNS.isdisjoint(value)
    )


_SALT_WORD: Final = 20
"""Between two blanks stands more than the longest word of a sentence."""
_HEX: Final = regex(r"(?:0x)?[0-9a-fA-F]+")
"""Short hexadecimal is the name of a key, a commit or a colour rather than a key."""


def looks_random(value: str) -> bool:
    """Letters and digits mixed as no word is, and bits enough for its length."""
    if len(value) < 12 or any(c.isspace() for c in value):
        return False
    digits = sum(c.isdigit() for c in value)
    if digits == len(value) or (len(value) < 32 and _HEX.fullmatch(value)):
        return False
    if digits < 2 and not (digits and _flickers(value)):
        return False
    return entropy(value) > min(3.2, 0.75 * _ideal(len(value)))


def _flickers(value: str) -> bool:
    """Say whether the case changes at every third pair of letters, as in no joined words."""
    pairs = [a.islower() != b.islower() for a, b in pairwise(value) if a.isalpha() and b.isalpha()]
    return len(pairs) >= _PAIRS and sum(pairs) * 3 > len(pairs)


_PAIRS: Final = 14
"""From so many on that is no chance."""


def _ideal(length: int) -> float:
    return float((length - 1).bit_length())
