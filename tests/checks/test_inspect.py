"""Looking at one text: the right values at the right lines, and nothing twice."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from checks.model import Severity
from checks.secrets.templates import render
from checks.spotted import Document

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.inspect import Inspector, Looked
    from checks.spotted import Spotted

    Look = Callable[[str, str | bytes], Looked]
    MakePassword = Callable[[str], str]

PASSWORD = "embedded-password"
TOKEN = render("{{crc32-base62 ghp_}}", "a token of the tests")
MADE = render("{{alnum 16}}", "a password of the tests")
GITHUB = "github-personal-access-token"


def places(looked: Looked) -> list[tuple[str, int, str, str]]:
    """Give check, line, key path and value of all that was spotted."""
    return [(one.check, one.line, ".".join(one.keys), one.value) for one in looked.spotted]


def private_key() -> str:
    """Make a key in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_password_has_line_and_key_path(
    look: Look, password: str, end: str, encoding: str
) -> None:
    """Whatever the encoding and the line ends, line, keys and value are those of the file."""
    text = end.join(["; a comment", "[database]", "user = bob", "", f"password = {password}", ""])
    looked = look("/srv/app/app.ini", text.encode(encoding))
    assert places(looked) == [(PASSWORD, 5, "database.password", password)]
    assert not looked.degraded
    empty = look("/srv/app/app.ini", text.replace(password, "").encode(encoding))
    assert places(empty) == []


@pytest.mark.parametrize(
    ("path", "text", "dull"),
    [
        ("/srv/app.py", "x = 1\n", True),
        ("/srv/app.py", "auth = lookup(name)\n", True),
        ("/srv/app.ini", "auth = lookup(name)\n", False),
        ("/srv/app.py", "here the password given before\n", True),
        ("/srv/app.py", "here the password 'given before'\n", False),
        ("/srv/app.py", f"auth = 1\npassword = '{MADE}'\n", False),
        ("/srv/app.py", f"auth = '{TOKEN}'\n", False),
        ("/srv/app.py", "auth = x\n" * 5000, False),
        ("/srv/app.py", "-----BEGIN CERTIFICATE-----\n", False),
        ("/srv/app.p12", "x", False),
        ("/srv/notes.txt", "nothing here\n", True),
        ("/etc/shadow", "nothing here\n", False),
        ("/srv/docs/app.md", "password: correcthorse\n", True),
        ("/srv/docs/app.md", f"password: {MADE}\n", False),
        ("/srv/docs/app.md", f"{'x ' * 400}password: correcthorse\n" * 90, False),
        ("/srv/docs/app.py", "password = 'correcthorse'\n", True),
        ("/srv/docs/app.py", f"password = '{MADE}'\n", False),
        ("/srv/docs/app.json", '[{"name": "DB_PASSWORD",\n"value": "correcthorse"}]\n', True),
        ("/srv/docs/app.json", f'[{{"name": "DB_PASSWORD",\n"value": "{MADE}"}}]\n', False),
        ("/srv/docs/app.yaml", "kind: Secret\n", False),
    ],
)
def test_a_glance_passes_over_only_what_a_look_shows_nothing_of(
    inspector: Inspector, path: str, text: str, *, dull: bool
) -> None:
    """A file is passed over where a look shows nothing, and a glance changes no look."""
    document = Document(path, text.encode())
    glance = inspector.glance(path, document.data)
    looked = inspector.look(document)
    assert (glance is None) is dull
    assert inspector.look(document._replace(glance=glance)) == looked
    if dull:
        nothing = (looked.spotted, looked.keys, looked.inconclusive, looked.certificate)
        assert nothing == ([], [], [], False)
        assert not looked.degraded


LINES = st.sampled_from(
    [
        "name = x",
        "password: correcthorse",
        "token = 'correct horse 12'",
        f"api_key: '{MADE}'",
        f"auth: {base64.b64encode(f'bob:{MADE}'.encode()).decode()}",
        "password: |",
        f"  {MADE}",
        "- name: DB_PASSWORD",
        f"  value: {MADE}",
        f"mysql --user=bob -p{MADE}",
        f"postgres://bob:{MADE}@db/app",
        "$6$abc$def",
    ]
)
SAMPLES = st.sampled_from(
    ["/srv/docs/a", "/srv/docs/a.md", "/srv/docs/a.py", "/srv/docs/a.yaml", "/srv/docs/a.sh"]
)


