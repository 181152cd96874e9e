"""Tell base64 of text from base64 of what a program has encrypted."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from checks.lazy import regex

_OF_JENKINS: Final = regex(r"(?:hudson|org\.jenkinsci|com\.cloudbees)\.")
"""An element named for a class of Jenkins, which encrypts the secrets it writes."""
_BLOCK: Final = 16
"""Bytes of AES."""


def decoded(value: str) -> str:
    """Give the text that base64 stands for, "" where it is none."""
    try:
        return _bytes("".join(value.split())).decode()
    except UnicodeDecodeError:
        return ""


def is_by_jenkins(keys: tuple[str, ...], value: str) -> bool:
    """Say whether Jenkins wrote a value: whole blocks of a cipher in an element of its own."""
    if not any(map(_OF_JENKINS.match, keys)):
        return False
    content = _bytes(value)
    return content != b"" and len(content) % _BLOCK == 0 and not content.isascii()


def _bytes(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""
