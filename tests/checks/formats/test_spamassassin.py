"""Only logins of databases are read from SpamAssassin's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import spamassassin
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/spamassassin/sql.cf",
        "bayes_sql_password @@\n",
        "word",
        ("bayes_sql_password",),
        Role.SECRET,
        "",
    ),
    (
        "etc/mail/spamassassin/local.cf",
        "user_scores_sql_password   @@\n",
        "word",
        ("user_scores_sql_password",),
        Role.SECRET,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(spamassassin, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(spamassassin, template, "# ") == []


@pytest.mark.parametrize("line", ["describe X neutral pass +all", "body X /password failures/i"])
def test_prose_and_expressions_give_nothing(line: str) -> None:
    """A rule tells of passwords, it holds none."""
    assert list(spamassassin.parse(line + "\n")) == []
