"""Credentials inside one value are found, whatever notation surrounds them."""

from __future__ import annotations

import base64
import json
import random
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.model import Entry, Role
from checks.secrets.values import defaults, documents, inner, written

LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"


def made(seed: int, special: str = "") -> str:
    """Make a password with special characters that begins and ends with a letter."""
    rng = random.Random(seed)
    return f"k{''.join(rng.choices(LETTERS + special, k=14))}Z{seed}"


def found(value: str, *keys: str) -> list[Entry]:
    return list(inner(Entry(keys or ("setting",), value, 1)))


URLS = [
    ("postgres://bob:@@@host/db", "bob"),
    ("amqp://bob:@@@host:5672/vhost", "bob"),
    ("redis://:@@@host:6379/0", ""),
    ("mongodb+srv://bob:@@@h1,h2/db?x=y", "bob"),
    ("see https://bob:@@@host/x for more", "bob"),
    ('url = "https://bob:@@@host/x";', "bob"),
    ("jdbc:postgresql://bob:@@@host/db", "bob"),
    ("<https://bob:@@@host>", "bob"),
    ("bob:@@@tcp(host:3306)/db", "bob"),
    ("bob:@@@unix(/run/mysqld.sock)/db", "bob"),
]


@pytest.mark.parametrize(("template", "user"), URLS)
@pytest.mark.parametrize("special", ["", "!$&*+=~_-.", "@!", ":"])
def test_the_password_in_a_url_is_found(template: str, user: str, special: str) -> None:
    """It goes to the last "@" in front of the host and is a secret."""
    for seed in range(6):
        value = made(seed, special)
        secrets = [e for e in found(template.replace("@@", value, 1)) if e.role is Role.SECRET]
        assert [(e.value, e.subject) for e in secrets] == [(value, user)]


def test_percent_escapes_of_a_url_are_decoded() -> None:
    """Any character can stand in a password that is escaped."""
    for seed in range(8):
        value = made(seed, "!#%&@:/?[]{}<>\"'\\ é")
        url = f"postgres://bob:{quote(value, safe='')}@host/db"
        assert [e.value for e in found(url)] == [value]


def test_a_slash_in_a_password_is_seen_when_a_host_follows() -> None:
    """No port stands behind the colon, so that the "/" cannot end the host."""
    value = made(1) + "/#" + made(2)
    assert [e.value for e in found(f"postgres://bob:{value}@host:5432/db")] == [value]


def test_all_urls_of_a_value_are_read() -> None:
    """A list of brokers gives each password, with its line."""
    one, two = made(1), made(2)
    entries = found(f"amqp://a:{one}@h1,amqp://b:{two}@h2")
    assert [(e.value, e.subject) for e in entries] == [(one, "a"), (two, "b")]
    assert [e.line for e in found(f"x\ny a://b:{one}@c\n\nd://e:{two}@f")] == [2, 4]


def test_a_token_that_stands_as_the_user_is_a_secret() -> None:
    """A long one with digits in front of a web host; a login name is none."""
    token = made(3)
    assert [e.value for e in found(f"https://{token}@host/x.git")] == [token]
    assert [e.value for e in found(f"https://{token}:x-oauth-basic@host/x.git")] == [token]


@pytest.mark.parametrize(
    "value",
    [
        "https://host:8080/path@2x.png",
        "https://host/@scope/package",
        "ssh://git@host/x.git",
        "https://bob@host/",
        "https://bob:@host/",
        "http://[::1]:8080/a@b",
        "mailto:bob@host",
        "bob@host",
        "user:group@",
        "12:30 @ home (late)",
    ],
)
def test_a_url_without_a_password_gives_nothing(value: str) -> None:
    """Ports, paths, login names and mail addresses are no passwords."""
    assert found(value) == []


