"""Settings that are written in source code: passwords of letters, and what only looks like one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from checks.model import Confidence, Severity
from checks.secrets.templates import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.inspect import Looked

    Look = Callable[[str, str | bytes], Looked]

WORDS = "amber birch cobalt ember flannel harbor lantern maple otter pepper quartz timber".split()
SETTINGS = [
    ("manifests/db.pp", "  password => '{}',"),
    ("manifests/db.pp", "  String $db_password = '{}',"),
    ("manifests/db.pp", "  password => Sensitive('{}'),"),
    ("attributes/default.rb", "default['postgresql']['password']['postgres'] = '{}'"),
    ("attributes/default.rb", "default['app']['passwords'][:svc] = '{}'"),
    ("attributes/default.rb", "node.default[:app][:db_password] = '{}'"),
    ("recipes/default.rb", "  password '{}'"),
    ("app/build.gradle", '    storePassword "{}"'),
    ("app/build.gradle", "    password = '{}'"),
    ("settings.gradle.kts", '    password = "{}"'),
    ("config/deploy.rb", "set :db_password, '{}'"),
    ("config/initializers/mail.rb", "  password: '{}',"),
    ("setup.ps1", "$env:DB_PASSWORD = '{}'"),
    ("setup.ps1", '$script:AppPassword = "{}"'),
    ("nodes.psd1", "    AdminPassword = '{}'"),
    ("shop/settings.py", "    'PASSWORD': '{}',"),
    ("shop/settings.py", 'jwt_password: str = Field(default="{}", env="X")'),
    ("shop/config.py", "DB_PASSWORD = os.environ.get('DB_PASSWORD') or '{}'"),
    ("knexfile.js", "  password: '{}',"),
    ("config.ts", '  dbPassword: "{}",'),
    ("parameters.php", "    'database_password' => '{}',"),
    ("config.php", "$db['default']['password'] = '{}';"),
    ("config.lua", '  ldap_password = "{}"'),
    ("config/prod.exs", '  password: "{}",'),
]


def letters(seed: int) -> str:
    """Join words as a person does."""
    return "".join(random.Random(seed).sample(WORDS, 3))


def told(looked: Looked) -> list[str]:
    """Give the values of what was spotted."""
    return [one.value for one in looked.spotted]


@pytest.mark.parametrize(("path", "line"), SETTINGS)
def test_settings_in_source_code_have_passwords_of_letters(
    look: Look, path: str, line: str
) -> None:
    """A word about passwords at the same place is none."""
    value = letters(len(line))
    assert told(look(f"/srv/app/{path}", f"\n{line.format(value)}\n")) == [value]
    for word in ("required", "userpassword", "Wachtwoord"):
        assert told(look(f"/srv/app/{path}", f"\n{line.format(word)}\n")) == []


@pytest.mark.parametrize("member", ["encryption", "min_length", "policy"])
def test_a_member_of_a_password_may_say_how_it_is_to_be(look: Look, member: str) -> None:
    """`['password']['policy']` is no account; a name that is not known to be a setting is one."""
    text = "default['app']['password']['{}'] = '{}'\n"
    value = letters(1)
    assert told(look("/srv/app/attributes/a.rb", text.format(member, value))) == []
    assert told(look("/srv/app/attributes/a.rb", text.format("svc", value))) == [value]


def test_a_user_beside_it_makes_a_password_of_letters(look: Look) -> None:
    """In a map of texts or of rules the same line is none."""
    value = letters(2)
    text = 'const db = connect({{\n  user: {},\n  password: "{}",\n}});\n'
    assert told(look("/srv/app/src/db.js", text.format('"app"', value))) == [value]
    for user in ('"Benutzer"', "user", '"string"'):
        assert told(look("/srv/app/src/db.js", text.format(user, value))) == []


def test_a_short_name_needs_a_user_beside_it(look: Look) -> None:
    """`pass` is a test that passes or a mountain's too, so letters of both cases are none alone."""
    value = letters(7).capitalize()
    text = "auth: {{\n  user: {},\n  pass: '{}',\n}}\n"
    assert told(look("/srv/app/src/mail.ts", text.format("'app'", value))) == [value]
    assert told(look("/srv/app/src/mail.ts", text.format("user", value))) == []


