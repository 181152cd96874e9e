"""What the tests of nested formats share: reading to the end or to the error, hostile texts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from checks.errors import FormatError

if TYPE_CHECKING:
    from types import ModuleType

    from checks.model import Entry


def read(module: ModuleType, text: str) -> tuple[list[Entry], FormatError | None]:
    """Give the entries of a text and the error that ended it, if one did."""
    found: list[Entry] = []
    try:
        found.extend(_each(module, text, found))
    except FormatError as error:
        return found, error
    return found, None


def _each(module: ModuleType, text: str, found: list[Entry]) -> list[Entry]:
    for entry in module.parse(text):
        found.append(entry)
    return []


def flat(module: ModuleType, text: str) -> dict[str, tuple[str, int]]:
    """Give value and line by dotted key path; the text must be whole."""
    found, error = read(module, text)
    assert error is None
    return {".".join(entry.keys): (entry.value, entry.line) for entry in found}


def seconds(module: ModuleType, text: str) -> float:
    """Give the processor time that reading takes."""
    start = time.process_time()
    read(module, text)
    return time.process_time() - start
