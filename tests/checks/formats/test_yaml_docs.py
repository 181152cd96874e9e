"""YAML gives each value with its key path and line, templated or not."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import FormatError
from checks.formats import yaml_docs
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.model import Entry

PLANTED = [
    ("values.yaml", "a:\n  db:\n    password: @@ # c\n", "double", ("a", "db", "password")),
    ("values.yml", "a:\n- x\n- password: @@\n", "single", ("a", "[1]", "password")),
    ("a.yaml", "--- # one\na: 1\n---\npw: @@\n", "word", ("pw",)),
    ("a.yaml", "a: &x {pw: @@}\nb: *x\nc: {<<: *x}\n", "double", ("a", "pw")),
    ("a.yaml", "b:\n  <<: {pw: @@}\n", "double", ("b", "pw")),
    ("a.yaml", '{"a": [1, {"pw": @@}]}', "double", ("a", "[1]", "pw")),
    (".kube/config", "users:\n- user:\n    pw: @@\n", "word", ("users", "[0]", "user", "pw")),
    ("kubeconfig", "users: [{user: {pw: @@}}]", "double", ("users", "[0]", "user", "pw")),
    ("x.yaml", "a: !custom @@\n", "double", ("a",)),
    ("x.yaml", "a: !!str @@\n", "double", ("a",)),
    ("x.yaml", "? [k]\n: @@\n", "double", ("?",)),
    ("deploy.yaml", "env:\n- name: PW\n  value: @@\n", "double", ("env", "[0]", "PW")),
    ("compose.yaml", "environment:\n  - PW=@@\n", "word", ("environment", "PW")),
    ("a.yml.j2", "{% if x %}\npw: @@\n{% endif %}\nb: {{ c }}\n", "double", ("pw",)),
    ("templates/a.yaml", "{{- if .Values.x }}\n a: 1\n pw: @@\n{{- end }}\n", "double", ("pw",)),
    ("database.yml", "<% if x %>\na: <%= ENV['x: y'] %>\npw: @@\n<% end %>\n", "double", ("pw",)),
]  # fmt: skip


def read(text: str) -> tuple[list[Entry], FormatError | None]:
    """Give the entries up to the end or the error."""
    found: list[Entry] = []
    try:
        for entry in yaml_docs.parse(text):
            found.append(entry)  # noqa: PERF402 - what came before an error is wanted
    except FormatError as error:
        return found, error
    return found, None


@pytest.mark.parametrize(("name", "template", "notation", "keys"), PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[..., list[object]],
    name: str,
    template: str,
    notation: str,
    keys: tuple[str, ...],
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(yaml_docs, (name, template, notation, keys)) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED[:13]])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[..., list[object]], template: str
) -> None:
    """No comment is taken for a value."""
    assert commented(yaml_docs, template, "# ") == []


@pytest.mark.parametrize(
    ("text", "value", "line"),
    [
        ("k: |\n  ab\n  cd\n", "ab\ncd\n", 2),
        ("k: >-\n  ab\n  cd\n", "ab cd", 2),
        ("k: |\n\n  ab\n", "\nab\n", 2),
        ("k:\n\n  plain", "plain", 3),
        ("k: 12345", "12345", 1),
        ("k: !Sub '${x}'", "${x}", 1),
    ],
)
def test_each_notation_of_a_value_is_read(text: str, value: str, line: int) -> None:
    """A block scalar begins at its first content line."""
    found, error = read(text)
    assert [(entry.value, entry.line, error) for entry in found] == [(value, line, None)]


@pytest.mark.parametrize(
    "value",
    ["!vault |\n  $ANSIBLE_VAULT;1.1", "!Ref x", "!GetAtt a.b", "!reference [a, b]", "!secret x",
     "!include x.yml", "!env PW", "!ImportValue x", "~", "null", "", "*x"],
)  # fmt: skip
def test_a_reference_gives_nothing(value: str) -> None:
    """Tagged references, aliases and nulls are no values; the value beside them is."""
    found, error = read(f"a: &x 1\npw: {value}\nb: 2\n")
    assert error is None
    assert [(entry.keys, entry.value) for entry in found] == [(("a",), "1"), (("b",), "2")]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("pw: {{ pw }}\n", ["{{ pw }}"]),
        ('pw: "{{ lookup("x", \'y\') }}"\n', ["{{ lookup(\"x\", 'y') }}"]),
        ("pw: ${{ secrets.PW }}-x\n", ["${{ secrets.PW }}-x"]),
        ("pw:\n{{ toYaml .x | indent 2 }}\n", []),
        ("a: |\n  b\n{{- if x }}\n  c {{ d }}\n{{- end }}\n", ["b\n\nc {{ d }}\n"]),
        ("{# one\n two: #}\npw: x\n", ["x"]),
        ("{% set pw = 'x' %}\n", ["x"]),
        ('{{- $pw := "x" }}\n', ["x"]),
    ],
)
def test_a_template_shows_its_expressions(text: str, values: list[str]) -> None:
    """A value keeps the expression as written, a line of expressions alone is none."""
    assert [entry.value for entry in read(text)[0]] == values


@pytest.mark.parametrize("opening", ["{{", "{%", "{#", "<%", "{{/*"])
def test_a_stray_brace_hides_nothing(opening: str) -> None:
    """What stands between two comments with braces is read."""
    text = f"a: 1 # {opening}\npw: x\nb: 2 # }}}} %}} #}} %> */}}}}\n"
    assert "x" in [entry.value for entry in read(text)[0]]


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:  # noqa: ANN401 - any JSON
    """Give path and text of each scalar but null."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, f"[{index}]"))
    elif value is not None:
        yield path, value if isinstance(value, str) else json.dumps(value)


