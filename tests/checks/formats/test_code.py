"""String literals of source code are read under the name they are given to."""

from __future__ import annotations

import random
import time
from fnmatch import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.formats import code
from checks.model import Role

LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"


def made(seed: int, special: str = "!#%&*@^.~+_?|/:;,=<>()[]{} ") -> str:
    """Make a value with special characters that begins and ends with a letter."""
    rng = random.Random(seed)
    return f"k{''.join(rng.choices(LETTERS + special, k=12))}Z"


def pairs(line: str) -> list[tuple[str, str]]:
    return [(e.keys[-1], e.value) for e in code.parse_line(line, 1)]


PLANTED = [
    ('password = "@@"', "password"),
    ("password = '@@';", "password"),
    ("$password = '@@';", "password"),
    ("@password = '@@'", "password"),
    ("my $password = '@@';", "password"),
    ('name: "x", password: "@@",', "password"),
    ("'password' => '@@',", "password"),
    (":password => '@@',", "password"),
    ('"password": "@@",', "password"),
    ('"password" -> "@@"', "password"),
    ("define('DB_PASSWORD', '@@');", "DB_PASSWORD"),
    ('connect(host="h", password="@@")', "password"),
    ('os.environ["DB_PASSWORD"] = "@@"', "DB_PASSWORD"),
    ("ENV['DB_PASSWORD'] = '@@'", "DB_PASSWORD"),
    ("$config['db']['password'] = '@@';", "password"),
    ("$h{password} = '@@';", "password"),
    ("config.db.password = '@@'", "password"),
    ("this.#password = '@@';", "password"),
    ("self->password = '@@';", "password"),
    ('map.put("password", "@@");', "password"),
    ('System.setProperty("db.password","@@");', "db.password"),
    ('client.setPassword("@@");', "password"),
    ('builder.user("x").password("@@").build()', "password"),
    ('let password: string = "@@";', "password"),
    ('password: str = "@@"', "password"),
    ('const PASSWORD: &\'static str = "@@";', "PASSWORD"),
    ('var password string = "@@"', "password"),
    ('password := "@@"', "password"),
    ('const char *password = "@@";', "password"),
    ('char password[] = "@@";', "password"),
    ('#define PASSWORD "@@"', "PASSWORD"),
    ('password <- "@@"', "password"),
    (':password "@@"', "password"),
    ('{password, "@@"}', "password"),
    ("    password '@@'", "password"),
    ('New-Thing -Password "@@" -Force', "Password"),
    ('NSDictionary *d = @{@"password": @"@@"};', "password"),
    ('password = []byte("@@")', "password"),
    ('password: SecretStr("@@")', "password"),
    ('password = b"@@"', "password"),
    ('password = r"@@"', "password"),
    ('password = """@@"""', "password"),
    ("password = `@@`", "password"),
    ('os.environ.get("DB_PASSWORD", "@@")', "DB_PASSWORD"),
    ("getenv('DB_PASSWORD') ?: '@@'", "DB_PASSWORD"),
    ("process.env.DB_PASSWORD || '@@'", "DB_PASSWORD"),
    ("ENV.fetch('DB_PASSWORD', '@@')", "DB_PASSWORD"),
    ('x = config("SECRET_KEY", default="@@")', "SECRET_KEY"),
    ('parser.add_argument("--password", "-p", default="@@")', "password"),
    ('set :password, "@@"', "password"),
    ("$env:DB_PASSWORD = '@@'", "DB_PASSWORD"),
    ("[Environment]::SetEnvironmentVariable('DB_PASSWORD', '@@', 'User')", "DB_PASSWORD"),
]


@pytest.mark.parametrize(("template", "name"), PLANTED)
def test_a_planted_literal_is_read_to_the_letter(template: str, name: str) -> None:
    """Under the last part of its name, once."""
    for seed in range(8):
        value = made(seed)
        found = [pair for pair in pairs(template.replace("@@", value)) if pair[0] == name]
        assert found == [(name, value)]


def test_all_parts_of_a_name_are_keys() -> None:
    """So that the judge sees whose password it is."""
    entry = next(iter(code.parse_line("config.db.password = 'x'", 3)))
    assert (entry.keys, entry.line, entry.quoted) == (("config", "db", "password"), 3, True)


