"""Postfix: main.cf, master.cf and the lookup files of databases; `name = value` to the letter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import folded, numbered
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "main.cf", "master.cf", "postfix/*.cf", "postfix/*/*.cf", "mysql-*.cf", "mysql_*.cf",
    "pgsql-*.cf", "pgsql_*.cf", "ldap-*.cf", "ldap_*.cf", "main.cf.*",
)  # fmt: skip

_SETTING: Final = regex(r"([\w.\-${}]++)[ \t]*+=[ \t]*+(.*)\Z", re.DOTALL)
_STATIC: Final = regex(r"static:\{?[ \t]*+([^\s:{}]++):([^\s{}]++)")


def parse(text: str) -> Iterator[Entry]:
    """Give values under (name,), options of a service of master.cf under (service, name).

    `static:user:password` of a password map is a credential of that user.
    """
    for line in folded(numbered(text)):
        found = _SETTING.match(line.text)
        if found is None:
            service = line.text.split(None, 1)[0]
            for name, word in quoting.pairs(line.text):
                yield Entry((service, name), word.text, line.number, quoted=word.quoted)
            continue
        static = _STATIC.search(found[2]) if "password" in found[1] else None
        if static:
            yield Entry((found[1],), static[2], line.number, Role.SECRET, subject=static[1])
        else:
            yield Entry((found[1],), found[2].strip(), line.number)
