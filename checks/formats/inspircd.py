"""InspIRCd: tags of attributes, `<oper name="x" password="y">`, on one line or several."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("inspircd.conf", "inspircd*.conf", "inspircd/*.conf", "inspircd/*/*.conf")

_PART: Final = regex(
    r"(?P<comment>^[ \t]*+#[^\n]*+)|<(?P<tag>[a-z]\w*+)(?=\s)"
    r"|(?<=\s)(?P<name>[a-z]\w*+)[ \t]*+=[ \t]*+\"(?P<value>[^\"]*+)\"",
    re.MULTILINE | re.IGNORECASE,
)
_SECRET: Final = regex(r"(?:\w*pass|password|\w*hash_?key|key)\Z", re.IGNORECASE)
_HASHES: Final = regex(r"(?:md5|sha\d+|hmac-\S+|bcrypt|ripemd160|pbkdf2-\S+|plaintext)\Z")


def parse(text: str) -> Iterator[Entry]:
    """Give each attribute under (tag, name); passwords of a tag that names a hash are hashes."""
    tag, hashed, owner = "", False, ""
    line = counted = 0
    for part in _PART.finditer(text):
        if part["tag"]:
            tag, hashed, owner = part["tag"], False, ""
        elif part["name"]:
            line += text.count("\n", counted, part.start("value"))
            counted = part.start("value")
            name, value = part["name"], part["value"]
            hashed = hashed or (name == "hash" and _HASHES.match(value) is not None)
            owner = value if name == "name" else owner
            role = (Role.HASH if hashed else Role.SECRET) if _SECRET.match(name) else Role.NAMED
            yield Entry((tag, name), value, line + 1, role, quoted=True, subject=owner)