def test_a_user_far_off_says_nothing(look: Look) -> None:
    """What belongs together stands within a few lines."""
    text = "user = 'app'\n{}x = {{'password': '{}'}}\n"
    value = letters(3)
    assert told(look("/srv/app/src/db.py", text.format("", value))) == [value]
    assert told(look("/srv/app/src/db.py", text.format("y = 1\n" * 8, value))) == []


def test_a_variable_alone_is_told_with_doubt(look: Look) -> None:
    """Given to a variable letters may be a password; in a map they may be a text."""
    value = letters(4)
    found = look("/srv/app/src/run.go", f'func main() {{\n\tpassword := "{value}"\n').spotted
    assert [(one.value, one.severity, one.confidence) for one in found] == [
        (value, Severity.MEDIUM, Confidence.LOW)
    ]
    assert told(look("/srv/app/src/run.go", f'm := T{{"password": "{value}"}}\n')) == []


def test_a_second_word_of_a_getter_is_no_password(look: Look) -> None:
    """It may be a member's name; behind the name of an environment variable it is a default."""
    value = letters(5)
    line = "$x = {}('{}', '{}');\n"
    assert told(look("/srv/app/config.php", line.format("getValue", "password", value))) == []
    assert told(look("/srv/app/config.php", line.format("env", "DB_PASSWORD", value))) == [value]


def test_a_default_in_settings_is_weak(look: Look) -> None:
    """A well-known password is told as weak in settings, and not at all in other source code."""
    line = "ADMIN_PASSWORD = 'letmein'\n"
    found = look("/srv/app/settings.py", line).spotted
    assert [(one.check, one.severity) for one in found] == [("weak-password", Severity.LOW)]
    assert look("/srv/app/other.py", line).spotted == []


def test_the_word_itself_is_a_default_beside_its_user(look: Look) -> None:
    """`password` is what a field may be called, but not the field of a user that is set."""
    text = (
        "<?php\n$cfg['Servers'][$i]['user'] = {};\n$cfg['Servers'][$i]['password'] = 'password';\n"
    )
    found = look("/srv/www/config.inc.php", text.format("'root'")).spotted
    assert [one.check for one in found] == ["weak-password"]
    assert told(look("/srv/www/config.inc.php", text.format("$user"))) == []


def test_documents_and_tests_tell_nothing_more(look: Look) -> None:
    """Letters in an example are an example."""
    line = f"DB_PASSWORD = '{letters(6)}'\n"
    assert told(look("/srv/app/tests/settings.py", line)) == []
    assert told(look("/srv/app/web/settings.py", line)) == [letters(6)]


COMMENTED = [
    ("app.properties", "{mark}db.password={value}\n", "#"),
    ("app.yml", "db:\n  {mark}password: {value}\n  name: shop\n", "# "),
    ("app.ini", "[db]\n{mark}password = {value}\n", ";"),
    ("web.config", "<a>\n<!-- x\n<add key='DbPassword' value='{value}'/>\n--></a>\n", ""),
    ("pom.xml", "<a>\n<!-- <password>{value}</password> -->\n</a>\n", ""),
    ("config.php", "<?php\n{mark}$db_password = '{value}';\n", "// "),
    ("settings.py", "{mark}DB_PASSWORD = '{value}'\n", "# "),
    ("Dockerfile", "FROM scratch\n{mark}ENV DB_PASSWORD={value}\n", "#"),
]


