"""Credentials planted in macros of Nagios are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import resourcecfg
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType
    from typing import Any

    from checks.catalog import Formats

    Plant = Callable[[ModuleType, str, str], Iterator[Any]]


def test_a_planted_credential_is_read_to_the_letter(plant: Plant, formats: Formats) -> None:
    """A password comes out once, exact, at its line, as a secret."""
    chosen = formats.of("nagios/resource.cfg", b"").format
    assert chosen is not None
    assert chosen.__name__ == resourcecfg.__name__
    for planted in plant(resourcecfg, "# a\n$USER4$=K7!@@\n", "hex"):
        found = [(e.keys, e.value, e.line, e.role) for e in planted.entries]
        assert found == [(("USER4",), f"K7!{planted.value}", 2, Role.SECRET)]


@pytest.mark.parametrize("value", ["/usr/lib/k7Q", "someuser", "host.example", "http://a/K7"])
def test_a_place_or_a_name_is_no_secret(value: str) -> None:
    """A value without digits and capitals or signs, a path and an address are ordinary values."""
    secret, plain = resourcecfg.parse(f"$USER3$=k7Q2xx\n$USER4$={value}\n")
    assert (secret.role, plain.role) == (Role.SECRET, Role.NAMED)
