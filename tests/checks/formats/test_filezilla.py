"""Passwords of FileZilla are told apart by their encoding."""

from __future__ import annotations

import pytest

from checks.formats import filezilla
from checks.model import Role


def _server(attribute: str) -> str:
    return (
        "<FileZilla3><Servers><Server>\n<User>ada</User>\n"
        f"<Pass{attribute}>dmFsdWU=</Pass></Server></Servers></FileZilla3>\n"
    )


@pytest.mark.parametrize(
    ("attribute", "role"), [("", Role.SECRET), (' encoding="base64"', Role.ENCODED)]
)
def test_a_password_is_given_with_its_user(attribute: str, role: Role) -> None:
    """Base64 is undone later, clear text is a secret as it stands."""
    found = [entry for entry in filezilla.parse(_server(attribute)) if entry.keys[-1] == "Pass"]
    assert [(entry.role, entry.subject, entry.line) for entry in found] == [(role, "ada", 3)]


def test_a_password_sealed_by_a_master_password_gives_nothing() -> None:
    """It is encrypted."""
    text = _server(' encoding="crypt" pubkey="x"')
    assert [entry for entry in filezilla.parse(text) if entry.keys[-1] == "Pass"] == []
