"""Single lines of any notation are read, comments and prose are not."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.formats import lines

LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"


def made(seed: int, special: str) -> str:
    """Make a value with special characters that begins and ends with a letter."""
    rng = random.Random(seed)
    return f"k{''.join(rng.choices(LETTERS + special, k=12))}Z"


def pairs(line: str) -> list[tuple[str, str, bool]]:
    return [(e.keys[-1], e.value, e.quoted) for e in lines.parse_line(line, 1)]


BARE = "!%&*@^.~+_?|$/"
PLANTED = [
    ("password = @@", "password", BARE + "#;,:='\"()[]{}<>", False),
    ("password=@@", "password", BARE + "#;,:'\"()[]{}<>", False),
    ("password: @@", "password", BARE + "#;,'\"()[]{}<>", False),
    ("  db.pass-word_1 := @@;", "db.pass-word_1", BARE, False),
    ("password => @@,", "password", BARE, False),
    ("password = @@ # old", "password", BARE + "#;", False),
    ("password = '@@' ; old", "password", BARE + '#;" :=', True),
    ('password: "@@", x', "password", BARE + "#;' :=,", True),
    ('  "password": "@@",', "password", BARE + "#;' :=,{}", True),
    ("$config['db']['password'] = '@@';", "password", BARE + "#; :=,", True),
    ("export DB_PASSWORD=@@", "DB_PASSWORD", BARE + "#;:", False),
    ('export DB_PASSWORD="@@"', "DB_PASSWORD", BARE + "#;: ='", True),
    ("spring.datasource[0].password=@@", "spring.datasource[0].password", BARE + "#:", False),
    ("<password>@@</password>", "password", BARE + "#;: ='\"", False),
    ('<entry key="db.password">@@</entry>', "db.password", BARE + "#;: ='\"", False),
    ('<add key="DbPassword" value="@@"/>', "DbPassword", BARE + "#;: ='", True),
    ('<user name="a" password="@@" roles="x"/>', "password", BARE + "#;: ='", True),
    ("define('DB_PASSWORD', '@@');", "DB_PASSWORD", BARE + '#;: ="', True),
    ("cmd --user=x --password=@@ --other", "password", BARE + "#:", False),
    ("Environment=A=b PASSWORD=@@", "PASSWORD", BARE + "#:", False),
    ("//registry.example.org/:_authToken=@@", "_authToken", BARE + "#:", False),
    ('{name: DB_PASSWORD, value: "@@"}', "DB_PASSWORD", BARE + "#;: ='", True),
    ('{"a": {"password": "@@"}}', "password", BARE + "#;: ='", True),
    ("password:@@", "password", "!%&*@^.~+_?|$/", False),
    ("requirepass @@", "requirepass", BARE + "#:=;,'\"", False),
    ("ENV DB_PASSWORD @@", "DB_PASSWORD", BARE + "#:;,", False),
    ('bind-password "@@";', "bind-password", "!%&*@^.~+_? ", True),
    ("username bob password 0 @@", "password", "!%&*@^.~+_?", False),
]


@pytest.mark.parametrize(("template", "name", "special", "quoted"), PLANTED)
def test_a_planted_value_is_read_to_the_letter(
    template: str,
    name: str,
    special: str,
    quoted: bool,  # noqa: FBT001 - a table's column
) -> None:
    """Under its name, quoted or not, without the punctuation around it."""
    for seed in range(10):
        value = made(seed, special)
        assert (name, value, quoted) in pairs(template.replace("@@", value))


@pytest.mark.parametrize("mark", ["# ", "// ", "; ", "-- ", " * ", "<!-- "])
@pytest.mark.parametrize("template", [row[0] for row in PLANTED])
def test_a_comment_gives_nothing(mark: str, template: str) -> None:
    """A commented-out assignment is none."""
    assert pairs(mark + template) == []


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "The password is wrong, please try another one.",
        "a line of words without any sign",
        "https://host/path",
        "password =",
        "password:",
        "see the token in the next chapter of the long manual for this",
        "}",
        "---",
    ],
)
def test_what_assigns_nothing_gives_nothing(line: str) -> None:
    """Prose, addresses and empty values are no pairs."""
    assert pairs(line) == []


def test_escapes_and_doubled_quotes_are_decoded() -> None:
    """As JSON, YAML and XML write them."""
    assert pairs(r'"password": "a\"b\\c"') == [("password", 'a"b\\c', True)]
    assert pairs("password: 'it''s'") == [("password", "it's", True)]
    assert pairs("<password>a&amp;b&lt;c</password>") == [("password", "a&b<c", False)]
    for value in ("abc", "a]b", "]]c", "a]]"):
        inside = f"<password><![CDATA[{value}]]></password>"
        assert pairs(inside) == [("password", value, False)]


def test_every_line_of_a_text_has_its_number() -> None:
    """Lines count from one."""
    entries = list(lines.parse("a=1\n\n# b=2\nc: 3\n"))
    assert [(e.keys, e.value, e.line) for e in entries] == [(("a",), "1", 1), (("c",), "3", 4)]


@given(st.text("aA1=:;,<>/'\"\\[]{}()&#- .$", max_size=80), st.sampled_from(["", "password "]))
def test_any_line_is_read(text: str, lead: str) -> None:
    """Nothing raises, and no entry is without a key."""
    assert all(e.keys[0] for e in lines.parse_line(lead + text, 1))


@pytest.mark.parametrize(
    "piece",
    [
        "a=", "password ", "a:", '"', "a='", "<a>", "a.", "{a:{", "a=b ", "x[1]", "define('a','",
        'a= "', "-", "a=(", "name=x value=y ", "<a ", "<a>b]]>", " ", "{a: b, ", 'a="\\', 'a: \\"',
    ],
)  # fmt: skip
def test_a_hostile_line_costs_time_in_proportion(piece: str) -> None:
    """A hundred thousand characters take a second or two at the most."""
    line = piece * (100_000 // len(piece))
    start = time.process_time()
    assert sum(1 for _ in lines.parse_line("x" + line, 1)) >= 0
    assert time.process_time() - start < 4


def test_words_within_quotes_are_no_directive() -> None:
    """What follows `password` in a text is prose; without the quote it is a setting."""
    assert (
        list(lines.parse_line("""{"Change Password","Cambiare la password dell'utente1"}.""", 1))
        == []
    )
    [found] = lines.parse_line("ldap password dell'utente1", 1)
    assert found.value == "dell'utente1"


@pytest.mark.parametrize("word", ["ENV", "SetEnv", "setenv"])
def test_a_variable_of_letters_is_a_directive(word: str) -> None:
    """Two words that anything else stands in front of are a sentence."""
    assert pairs(f"{word} DB_PASSWORD lantern") == [("DB_PASSWORD", "lantern", False)]
    assert pairs("the DB_PASSWORD lantern") == []
    assert pairs(f"{word} the DB_PASSWORD lantern") == []