@given(st.lists(LINES, max_size=6), SAMPLES)
def test_a_document_is_passed_over_only_where_nothing_is_found(
    inspector: Inspector, lines: list[str], path: str
) -> None:
    """Whatever lines a document has, a glance that shows nothing means a look without result."""
    document = Document(path, "".join(f"{line}\n" for line in ["#", *lines]).encode())
    looked = inspector.look(document)
    if looked.spotted or looked.keys or looked.inconclusive or looked.degraded:
        assert inspector.glance(path, document.data) is not None


def test_a_text_that_is_not_utf8_is_looked_at(look: Look, password: str) -> None:
    """One byte of Latin-1 does not hide the password behind it."""
    data = f"# schl\xfcssel\npassword = {password}\n".encode("latin-1")
    assert places(look("/etc/app.ini", data)) == [(PASSWORD, 2, "password", password)]


def test_a_token_beats_the_generic_check(look: Look) -> None:
    """What a rule knows by its issuer is not reported as a mere password as well."""
    for path in ("/srv/app.ini", "/srv/app.yaml", "/srv/app.unknown"):
        sign = ":" if path.endswith("yaml") else " ="
        looked = look(path, f"user{sign} bob\npassword{sign} {TOKEN}\n")
        assert [(one.check, one.line, one.value) for one in looked.spotted] == [(GITHUB, 2, TOKEN)]
    spoiled = TOKEN[:-1] + ("A" if TOKEN[-1] != "A" else "B")
    looked = look("/srv/app.ini", f"password = {spoiled}\n")
    assert [one.check for one in looked.spotted] == [PASSWORD]


def test_the_same_value_at_two_places_is_two(look: Look, password: str) -> None:
    """Each place has to be mended; the same place is told once."""
    looked = look("/srv/app.ini", f"[a]\npassword = {password}\n[b]\npassword = {password}\n")
    assert [place[1:3] for place in places(looked)] == [(2, "a.password"), (4, "b.password")]


def test_files_within_values_are_read(look: Look, password: str) -> None:
    """A configuration within a block scalar has the keys of both and its own line."""
    text = (
        "kind: ConfigMap\n"
        "data:\n"
        "  app.ini: |\n"
        "    [database]\n"
        "    user = bob\n"
        f"    password = {password}\n"
    )
    assert [place[1:] for place in places(look("/srv/map.yaml", text))] == [
        (6, "data.app.ini.database.password", password)
    ]
    inner = f"a: 1\nb: |\n  x = 1\n  y = 2\n  password = {password}\n"
    found = look("/srv/map.json", json.dumps({"a": 1, "file": inner}, indent=1)).spotted
    assert [(one.line, one.value) for one in found] == [(3, password)]


def test_files_within_files_end_somewhere(look: Look) -> None:
    """A value within a value within a value is followed to a bound, without a fault."""
    text = "password: x\nend: y\n"
    for _ in range(12):
        indented = "".join(f"  {row}\n" for row in text.splitlines())
        text = f"a: 1\ninner.yaml: |\n{indented}b: 2\n"
    assert look("/srv/deep.yaml", text).inconclusive == []


def test_base64_of_a_secret_container_is_decoded(look: Look, password: str) -> None:
    """The decoded value of a Kubernetes Secret counts, and its user name does not."""
    encoded = base64.b64encode(password.encode()).decode()
    user = base64.b64encode(b"application7").decode()
    text = f"kind: Secret\ndata:\n  username: {user}\n  db-pass: {encoded}\n"
    assert places(look("/srv/secret.yaml", text)) == [(PASSWORD, 4, "data.db-pass", password)]
    assert places(look("/srv/secret.yaml", text.replace(encoded, "e30="))) == []


def test_a_member_that_is_no_credential_is_left_out(look: Look, password: str) -> None:
    """What describes a bootstrap token is none; the same words under another name are."""
    text = (
        "kind: Secret\nstringData:\n  token-id: 07401b\n  description: for new nodes\n"
        f"  usage-bootstrap-signing: 'true'\n  token-secret: {password}\n"
    )
    assert [place[1:3] for place in places(look("/srv/s.yaml", text))] == [
        (6, "stringData.token-secret")
    ]
    other = text.replace("description", "phrase")
    assert (4, "stringData.phrase") in [place[1:3] for place in places(look("/srv/s.yaml", other))]


