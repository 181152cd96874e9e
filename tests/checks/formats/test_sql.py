"""Passwords in SQL are found with the account they belong to."""

from __future__ import annotations

import random
import time
from fnmatch import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.formats import sql
from checks.model import Entry, Role

LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"


def made(seed: int, special: str = "!#%&*@^.~+_?|/:;,=<>()[]{}\"'- $") -> str:
    """Make a password with special characters that begins and ends with a letter."""
    rng = random.Random(seed)
    return f"k{''.join(rng.choices(LETTERS + special, k=12))}Z"


def found(text: str) -> list[Entry]:
    return list(sql.parse(text))


SECRETS = [
    ("CREATE USER 'bob'@'%' IDENTIFIED BY @@;", "bob"),
    ("create user if not exists bob identified with mysql_native_password by @@;", "bob"),
    ("GRANT ALL ON *.* TO 'bob'@'localhost' IDENTIFIED BY @@ WITH GRANT OPTION;", "bob"),
    ("ALTER USER bob IDENTIFIED BY @@ REPLACE x;", "bob"),
    ("CREATE USER bob WITH PASSWORD @@;", "bob"),
    ("ALTER ROLE bob WITH LOGIN ENCRYPTED PASSWORD @@ VALID UNTIL 'infinity';", "bob"),
    ('CREATE ROLE "bob" LOGIN PASSWORD @@;', "bob"),
    ("SET PASSWORD FOR 'bob'@'h' = PASSWORD(@@);", "bob"),
    ("SET PASSWORD = @@;", ""),
    ("CREATE LOGIN [bob] WITH PASSWORD = N@@, CHECK_POLICY = OFF;", "bob"),
    ("CREATE MASTER KEY ENCRYPTION BY PASSWORD = @@;", ""),
    ("OPEN SYMMETRIC KEY k DECRYPTION BY PASSWORD = @@;", ""),
    ("CHANGE MASTER TO MASTER_HOST='h', MASTER_USER='u', MASTER_PASSWORD=@@;", ""),
    ("EXEC sp_addlogin 'bob', @@;", "bob"),
    ("CREATE USER MAPPING FOR bob SERVER s OPTIONS (user 'x', password @@);", "x"),
]


@pytest.mark.parametrize(("template", "user"), SECRETS)
def test_the_password_of_an_account_is_a_secret(template: str, user: str) -> None:
    """Exact, with doubled quotes undone, at its line, for its account."""
    for seed in range(8):
        value = made(seed)
        literal = "'" + value.replace("'", "''") + "'"
        entries = found("-- IDENTIFIED BY 'x'\n\n" + template.replace("@@", literal))
        assert [(e.value, e.line, e.role, e.subject) for e in entries] == [
            (value, 3, Role.SECRET, user)
        ]


def test_other_ways_to_write_a_password_are_read() -> None:
    """Double quotes, dollar quotes, a bare word, and a quote behind a backslash."""
    value = made(1, "")
    for literal in (f'"{value}"', f"$${value}$$", f"E'{value}'", value):
        assert [e.value for e in found(f"ALTER USER bob IDENTIFIED BY {literal};")] == [value]
    assert [e.value for e in found(r"CREATE USER a IDENTIFIED BY 'x\'y';")] == ["x'y"]


def test_stored_hashes_have_their_own_role() -> None:
    """By their form or because the statement says so."""
    rng = random.Random(1)
    digest = "".join(rng.choices("0123456789abcdef", k=40))
    for text in (
        f"ALTER ROLE bob PASSWORD 'md5{digest[:32]}';",
        f"CREATE ROLE bob PASSWORD 'SCRAM-SHA-256$4096:{digest}';",
        f"CREATE USER bob IDENTIFIED BY PASSWORD '*{digest.upper()}';",
        f"CREATE USER bob IDENTIFIED WITH x AS '{digest}';",
        f"CREATE USER bob IDENTIFIED BY VALUES 'S:{digest}';",
        f"CREATE LOGIN bob WITH PASSWORD = 0x0200{digest} HASHED;",
    ):
        assert [(e.role, e.subject) for e in found(text)] == [(Role.HASH, "bob")]


def test_columns_named_like_a_credential_are_read() -> None:
    """Of every row, by position, past numbers, calls and quotes."""
    one, two = made(1), made(2)
    rows = ", ".join(f"('a, b', {n}, f(x), '{v.replace(chr(39), chr(39) * 2)}')"
                     for n, v in enumerate((one, two)))  # fmt: skip
    entries = found(f"INSERT INTO `users` (name, n, t, `password`) VALUES {rows};\nSELECT 1;")
    assert [(e.keys, e.value, e.role) for e in entries] == [
        (("password",), one, Role.NAMED),
        (("password",), two, Role.NAMED),
    ]


