"""Read files that a configuration draws in if they exist, and name those beside another one."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from checks.lazy import regex

if TYPE_CHECKING:
    from checks.tls.syntax.reading import Reading

_MAGIC = regex(r"[*?\[]")


def text_if_there(reading: Reading, path: str, above: tuple[str, ...] = ()) -> str:
    """Give a file's text, "" where there is none; one that exists and is not read is a gap."""
    exists = reading.tree.glob(_MAGIC.sub(r"[\g<0>]", path))
    return (reading.text(path, above) or "") if exists else ""


def beside(path: str, name: str) -> str:
    """Resolve a name that is written in the file at PATH: relative to that file's folder."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def named(reading: Reading, pattern: str) -> list[str]:
    """Give the files that fit a name, which need not be a pattern; then it alone, there or not."""
    return list(reading.tree.glob(pattern)) if _MAGIC.search(pattern) else [pattern]
