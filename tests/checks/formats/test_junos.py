"""Credentials of Junos and VyOS are read from blocks and from `set` lines."""

from __future__ import annotations

import pytest

from checks.formats import junos
from checks.model import Role


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('system {\n radius-server {\n  192.0.2.1 secret "made up 9";\n }\n}\n', 3),
        ('snmp {\n community "made up 9" {\n  authorization read-only;\n }\n}\n', 2),
        ('set security ike policy p pre-shared-key ascii-text "made up 9"\n', 1),
        ('service {\n snmp {\n  plaintext-password "made up 9"\n }\n}\n', 3),
    ],
)
def test_a_labelled_word_is_a_secret(text: str, line: int) -> None:
    """Each notation gives the value and its line."""
    found = [(entry.value, entry.line) for entry in junos.parse(text) if entry.role is Role.SECRET]
    assert found == [("made up 9", line)]


@pytest.mark.parametrize(
    "text", ["/* secret x\n secret y */\n", "community members 1:2;\n", "# secret x\n"]
)
def test_comments_and_routing_communities_give_nothing(text: str) -> None:
    """A BGP community is no SNMP community."""
    assert list(junos.parse(text)) == []