STRINGS = [
    ("Server=db;User Id=sa;Password=@@;Database=x", "Password", "!#$%&*=@:,.'{}", "sa"),
    ("Server=db; Uid=sa; Pwd='@@'; Encrypt=no", "Pwd", "!#$%&*=@:,.;", "sa"),
    ("Driver={ODBC 18};UID=sa;PWD={@@};", "PWD", "!#$%&*=@:,.;'\"", "sa"),
    ("host=h user=sa password=@@ dbname=d", "password", "!#$%&*=@:.", "sa"),
    ("host=h user=sa password='@@' dbname=d", "password", "!#$%&*=@:. ,", "sa"),
    ("jdbc:mysql://h/d?user=sa&password=@@&x=y", "password", "!$*@:.,", "sa"),
    ("jdbc:sqlserver://h:1433;user=sa;password=@@;encrypt=true", "password", "!#$*@:.&", "sa"),
    ("mysql:host=h;dbname=d;password=@@", "password", "!#$*@:.&", ""),
    ('x.PlainLoginModule required username="sa" password="@@";', "password", "!#$*@:.&; ", "sa"),
    ("name=x password=@@ state=present", "password", "!#$*@:.&=", ""),
    ("use_first_pass user=sa passwd=@@ md5", "passwd", "!#$*@:.&=", "sa"),
    ("a=b&client_secret=@@&c=d", "client_secret", "!$*@:.,", ""),
    ("user=sa,password=@@,domain=x", "password", "!#$*@:.&=;", "sa"),
    ("https://host/path?access_token=@@", "access_token", "!$*:.,", ""),
]


@pytest.mark.parametrize(("template", "name", "special", "user"), STRINGS)
def test_a_named_part_is_found(template: str, name: str, special: str, user: str) -> None:
    """The name joins the keys; the value is exact and ends where the notation ends it."""
    for seed in range(8):
        value = made(seed, special)
        entries = [e for e in found(template.replace("@@", value)) if e.keys[-1] == name]
        assert [(e.keys, e.value, e.subject) for e in entries] == [(("setting", name), value, user)]


@pytest.mark.parametrize("name", ["AccountKey", "SharedAccessKey"])
def test_the_key_of_a_cloud_connection_string_is_a_secret(name: str) -> None:
    """Its equals signs belong to it."""
    value = base64.b64encode(made(1).encode()).decode() + "="
    entries = found(f"Endpoint=sb://x/;SharedAccessKeyName=n;{name}={value};EntityPath=p")
    assert [(e.value, e.role) for e in entries if e.role is Role.SECRET] == [(value, Role.SECRET)]


def test_basic_authorization_is_decoded() -> None:
    """The password stands behind the user's name."""
    value = made(1, "!#:@%")
    text = base64.b64encode(f"bob:{value}".encode()).decode()
    for template in ("Basic {}", "Authorization: Basic {}", 'Authorization "Basic {}"'):
        entries = found(template.format(text), "header")
        assert [(e.value, e.subject, e.role) for e in entries] == [(value, "bob", Role.SECRET)]


def test_a_bearer_token_needs_an_authorization() -> None:
    """It counts under such a key or behind such a name, not in prose."""
    token = made(2) + "0"
    assert [e.value for e in found(f"Bearer {token}", "Authorization")] == [token]
    assert [e.value for e in found(f"Authorization: Bearer {token}")] == [token]
    assert found(f"Bearer {token}", "comment") == []
    assert found("Authorization: Bearer TOKEN") == []
    assert found("basic knowledge of things", "Authorization") == []


def test_a_header_named_like_a_credential_is_found() -> None:
    """Alone, in quotes on a longer line, and as a server's directive."""
    value = made(3, "!#%=")
    for template in (
        "X-Api-Key: {}",
        "curl -H 'X-Api-Key: {}' https://h",
        'proxy_set_header X-Api-Key "{}";',
    ):
        entries = [e for e in found(template.format(value)) if e.keys[-1] == "X-Api-Key"]
        assert [e.value for e in entries] == [value]
    assert found("Content-Type: application/json") == []


def test_json_inside_a_value_is_read() -> None:
    """Escapes are decoded."""
    value = made(4, '"\\/\n é#{}')
    entries = found(json.dumps({"user": "bob", "password": value, "n": 1}))
    assert [(e.keys, e.value) for e in entries] == [(("setting", "password"), value)]


def test_sql_inside_a_value_is_read() -> None:
    """The account is the subject."""
    value = made(5, "!#%;")
    for template in ("CREATE USER 'bob'@'%' IDENTIFIED BY '{}'", "ALTER ROLE bob PASSWORD '{}';"):
        entries = found(template.format(value))
        assert [(e.value, e.role, e.subject) for e in entries] == [(value, Role.SECRET, "bob")]


