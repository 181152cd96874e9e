"""The store of git credentials: one URL with user and password a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.formats.textlines import numbered, payload
from checks.model import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (".git-credentials", "git-credentials", "git/credentials")
ALWAYS: tuple[str, ...] = NAMES


def parse(text: str) -> Iterator[Entry]:
    """Give each URL under ("url",)."""
    for line in payload(numbered(text)):
        yield Entry(("url",), line.text.strip(), line.number)
