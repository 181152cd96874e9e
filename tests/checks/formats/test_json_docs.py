"""JSON gives each value with its key path and line, and stops where it is no JSON."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import FormatError
from checks.formats import json_docs
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.model import Entry

PLANTED = [
    ("app.json", '{\n "db": {\n  "password": @@\n }\n}\n', "double", ("db", "password")),
    ("a.json5", "{db: {\n /* c */ password: @@,\n}} // end", "single", ("db", "password")),
    ("a.jsonl", '{"a": 1}\n{"pw": @@}\n', "double", ("pw",)),
    ("package.json.j2", '{"x": [{{ y }}, @@]}', "double", ("x", "[1]")),
    ("task.json", '{"env": [{"value": @@, "name": "DB_PW"}]}', "double", ("env", "[0]", "DB_PW")),
    ("compose.json", '{"environment": [\n"DB_PW=@@"]}', "static", ("environment", "DB_PW")),
    ("s.template.json", '{"Parameters": {"Pw": {"Default": @@}}}', "double", ("Parameters", "Pw")),
]


def read(text: str) -> tuple[list[Entry], FormatError | None]:
    """Give the entries up to the end or the error."""
    found: list[Entry] = []
    try:
        for entry in json_docs.parse(text):
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
    assert misread(json_docs, (name, template, notation, keys)) == []


@pytest.mark.parametrize(
    "template", ['{/* "password": "x" */}', '{// "password": "x"\n}', '{# "password": "x"\n}']
)
def test_a_comment_gives_nothing(template: str) -> None:
    """No comment is taken for a value."""
    assert read(template) == ([], None)


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


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.text(alphabet='xyzXYZ"\\/\n{}[]:, é\U0001f600', max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)


@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_all_leaves_come_back(value: Any, indent: int | str | None, ascii_only: bool) -> None:  # noqa: ANN401, FBT001 - any JSON
    """Paths and texts are those that json.loads gives."""
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found, error = read(text)
    assert error is None
    assert [(entry.keys, entry.value) for entry in found] == list(leaves(json.loads(text)))


def test_lines_are_those_of_the_values() -> None:
    """A value stands at its own line, not at its key's."""
    found, _ = read('\n{"a":\n\n"x",\n"b": [1,\n2]}')
    assert [(entry.value, entry.line) for entry in found] == [("x", 4), ("1", 5), ("2", 6)]


@given(st.text() | st.text(alphabet="{}[]\",:\\/*'#{%}}a1-. \n"))
def test_no_text_raises_anything_else(text: str) -> None:
    """Any text gives entries or a FormatError."""
    read(text)


@pytest.mark.parametrize(
    "text",
    ["hello", "1, 2", '{"a" 1}', '{"a": 1 "b": 2}', "[1 2]", "[1}", "]", '{"a"', '["a": 1]', "{,}",
     '{"a": b}', '"abc', "'"],
)  # fmt: skip
def test_what_is_no_json_is_refused(text: str) -> None:
    """A broken text ends in an error."""
    assert read(text)[1] is not None


def test_what_was_read_before_the_error_is_kept() -> None:
    """Entries come first, also those that wait for a sibling, then the error with its line."""
    found, error = read('{"data": {"a": "b"},\n"x": {"value": "c"},\n!')
    assert {entry.value for entry in found} == {"b", "c"}
    assert error is not None
    assert error.line == 3


@pytest.mark.parametrize(
    "text",
    ["[" * 1_000_000, '{"a":' * 200_000, '["a",' * 200_000, '"' + "\\" * 1_000_001, "/*" * 500_000,
     "{%" * 500_000, "{{" * 500_000, " " * 1_000_000, '{"a":"' + "x" * 1_000_000,
     '{"data":' * 100_000],
)  # fmt: skip
def test_hostile_text_costs_little(text: str) -> None:
    """A megabyte of one token is done within two seconds of processor time."""
    start = time.process_time()
    read(text)
    assert time.process_time() - start < 2