def test_a_file_within_a_value_is_read_by_its_place(look: Look, password: str) -> None:
    """cloud-init and Ansible say where a text is to lie; so its format is known, also in base64."""
    line = f"db:5432:*:app:{password}"
    encoded = base64.b64encode(line.encode()).decode()
    head = f"#cloud-config\npassword: {password[::-1]}\nwrite_files:\n  - "
    for body in (
        f"path: /root/.pgpass\n    content: {line}\n",
        f"content: {line}\n    path: /root/.pgpass\n",
        f"path: /root/.pgpass\n    encoding: b64\n    content: {encoded}\n",
    ):
        found = look("/srv/user-data.yaml", head + body).spotted
        assert password in [one.value for one in found]
        found = look("/srv/user-data.yaml", head + body.replace(".pgpass", "notes")).spotted
        assert password not in [one.value for one in found]


def test_a_continued_line_is_told_where_the_value_stands(look: Look, password: str) -> None:
    """A value has the number of its own line, not that of the first of those that are joined."""
    text = f"[Service]\nExecStart=/bin/app --verbose \\\n  --db-password={password} \\\n  --all\n"
    assert [place[1] for place in places(look("/etc/systemd/system/a.service", text))] == [3]
    flat = text.replace("\\\n", "")
    assert [place[1] for place in places(look("/etc/systemd/system/a.service", flat))] == [2]


def test_labels_are_no_passwords(look: Look) -> None:
    """A file of messages is a document, the same line in one of settings is told."""
    text = "login.password=Password\n"
    assert not look("/srv/app/messages_en.properties", text).spotted
    assert not look("/srv/app/labels.properties", text).spotted
    assert look("/srv/app/app.properties", text.replace("Pass", "pass")).spotted


def test_commands_of_windows_give_their_passwords(look: Look, password: str) -> None:
    """An option behind a slash is known by its tool; with another tool it is none."""
    for tool, option in (("schtasks /create /ru bob", "/rp "), ("cmdkey /user:bob", "/pass:")):
        text = f"$x = 1\n{tool} {option}{password}\n"
        assert [one.value for one in look("/srv/a.ps1", text).spotted] == [password]
        assert not look("/srv/a.ps1", text.replace(tool, "echo bob")).spotted


def test_what_broke_is_read_line_by_line(look: Look, password: str) -> None:
    """After the place where a file stops keeping to its format nothing is left out."""
    broken = f'{{\n  "a": 1,\n  oops oops\n  "password": "{password}"\n}}\n'
    looked = look("/srv/app.json", broken)
    assert looked.degraded
    assert [(one.line, one.value) for one in looked.spotted] == [(4, password)]
    whole = look("/srv/app.json", broken.replace("oops oops", '"b": 2,'))
    assert not whole.degraded
    assert [(one.line, one.value) for one in whole.spotted] == [(4, password)]


def test_a_flood_is_told_and_hides_only_its_surroundings(look: Look, password: str) -> None:
    """Findings far from a flood of candidates stay, and the file is not called clean."""
    calm = "nothing to see here\n" * 20_000
    flood = "passwd=" * 60_000 + "\n"
    text = f"db_password = '{password}'\n{calm}{flood}{calm}token = '{TOKEN}'\n"
    looked = look("/srv/app.conf", text)
    assert [one.reason for one in looked.inconclusive] == ["candidate flood"]
    assert {(one.line, one.value) for one in looked.spotted} == {
        (1, password),
        (text.count("\n"), TOKEN),
    }
    assert look("/srv/app.conf", calm + f"db_password = '{password}'\n").inconclusive == []


