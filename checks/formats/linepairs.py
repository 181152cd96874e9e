"""Lists of virtual FTP users for db_load: the user on one line, the password on the next."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats.textlines import numbered
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "vsftpd/*user*.txt", "vsftpd/*login*.txt", "vsftpd/*virt*.txt", "vsftpd/ftpusers.txt",
    "vsftpd_login*.txt", "vsftpd-virtual*.txt", "vsftpd_virtual*.txt", "vsftpd-users.txt",
    "vusers.txt", "virtual-users.txt", "virtual_users.txt",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_USER: Final = regex(r"[A-Za-z_][\w.@\-]{0,63}")
_NAME: Final = regex(r"[a-z_]{1,12}")
_MOST_LINES: Final = 4096


def parse(text: str) -> Iterator[Entry]:
    """Give each password under ("password",) with its user as the subject.

    Raises FormatError unless users and passwords take turns: a mere list of users is none.
    """
    rows = [line for line in islice(numbered(text), _MOST_LINES) if line.text.strip()]
    if not rows or len(rows) % 2:
        raise FormatError("not pairs of lines", 1)
    pairs = list(zip(rows[::2], rows[1::2], strict=True))
    if not all(_USER.fullmatch(user.text.strip()) for user, _ in pairs):
        raise FormatError("a line is no user name", 1)
    if all(_NAME.fullmatch(password.text.strip()) for _, password in pairs):
        raise FormatError("a list of users", 1)
    for user, password in pairs:
        value, subject = password.text.strip(), user.text.strip()
        yield Entry(("password",), value, password.number, Role.SECRET, subject=subject)
