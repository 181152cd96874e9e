"""Credentials planted in INI files are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError
from checks.formats import ini
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/my.cnf",
        "[client]\nuser = root\npassword = @@\n",
        "raw",
        ("client", "password"),
        Role.NAMED,
        "",
    ),
    (".my.cnf", "[client]\npassword=@@\n", "double", ("client", "password"), Role.NAMED, ""),
    ("a.ini", "[db]\npassword: @@ ; old\n", "tight", ("db", "password"), Role.NAMED, ""),
    (
        "grafana.ini",
        "[security]\nadmin_password = @@\n",
        "triple",
        ("security", "admin_password"),
        Role.NAMED,
        "",
    ),
    ("gitea/app.ini", "[database]\nPASSWD = @@\n", "tick", ("database", "PASSWD"), Role.NAMED, ""),
    (
        "smb.conf",
        "[global]\n\tldap password = @@\n",
        "raw",
        ("global", "ldap password"),
        Role.NAMED,
        "",
    ),
    (
        "smb.conf",
        "[global]\n  fruit:secret = @@\n",
        "raw",
        ("global", "fruit:secret"),
        Role.NAMED,
        "",
    ),
    (
        ".gitconfig",
        '[remote "origin"]\n\turl = x\n\tpassword = @@\n',
        "double",
        ('remote "origin"', "password"),
        Role.NAMED,
        "",
    ),
    (
        "home/u/.aws/credentials",
        "[default]\naws_secret_access_key = @@\n",
        "raw",
        ("default", "aws_secret_access_key"),
        Role.NAMED,
        "",
    ),
    (
        "home/u/.aws/config",
        "[profile a]\ns3 =\n  max = 1\n  secret = @@\n",
        "raw",
        ("profile a", "s3", "secret"),
        Role.NAMED,
        "",
    ),
    (
        "php-fpm.d/www.conf",
        "[www]\nenv[DB_PASSWORD] = @@\n",
        "double",
        ("www", "env", "DB_PASSWORD"),
        Role.NAMED,
        "",
    ),
    (
        "supervisord.conf",
        '[program:a]\nenvironment=A="1",DB_PASSWORD=@@,C=2\n',
        "doubled",
        ("program:a", "environment", "DB_PASSWORD"),
        Role.NAMED,
        "",
    ),
    (
        "uwsgi.ini",
        "[uwsgi]\nenv = DB_PASSWORD=@@\n",
        "raw",
        ("uwsgi", "env", "DB_PASSWORD"),
        Role.NAMED,
        "",
    ),
    (
        "etc/wireguard/wg0.conf",
        "[Interface]\nPrivateKey = @@\n",
        "raw",
        ("Interface", "PrivateKey"),
        Role.SECRET,
        "",
    ),
    (
        "etc/wireguard/wg0.conf",
        "[Peer]\nPresharedKey = @@\n",
        "raw",
        ("Peer", "PresharedKey"),
        Role.SECRET,
        "",
    ),
    (
        "inventory",
        "[web]\nweb1 ansible_host=10.0.0.1 ansible_password=@@ ansible_user=a\n",
        "shell",
        ("web", "web1", "ansible_password"),
        Role.NAMED,
        "",
    ),
    (
        "ansible/hosts",
        "[web:vars]\nansible_become_pass=@@\n",
        "raw",
        ("web:vars", "ansible_become_pass"),
        Role.NAMED,
        "",
    ),
    (
        "zabbix_server.conf",
        "DBUser=zabbix\nDBPassword=@@\n",
        "raw",
        ("DBPassword",),
        Role.NAMED,
        "",
    ),
    (
        "odoo.conf",
        "[options]\nadmin_passwd = @@\n",
        "raw",
        ("options", "admin_passwd"),
        Role.NAMED,
        "",
    ),
    ("upsd.users", "[admin]\n  password = @@\n", "raw", ("admin", "password"), Role.NAMED, ""),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(ini, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(ini, template, "# ") == []


def _all(text: str) -> list[tuple[tuple[str, ...], str, int]]:
    return [(entry.keys, entry.value, entry.line) for entry in ini.parse(text)]


def test_an_indented_line_continues_a_value() -> None:
    """A value may run over lines, and a URL with a query in it is no setting of its own."""
    text = "[global]\nextra-index-url =\n  https://a/?x=1\n  https://b\nnext = 1\n"
    assert _all(text) == [
        (("global", "extra-index-url"), "https://a/?x=1\nhttps://b", 3),
        (("global", "next"), "1", 5),
    ]


def test_a_comment_behind_a_value_needs_a_blank() -> None:
    """What follows a mark without white space in front belongs to the value."""
    assert _all("a = b#c ;d\n") == [(("a",), "b#c", 1)]


def test_a_command_is_given_as_one() -> None:
    """The command line of a program is told apart from an ordinary value."""
    entries = list(ini.parse("[program:a]\ncommand = b -c\nuser = d\n"))
    assert [entry.role for entry in entries] == [Role.COMMAND, Role.NAMED]


def test_armoured_keys_are_no_settings() -> None:
    """The base64 lines of a PEM block give nothing, what follows them does."""
    block = "-----BEGIN X-----\nabcd==\n-----END X-----\n"
    assert _all(f"{block}a = b\n") == [(("a",), "b", 4)]


@pytest.mark.parametrize("text", ['{"a": 1}', "<a/>", "one\ntwo\nthree\nfour\nfive\n"])
def test_another_format_is_refused(text: str) -> None:
    """JSON, XML and prose raise FormatError, so that the file is read in another way."""
    with pytest.raises(FormatError):
        list(ini.parse(text))


def test_a_zabbix_parameter_is_a_command_behind_its_key() -> None:
    """What stands in front of the comma is its name."""
    entries = list(ini.parse("UserParameter=a.b,prog -x y,z\n"))
    assert [(entry.role, entry.value) for entry in entries] == [(Role.COMMAND, "prog -x y,z")]


def test_an_index_in_quotes_is_the_name() -> None:
    """As pools of PHP name a variable; quotes elsewhere in a name stay."""
    assert _all('env["APP_KEY"] = "b"\n') == [(("env", "APP_KEY"), "b", 1)]
    assert _all('a"b = c\n') == [(('a"b',), "c", 1)]
