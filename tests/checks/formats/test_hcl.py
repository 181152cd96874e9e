"""HCL gives each value with its key path and line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import FormatError
from checks.formats import hcl
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.model import Entry

PLANTED = [
    ("main.tf", 'variable "pw" {\n  default = "@@" # c\n}\n', ("variable", "pw")),
    ("x.tfvars", 'db_password = "@@"\n', ("db_password",)),
    ("x.pkr.hcl", 'source "a" "b" {\n  ssh_pw = "@@"\n}\n', ("source", "a", "b", "ssh_pw")),
    ("job.nomad", 'task "t" {\n  env {\n    "PW" = "@@"\n  }\n}\n', ("task", "t", "env", "PW")),
    ("vault.hcl", 'x = 1 /* c\n */\nseal "a" { token = "@@" }\n', ("seal", "a", "token")),
    ("a.tf", 'locals { m = { a = 1, "b" : "@@" } }\n', ("locals", "m", "b")),
    ("a.tf", 'a = [{ name = "PW", value = "@@" }, 2]\n', ("a", "[0]", "PW")),
    ("a.tf", 'a = jsonencode({\n x = [{ pw = "@@" }]\n})\n', ("a", "x", "[0]", "pw")),
    ("a.tf", 'a = merge(var.x, { PW = "@@" })\n', ("a", "PW")),
    ("a.tf", 'a = {\n  b = "@@"\n}\n', ("a", "b")),
    ("a.tf", "a = <<EOF\n@@\nEOF\n", ("a",)),
    ("a.tf", "a = f(<<-EOF\n  @@\n  EOF\n)\n", ("a",)),
    ("a.tf", 'command = ["x", "@@"]\n', ("command", "[1]")),
]  # fmt: skip


def read(text: str) -> tuple[list[Entry], FormatError | None]:
    """Give the entries up to the end or the error."""
    found: list[Entry] = []
    try:
        for entry in hcl.parse(text):
            found.append(entry)  # noqa: PERF402 - what came before an error is wanted
    except FormatError as error:
        return found, error
    return found, None


@pytest.mark.parametrize(("name", "template", "keys"), PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[..., list[object]], name: str, template: str, keys: tuple[str, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    role = Role.COMMAND if keys[0] == "command" else Role.NAMED
    assert misread(hcl, (name, template, "static", keys, role)) == []


@pytest.mark.parametrize("mark", ["# ", "// "])
@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[..., list[object]], template: str, mark: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(hcl, template, mark) == []


@pytest.mark.parametrize(
    ("text", "value", "quoted"),
    [
        ("p = var.pw # c", "var.pw", False),
        ('p = "${var.a}-x"', "${var.a}-x", True),
        ('p = "${lookup(var.m, "k")}"', '${lookup(var.m, "k")}', True),
        ('p = "a\\"b\\n"', 'a"b\n', True),
        ('p = "$${x}"', "$${x}", True),
        ('p = file("x")', 'file("x")', False),
        ('p = var.a["b"][0]', 'var.a["b"][0]', False),
        ('p = a ? "b" : "c" // d', 'a ? "b" : "c"', False),
        ("p = f(1,\n  2)", "f(1,\n  2)", False),
        ("p = [for x in y : x]", "[for x in y : x]", False),
        ("p = -1.5", "-1.5", False),
    ],
)
def test_an_expression_is_given_as_written(text: str, value: str, quoted: bool) -> None:  # noqa: FBT001 - a parameter
    """One string is decoded, anything else is the source text."""
    found, error = read(text)
    assert [(e.keys, e.value, e.quoted, error) for e in found] == [(("p",), value, quoted, None)]


def test_a_sensitive_variable_is_secret() -> None:
    """`sensitive = true` makes the default a secret, else it is an ordinary value."""
    text = 'variable "x" {\n default = "v"\n sensitive = %s\n}\n'
    assert [e.value for e in read(text % "true")[0] if e.role is Role.SECRET] == ["v"]
    assert [e.value for e in read(text % "false")[0] if e.role is Role.SECRET] == []


@given(st.text() | st.text(alphabet='[]{}()=:,"#/*<\\$%aEOF1-. \n'))
def test_no_text_raises_anything_else(text: str) -> None:
    """Any text gives entries or a FormatError."""
    read(text)


@given(st.text(st.characters(codec="utf-8", exclude_characters="$%")))
def test_strings_come_back(text: str) -> None:
    """A string without interpolation is read back to the letter."""
    spelled = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    found, error = read(f'a = "{spelled}"')
    assert [(entry.value, error) for entry in found] == [(text, None)]


@pytest.mark.parametrize(
    "text",
    ["hello", "hello world", "a =", "}", "a {", 'a = "x', "a = ]", "a = [1", "a = f(", "a = <<X\ny",
     "a b = 1", 'a = "${"x"'],
)  # fmt: skip
def test_what_is_no_hcl_is_refused(text: str) -> None:
    """A broken text ends in an error."""
    assert read(text)[1] is not None


def test_what_was_read_before_the_error_is_kept() -> None:
    """Entries come first, then the error with its line."""
    found, error = read('a = 1\nb {\n value = "c"\n}\nd = "e\n')
    assert [entry.value for entry in found] == ["1", "c"]
    assert error is not None
    assert error.line == 5


@pytest.mark.parametrize(
    "text",
    ["a=" + "[" * 1_000_000, "a=" + "{" * 1_000_000, "a=" + "(" * 1_000_000, "a {" * 300_000,
     "a " * 500_000, "a=" + "f([" * 300_000, 'a="' + '${"' * 300_000, "/*" * 500_000,
     "a = <<X\n" * 100_000, '"' * 1_000_000, "\n" * 1_000_000, "a = b" + " " * 1_000_000 + "!"],
)  # fmt: skip
def test_hostile_text_costs_little(text: str) -> None:
    """A megabyte of one token is done within three seconds of processor time."""
    start = time.process_time()
    read(text)
    assert time.process_time() - start < 3
