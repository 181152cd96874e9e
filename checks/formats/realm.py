"""Java lists of users: Jetty and JAAS realms, Karaf and ActiveMQ users, JBoss users, JMX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import properties
from checks.formats.copies import with_copies
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    *with_copies(
        "jetty-realm.properties", "realm.properties", "*-realm.properties", "login.properties",
        "users.properties", "*-users.properties", "jmxremote.password",
    ),
    "jetty/*.realm", "*-realm.txt", "jmx.password", "*jmxremote.password",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_ROLES: Final = regex(r"[\w\s,.:\-]*+")
_SCHEME: Final = regex(r"(?:MD5|CRYPT|SHA1|SHA-?256):|\{(?:CRYPT|MD5|SHA[\w\-]*|BCRYPT)\}")
_BARE: Final = regex(r"\A(?:MD5|SHA1|SHA-?256):(?=[0-9a-f]{32})")
"""In front of a digest in hex, which is known by its length."""
_HASHED: Final = regex(r"[0-9a-f]{32}\Z|[0-9a-f]{40}\Z|[0-9a-f]{64}\Z|[0-9a-f]{128}\Z")
_GROUP: Final = regex(r"_g_\\?:")
_OBFUSCATED: Final = "OBF:"
"""Jetty's way to hide a password; it is undone without any key."""
_SETTING: Final = regex(r"[a-z][\w\-]*\.[\w.\-]+\Z")


def parse(text: str) -> Iterator[Entry]:
    """Give each password or hash under (user,) with the user as the subject.

    Names with dots are settings of the same file, given as ordinary values. Hashes in hex have no
    scheme; they are MD5 or SHA digests of Karaf and JBoss. Raises FormatError for JSON and XML.
    """
    for entry in properties.parse(text):
        user = entry.keys[0]
        if _GROUP.match(user) or not entry.value.strip():
            continue
        if _SETTING.match(user) and "@" not in user:
            yield entry
            continue
        value = _without_roles(entry.value).strip() or entry.value.strip()
        role = _role(value)
        yield entry._replace(value=_BARE.sub("", value), role=role, subject=user)


def _without_roles(value: str) -> str:
    """Cut at the first comma behind which there are only names; asked from the end: linear."""
    names = _ROLES.match(value[::-1])
    comma = value.find(",", len(value) - (names.end() if names else 0))
    return value if comma < 0 else value[:comma]


def _role(value: str) -> Role:
    if value.startswith(_OBFUSCATED):
        return Role.SECRET
    return Role.HASH if _SCHEME.match(value) or _HASHED.match(value) else Role.SECRET
