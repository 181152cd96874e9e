"""Say what a value is by its shape (a password hash) or by its directive (a command line)."""

from __future__ import annotations

import re
from typing import Final

from checks.lazy import regex
from checks.model import Role

_SCHEME: Final = regex(r"\{([A-Za-z][\w.\-]{0,30})\}")
_CLEAR: Final = frozenset({"plain", "cleartext", "plain-trunc", "clear"})
_CRYPT: Final = regex(
    r"\$(?:\d[a-z]?|2[abxy]|y|gy|apr1|sha1|md5|argon2\w*|pbkdf2[\w\-]*|scrypt|bcrypt\w*)[$,]"
    r"|(?:grub\.)?pbkdf2[.:_]|SCRAM-SHA-256\$|md5[0-9a-f]{32}\Z|_[./0-9A-Za-z]{19}\Z|argon2id?\$"
)
_DES: Final = regex(r"[./0-9A-Za-z]{13}\Z")
_COMMAND: Final = regex(
    r"(?:^|[_\-.])(?:command|cmd|cmdline|command[_\-]line|exec|exec[_\-](?:start|stop|pre|post)"
    r"|startup|shutdown)$|^(?:pre|post)(?:up|down)$",
    re.IGNORECASE,
)


def is_crypt(value: str) -> bool:
    """Say whether a value has the form of a crypt hash with its scheme in front."""
    return _CRYPT.match(value) is not None


def stored(value: str, *, des: bool = False) -> tuple[Role, str]:
    """Tell a stored password's role, and give it without a scheme that means clear text.

    A scheme in braces or a crypt prefix makes it a hash; des: so do 13 characters of the
    traditional crypt alphabet.
    """
    scheme = _SCHEME.match(value)
    if scheme:
        if scheme[1].lower() in _CLEAR:
            return Role.SECRET, value[scheme.end() :]
        return Role.HASH, value
    if is_crypt(value) or (des and _DES.match(value)):
        return Role.HASH, value
    return Role.SECRET, value


def of_name(name: str) -> Role:
    """Give COMMAND for a setting whose name says that its value is a command line."""
    return Role.COMMAND if _COMMAND.search(name) else Role.NAMED
