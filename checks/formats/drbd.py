"""Resources of DRBD: the secret that two peers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.formats.statements import statements
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("drbd.conf", "drbd.d/*.res", "drbd.d/*.conf", "drbd.d/*/*.res")


def parse(text: str) -> Iterator[Entry]:
    """Give the first argument of every statement under (blocks..., statement).

    Raises FormatError when blocks are nested too deep.
    """
    for statement in statements(text):
        if statement.opens or len(statement.words) < 2:
            continue
        name, value = statement.words[:2]
        role = Role.SECRET if name.text == "shared-secret" else Role.NAMED
        yield Entry((*statement.path, name.text), value.text, value.line, role, value.quoted)