def test_a_flood_takes_bounded_time(look: Look) -> None:
    """Nothing but candidates, on one line or on many, costs seconds a megabyte at the most."""
    for unit in ("passwd=", "passwd=x ", "x://u:pq@h/ ", "password: 'x7!y'\n", "name: password\n"):
        begun = time.process_time()
        looked = look("/srv/app.txt", unit * (300_000 // len(unit)))
        assert time.process_time() - begun < 4, unit
        assert looked.inconclusive, unit


def test_many_tokens_take_linear_time(look: Look) -> None:
    """Thousands of tokens of several rules are compared in bounded work for each."""
    tokens = [render("{{crc32-base62 ghp_}}", str(number)) for number in range(4000)]
    for glue in ("\n", " "):
        begun = time.process_time()
        looked = look("/srv/app.txt", glue.join(tokens))
        assert time.process_time() - begun < 5
        assert {one.value for one in looked.spotted} == set(tokens)


@pytest.mark.parametrize("path", ["/srv/app.js", "/srv/app.txt", "/srv/app.min.json"])
def test_a_long_line_keeps_its_number_and_its_values(
    look: Look, make_password: MakePassword, path: str
) -> None:
    """At the beginning, in the middle and at the end of 200 KB on one line."""
    values = [make_password(str(number)) for number in range(3)]
    pad = ",".join(f'"item{number}":"{number}"' for number in range(5000))
    line = ",".join(f'"db_password":"{value}",{pad}' for value in values[:2])
    line += f',"db_password":"{values[2]}"'
    text = f"short\nlines\n{{{line}}}\nand\nafter\n"
    found = look(path, text).spotted
    assert sorted((one.line, one.value) for one in found) == sorted((3, v) for v in values)
    assert look(path, text.replace("db_password", "db_keyword")).spotted == []


def test_short_lines_beside_a_long_one_keep_theirs(look: Look, make_password: MakePassword) -> None:
    """A value near the border of a long line belongs to its own line only."""
    first, second = make_password("first"), make_password("second")
    text = f"db_password = '{first}'\n{'word ' * 4000}\ndb_password = '{second}'\n"
    found = look("/srv/app.txt", text).spotted
    assert [(one.line, one.value) for one in found] == [(1, first), (3, second)]


def test_a_key_in_a_text_is_found_at_its_line(look: Look) -> None:
    """A private key within a definition is one finding; its public half is remembered."""
    body = "".join(f"    {row}\n" for row in private_key().splitlines())
    looked = look("/srv/deploy.yaml", f"name: web\ntls:\n  key: |\n{body}")
    assert [(one.check, one.line) for one in looked.spotted] == [("embedded-private-key", 4)]
    assert len(looked.keys) == 1
    public = look("/srv/deploy.yaml", f"tls:\n  key: |\n{body}".replace("PRIVATE", "PUBLIC"))
    assert (public.spotted, public.keys) == ([], [])


def test_a_key_of_a_document_counts_low(look: Look) -> None:
    """A key in documentation is most likely a sample, and is not joined with others."""
    looked = look("/srv/docs/howto.md", "An example:\n\n" + private_key())
    assert [(one.check, one.severity) for one in looked.spotted] == [
        ("embedded-private-key", Severity.LOW)
    ]
    assert looked.keys == []


def test_a_binary_is_searched_for_tokens_only(look: Look, password: str) -> None:
    """A token within a program is found; words beside it mean nothing."""
    head = b"\x7fELF\2\1\1" + bytes(range(1, 32)) * 40
    data = head + f"password = '{password}'\n".encode() + b"\xfe\0" + TOKEN.encode() + b"\0\xff"
    looked = look("/usr/bin/tool", data)
    assert looked.binary
    assert [(one.check, one.value) for one in looked.spotted] == [(GITHUB, TOKEN)]


def test_a_piece_counts_its_lines_on(inspector: Inspector, password: str) -> None:
    """A piece of a large file knows its first line and is read line by line."""
    data = f"x\ndb_password = '{password}'\ntoken = {TOKEN}\n".encode()
    looked = inspector.look(Document("/srv/app.yaml", data, first_line=1000, whole=False))
    assert sorted((one.line, one.check) for one in looked.spotted) == [
        (1001, PASSWORD),
        (1002, GITHUB),
    ]
    assert looked.degraded


def test_an_empty_text_has_nothing(look: Look) -> None:
    """Nothing is found in nothing."""
    for path in ("/etc/shadow", "/srv/app.yaml", "/srv/web.p12", "x"):
        looked = look(path, b"")
        assert (looked.spotted, looked.inconclusive) == ([], [])


def test_nothing_spotted_shows_its_value(look: Look, password: str) -> None:
    """The representation of what goes round inside holds no secret."""
    text = f"password = {password}\ntoken = {TOKEN}\n"
    looked = look("/srv/app.ini", text)
    shown = repr(looked.spotted) + repr(Document("/srv/app.ini", text.encode()))
    assert len(looked.spotted) == 2
    assert password not in shown
    assert TOKEN not in shown


_FRAGMENTS = [
    "password", "=", ":", " ", "\n", "'", '"', "{", "}", "[", "]", "<", ">", "x7!kQ2", "://", "@",
    "data:", "kind: Secret", "|", "-----BEGIN PRIVATE KEY-----", "eyJ", "$6$", "\0", "\r", "é",
    "- ", "\\", "#", "name", "value", "token", "ghp_", "curl -u ", "--password", "\ufeff", "%",
]  # fmt: skip
_PATHS = [
    "a", "a.yaml", "a.json", "a.ini", "a.xml", "a.toml", "a.py", "a.sh", "a.tf", "x/etc/b.conf",
    ".netrc", "Dockerfile", "a.properties", "shadow", "a.sql", "a.p12",
]  # fmt: skip


@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=40).map("".join), st.sampled_from(_PATHS))
def test_any_text_can_be_looked_at(inspector: Inspector, text: str, path: str) -> None:
    """No text fails, and every line that is named is a line of the text."""
    looked = inspector.look(Document(path, text.encode()))
    assert all(one.line <= text.count("\n") + text.count("\0") + 1 for one in looked.spotted)


