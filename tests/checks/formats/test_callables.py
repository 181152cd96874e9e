"""The password among the arguments of well-known functions is found by position."""

from __future__ import annotations

import time

import pytest

from checks.formats import callables
from checks.formats.literals import literals


def found(line: str) -> list[tuple[str, str]]:
    entries = callables.credentials(line, list(literals(line)), 1)
    return [(entry.value, entry.subject) for entry in entries]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('login("u", "p")', [("p", "u")]),
        ('login(u, "p")', [("p", "")]),
        ('mysqli_connect(h(), "u", "p", "d")', [("p", "u")]),
        ('login("u", p)', []),
        ('login("u", "p" + x)', []),
        ('login("u") || f("a", "b")', []),
        ('my_login("u", "p")', []),
        ("db = pymysql.connect('h', 'u', 'p', 'd')", [("p", "u")]),
        ("db = MySQLdb.connect(host, 'u', 'p')", [("p", "u")]),
        ("db = sqlite3.connect('h', 'u', 'p')", []),
        ("const db = new Sequelize('d', 'u', 'p', {", [("p", "u")]),
        ("const db = new Sequelize('d', 'u', secret.p)", []),
        ('login("u", "")', []),
        ('db.auth("u", "p")', [("p", "u")]),
        ('jwt.sign(payload, "p")', [("p", "")]),
        ('jwt_sign(payload, "p")', []),
        ('AUTH = ("u", "p")', [("p", "u")]),
        ("http.basic_auth 'u', 'p'", [("p", "u")]),
        ("http.basic_auth u, ENV['p']", []),
        ("postgresql::postgresql_password('u', 'p')", [("p", "u")]),
        ('credentials += Credentials("r", "h", "u", "p")', [("p", "u")]),
        ('x = Credentials("r", "h", "u", "p")', []),
        ("f('u', SecretValue.unsafePlainText('p'))", [("p", "")]),
        ("f('u', SecretValue.secretsManager('p'))", []),
    ],
)
def test_the_argument_counts_by_position(line: str, expected: list[tuple[str, str]]) -> None:
    """Other arguments, other functions and composed strings do not."""
    assert found(line) == expected


def test_many_calls_cost_time_in_proportion() -> None:
    """Only the first few calls of a line are looked at."""
    start = time.process_time()
    assert len(found('login("u", "p"); ' * 6000)) < 10
    assert time.process_time() - start < 4
