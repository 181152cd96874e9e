"""Letters alone in source code: a password, or a word about passwords."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.secrets import wording

WORDS = "amber birch cobalt ember flannel harbor lantern maple otter pepper quartz timber".split()


@pytest.mark.parametrize("seed", range(20))
def test_joined_words_are_chosen(seed: int) -> None:
    """Words joined by a person are a password, whatever their case; one short word is none."""
    parts = random.Random(seed).sample(WORDS, 2)
    for value in ("".join(parts), "".join(part.capitalize() for part in parts)):
        assert wording.is_chosen(value, ("db_password",))
    assert not wording.is_chosen(parts[0][:7], ("db_password",))


@pytest.mark.parametrize(
    "word",
    [
        "required", "confirmed", "mismatch", "minlength", "keyboardinteractive", "transparent",
        "changePassword", "userpassword", "secretstring", "Wachtwoord", "contraseña",
        "varcharfield", "PLACEHOLDER", "current-password", "textfield", "tokenUrl",
    ],
)  # fmt: skip
def test_words_about_passwords_are_not_chosen(word: str) -> None:
    """What validators, forms, schemas, labels and constants say is no password."""
    assert not wording.is_chosen(word, ("password",))


@pytest.mark.parametrize(
    "keys", [("errors", "password"), ("labels", "password"), ("newPassword",), ("enter_password",)]
)
def test_the_name_may_say_that_it_is_a_text(keys: tuple[str, ...]) -> None:
    """An attribute of labels or what a form asks for is no credential."""
    value = "".join(random.Random(3).sample(WORDS, 2))
    assert not wording.is_chosen(value, keys)
    assert wording.is_chosen(value, ("app", "password"))


@pytest.mark.parametrize(
    "row",
    [
        'user: "app",', "$username = 'root';", 'String url = "jdbc:mysql://db/app";',
        "'USER': 'shop',", "$usuario = 'shop';", "$serveur = 'db1';",
        "host => 'db1',", 'Addr: "db:5432",', "SENDER_EMAIL = 'a@example.net'",
    ],
)  # fmt: skip
def test_a_user_or_a_host_beside_makes_settings(row: str) -> None:
    """Only a plain word that is set to it does."""
    assert wording.are_settings(["x = 1", row])


@pytest.mark.parametrize(
    "row",
    [
        "username: 'Username',", "user: 'string',", "username: 'User name',", "user: process.env.X",
        "usuario: 'usuario',", "host: host,", "username: 'required'", "users = []",
    ],
)  # fmt: skip
def test_labels_and_types_beside_make_no_settings(row: str) -> None:
    """A capital, a blank, a type or an expression is no user."""
    assert not wording.are_settings([row])


@pytest.mark.parametrize(
    "form",
    ["{} = '{}'", 'String {} = "{}";', "{} := `{}`", "{}: str = '{}'", "let {} = String('{}');"],
)
def test_a_line_that_only_assigns_stands_alone(form: str) -> None:
    """A member of a map or a comparison does not."""
    value = "".join(random.Random(4).sample(WORDS, 2))
    assert wording.stands_alone(form.format("db_password", value))
    assert wording.sets_letters(form.format("db_password", value))
    for other in (
        "password: '{}'",
        "'password' => '{}'",
        "if password == '{}'",
        "password = f('{}') + x",
    ):
        assert not wording.stands_alone(other.format(value))
    assert not wording.sets_letters(f"db_password = {value}")


@given(st.text(max_size=2000))
def test_any_text_can_be_asked(text: str) -> None:
    """No text fails, and nothing is set where no literal stands."""
    bare = text.replace('"', "").replace("'", "").replace("`", "")
    assert not wording.sets_letters(bare)
    assert not wording.stands_alone(bare)
    for asked in (wording.sets_letters(text), wording.stands_alone(text)):
        assert asked in {True, False}
    assert wording.is_chosen(text, (text,)) in {True, False}
    assert wording.are_settings([text]) in {True, False}


@pytest.mark.parametrize("name", ["password", "db_pwd", "clave", "mdp"])
def test_a_literal_of_letters_and_digits_is_set_to_a_password(name: str) -> None:
    """A call, a sentence and another name's literal are not."""
    value = "".join(random.Random(5).sample(WORDS, 2))
    for made in (value, f"{value}7"):
        assert wording.sets_letters(f'x.{name} = "{made}"')
        assert not wording.sets_letters(f"x.{name} = {made}()")
        assert not wording.sets_letters(f'x.{name} = "{made} is it"')
        assert not wording.sets_letters(f'x.title = "{made}"')
