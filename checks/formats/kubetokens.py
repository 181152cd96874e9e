"""Static tokens and passwords of a Kubernetes API server: `token,user,uid,"group,group"`."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats import csv_docs
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "tokens.csv", "token.csv", "known_tokens.csv", "known-tokens.csv", "static-tokens.csv",
    "static_tokens.csv", "auth-tokens.csv", "token-auth.csv", "token_auth.csv", "basic_auth.csv",
    "basic-auth.csv", "kubernetes/*.csv", "kubernetes/*/*.csv",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_HEAD: Final = 4096
_FEWEST: Final = 3
_MOST: Final = 4
_SECRET: Final = regex(r"[\w.\-+/=!@#$%^&*]{4,256}")
_USER: Final = regex(r"[A-Za-z_][\w.:@\-]{0,127}")
_UID: Final = regex(r"[\w.:@\-]{1,128}")


def parse(text: str) -> Iterator[Entry]:
    """Give the first cell of each row under ("token",) with the user as the subject.

    Any other table is read by its header. Raises FormatError for a huge cell.
    """
    try:
        if not _is_static(text[:_HEAD]):
            yield from csv_docs.parse(text)
            return
        rows = csv.reader(text.split("\n"))
        for row in rows:
            if len(row) >= _FEWEST:
                secret, user = row[0].strip(), row[1].strip()
                yield Entry(("token",), secret, rows.line_num, Role.SECRET, subject=user)
    except csv.Error as error:
        raise FormatError("a cell of the table is too long", 1) from error


def _is_static(head: str) -> bool:
    """Know a table without a header: the first row has a secret, a user, a uid and groups."""
    row = next((row for row in csv.reader(head.split("\n")) if row), [])
    if not _FEWEST <= len(row) <= _MOST:
        return False
    secret, user, uid = (cell.strip() for cell in row[:_FEWEST])
    if uid.lower() in {"uid", "id", "user_uid", "user uid"} or secret.lower() in {"token", "name"}:
        return False
    shaped = _SECRET.fullmatch(secret) and _USER.fullmatch(user) and _UID.fullmatch(uid)
    return bool(shaped) and any(char.isdigit() for char in secret + uid)
