"""Credentials planted in JAAS are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import jaas
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "kafka_server_jaas.conf",
        'KafkaServer {\n a.b.PlainLoginModule required\n username="u"\n password=@@\n x="y";\n};\n',
        "double",
        ("KafkaServer", "PlainLoginModule", "password"),
        Role.SECRET,
        "u",
    ),
    (
        "kafka_server_jaas.conf",
        "KafkaServer {\n a.b.PlainLoginModule required\n user_bob=@@;\n};\n",
        "double",
        ("KafkaServer", "PlainLoginModule", "user_bob"),
        Role.SECRET,
        "bob",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(jaas, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(jaas, template, "// ") == []