TEXTS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"], exclude_characters="{<"))
KEYS = st.text(alphabet="xyzXYZ", min_size=1, max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
)


@given(VALUES)
def test_json_is_read_as_yaml(value: Any) -> None:  # noqa: ANN401 - any JSON
    """Paths and texts are those of the JSON value."""
    found, error = read(json.dumps(value, indent=1))
    assert error is None
    assert [(entry.keys, entry.value) for entry in found] == list(leaves(value))


@given(st.text() | st.text(alphabet="-:?[]{},&*!|>'\"%@`#a \n\t{{}}<%"))
def test_no_text_raises_anything_else(text: str) -> None:
    """Any text gives entries or a FormatError."""
    read(text)


def test_what_was_read_before_the_error_is_kept() -> None:
    """Entries come first, also those that wait for a sibling, then the error with its line."""
    found, error = read("data:\n  a: b\nc: 'd'\n'e\n")
    assert [entry.value for entry in found] == ["d", "b"]
    assert error is not None
    assert error.line >= 4


BOMB = "a: &a [x]\n" + "".join(
    f"{key}: &{key} [{', '.join(['*' + before] * 9)}]\n"
    for before, key in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [BOMB, "[" * 1_000_000, "- " * 200_000, "{a: " * 200_000, "? " * 200_000, "{{" * 500_000,
     "{%}}" * 100_000, "%TAG !a! x\n" * 100_000, "\n%TAG !a! x" * 100_000, "&a " * 200_000,
     '"' * 1_000_000, "a: " * 200_000, " " * 1_000_000, "a:\n" * 50_000, "[[]]," * 100_000],
)  # fmt: skip
def test_hostile_text_costs_little(text: str) -> None:
    """Bombs and megabytes of one token are done within two seconds of processor time."""
    start = time.process_time()
    read(text)
    assert time.process_time() - start < 2


@pytest.mark.parametrize("text", ["a: \x00b", "a: \x07b\x85c\u2028d", "a: \udc80b", "\ufeffa: b"])
def test_odd_characters_do_not_stop_the_reading(text: str) -> None:
    """A character that YAML refuses is replaced, and the line count stays."""
    found, error = read(text + "\nz: y\n")
    assert error is None
    assert [(entry.keys[-1], entry.line) for entry in found] == [("a", 1), ("z", 2)]


@pytest.mark.parametrize(
    "head",
    ["---\na: b", "# c\n--- x", "apiVersion: v1", "#cloud-config\n", "## x: y\n#cloud-config\n"],
)
def test_yaml_is_recognised(head: str) -> None:
    """A document marker, a Kubernetes object and cloud-init data are YAML."""
    assert yaml_docs.sniff(head)


@pytest.mark.parametrize("head", ["-----BEGIN", "a: b", "#!/bin/sh\n", "#cloud-config-archive", ""])
def test_others_are_not_taken_for_yaml(head: str) -> None:
    """Keys alone, PEM and scripts are not recognised."""
    assert not yaml_docs.sniff(head)


def test_cloud_init_tells_secrets_from_hashes() -> None:
    """Passwords and hashes get their role and their user, random ones are left out."""
    found, error = read("""#cloud-config
chpasswd:
  list: |
    root:one:1
    bob:RANDOM
    eve:$6$salt$hash
  users:
  - {password: two, name: amy}
users:
- default
- plain_text_passwd: three
  name: joe
- name: kim
  hashed_passwd: four
  passwd: $y$j9T$x
- name: lee
  passwd: five
password: six
write_files:
- content: |
    seven
""")
    assert error is None
    told = [(e.value, e.line, e.role, e.subject) for e in found if e.role is not Role.NAMED]
    assert sorted(told) == sorted([
        ("one:1", 4, Role.SECRET, "root"),
        ("$6$salt$hash", 6, Role.HASH, "eve"),
        ("two", 8, Role.SECRET, "amy"),
        ("three", 11, Role.SECRET, "joe"),
        ("four", 14, Role.HASH, "kim"),
        ("$y$j9T$x", 15, Role.HASH, "kim"),
    ])  # fmt: skip
    assert {"five", "six", "seven\n"} <= {e.value for e in found if e.role is Role.NAMED}
