"""A password may be spelled out of words; a name, a message and a placeholder are none."""

from __future__ import annotations

import time

import pytest

from checks.secrets.worded import is_spelled

KEYS = ("services", "db", "environment", "DB_PASSWORD")


@pytest.mark.parametrize(
    "value",
    "app_password shop_user_pwd orders_pw ledger_db_pass rootpassword shoppass ledgerpwd mypassword"
    " my_password my-very-own-pw mysecretpassword app_password2 orderspassword!".split(),
)
def test_words_that_end_in_password_are_one(value: str) -> None:
    """Joined by an underscore or glued, also with digits or a sign behind them."""
    assert is_spelled(value, KEYS)


@pytest.mark.parametrize(
    "value",
    "password pass passwd pw your_password yourpassword new_password current_password set_password"
    " invalid_password vault_app_password password_hash app-db-password appPassword APP_PASSWORD"
    " file_password compass-rose marble app_token my-app".split(),
)
def test_names_messages_and_placeholders_are_none(value: str) -> None:
    """Dashes and humps are of names; a verb makes a message; the word alone is judged as weak."""
    assert not is_spelled(value, KEYS)


def test_what_lists_names_has_no_password() -> None:
    """A column, a field and a label are called so; a key that is repeated is a template."""
    assert not is_spelled("user_password", ("mapping", "columns", "password"))
    assert not is_spelled("db_password", ("db", "db_password"))
    assert is_spelled("user_password", ("accounts", "password"))


def test_long_values_are_refused_at_once() -> None:
    """A value that goes on and on costs nothing."""
    start = time.perf_counter()
    assert not is_spelled("my_" + "a_" * 200_000 + "password!!", KEYS)
    for value in ("my" + "a" * 37 + "!", "my" + "a_" * 18 + "!", "a" * 39 + "!", "a_" * 19 + "!"):
        assert not is_spelled(value, KEYS)
    assert time.perf_counter() - start < 0.2