def test_the_default_of_a_reference_is_found() -> None:
    """Under the reference's name if that tells, else under the setting's own."""
    value = made(6, "!#%;=")
    for template in ("${DB_PASSWORD:-@@}", "${db.password:@@}", "x-${DB_PASSWORD-@@}-y"):
        entries = found(template.replace("@@", value))
        assert value in [e.value for e in entries if e.keys[-1].lower()[-8:] == "password"]
    assert [(e.keys, e.value) for e in found(f"${{X:-{value}}}", "password")] == [
        (("password",), value)
    ]
    assert found("${DB_PASSWORD:?must be set}") == []
    assert found("${DB_PASSWORD}") == []


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain",
        "an ordinary sentence with nothing inside",
        "a=b c=d",
        "password",
        "the password is wrong",
        "/etc/ssl/private/key.pem",
        "password == other",
        "if (token=~x)",
        "WHERE name = 'x'",
        "sha256:0123456789abcdef",
        "--no-password --all",
    ],
)
def test_an_ordinary_value_gives_nothing(value: str) -> None:
    """No notation, no credential."""
    assert found(value) == []


@given(
    st.text("aA1=;&?:/@'\"{}()<> ,\n\\$%-", max_size=120),
    st.sampled_from(["", "password=", "://", "basic ", "identified by '", "${pw:-", '"pwd": "']),
)
def test_any_value_is_read(text: str, lead: str) -> None:
    """Nothing raises, and lines stay within the value."""
    value = lead + text + lead + text
    for entry in inner(Entry(("k",), value, 5)):
        assert 5 <= entry.line <= 5 + value.count("\n")


@pytest.mark.parametrize(
    "piece",
    [
        "a://", "a://b:c@", "password=", "password='", "?password=", '"password":"', "basic YTpi ",
        "bearer abcdefghij123456 auth ", "${a:-b", "identified by '", "a:b@tcp(", " user=",
        "://a:b/", ";pwd={", "insert into a (password) values (", "'", "password '\\", "\n",
        "header a-key b ", "x-key: ", "'a-key: b' ",
    ],
)  # fmt: skip
def test_a_hostile_value_costs_time_in_proportion(piece: str) -> None:
    """A hundred thousand characters take seconds at the most."""
    value = piece * (100_000 // len(piece))
    start = time.process_time()
    for text in (value, "password=@" + value, value + "@h"):
        assert sum(1 for _ in inner(Entry(("k",), text, 1))) >= 0
    assert time.process_time() - start < 6


def test_a_value_that_is_a_json_document_is_opened() -> None:
    """With its own names and roles, on the value's line."""
    pw = made(5)
    body = [{"name": "DB_PASSWORD", "value": pw}, {"name": "A", "value": "b"}]
    found = list(documents(Entry(("containers",), json.dumps(body), 7)))
    assert (("containers", "[0]", "DB_PASSWORD"), pw, 7) in [
        (e.keys, e.value, e.line) for e in found
    ]
    secret = {"kind": "Secret", "data": {"pw": "eA=="}}
    found = list(documents(Entry(("applied",), json.dumps(secret), 1)))
    assert Role.ENCODED in [e.role for e in found]


@pytest.mark.parametrize("value", ["{{ x }}", "{{a:b}}", "[1, 2]", "{x}", "{", "[]", '{"a": ', "x"])
def test_other_values_are_not_opened(value: str) -> None:
    """Templates above all, which would give themselves."""
    assert list(documents(Entry(("x",), value, 1))) == []


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'X' | password_hash('sha512') }}",
        '{{ db_password | default("X") }}',
        "{{ db_password | default('X', true) | quote }}",
        "{{'X'|b64encode}}",
    ],
)
def test_a_text_in_a_jinja_expression_is_taken_out(template: str) -> None:
    """With a filter or as a default; names, calls and empty defaults stay references."""
    pw = made(6)
    entry = Entry(("db_password",), template.replace("X", pw), 3)
    assert [(e.value, e.line) for e in documents(entry)] == [(pw, 3)]
    for other in ("{{ x }}", "{{ lookup('env', 'X') }}", "{{ x | default('') }}", "{{ x['y'] }}"):
        assert list(documents(entry._replace(value=other))) == []


