"""What makes a text worth reading: no credential is given up for the sake of speed."""

from __future__ import annotations

import base64
import random
from string import ascii_letters
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import worth
from checks.model import Entry
from checks.secrets import judge, names
from checks.secrets.places import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.inspect import Looked

    Look = Callable[[str, str | bytes], Looked]

LETTERS = "correcthorsebattery"


def values(looked: Looked) -> list[str]:
    """Give what was spotted."""
    return [one.value for one in looked.spotted]


def test_a_header_needs_no_digit(look: Look) -> None:
    """Base64 of user and password may be letters alone; a header without a value is none."""
    rng = random.Random(11)
    made = ["".join(rng.choices(ascii_letters, k=4 + 12)) for _ in range(10_000)]
    pairs = ((one[4:], base64.b64encode(f"{one[:4]}:{one[4:]}".encode()).decode()) for one in made)
    value, pair = next((value, pair) for value, pair in pairs if pair.rstrip("=").isalpha())
    text = '{{"request": {{"headers": ["Authorization: Basic {}"]}}}}'
    assert values(look("/srv/app/call.json", text.format(pair))) == [value]
    assert values(look("/srv/app/call.json", text.format(""))) == []


@pytest.mark.parametrize("call", ["PasswordAuthentication", "NetworkCredential"])
def test_the_password_of_a_call_may_be_letters(look: Look, call: str) -> None:
    """Where a call takes a password, a mere word is one; in another call it is not."""
    line = f'  var login = new {{}}("bob", "{LETTERS}");\n'
    assert values(look("/srv/app/Login.java", line.format(call))) == [LETTERS]
    assert values(look("/srv/app/Login.java", line.format("PasswordLabel"))) == []


def test_a_name_may_be_templated_in_front_of_its_value(look: Look, password: str) -> None:
    """The braces of a template do not end the pair that they stand in."""
    text = "env:\n- name: APP_PASSWORD_{{ stage }}\n  value: %s\n"
    assert values(look("/srv/app/deploy.yaml", text % password)) == [password]
    assert values(look("/srv/app/deploy.yaml", text % "{{ password }}")) == []


@pytest.mark.parametrize("value", [LETTERS, "hunterhunter"])
def test_a_community_may_be_letters(look: Look, value: str) -> None:
    """What SNMP takes for a password is read by its name alone."""
    found = values(look("/srv/app/monitoring.yaml", f"snmp_community: {value}\n"))
    assert found == [value]
    assert values(look("/srv/app/monitoring.yaml", f"online_community: {value}\n")) == []


def test_every_name_of_a_password_is_telling() -> None:
    """No name that may stand in front of letters alone is passed over."""
    known = names._PASSWORD | names._SHORT_PASSWORD
    assert [name for name in sorted(known) if not worth._TELLING.search(name)] == []
    assert not worth._TELLING.search('"nextToken": "input"')


MADE = st.text(ascii_letters + "0123456789!#%*+-.:=@^_~", min_size=1, max_size=40)


@given(st.sampled_from(["password", "auth", "api_token", "Authorization", "url"]), MADE)
def test_what_is_told_of_documents_is_never_passed_over(name: str, value: str) -> None:
    """Whatever judge makes of a name and its value in documentation shows on their line."""
    encoded = base64.b64encode(f"bob:{value}".encode()).decode()
    notations = {"auth": encoded, "Authorization": f"Basic {encoded}", "url": f"ftp://b:{value}@h/"}
    written = notations.get(name, value)
    if any(judge.judge(Entry((name,), written, 1), Place(document=True, path="/srv/doc/a.yml"))):
        assert worth.shows_sample(f"{name}: {written}")


@pytest.mark.parametrize("row", ["password: correcthorse", "password = None, 12", "token: x1"])
def test_other_lines_of_documents_are_passed_over(row: str) -> None:
    """A line of documentation without anything made or mixed costs no more than a look."""
    assert not worth.shows_sample(row)


@given(
    st.lists(st.sampled_from([b"\n", b"a=b", b"x" * 300, b"y, " * 900, b"z" * 5000]), max_size=12),
    st.randoms(use_true_random=False),
)
def test_lines_are_the_same_asked_in_a_row_or_alone(parts: list[bytes], rng: random.Random) -> None:
    """Whichever candidates were asked for before, each gets the line that it gets alone."""
    data = b"".join(parts) + b"."
    ends = sorted(rng.choices(range(1, len(data) + 1), k=40))
    rows = worth.Rows(data)
    assert [rows.at(end) for end in ends] == [worth.Rows(data).at(end) for end in ends]


def test_a_sample_in_other_peoples_code_is_told_at_low(look: Look) -> None:
    """Random keys and mixed passwords in a library are findings, plain ones are not."""
    made = "".join(random.Random(3).choices(ascii_letters + "0123456789", k=20))
    path = "/usr/lib/python3/dist-packages/app/data.json"
    assert values(look(path, f'{{"password": "{made}"}}')) == [made]
    assert values(look(path, '{"password": "' + LETTERS + '"}')) == []
    code = "/usr/lib/python3/dist-packages/app/data.py"
    assert values(look(code, f'PASSWORD = "{made}"')) == [made]
    assert values(look(code, f'PASSWORD = "{LETTERS}"')) == []


def test_a_key_of_letters_is_parsed(look: Look) -> None:
    """A secret key of letters alone needs no other word on its line; a short one is a name."""
    made = "".join(random.Random(5).choices("abcdefghijklmnopqrstuvwxyz", k=32))
    assert values(look("/srv/app/app.properties", f"jwt.secret={made}\n")) == [made]
    assert values(look("/srv/app/app.properties", f"jwt.secret={made[:9]}\n")) == []


def test_a_default_left_in_a_secret_key_is_weak(look: Look) -> None:
    """A well-known default is told as such; the name of something is not."""
    found = look("/srv/app/app.yml", "app:\n  jwt_secret: secret\n").spotted
    assert [one.check for one in found] == ["weak-password"]
    assert values(look("/srv/app/app.yml", "app:\n  jwt_secret: frontend\n")) == []