@pytest.mark.parametrize(
    ("template", "user"),
    [
        ('new PDO("mysql:host=h", "bob", "@@");', "bob"),
        ('mysqli_connect("h", "bob", "@@", "db")', "bob"),
        ('DriverManager.getConnection(url, "bob", "@@");', "bob"),
        ('new NetworkCredential("bob", "@@")', "bob"),
        ("requests.get(u, auth=HTTPBasicAuth('bob', '@@'))", "bob"),
        ("smtp.login('bob', '@@')", "bob"),
        ("login(user, '@@')", ""),
        ("DBI->connect('dbi:mysql:x', 'bob', '@@')", "bob"),
        ("Secret.fromString('@@')", ""),
        ("new UsernamePasswordCredentialsImpl(S.GLOBAL, 'i', 'd', 'bob', '@@')", "bob"),
        ("requests.get(u, auth=('bob', '@@'))", "bob"),
        ('client.get(u).basic_auth("bob", Some("@@"))', "bob"),
        ('ConvertTo-SecureString "@@" -AsPlainText -Force', ""),
        ("$p = ConvertTo-SecureString -String '@@' -AsPlainText -Force", ""),
        ("$p = '@@' | ConvertTo-SecureString -AsPlainText -Force", ""),
    ],
)
def test_a_call_that_takes_a_password_makes_it_a_secret(template: str, user: str) -> None:
    """By position, with the user where it is a literal."""
    value = made(1)
    found = [e for e in code.parse_line(template.replace("@@", value), 1) if e.role is Role.SECRET]
    assert [(e.value, e.subject) for e in found] == [(value, user)]


def test_a_literal_with_a_credential_inside_needs_no_name() -> None:
    """A connection string is given as it is, and a filled-in reference by its name."""
    url = f"postgres://bob:{made(1, '')}@host/db"
    assert [value for _, value in pairs(f'connect("{url}")')] == [url]
    assert pairs('@Value("${db.password:hunter}")') == [("db.password", "hunter")]
    assert pairs('log.info("nothing inside")') == []


@pytest.mark.parametrize(
    "line",
    [
        'if password == "x":',
        'if (password != "x")',
        'password === "x"',
        'password =~ "x"',
        'password >= "x"',
        'x ? password : "y"',
        'password = f"a{b}"',
        "password = `a${b}`",
        'password = "a#{b}"',
        'password = "a" + b',
        "$password = 'a' . $b;",
        'password = "a%s" % b',
        'password = "{}".format(x)',
        'password = input("Password: ")',
        'password = getpass("Password: ")',
        'password = config.get("password")',
        'getPassword("db")',
        'parser.add_argument("--password", "-p")',
        '["password", "secret", "token"]',
        'password = re.compile(r"a\'b")',
        "fn password<'a>(x: &'a str, y: &'a str)",
        "password = os.environ",
        'print("the password is wrong")',
        'case "password": return x;',
        "",
        "it's",
    ],
)
def test_what_is_no_assigned_literal_gives_nothing(line: str) -> None:
    """Comparisons, interpolation, glued strings, lookups, lists and prose are left alone."""
    assert pairs(line) == []


@pytest.mark.parametrize("mark", ["# ", "// ", "/* ", " * ", "-- ", "% ", ";; ", "x = 1  # "])
def test_a_comment_gives_nothing(mark: str) -> None:
    """Neither a commented-out assignment nor one behind code."""
    assert pairs(mark + 'password = "x"') == []


def test_escapes_are_decoded_where_languages_agree() -> None:
    """In double quotes fully, in single quotes the quote, in raw strings not at all."""
    assert pairs(r'password = "a\"b\\c"') == [("password", 'a"b\\c')]
    assert pairs(r"password = 'it\'s'") == [("password", "it's")]
    assert pairs(r'password = r"a\d"') == [("password", r"a\d")]


@pytest.mark.parametrize("name", ["b.py", "Rakefile", "x.TSX", "Gemfile", "m.ps1"])
def test_source_files_are_recognised(name: str) -> None:
    """By their endings or names; only their hit lines are read."""
    assert any(fnmatch("/" + name.lower(), "*/" + glob) for glob in code.NAMES)
    assert code.CODE


@given(st.text("aA1=:;,<>/'\"`\\[]{}()&#- .$?|", max_size=80), st.sampled_from(["", "password="]))
def test_any_line_is_read(text: str, lead: str) -> None:
    """Nothing raises, and no entry is without a key."""
    assert all(e.keys[0] for e in code.parse_line(lead + text, 1))


