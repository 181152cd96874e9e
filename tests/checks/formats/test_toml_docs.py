"""TOML gives each value with its key path and line."""

from __future__ import annotations

import time
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import FormatError
from checks.formats import toml_docs

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.model import Entry

PLANTED = [
    ("a.toml", "x = 1\n[db]\npassword = @@ # c\n", "double", ("db", "password")),
    ("config.toml", "[[runners]]\n  token = @@\n", "single", ("runners", "token")),
    ("telegraf.conf", "[[outputs.x]]\n  password = @@\n", "double", ("outputs", "x", "password")),
    ("telegraf.d/a.conf", '[a."b c".d]\np.q = @@\n', "double", ("a", "b c", "d", "p", "q")),
    ("Pipfile", "x = {url = @@, y = 1}\n", "double", ("x", "url")),
    (".cargo/credentials", "a = [1,\n # c\n  @@\n,]\n", "double", ("a", "[1]")),
    ("a.toml", 'k = """\n@@\nmore"""\n', "word", ("k",)),
    ("a.toml", "a = [{ b.c = 1 }, { b.c = @@ }]\n", "double", ("a", "[1]", "b", "c")),
    ("a.toml", 'environment = ["PW=@@", "x"]\n', "static", ("environment", "PW")),
    ("a.toml.j2", "{% if x %}\npw = @@\n{% endif %}\n", "double", ("pw",)),
]  # fmt: skip


def read(text: str) -> tuple[list[Entry], FormatError | None]:
    """Give the entries up to the end or the error."""
    found: list[Entry] = []
    try:
        for entry in toml_docs.parse(text):
            found.append(entry)  # noqa: PERF402 - what came before an error is wanted
    except FormatError as error:
        return found, error
    return found, None


@pytest.mark.parametrize(("name", "template", "notation", "keys"), PLANTED[:6] + PLANTED[7:])
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[..., list[object]],
    name: str,
    template: str,
    notation: str,
    keys: tuple[str, ...],
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(toml_docs, (name, template, notation, keys)) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED[:2]])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[..., list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(toml_docs, template, "# ") == []


@pytest.mark.parametrize(
    ("text", "value", "line"),
    [
        ('k = """\nab\ncd"""', "ab\ncd", 2),
        ('k = """ab"""', "ab", 1),
        ("k = '''\n\nab''c'''", "\nab''c", 2),
        ('k = """a"b""""', 'a"b"', 1),
        ('k = """a \\\n   b"""', "a b", 1),
        ("k = 2020-01-01 10:00:00 # c", "2020-01-01 10:00:00", 1),
        ('k = ""', "", 1),
    ],
)
def test_each_notation_of_a_value_is_read(text: str, value: str, line: int) -> None:
    """Multi-line strings begin at their first content line; a bare value is given as written."""
    found, error = read(text)
    assert [(entry.value, entry.line, error) for entry in found] == [(value, line, None)]


STRINGS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]))
WORDS = st.text(alphabet="abcXYZ019_-", min_size=1, max_size=8)


@given(st.dictionaries(WORDS, STRINGS | st.lists(STRINGS, max_size=3), max_size=5), WORDS)
def test_strings_come_back(table: dict[str, str | list[str]], name: str) -> None:
    """Texts are those that tomllib gives."""

    def spelled(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def row(value: str | list[str]) -> str:
        return spelled(value) if isinstance(value, str) else f"[{', '.join(map(spelled, value))}]"

    rows = [f"{key} = {row(value)}" for key, value in table.items()]
    text = f"[{name}]\n" + "\n".join(rows)
    wanted = [
        text
        for value in tomllib.loads(text)[name].values()
        for text in (value if isinstance(value, list) else [value])
    ]
    found, error = read(text)
    assert error is None
    assert sorted(entry.value for entry in found) == sorted(wanted)


@given(st.text() | st.text(alphabet="[]{}=.,\"'#\\a1- \n"))
def test_no_text_raises_anything_else(text: str) -> None:
    """Any text gives entries or a FormatError."""
    read(text)


@pytest.mark.parametrize(
    "text", ["hello", "a =", "= 1", "[a", "[]", 'a = "x" y', "a = [}", "a = [1", 'a = "x', "a=[]]"]
)
def test_what_is_no_toml_is_refused(text: str) -> None:
    """A broken text ends in an error."""
    assert read(text)[1] is not None


def test_what_was_read_before_the_error_is_kept() -> None:
    """Entries come first, then the error with its line."""
    found, error = read("a = 1\nb = 2\nnonsense\n")
    assert [entry.value for entry in found] == ["1", "2"]
    assert error is not None
    assert error.line == 3


@pytest.mark.parametrize(
    "text",
    ["[" * 1_000_000, "a=" + "[" * 1_000_000, "a=" + "{a=" * 300_000, "a." * 500_000,
     'a="""' * 200_000, "a='''" * 200_000, "a = x" + " " * 1_000_000 + "!", "#" * 1_000_000,
     "\n" * 1_000_000, 'a=["' + '"," ' * 50_000],
)  # fmt: skip
def test_hostile_text_costs_little(text: str) -> None:
    """A megabyte of one token is done within two seconds of processor time."""
    start = time.process_time()
    read(text)
    assert time.process_time() - start < 2


@pytest.mark.parametrize("opening", ["[", "{a="])
def test_depth_is_limited(opening: str) -> None:
    """What nests deeper than 200 is refused, what is flatter is read."""
    closing = {"[": "]", "{a=": "}"}[opening]
    assert read("a=" + opening * 100 + "1" + closing * 100)[1] is None
    assert read("a=" + opening * 300 + "1" + closing * 300)[1] is not None
