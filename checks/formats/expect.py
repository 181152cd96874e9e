"""Read scripts of expect(1): what they set, and what they send to a prompt for a password."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

GENERIC: Final = True
NAMES: Final = ("*.exp", "*.expect")

_INTERPRETER: Final = regex(r"#![^\n]{0,80}?[/ ](?:expect|autoexpect)\b")
_TEXT: Final = r'(?:"((?:[^"\\]++|\\.){0,400}+)"|\{([^{}\n]{0,400}+)\}|([^\s"{};]{1,400}+))'
_STEP: Final = regex(
    r"(?:^|(?<=[\s;{\"']))(?:(set)[ \t]++(\w{1,80}+)[ \t]++|(send(?:_user|_tty)?)[ \t]++"
    r"(?:(?>(?:--?|-s|-h)[ \t]++)){0,3}+|(expect)\b)(?>" + _TEXT + r"?)",
    re.MULTILINE | re.DOTALL,
)
_PROMPT: Final = regex(r"assw|assphrase|asscode|secret|pin\b|kennwort|token", re.IGNORECASE)
_REACH: Final = 400
_END: Final = regex(r"(?:\\[rn])+\Z")
_KEYS: Final = regex(r"(?:\\.|\^?[A-Za-z]|yes|no|exit|quit|logout)?\Z", re.IGNORECASE)


def sniff(head: str) -> bool:
    """Recognise a script by its interpreter."""
    return _INTERPRETER.match(head) is not None


def parse(text: str, first: int = 1) -> Iterator[Entry]:
    r"""Give variables (NAMED) and each text that answers a prompt for a password (SECRET).

    FIRST is the number of the first line. A `\r` at the end of a text is left out, and in a script
    that is the argument of `-c` quotes may stand behind backslashes. Never fails.
    """
    if '\\"' in text and '"' not in text.replace('\\"', ""):
        text = text.replace('\\"', '"')
    line, at, waits = first, 0, -1
    for found in _STEP.finditer(text):
        line += text.count("\n", at, found.start())
        at = found.start()
        value = next((part for part in found.group(5, 6, 7) if part is not None), "")
        if found[4]:
            waits = found.end(4)
        elif found[1] and value:
            yield Entry((found[2],), _END.sub("", value), line, quoted=found[7] is None)
        elif found[3] == "send" and waits >= 0:
            answer, asked = _END.sub("", value), _asked(text, waits, at)
            waits = found.end()
            if asked and not _KEYS.match(answer):
                yield Entry(("send", "password"), answer, line, Role.SECRET, quoted=True)


def _asked(text: str, start: int, end: int) -> bool:
    """Say whether what was waited for between two places is a prompt for a password."""
    return _PROMPT.search(text, max(start, end - _REACH), end) is not None