def test_a_connection_is_kept_for_a_look_inside() -> None:
    """A subscription's connection string carries its password."""
    entries = found("CREATE SUBSCRIPTION s CONNECTION 'host=h password=x' PUBLICATION p;")
    assert [(e.keys, e.value) for e in entries] == [(("connection",), "host=h password=x")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT 'IDENTIFIED BY ''x''' FROM t;",
        "-- CREATE USER a IDENTIFIED BY 'x';",
        "/* CREATE USER a IDENTIFIED BY 'x'; */",
        "# SET PASSWORD = 'x';",
        "CREATE USER a PASSWORD NULL;",
        "CREATE TABLE t (password varchar(255) NOT NULL);",
        "INSERT INTO t (name, title) VALUES ('password', 'secret');",
        "CREATE USER a IDENTIFIED BY '';",
        "CREATE USER a IDENTIFIED WITH auth_socket;",
    ],
)
def test_what_sets_no_password_gives_nothing(text: str) -> None:
    """Comments, strings, columns and empty passwords."""
    assert found(text) == []


def test_the_account_ends_with_its_statement() -> None:
    """It is not carried over to the next."""
    entries = found("CREATE USER bob PASSWORD 'x';\nSET PASSWORD = 'y';")
    assert [e.subject for e in entries] == ["bob", ""]


@pytest.mark.parametrize("name", ["db/init.sql", "X.SQL", ".psql_history"])
def test_sql_files_are_recognised(name: str) -> None:
    """By their endings and names."""
    assert any(fnmatch("/" + name.lower(), "*/" + glob) for glob in sql.NAMES)


@given(
    st.text("aA'\"\\;,()=$ \n-/*#`N", max_size=120),
    st.sampled_from(["", "IDENTIFIED BY ", "PASSWORD ", "INSERT INTO t (password) VALUES "]),
)
def test_any_text_is_read(text: str, lead: str) -> None:
    """Nothing raises, and lines stay within the text."""
    whole = lead + text + lead + text
    assert all(1 <= e.line <= whole.count("\n") + 1 for e in sql.parse(whole))


@pytest.mark.parametrize(
    "piece",
    [
        "'", "'\\", "''", "/*", "--", "\n", " ", "#\n", "IDENTIFIED BY '\\", "IDENTIFIED ",
        "PASSWORD ",
        "PASSWORD '", "INSERT INTO t (password) VALUES (", "('a'),", "(", "a", "_", "USER ",
        "sp_password '", "$$", '"', "0x", "IDENTIFIED BY aaaaaaaaaa ",
    ],
)  # fmt: skip
def test_a_hostile_text_costs_time_in_proportion(piece: str) -> None:
    """A hundred thousand characters take seconds at the most."""
    text = piece * (100_000 // len(piece))
    start = time.process_time()
    for lead in ("", "IDENTIFIED BY '", "INSERT INTO t (password) VALUES "):
        assert sum(1 for _ in sql.parse(lead + text)) >= 0
    assert time.process_time() - start < 6


def test_a_digest_in_a_column_of_passwords_is_left_out() -> None:
    """It is what tables of accounts have; in a column of tokens the same text counts."""
    digest = f"{random.Random(9).getrandbits(128):032x}"
    assert list(sql.parse(f"INSERT INTO t (password) VALUES ('{digest}');")) == []
    found = list(sql.parse(f"INSERT INTO t (api_token) VALUES ('{digest}');"))
    assert [e.value for e in found] == [digest]


def test_a_connection_string_in_a_statement_is_given_whole() -> None:
    """Another literal is not."""
    pw = f"Kx{random.Random(10).randrange(10**9)}"
    found = list(sql.parse(f"SELECT 1;\nSELECT dblink_connect('host=h password={pw}'), 'x';"))
    assert [(e.value, e.line) for e in found] == [(f"host=h password={pw}", 2)]


def test_a_table_of_settings_is_read_by_its_names() -> None:
    """The name stands in one column and the value behind it; mere letters are a label."""
    value = made(8, "")
    rows = (
        f"('smtp_password', '{value}'), ('color', 'x1'), (NULL, 'x2'), ('db_password', 'Password')"
    )
    entries = found(f"INSERT INTO settings (name, value) VALUES {rows};")
    assert [(e.keys, e.value) for e in entries] == [(("smtp_password",), value)]
    assert found(f"INSERT INTO t (value, name) VALUES ('{value}', 'smtp_password');") == []
    assert found(f"INSERT INTO t (a, b) VALUES ('smtp_password', '{value}');") == []
