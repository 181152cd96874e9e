"""npm's configuration: tokens and passwords a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.copies import with_copies
from checks.formats.textlines import numbered, payload
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (*with_copies(".npmrc"), "npmrc", "*.npmrc", ".yarnrc")


_ROLES: Final = {
    "_authtoken": Role.SECRET,
    "_auth": Role.ENCODED,
    "_password": Role.ENCODED,
}


def parse(text: str) -> Iterator[Entry]:
    """Give settings under (registry, name) or (name,); credentials carry the user as subject."""
    found = list(_settings(text))
    users = {keys[:-1]: value for keys, value, *_ in found if keys[-1] == "username"}
    for keys, value, line, quoted in found:
        role = _ROLES.get(keys[-1].lower(), Role.NAMED)
        subject = "" if role is Role.NAMED else users.get(keys[:-1], keys[0] if keys[1:] else "")
        yield Entry(keys, value, line, role, quoted, subject)


def _settings(text: str) -> Iterator[tuple[tuple[str, ...], str, int, bool]]:
    for line in payload(numbered(text), "#;"):
        name, equals, value = line.text.strip().partition("=")
        if not equals:
            continue
        registry, colon, own = name.strip().rpartition(":")
        keys = (registry, own) if colon and registry.startswith("//") else (name.strip(),)
        word = quoting.unquote(value.strip())
        yield keys, word.text if word else value.strip(), line.number, word is not None
