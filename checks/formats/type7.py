"""Undo the type 7 passwords of network devices: an exclusive or with a text that all know."""

from __future__ import annotations

from typing import Final

from checks.lazy import regex

_TEXT: Final = b"dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87"
"""Built into the devices and published in 1995: it hides a password from a glance only."""
_HIDDEN: Final = regex(r"([0-5]\d)((?:[0-9A-Fa-f]{2}){1,127})\Z")


def reveal(hidden: str) -> str:
    """Give the password, or "" for what is no type 7 password of printable characters."""
    found = _HIDDEN.match(hidden)
    if found is None:
        return ""
    start = int(found[1])
    plain = bytes(
        byte ^ _TEXT[(start + place) % len(_TEXT)]
        for place, byte in enumerate(bytes.fromhex(found[2]))
    )
    text = plain.decode("ascii", "replace")
    return text if text.isprintable() and text.isascii() else ""
