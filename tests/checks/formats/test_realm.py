"""Users of Java servers are read with their passwords and hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import realm
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/jetty/jetty-realm.properties",
        "ada: @@, admin,user\n",
        "tight-dq",
        ("ada",),
        Role.SECRET,
        "ada",
    ),
    (
        "opt/karaf/etc/users.properties",
        "a = x,_g_:g\nada = @@,_g_:admingroup\n",
        "word",
        ("ada",),
        Role.SECRET,
        "ada",
    ),
    ("opt/artemis/etc/artemis-users.properties", "ada=@@\n", "word", ("ada",), Role.SECRET, "ada"),
    ("etc/java/jmxremote.password", "ada @@\n", "word", ("ada",), Role.SECRET, "ada"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(realm, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(realm, template, "# ") == []


def test_a_digest_is_a_hash_and_a_group_is_no_user() -> None:
    """What a server keeps as a digest is told from what it keeps in clear text."""
    text = f"a: MD5:{'0f' * 16}, user\nb={'0f' * 16}\nc: OBF:1x2y\n_g_\\:g = x\nlog.level=3\n"
    roles = {entry.keys[0]: entry.role for entry in realm.parse(text)}
    assert roles == {
        "a": Role.HASH, "b": Role.HASH, "c": Role.SECRET, "log.level": Role.NAMED,
    }  # fmt: skip


def test_a_digest_is_given_without_its_scheme() -> None:
    """Jetty's `MD5:` stands before bare hexadecimal; what is no digest stays as it is."""
    digest, other = realm.parse(f"a: MD5:{'0a' * 16},user\nb: MD5:k7,user\n")
    assert (digest.value, digest.role) == ("0a" * 16, Role.HASH)
    assert other.value == "MD5:k7"
