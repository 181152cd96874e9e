"""Secrets of strongSwan's newer files are read with the identity of their block."""

from __future__ import annotations

from checks.formats import swanctl
from checks.model import Role


def test_the_secret_of_a_block_has_its_identity() -> None:
    """Settings beside it are ordinary values."""
    text = 'secrets {\n ike-a {\n  id = hq\n  secret = "made up 9"\n }\n}\nx {\n  a = y\n}\n'
    found = [entry for entry in swanctl.parse(text) if entry.value == "made up 9"]
    assert [(e.role, e.line, e.subject) for e in found] == [(Role.SECRET, 4, "hq")]
