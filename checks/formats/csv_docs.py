"""Read tables whose first row names a column like a credential: exports of accounts and vaults."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.lazy import regex
from checks.model import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("*.csv", "*.tsv")
ALWAYS: tuple[str, ...] = NAMES

_CREDENTIAL: Final = regex(
    r"pass(?:w|phrase|code|\b)|pwd|secret|token|api.?key|private.?key|kennwort|senha|mot de passe",
    re.IGNORECASE,
)
_USER: Final = regex(r"user|login|account|e-?mail", re.IGNORECASE)
_SEPARATORS: Final = ",;\t|"
_HEADER: Final = 4096
_NAME: Final = 64


def parse(text: str) -> Iterator[Entry]:
    """Give each cell of such a column under the column's name; raises FormatError for a huge cell.

    A table without such a column is not read past its first row. The subject is the row's user.
    """
    text = text.removeprefix("\ufeff")
    header = text[:_HEADER].lstrip("\r\n").partition("\n")[0]
    if not _CREDENTIAL.search(header):
        return
    separator = max(_SEPARATORS, key=header.count)
    if header.count(separator):
        yield from _rows(text, separator)


def _rows(text: str, separator: str) -> Iterator[Entry]:
    rows = csv.reader(text.split("\n"), delimiter=separator)
    names: list[str] = []
    line = 1
    try:
        for row in rows:
            if names:
                yield from _cells(names, row, line)
            elif any(cell.strip() for cell in row):
                names = [cell.strip() for cell in row]
            line = rows.line_num + 1
    except csv.Error as error:
        raise FormatError("a cell of the table is too long", line) from error


def _cells(names: list[str], row: list[str], line: int) -> Iterator[Entry]:
    user = next((cell for name, cell in zip(names, row, strict=False) if _USER.search(name)), "")
    for name, cell in zip(names, row, strict=False):
        if cell.strip() and len(name) <= _NAME and _CREDENTIAL.search(name):
            subject = user if user != cell else ""
            yield Entry((name,), cell.strip(), line, quoted=True, subject=subject)