@pytest.mark.parametrize(
    "piece",
    [
        'a="b"',
        "a.",
        '"', "'", "`", '("a","b"', "getConnection(", '"x",', "a[]", 'login("a",',
        '"a" ',
        "a:b", " :", '"\\', "&'", '"""', "'''", '"${a:', "'x' ConvertTo-SecureString -asplaintext ",
        '"a" default=', "://a@", "a ? b", "(", "[" , "default='b'",
    ],
)  # fmt: skip
def test_a_hostile_line_costs_time_in_proportion(piece: str) -> None:
    """A hundred thousand characters take a second or two at the most."""
    line = piece * (100_000 // len(piece))
    start = time.process_time()
    assert sum(1 for _ in code.parse_line(line + '"x"', 1)) >= 0
    assert time.process_time() - start < 4


@pytest.mark.parametrize("name", ["perl -w", "env python3.12", "env -S node", "php8.2", "pwsh"])
def test_scripts_are_recognised_by_their_interpreter(name: str) -> None:
    """Whatever the file is called; a shell is none of them."""
    assert code.sniff(f"#!/usr/bin/{name}\nx")
    assert not code.sniff("#!/bin/bash\n# perl\n")
    assert not code.sniff(f"# {name}\n")


def test_words_in_front_of_a_label_name_nothing() -> None:
    """Of two arguments only those of a setter are name and value."""
    assert pairs('password_field :password, "Secret 1"') == []
    assert pairs('validates :password, "x1"') == []


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ('password = System.getenv("PW") ?: "@@"', ("PW", "password")),
        ("dbPassword: process.env['X'] || '@@',", ("X", "dbPassword")),
        ("ENV['API_SECRET'] ||= '@@'", ("API_SECRET",)),
        ("$password = getenv('X') ?: '@@';", ("X", "password")),
        ("override[:redis][:requirepass] = '@@'", ("requirepass",)),
        ("default['a'][:password] = '@@'", ("password",)),
        ("withEnv(['API_KEY=@@']) {", ("string",)),
    ],
)
def test_what_is_assigned_names_the_value_that_stands_in(line: str, keys: tuple[str, ...]) -> None:
    """A fallback belongs to what it is assigned to, an index of Ruby may be a symbol."""
    value = made(9, "")
    planted = [(e.keys, e.value) for e in code.parse_line(line.replace("@@", value), 1)]
    assert [one[0] for one in planted if value in one[1]] == [keys]


@pytest.mark.parametrize("line", ["x[:password] == 'a1'", "f(['KEYS=a1'])", "x[a:b] = 'a1'"])
def test_a_comparison_or_another_index_names_nothing(line: str) -> None:
    """Only an assignment does, and only a symbol."""
    assert [e for e in code.parse_line(line, 1) if e.keys[-1] in {"password", "string", "b"}] == []


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        ("default['pg']['password']['app'] = '@@'", ("app", "password")),
        ("node.default[:pg]['passwords'][:app] = '@@'", ("app", "password")),
        ("default['pg']['password']['length'] = '@@'", ()),
        ("default['pg']['password']['max_age'] = '@@'", ()),
        ('$script:ServicePassword = "@@"', ("ServicePassword",)),
        ('$global:pw = "@@"', ("pw",)),
        ('db_password: str = Field(default="@@", env="X")', ("db_password",)),
        ('name: str = Field(default="@@", env="X")', ("default",)),
        ("Credentials.fromPassword('@@', x)", ()),
        ("rds.withPassword('@@', x)", ("password",)),
        ("property 'sonar.password', '@@'", ("sonar.password",)),
        ("label 'sonar.password', '@@'", ()),
    ],
)
def test_an_index_a_scope_or_a_field_names_the_value(line: str, keys: tuple[str, ...]) -> None:
    """The password of an account may be one index up; how it is to be is no password."""
    value = made(10, "")
    planted = [e.keys for e in code.parse_line(line.replace("@@", value), 1) if e.value == value]
    assert planted == ([keys] if keys else [])


def test_letters_behind_a_getters_name_are_no_default() -> None:
    """They may name a member; the default of an environment variable is one, as are digits."""
    letters = "".join(random.Random(6).choices(LETTERS[:23], k=12))
    assert pairs(f"getValue('password', '{letters}')") == []
    assert pairs(f"getValue('password', '{letters}7')") == [("password", f"{letters}7")]
    assert pairs(f"getenv('DB_PASSWORD', '{letters}')") == [("DB_PASSWORD", letters)]
    assert pairs(f"put('password', '{letters}')") == [("password", letters)]
