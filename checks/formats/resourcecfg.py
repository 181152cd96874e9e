"""Macros of Nagios and Icinga: `$USER4$=value` holds paths, names of users and passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "nagios*/resource.cfg", "nagios*/*/resource.cfg", "icinga*/resource.cfg", "naemon/resource.cfg",
    "private/resource.cfg", "nagios*/resource.cfg.*",
)  # fmt: skip

_MACRO: Final = regex(r"\s*\$(USER\d{1,3})\$\s*=\s*(\S.*?)\s*\Z")
_DIGIT: Final = regex(r"\d")
_CAPITAL_OR_SIGN: Final = regex(r"[A-Z!#$%&*+=?@^|<>]")


def parse(text: str) -> Iterator[Entry]:
    """Give every macro under (name,); as a secret where the value is neither a place nor a name."""
    for line in payload(numbered(text)):
        macro = _MACRO.match(line.text)
        if macro:
            role = Role.SECRET if _looks_chosen(macro[2]) else Role.NAMED
            yield Entry((macro[1],), macro[2], line.number, role)


def _looks_chosen(value: str) -> bool:
    """Say whether a value has digits with capitals or signs, and is no path and no host."""
    if value[0] in "/~." or "://" in value or " " in value or "/" in value:
        return False
    return bool(_DIGIT.search(value) and _CAPITAL_OR_SIGN.search(value))