def test_documents_cost_time_in_proportion() -> None:
    """Also when they are expressions or nests made to be slow."""
    start = time.perf_counter()
    for value in (
        "{{ a" * 50_000,
        "{{ a | d('" * 50_000,
        '[{"' * 50_000 + "]",
        '{"a": [' * 9000 + "}",
    ):
        list(documents(Entry(("x",), value, 1)))
    assert time.perf_counter() - start < 5


def test_a_login_module_in_a_value_is_opened() -> None:
    """Each option is read, and users are known by their names."""
    one, two = made(21), made(22)
    module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    entries = list(documents(Entry(("k",), f'{module} password="{one}" user_bob="{two}";', 4)))
    assert [(e.value, e.line, e.subject) for e in entries] == [(one, 4, ""), (two, 4, "bob")]
    assert list(documents(Entry(("k",), module.removesuffix(" required"), 4))) == []


def test_the_default_of_an_argument_is_found() -> None:
    """`${1:-value}` gives the value under the name it is assigned to; `${1:2}` is a part."""
    value = made(23)
    assert [(e.keys, e.value) for e in found(f"${{1:-{value}}}", "TOKEN")] == [(("TOKEN",), value)]
    assert found("${1:2}", "TOKEN") == []


WRITTEN = [
    '{{ default "@@" .Values.password }}',
    '{{ .Values.password | default "@@" | quote }}',
    '{{- env "PW" | default "@@" }}',
    '{{ getenv "PW" "@@" }}',
    "{{ salt['pillar.get']('pw', '@@') }}",
    "{{ pillar.get('pw', '@@') }}",
    "<%= ENV['PW'] || '@@' %>",
    "<%= ENV.fetch('PW', '@@') %>",
    "<%= ENV.fetch('PW') { '@@' } %>",
    "${env:PW, '@@'}",
]


@pytest.mark.parametrize("template", WRITTEN)
def test_the_default_of_an_expression_is_given(template: str) -> None:
    """Of each templating language in its own notation."""
    value = made(11, "!#*+.^_~-")
    entry = Entry(("password",), template.replace("@@", value), 1)
    assert [(e.keys, e.value) for e in documents(entry)] == [(("password",), value)]


@pytest.mark.parametrize(
    "value",
    [
        '{{ default "" .Values.password }}',
        '{{ required "a password" .Values.password }}',
        "{{ .Values.password | default (randAlphaNum 9) }}",
        "<%= ENV['PW'] %>",
        "<%= ENV.fetch('PW') %>",
        "${env:PW, env:OTHER}",
        "${PW}",
    ],
)
def test_an_expression_without_a_default_gives_nothing(value: str) -> None:
    """A name that is looked up is no value."""
    assert list(documents(Entry(("password",), value, 1))) == []


@pytest.mark.parametrize("piece", ["{{ default ", "<%= fetch(", "${env:a,", "{{ get('a', ", "'"])
def test_hostile_expressions_cost_time_in_proportion(piece: str) -> None:
    """Each look is bounded."""
    start = time.process_time()
    for lead in ("{{", "<%=", "${"):
        assert list(documents(Entry(("password",), lead + piece * 50_000, 1))) == []
    assert time.process_time() - start < 2


@pytest.mark.parametrize("name", ["DB_PASSWORD", "db.password", "keystore-password", "JWT_SECRET"])
def test_a_variable_with_a_default_has_it_written(name: str) -> None:
    """Digits too, if they are no part of the variable; the name must be that of a credential."""
    for value in ("ledger77", "20041", "a:b"):
        assert written("${" + name + ":" + value + "}") == value
    for text in ("", ":x", "-", "?x", "12", "0:4"):
        assert written("${" + name + ":" + text + "}") == ""
    assert written("${" + name + "}") == written("${DB_HOST:ledger77}") == ""
    assert written("${env:" + name + "}") == written("${" + name + ":ledger77}/db") == ""


def test_defaults_are_given_with_the_name_they_are_for() -> None:
    """Of variables within each other the innermost has the text."""
    assert list(defaults("${PW:-${DB_PW:-ledger77}}")) == [("DB_PW", "ledger77")]
    assert list(defaults("${PW} and $DB_PW")) == []
