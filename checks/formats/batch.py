"""Read batch files of Windows: what they set, and their command lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

GENERIC: Final = True
NAMES: Final = ("*.bat", "*.cmd", "autoexec.nt")

_COMMENT: Final = regex(r"@?(?:rem\b|::)", re.IGNORECASE)
_SET: Final = regex(r"@?set[ \t]++(?!/)(\"?)([A-Za-z_][\w.\-]{0,100}+)=(.*)\Z", re.IGNORECASE)
_REFERENCE: Final = regex(r"%(?:~?\w{1,80}|\w{1,80}:[^%\n]{0,80})%?|![A-Za-z_]\w{0,80}!")


def parse(text: str) -> Iterator[Entry]:
    """Give each setting (NAMED) and each other line as a COMMAND; never fails.

    `%NAME%` and `!NAME!` become `${NAME}`, so that they read as the references they are.
    """
    for number, line in enumerate(text.split("\n"), 1):
        body = line.strip()
        if not body or _COMMENT.match(body):
            continue
        if setting := _SET.match(body):
            value = setting[3].strip()
            value = value.removesuffix('"') if setting[1] else value
            yield Entry((setting[2],), _referred(value), number, quoted=bool(setting[1]))
        else:
            command = _referred(body.lstrip("@")).replace("\\", "\\\\")
            yield Entry(("command",), command, number, Role.COMMAND)


def _referred(text: str) -> str:
    return _REFERENCE.sub("${reference}", text)
