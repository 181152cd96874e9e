"""Read small files and links of /proc: what cannot be read, or ended meanwhile, is empty. EDGE."""

from __future__ import annotations

import os
from typing import Final

_MOST: Final = 128 * 1024
"""Bytes of a file; a command line or an environment may have megabytes."""


def content(path: str) -> bytes:
    """Give the beginning of a file."""
    try:
        with open(path, "rb") as file:
            return file.read(_MOST)
    except OSError:
        return b""


def text(path: str) -> str:
    """Give the beginning of a file; bytes that are not UTF-8 as surrogates (PEP 383)."""
    return content(path).decode("utf-8", "surrogateescape")


def link(path: str) -> str:
    """Give what a link points to."""
    try:
        return os.readlink(path)
    except OSError:
        return ""