@given(st.binary(max_size=300), st.sampled_from(_PATHS))
def test_any_bytes_can_be_looked_at(inspector: Inspector, data: bytes, path: str) -> None:
    """No bytes fail."""
    found: list[Spotted] = inspector.look(Document(path, data)).spotted
    assert all(one.message for one in found)


def test_what_stands_beside_credentials_in_a_secret_is_none(look: Look, password: str) -> None:
    """Names of hosts, users and addresses end in what they are, whatever stands in front."""
    plain = {"DB_USERNAME": "ledger", "PG_DATABASE": "orders", "FRONTEND_URL": "http://shop.lan"}
    for kind, text in (
        ("stringData", str),
        ("data", lambda v: base64.b64encode(v.encode()).decode()),
    ):
        rows = [f"  {name}: {text(value)}" for name, value in plain.items()]
        head = ["apiVersion: v1", "kind: Secret", f"{kind}:", *rows]
        assert places(look("/srv/k8s/s.yaml", "\n".join([*head, ""]))) == []
        full = "\n".join([*head, f"  DB_PASSPHRASE: {text(password)}", ""])
        assert [one[1:3] for one in places(look("/srv/k8s/s.yaml", full))] == [
            (7, f"{kind}.DB_PASSPHRASE")
        ]


def test_a_file_written_by_a_script_is_read_by_its_own_format(look: Look, password: str) -> None:
    """Its beginning says what it is: the accounts of cloud-init stand on lines without names."""
    body = f"chpasswd:\n  list: |\n    root:{password}\n  expire: false\nEOF\n"
    script = f"cat > user-data <<'EOF'\n#cloud-config\n\n{body}"
    assert [(line, value) for _, line, _, value in places(look("/srv/make.sh", script))] == [
        (6, password)
    ]
    plain = script.replace("#cloud-config", "notes").replace("chpasswd", "people")
    assert places(look("/srv/make.sh", plain)) == []


def test_answers_to_debconf_need_no_other_word(look: Look, password: str) -> None:
    """The command is reason enough to read the script; a question of no password is none."""
    row = "debconf-set-selections <<< 'app app/admin_{} password {}'\n"
    found = places(look("/srv/setup.sh", row.format("phrase", password)))
    assert [(line, value) for _, line, _, value in found] == [(1, password)]
    assert places(look("/srv/setup.sh", row.format("port", "").replace("password", "string"))) == []


def test_the_keys_of_wordpress_are_found_one_by_one(look: Look, password: str) -> None:
    """Each stands for itself, so that a file may hold only one of them."""
    for name in ("LOGGED_IN_KEY", "NONCE_KEY"):
        row = f"<?php\ndefine('{name}', '{password * 2}');\n"
        assert [one[1] for one in places(look("/srv/www/wp-config.php", row))] == [2]
        assert places(look("/srv/www/wp-config.php", row.replace(name, "MENU_ID"))) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/services", "nextcloud-token\t{}\n"),
        ("/etc/nginx/conf.d/a.conf", "location / {{\n  fastcgi_pass {};\n}}\n"),
        ("/opt/wildfly/standalone.xml", '<a><security password="{}"/></a>\n'),
    ],
)
def test_what_stands_where_a_password_might_is_none(look: Look, path: str, text: str) -> None:
    """A port, a socket and a reference to a vault are told from a value in their places."""
    values = {"/etc/services": "7742/tcp", "/opt/wildfly/standalone.xml": "${VAULT::ds::pw::1}"}
    known = values.get(path, "unix:/run/php/php8.2-fpm.sock")
    assert look(path, text.format(known)).spotted == []
    assert len(look(path, text.format(MADE)).spotted) == 1


def test_a_console_of_bareos_is_no_file_of_kubernetes(look: Look) -> None:
    """Another program's admin.conf is read as what it is, with the line of its password."""
    text = f'Console {{\n  Name = admin\n  Password = "{MADE}"\n}}\n'
    found = look("/etc/bareos/bareos-dir.d/console/admin.conf", text).spotted
    assert [(one.line, one.value) for one in found] == [(3, MADE)]
