"""Know the password that only spells what it is: `DB_PASSWORD=db_pass`, `password: mypassword`.

Asked where a format says that a value stands under the name of a password; elsewhere such a word is
the name of a credential, a field or a variable.
"""

from __future__ import annotations

from typing import Final

from checks.lazy import regex

_SPELLED: Final = regex(
    r"(?:(?:[a-z][a-z0-9]*_)+(?:passwords?|passwd|pass|pwd|pw)"
    r"|(?:[a-z][a-z0-9]*_)*[a-z]{2,24}(?:password|passwd|pass|pwd))\d{0,4}[!.]?"
)
"""In lower case, words joined by `_` or glued, of which the last is a password."""
_MINE: Final = regex(
    r"my[_\-]?(?:[a-z]+[_\-])*[a-z]*(?:password|passwd|pass|pwd|pw|secret)\d{0,4}[!.]?"
)
_LONGEST: Final = 40
_OTHERWISE: Final = frozenset(
    "a an any change check clear confirm confirmation current default empty encrypted enter example"
    " field file forgot from generate get hashed has insert invalid is item key missing name needs"
    " new no none old param plain put random read repeat replace request require required reset"
    " set show some the this update use user_input valid validate vault verify wrong your".split()
)
"""Words that make of it a placeholder, a message or the name of something."""
_MAPPINGS: Final = frozenset(
    "attributes columns errors fields i18n labels mapping mappings messages properties schema"
    " translations".split()
)
"""What lists names: there a password's is no password."""


def is_spelled(value: str, keys: tuple[str, ...]) -> bool:
    """Say whether VALUE is made of words and calls itself a password, under the path KEYS."""
    if len(value) > _LONGEST or value in keys[-1:] or not _MAPPINGS.isdisjoint(keys[:-1]):
        return False
    if _MINE.fullmatch(value):
        return True
    parts = value.split("_")
    return _SPELLED.fullmatch(value) is not None and not (
        value.startswith("your") or not _OTHERWISE.isdisjoint(parts)
    )
