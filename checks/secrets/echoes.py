"""Tell a value that only repeats its name from one that somebody chose."""

from __future__ import annotations

import re
from typing import Final

from checks.secrets.names import Kind, kind, own_name, words

_LONGEST: Final = 48
"""What is longer is made of the word for a secret, not called by it."""
_ALSO_VALUES: Final = frozenset({"passwd", "password", "secret"})
"""Names of passwords that people also set them to."""


def repeats_name(keys: tuple[str, ...], value: str, named: Kind) -> bool:
    """Say whether the value only repeats its key ("Password: Password", `token: authtoken`)."""
    own, squashed = "".join(words(own_name(keys))), "".join(words(value))
    if not squashed.isalpha() or len(squashed) != len(re.sub(r"[^0-9A-Za-z]", "", value)):
        return False
    if len(squashed) > _LONGEST:
        return False
    if squashed == own and (value[:1].isupper() or named is not Kind.PASSWORD or value != own):
        return True
    if value.lower() == "pass":  # what examples of URLs have
        return kind(keys) is not Kind.PASSWORD
    return kind((value,)) is not Kind.NONE and value.lower() not in _ALSO_VALUES
