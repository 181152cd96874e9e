"""PAM service files: arguments of modules such as `pam_mysql.so user=x passwd=y`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import continued, numbered, payload, uncomment
from checks.lazy import regex
from checks.model import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "pam.d/*",
    "pam.conf",
    "usr/share/pam-configs/*",
    "*.pam",
    "pam-mysql.conf",
)

_MODULE: Final = regex(r"\bpam_[\w\-]++(?:\.so)?")
_BRACKETED: Final = regex(r"\[([A-Za-z_][\w.\-]*+)=((?:[^\]\\]|\\.)*+)\]")
_SETTING: Final = regex(r"([\w.]++)[ \t]*+=[ \t]*+(.*)\Z", re.DOTALL)


def parse(text: str) -> Iterator[Entry]:
    """Give `name=value` arguments under (module, name); the words of the stack give nothing."""
    for line in payload(continued(numbered(text))):
        body = uncomment(line.text, "#").strip()
        module = _MODULE.search(body)
        if module is None:
            setting = _SETTING.match(body)
            if setting:
                yield Entry((setting[1],), setting[2].strip(), line.number)
            continue
        name, rest = module[0], body[module.end() :]
        for found in _BRACKETED.finditer(rest):
            yield Entry((name, found[1]), found[2].replace("\\]", "]"), line.number)
        for key, word in quoting.pairs(rest):
            yield Entry((name, key), word.text, line.number, quoted=word.quoted)
