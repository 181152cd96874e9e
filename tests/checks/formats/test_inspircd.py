"""Passwords in the tags of InspIRCd are read at their lines."""

from __future__ import annotations

from checks.formats import inspircd
from checks.model import Role


def test_attributes_are_read_over_several_lines() -> None:
    """A password is given with the name that its tag has."""
    text = (
        '# <oper password="x">\n<oper name="ada"\n      password="made up 9"\n      host="*@*">\n'
    )
    found = [entry for entry in inspircd.parse(text) if entry.role is Role.SECRET]
    assert [(entry.keys, entry.value, entry.line, entry.subject) for entry in found] == [
        (("oper", "password"), "made up 9", 3, "ada")
    ]


def test_a_hash_is_told_by_its_sibling() -> None:
    """`hash="sha256"` in front says what the password is."""
    text = '<oper name="a" hash="sha256" password="0f0f">\n<bind port="1" type="key">\n'
    roles = [entry.role for entry in inspircd.parse(text)]
    assert roles == [Role.NAMED, Role.NAMED, Role.HASH, Role.NAMED, Role.NAMED]