def test_depth_is_limited() -> None:
    """200 containers are read, 300 are refused."""
    assert read("[" * 200 + "1" + "]" * 200)[1] is None
    assert read("[" * 300 + "1" + "]" * 300)[1] is not None


@pytest.mark.parametrize(
    "head", ['{"a": 1', ' {\n "a"', '[{"a": 1}', '[\n "x"', "[[1", "{}", '\ufeff{"a"']
)
def test_json_is_recognised(head: str) -> None:
    """An object or a list of something is JSON."""
    assert json_docs.sniff(head)


@pytest.mark.parametrize("head", ["[section]\na=b", "{{ x }}", "{ a", "hello", "", "[1"])
def test_others_are_not_taken_for_json(head: str) -> None:
    """Sections, templates and code are not JSON."""
    assert not json_docs.sniff(head)


def one(text: str, role: Role) -> list[tuple[str, str, str]]:
    """Give dotted keys, value and subject of the entries of a role."""
    found, error = read(text)
    assert error is None
    return [(".".join(e.keys), e.value, e.subject) for e in found if e.role is role]


def test_docker_auth_is_base64() -> None:
    """`auth` below `auths`, or below a host, is encoded; anywhere else it is a plain value."""
    auths = '{"auths": {"r.example:5000": {"auth": "YTpi", "email": "e"}}}'
    wanted = [("auths.r.example:5000.auth", "YTpi", "r.example:5000")]
    assert one(auths, Role.ENCODED) == wanted
    assert one('{"r.example": {"auth": "YTpi"}}', Role.ENCODED)
    assert one('{"server": {"auth": "YTpi"}}', Role.ENCODED) == []


STATE = """{"version": 4, "outputs": {"pw": {"value": "o1", "type": "string", "sensitive": true},
 "ip": {"value": "o2", "type": "string"}},
 "resources": [{"type": "x", "instances": [{"attributes":
  {"password": "a1", "name": "a2", "conf": {"key": "a3", "other": "a4"}, "list": ["a5", "a6"]},
 "sensitive_attributes": [[{"type": "get_attr", "value": "password"}],
  [{"type": "get_attr", "value": "conf"}, {"type": "get_attr", "value": "key"}],
  [{"type": "get_attr", "value": "list"},
   {"type": "index", "value": {"value": 1, "type": "number"}}]]}]}]}"""


def test_terraform_state_tells_what_is_sensitive() -> None:
    """Declared attributes and outputs are secrets, their neighbours are not."""
    assert [value for _, value, _ in one(STATE, Role.SECRET)] == ["o1", "a1", "a3", "a6"]
    plain = [value for _, value, _ in one(STATE, Role.NAMED)]
    assert {"o2", "a2", "a4", "a5"} <= set(plain)
    assert "get_attr" not in plain


def test_a_default_that_is_not_echoed_is_secret() -> None:
    """NoEcho makes a CloudFormation default a secret under the parameter's name."""
    text = '{"Parameters": {"Pw": {"Default": "d", "NoEcho": %s}}}'
    assert one(text % "true", Role.SECRET) == [("Parameters.Pw", "d", "")]
    assert one(text % "false", Role.SECRET) == []


def test_references_to_values_elsewhere_give_nothing() -> None:
    """`valueFrom`, `Ref` and their like hide what is below them."""
    text = """{"env": [{"name": "PW", "valueFrom": {"secretKeyRef": {"name": "s", "key": "pw"}}}],
      "Password": {"Ref": "Pw"}, "Token": {"Fn::GetAtt": ["a", "b"]},
      "Sub": {"Fn::Sub": "x${y}"}}"""
    found, _ = read(text)
    assert [(entry.keys, entry.value) for entry in found] == [
        (("env", "[0]", "name"), "PW"),
        (("Sub",), "x${y}"),
    ]


def test_the_key_of_a_service_account_is_decoded() -> None:
    """Escaped line ends of a private key become line ends."""
    found, _ = read('{"private_key": "-----BEGIN\\nabc\\n"}')
    assert found[0].value == "-----BEGIN\nabc\n"
