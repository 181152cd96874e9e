"""Credentials of a Caddyfile are read below the blocks they stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError
from checks.formats import caddy
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/caddy/Caddyfile",
        "{\n\tacme_dns cloudflare @@\n}\n",
        "word",
        ("", "acme_dns", "cloudflare"),
        Role.SECRET,
        "",
    ),
    (
        "etc/caddy/Caddyfile",
        "a.example {\n\ttls {\n\t\tdns route53 AKIA @@\n\t}\n}\n",
        "word",
        ("a.example", "tls", "dns", "route53"),
        Role.SECRET,
        "",
    ),
    (
        "srv/x.caddyfile",
        "a {\n tls {\n  dns ovh {\n   app_secret @@\n  }\n }\n}\n",
        "word",
        ("a", "tls", "dns ovh", "app_secret"),
        Role.SECRET,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(caddy, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(caddy, template, "# ") == []


def test_a_login_block_gives_the_hash_of_each_user() -> None:
    """Below basic_auth a line is a user and a hash; a clear-text password there is a secret."""
    text = "a {\n basic_auth /x {\n  ada $2y$10$abc\n  bob secret9\n }\n}\nb {\n root * /srv\n}\n"
    found = [(entry.subject, entry.role) for entry in caddy.parse(text)]
    assert found == [("ada", Role.HASH), ("bob", Role.SECRET), ("", Role.NAMED)]


def test_a_header_is_named_by_its_first_argument() -> None:
    """The value of a header stands under the header's name."""
    text = 'a {\n reverse_proxy b {\n  header_up X-Api-Key "v 1"\n }\n}\n'
    assert [entry.keys[-1] for entry in caddy.parse(text) if entry.value == "v 1"] == ["X-Api-Key"]


def test_blocks_nested_too_deep_are_refused() -> None:
    """Depth is bounded."""
    with pytest.raises(FormatError):
        list(caddy.parse("a {\n" * 70))