@pytest.mark.parametrize(("name", "text", "mark"), COMMENTED)
def test_a_commented_password_is_told_with_doubt(
    look: Look, name: str, text: str, mark: str
) -> None:
    """Only where it is mixed as no example is; of documentation nothing is told."""
    value = render("{{alnum 16}}", "a commented password") + "!"
    found = look(f"/srv/app/{name}", text.format(mark=mark, value=value)).spotted
    assert [(one.value, one.severity, one.confidence) for one in found] == [
        (value, Severity.LOW, Confidence.LOW)
    ]
    for other in ("password", "letmein123", letters(8), "Abcdefgh1!", "${DB_PASSWORD1!}", "<Pw1>"):
        assert told(look(f"/srv/app/{name}", text.format(mark=mark, value=other))) == []
    assert told(look(f"/srv/app/docs/{name}", text.format(mark=mark, value=value))) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app.properties", "{1}db.password={0}\n{2}db.password={3}\n"),
        ("app.yml", "db:\n  {1}password: {0}\n  {2}password: {3}\n"),
        ("config.php", "<?php\n{1}$db_password = '{0}';\n{2}$db_password = '{3}';\n"),
    ],
)
def test_a_password_beside_one_of_its_name_was_in_use(look: Look, name: str, text: str) -> None:
    """Letters count there, as no more than medium; without the one in use they do not."""
    value, used = letters(9), render("{{alnum 16}}", "a password in use")
    found = look(f"/srv/app/{name}", text.format(value, "#", "", used)).spotted
    assert sorted((one.value, one.severity) for one in found) == sorted(
        [(value, Severity.MEDIUM), (used, Severity.HIGH)]
    )
    assert told(look(f"/srv/app/{name}", text.format(value, "#", "", "${PW}"))) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("wp-config.php", "define('AUTH_SALT', '`{}');"),
        ("secrets.h", '#define WIFI_PASSWORD "{}"'),
        ("db.php", "$db = mysql_connect('db1', 'app', '{}');"),
        ("db.php", "$db = odbc_connect('db1', 'app', '{}');"),
        ("db.py", "db = pymysql.connect('db1', 'app', '{}')"),
        ("db.js", "const db = new Sequelize('shop', 'app', '{}', {{"),
        ("config/conexion.php", "$clave = '{}';"),
        ("config/connexion.php", "$mdp = '{}';"),
        ("mail.py", 'SMTP_PASSWORD = "{}"'),
        ("Dockerfile", "ENV DB_PASSWORD {}"),
    ],
)
def test_a_notation_of_its_own_is_read(look: Look, name: str, line: str) -> None:
    """What people write in such files, with a variable in place of the password as the control."""
    value = render("{{alnum 16}}", "a password of its own notation")
    found = told(look(f"/srv/app/{name}", f"\n{line.format(value)}\n"))
    assert [one.lstrip("`") for one in found] == [value]
    assert told(look(f"/srv/app/{name}", f"\n{line.format('${PASSWORD}')}\n")) == []


def test_the_password_of_an_application_is_one(look: Look) -> None:
    """Its four groups have neither a digit nor a sign; a sentence has another form."""
    value = " ".join(random.Random(12).sample(["kqzt", "wmrb", "hxpd", "jvlc", "nsgf"], 4))
    line = 'EMAIL_HOST_PASSWORD = "{}"\n'
    assert told(look("/srv/app/mail.py", line.format(value))) == [value]
    assert told(look("/srv/app/mail.py", line.format("pick from this code"))) == []


@pytest.mark.parametrize("value", ["guest", "qwerty", "metricsmetricsmetrics"])
def test_a_default_in_a_comment_is_not_told(look: Look, value: str) -> None:
    """Products are delivered with it, beside the line in use; another password there is told."""
    used = render("{{alnum 16}}", "a password in use")
    text = "[db]\n# password = {}\npassword = {}\n"
    assert told(look("/etc/app/app.ini", text.format(value, used))) == [used]
    assert len(told(look("/etc/app/app.ini", text.format(letters(10), used)))) == 2


def test_a_key_in_a_comment_is_not_told(look: Look) -> None:
    """A product's own key is shown so; a password as mixed is told."""
    value = render("{{alnum 20}}", "a key in a comment") + "9aQ"
    text = "[security]\n;{} = {}\n"
    assert told(look("/etc/app/app.ini", text.format("secret_key", value))) == []
    assert told(look("/etc/app/app.ini", text.format("password", value))) == [value]
