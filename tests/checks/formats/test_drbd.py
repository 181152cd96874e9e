"""Credentials planted in resources of DRBD are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import drbd
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "drbd.d/r0.res",
        "resource r0 {\n net {\n  shared-secret @@;\n }\n}\n",
        "double",
        ("resource r0", "net", "shared-secret"),
        Role.SECRET,
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(drbd, row) == []


def test_other_statements_are_ordinary_values() -> None:
    """The algorithm beside the secret is none."""
    found = list(drbd.parse("net { cram-hmac-alg sha1; shared-secret k7; }"))
    assert [e.role for e in found] == [Role.NAMED, Role.SECRET]
