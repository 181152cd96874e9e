"""The schemas of common documents are read alike in every format that nests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError
from checks.formats import tree, yaml_docs
from checks.formats.levels import END, LIST, MAP, VALUE
from checks.formats.mapping import Waiting
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.formats.levels import Event


def told(text: str) -> list[tuple[str, str, Role]]:
    """Give dotted keys, value and role of the entries of a YAML text."""
    return [(".".join(e.keys), e.value, e.role) for e in yaml_docs.parse(text)]


PAIRS = [
    ("name", "value"), ("key", "value"), ("Key", "Value"), ("parameter_key", "parameter_value"),
    ("ParameterKey", "ParameterValue"), ("OptionName", "Value"), ("name", "default"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), PAIRS)
def test_a_pair_is_read_under_its_name(name: str, value: str) -> None:
    """Name and value make one entry in either order; without a name the key stays."""
    wanted = ("l.[0].PW", "x", Role.NAMED)
    assert wanted in told(f"l:\n- {name}: PW\n  {value}: x\n")
    assert wanted in told(f"l:\n- {value}: x\n  {name}: PW\n")
    assert told(f"l:\n- {value}: x\n") == [(f"l.[0].{value}", "x", Role.NAMED)]


def test_a_pair_may_have_a_container_for_its_value() -> None:
    """What is below the value is found under the name."""
    assert ("l.[0].PW.[0]", "x", Role.NAMED) in told("l: [{name: PW, value: [x]}]")


def test_a_value_elsewhere_gives_nothing() -> None:
    """`valueFrom` leaves the name alone."""
    text = "env: [{name: PW, valueFrom: {secretKeyRef: {name: s, key: password}}}]"
    assert told(text) == [("env.[0].name", "PW", Role.NAMED)]


@pytest.mark.parametrize("kind", ["before", "after"])
def test_data_of_a_kubernetes_secret_is_base64(kind: str) -> None:
    """Only `data`, only of a Secret, wherever `kind` stands."""
    body = "data: {pw: eA==, n: {m: eQ==}}\nstringData: {tok: z}\n"

    def document(name: str) -> str:
        return f"kind: {name}\n{body}" if kind == "before" else f"{body}kind: {name}\n"

    assert ("data.pw", "eA==", Role.ENCODED) in told(document("Secret"))
    assert ("stringData.tok", "z", Role.SECRET) in told(document("Secret"))
    assert ("data.n.m", "eQ==", Role.NAMED) in told(document("Secret"))
    assert all(role is Role.NAMED for _, _, role in told(document("ConfigMap")))
    assert all(role is Role.NAMED for _, _, role in told(body))


def test_secrets_in_a_list_are_read_one_by_one() -> None:
    """The kind of one item says nothing of the next."""
    text = "kind: List\nitems:\n- {kind: Secret, data: {a: eA==}}\n- {kind: X, data: {b: eQ==}}\n"
    encoded = [key for key, _, role in told(text) if role is Role.ENCODED]
    assert encoded == ["items.[0].data.a"]


def test_the_key_of_an_encryption_provider_is_secret() -> None:
    """`secret` is one below the keys of a provider, elsewhere it is an ordinary key."""
    text = "resources: [{providers: [{%s: {keys: [{name: k, secret: eA==}]}}]}]"
    path = "resources.[0].providers.[0].%s.keys.[0].secret"
    for provider, role in (("aescbc", Role.SECRET), ("secretbox", Role.SECRET), ("x", Role.NAMED)):
        assert (path % provider, "eA==", role) in told(text % provider)
    assert told("keys: [{secret: a}]") == [("keys.[0].secret", "a", Role.NAMED)]


def test_an_environment_list_is_split() -> None:
    """NAME=VALUE is read under NAME, in `environment`, `env` and the arguments of a build."""
    assert told("environment: [A=b=c]") == [("environment.A", "b=c", Role.NAMED)]
    assert told("Env: ['A=']") == [("Env.A", "", Role.NAMED)]
    assert told("build: {args: [A=b]}") == [("build.args.A", "b", Role.NAMED)]
    assert told("other: [A=b]") == [("other.[0]", "A=b", Role.NAMED)]
    assert told("environment: [A]") == [("environment.[0]", "A", Role.NAMED)]


COMMANDS = ["command", "args", "entrypoint", "cmd", "ExecStart"]
SCRIPTS = ["script", "before_script", "run", "shell", "runcmd", "inline", "ansible.builtin.shell"]


@pytest.mark.parametrize("key", COMMANDS + SCRIPTS)
def test_a_command_line_is_known_by_its_key(key: str) -> None:
    """A scalar and the items of a list are command lines."""
    assert told(f"{key}: a -b") == [(key, "a -b", Role.COMMAND)]
    assert (f"{key}.[1]", "c", Role.COMMAND) in told(f"{key}: [a, c]")
    assert told(f"x{key}: a -b")[0][2] is Role.NAMED


def test_the_words_of_one_command_are_joined() -> None:
    """A list of words is also one line, a list of lines is not."""
    assert ("command", "a -p '${reference}' b", Role.COMMAND) in told("command: [a, -p, !Ref x, b]")
    assert ("runcmd.[0]", "a b", Role.COMMAND) in told("runcmd: [[a, b], c]")
    assert "script" not in [key for key, _, _ in told("script: [a, b]")]
    assert "command" not in [key for key, _, _ in told("command: [a]")]


def test_a_joined_command_stands_at_its_first_word() -> None:
    """The line is that of the first item; the others are continued, each on its own line."""
    entries = list(yaml_docs.parse("x: 1\nargs:\n- a\n- b c\n"))
    joined = "a \\\n'b c'"
    assert (entries[-1].keys, entries[-1].value, entries[-1].line) == (("args",), joined, 3)


def test_scripts_and_health_checks_are_commands() -> None:
    """The values of `scripts`, and `test` of a health check alone."""
    assert told("scripts: {deploy: a}") == [("scripts.deploy", "a", Role.COMMAND)]
    assert told("healthcheck: {test: a}") == [("healthcheck.test", "a", Role.COMMAND)]
    assert ("healthcheck.test", "a b", Role.COMMAND) in told("healthcheck: {test: [CMD, a, b]}")
    assert told("x: {test: a}") == [("x.test", "a", Role.NAMED)]


def test_a_default_is_read_under_its_container() -> None:
    """Parameters, variables, inputs and outputs name their values."""
    assert told("Parameters: {Pw: {Default: x}}") == [("Parameters.Pw", "x", Role.NAMED)]
    assert told("variables: {PW: {value: x}}") == [("variables.PW", "x", Role.NAMED)]
    assert told("other: {Pw: {Default: x}}") == [("other.Pw.Default", "x", Role.NAMED)]


def nested(depth: int) -> Iterator[Event]:
    """Give the events of DEPTH lists around a value."""
    for _ in range(depth):
        yield LIST, None, "", 1, False
    yield VALUE, None, "x", 1, False
    for _ in range(depth):
        yield END, None, "", 1, False


def test_depth_is_limited() -> None:
    """200 containers are read, one more is refused."""
    assert len(list(tree.entries(nested(200)))) == 1
    with pytest.raises(FormatError):
        list(tree.entries(nested(201)))


def test_few_entries_wait() -> None:
    """More than ten thousand entries that wait go out as they are, and none is lost."""
    events: list[Event] = [(MAP, None, "", 1, False), (MAP, "data", "", 1, False)]
    events += [(VALUE, f"k{number}", "x", 1, False) for number in range(10_050)]
    events += [(END, None, "", 1, False), (VALUE, "kind", "Secret", 1, False)]
    events += [(END, None, "", 1, False)]
    found = list(tree.entries(events))
    assert len(found) == 10_051
    assert sum(entry.role is Role.ENCODED for entry in found) == 10_000


def test_a_place_to_wait_is_bounded() -> None:
    """The entries beyond go where they are sent."""
    beyond: list[Entry] = []
    place = Waiting(beyond)
    for number in range(10_001):
        place.append(Entry((), str(number), 1))
    assert [entry.value for entry in beyond] == ["10000"]


def test_a_type_may_name_a_value() -> None:
    """A credential of Keycloak has `type: password`; a name beside it is more telling."""
    assert ("l.[0].password", "x", Role.NAMED) in told("l: [{type: password, value: x}]")
    assert ("l.[0].value", "x", Role.NAMED) in told("l: [{type: text, value: x}]")
    assert ("l.[0].default", "x", Role.NAMED) in told("l: [{type: password, default: x}]")
    assert ("l.[0].PIN", "x", Role.NAMED) in told("l: [{type: password, value: x, name: PIN}]")


def test_the_literals_of_kustomize_are_pairs() -> None:
    """Each is named for what stands in front of its equals sign; other lists stay as they are."""
    assert ("literals.pw", "x=y", Role.NAMED) in told("literals: [pw=x=y]")
    assert ("files.[0]", "pw=x", Role.NAMED) in told("files: [pw=x]")
