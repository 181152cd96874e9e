"""Turn templates such as "ghp_{{alnum 36}}" into samples: no secret-shaped text is stored.

A placeholder is `{{NAME ARGUMENT...}}`. NAME is an alphabet below with a length as its argument,
`uuid`, `choice` with words to choose from, `base64 TEMPLATE` (the rest, rendered, then encoded;
its inner placeholders are written `[[...]]`), or a proof of `proofs.py` with its arguments.
The same seed gives the same text.
"""

from __future__ import annotations

import base64
import random
import re
import string
import uuid
from functools import cache

from checks.errors import RuleError
from checks.lazy import regex
from checks.secrets import proofs

ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "digits": string.digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "loweralnum": string.ascii_lowercase + string.digits,
    "upperalnum": string.ascii_uppercase + string.digits,
    "b64": string.ascii_letters + string.digits + "+/",
    "b64url": string.ascii_letters + string.digits + "-_",
    "base32": string.ascii_uppercase + "234567",
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
}
_LENGTH = regex(r"[0-9]{1,5}")
_PLACEHOLDER = regex(r"\{\{((?:(?>(?!\{\{|\}\}).))*+)\}\}", re.DOTALL)


def render(template: str, seed: str) -> str:
    """Give the text of TEMPLATE; raises RuleError for a placeholder that does not exist."""
    return drawn(template, random.Random(seed))  # noqa: S311 - samples, not keys


def drawn(template: str, rng: random.Random) -> str:
    """Do the same with what RNG gives next; to seed one takes as long as to render."""
    return _PLACEHOLDER.sub(lambda found: _expand(found.group(1), rng), template)


def _expand(body: str, rng: random.Random) -> str:
    name, _, rest = body.strip().partition(" ")
    words = rest.split()
    if name in ALPHABETS and len(words) == 1 and _LENGTH.fullmatch(words[0]):
        return _mixed(ALPHABETS[name], int(words[0]), rng)
    if name == "uuid" and not words:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))
    if name == "choice" and words:
        return rng.choice(words)
    if name == "base64" and rest:
        inner = rest.replace("[[", "{{").replace("]]", "}}")
        text = _PLACEHOLDER.sub(lambda found: _expand(found.group(1), rng), inner)
        return base64.b64encode(text.encode()).decode()
    if name in proofs.PROOFS:
        try:
            return proofs.PROOFS[name].make(rng, *words)
        except (TypeError, ValueError) as error:
            message = f"placeholder {name}: wrong arguments"
            raise RuleError(message) from error
    message = f"placeholder {name}: not known, or its length is missing"
    raise RuleError(message)


def _mixed(alphabet: str, length: int, rng: random.Random) -> str:
    """Draw LENGTH characters; a long enough draw always has a digit and a letter where it can."""
    drawn = list(rng.randbytes(length).translate(_table(alphabet)).decode("ascii"))
    digits, letters = _halves(alphabet)
    if length >= 8 and digits and letters:
        drawn[1], drawn[length - 2] = rng.choice(digits), rng.choice(letters)
    return "".join(drawn)


@cache
def _table(alphabet: str) -> bytes:
    """Map each byte to a character: one table a draw is faster than one call a character."""
    return bytes(ord(alphabet[byte % len(alphabet)]) for byte in range(256))


@cache
def _halves(alphabet: str) -> tuple[str, str]:
    """Give the digits and the letters of an alphabet."""
    return "".join(filter(str.isdigit, alphabet)), "".join(filter(str.isalpha, alphabet))
