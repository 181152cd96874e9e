"""Read the header Strict-Transport-Security as browsers do (RFC 6797 6.1)."""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 1024
_MOST_DIGITS: Final = 18


def directives(header: str) -> dict[str, str] | None:
    """Give directives by lower-case name; None where one stands twice: such a header is ignored."""
    found: dict[str, str] = {}
    for part in header[:_LONGEST].split(";"):
        name, _, value = part.partition("=")
        name = name.strip().lower()
        if not name:
            continue
        if name in found:
            return None
        found[name] = value.strip().removeprefix('"').removesuffix('"').strip()
    return found


def max_age(header: str) -> int | None:
    """Give max-age in seconds, None where the header has none and browsers ignore it."""
    digits = (directives(header) or {}).get("max-age", "")
    if not (digits.isascii() and digits.isdigit()):
        return None
    return int(digits.lstrip("0")[:_MOST_DIGITS] or 0)
