"""Credentials planted in unknown configuration are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError
from checks.formats import directives
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "dovecot/dovecot-sql.conf.ext",
        "driver = mysql\npassword = @@\n",
        "raw",
        ("password",),
        Role.NAMED,
        "",
    ),
    (
        "mosquitto.conf",
        "remote_username u\nremote_password @@\n",
        "tight-q",
        ("remote_password",),
        Role.NAMED,
        "",
    ),
    ("a.conf", "[db]\npassword: @@\n", "raw", ("db", "password"), Role.NAMED, ""),
    (
        "a.conf",
        "database {\n  password = @@\n}\n",
        "double",
        ("database", "password"),
        Role.NAMED,
        "",
    ),
    (
        "keepalived.conf",
        "vrrp_instance VI {\n  authentication {\n    auth_type PASS\n    auth_pass @@\n  }\n}\n",
        "tight-q",
        ("vrrp_instance VI", "authentication", "auth_pass"),
        Role.NAMED,
        "",
    ),
    (
        "bacula-dir.conf",
        "Director {\n  Name = d\n  Password = @@\n}\n",
        "double",
        ("Director", "Password"),
        Role.NAMED,
        "",
    ),
    (
        "bareos.conf",
        "Director { Name = d; Password = @@ }\n",
        "double",
        ("Director", "Password"),
        Role.NAMED,
        "",
    ),
    (
        "network.conf",
        "client lan {\n  ipaddr = 1.2.3.4\n  secret = @@\n}\n",
        "bare",
        ("client lan", "secret"),
        Role.NAMED,
        "",
    ),
    (
        "krb5.conf",
        "[realms]\n X = {\n  admin_password = @@\n }\n",
        "tight-q",
        ("realms", "X", "admin_password"),
        Role.NAMED,
        "",
    ),
    (
        "application.conf",
        'db {\n  "password" : @@,\n}\n',
        "double",
        ("db", "password"),
        Role.NAMED,
        "",
    ),
    (
        "rabbitmq.conf",
        "default_user = u\ndefault_pass = @@\n",
        "raw",
        ("default_pass",),
        Role.NAMED,
        "",
    ),
    (
        "unbound.conf",
        "key:\n  name: k\n  secret: @@\n",
        "plain-double",
        ("key", "secret"),
        Role.NAMED,
        "",
    ),
    (
        "squid.conf",
        "cache_peer h parent 3128 0 login=bob:@@\n",
        "word",
        ("cache_peer", "login"),
        Role.SECRET,
        "bob",
    ),
    (
        "squid.conf",
        "cachemgr_passwd @@ all\n",
        "word",
        ("cachemgr_passwd",),
        Role.NAMED,
        "",
    ),
    (
        "squid.conf",
        "acl core snmp_community @@\n",
        "word",
        ("acl", "snmp_community"),
        Role.NAMED,
        "",
    ),
    (
        "munin/plugin-conf.d/mysql",
        "[mysql*]\nenv.mysqlpassword @@\n",
        "word",
        ("mysql*", "env.mysqlpassword"),
        Role.NAMED,
        "",
    ),
    (
        "network/interfaces",
        "iface wlan0 inet dhcp\n    wpa-psk  @@\n",
        "word",
        ("wpa-psk",),
        Role.NAMED,
        "",
    ),
    (
        "proftpd-ldap.conf",
        'LDAPBindDN "cn=a,dc=b" "@@"\n',
        "word",
        ("LDAPBindDN",),
        Role.SECRET,
        "cn=a,dc=b",
    ),
    (
        "tinyproxy.conf",
        "Upstream http bob:@@@h:80\n",
        "word-noat",
        ("Upstream",),
        Role.SECRET,
        "bob",
    ),
    ("upsmon.conf", "MONITOR u@h 1 bob @@ master\n", "tight-q", ("MONITOR",), Role.SECRET, "bob"),
    (
        "frr.conf",
        "neighbor 1.2.3.4 password @@\n",
        "tight-q",
        ("neighbor", "password"),
        Role.NAMED,
        "",
    ),
    ("frr.conf", "enable password 8 @@\n", "tight-q", ("enable", "password"), Role.NAMED, ""),
    ("resource.cfg", "$USER3$=@@\n", "raw", ("$USER3$",), Role.NAMED, ""),
    ("cntlm.conf", "Username u\nPassword\t@@\n", "tight-q", ("Password",), Role.NAMED, ""),
    (
        "prosody.cfg.lua",
        'sql = { driver = "x", password = @@ }\n',
        "double",
        ("sql", "password"),
        Role.NAMED,
        "",
    ),
    (
        "lighttpd.conf",
        "auth.backend.ldap.bind-pw = @@\n",
        "double",
        ("auth.backend.ldap.bind-pw",),
        Role.NAMED,
        "",
    ),
    (
        "icinga2.conf",
        'object ApiUser "root" {\n  password = @@\n}\n',
        "double",
        ('object ApiUser "root', "password"),
        Role.NAMED,
        "",
    ),
    (
        "ipsec.conf",
        "conn a\n  leftid=x\n  xauth_password=@@\n",
        "raw",
        ("xauth_password",),
        Role.NAMED,
        "",
    ),
    (
        "dovecot.conf",
        "passdb {\n  args = x\n}\nldap_password = @@\n",
        "raw",
        ("ldap_password",),
        Role.NAMED,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(directives, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(directives, template, "# ") == []


def _pairs(text: str) -> list[tuple[tuple[str, ...], str]]:
    return [(entry.keys, entry.value) for entry in directives.parse(text)]


def test_statements_are_read_as_such() -> None:
    """Braces and semicolons tell nginx's notation, so that no semicolon ends in a value."""
    text = 'server {\n  listen 80;\n  location / {\n    auth_token "a;b";\n    x y;\n  }\n}\n'
    assert (("server", "location /", "auth_token"), "a;b") in _pairs(text)


def test_containers_are_read_as_such() -> None:
    """Angle brackets tell Apache's notation."""
    assert _pairs("<Plugin x>\n  Password y\n</Plugin>\n") == [(("Plugin x", "Password"), "y")]


def test_words_with_equal_signs_are_arguments() -> None:
    """A directive with named arguments gives each of them."""
    assert _pairs('auth mysql user=a password="b c"\n') == [
        (("auth", "user"), "a"),
        (("auth", "password"), "b c"),
    ]


def test_a_bare_value_keeps_its_equal_signs() -> None:
    """The one argument of a credential directive is its value, whatever it looks like."""
    assert _pairs("remote_password abc=def==\n") == [(("remote_password",), "abc=def==")]


def test_blocks_too_deep_are_refused() -> None:
    """Nesting is bounded, and what was read before is kept."""
    found = []
    with pytest.raises(FormatError):
        found.extend(entry.value for entry in directives.parse("a = b\n" + "x {\n" * 1000))
    assert found == ["b"]


@pytest.mark.parametrize("text", ['<?xml version="1.0"?>\n<a/>', '{"a": "b"}', "#!/bin/sh\na=b\n"])
def test_another_format_is_refused(text: str) -> None:
    """JSON, XML and scripts that are called .conf are left to their own readers."""
    with pytest.raises(FormatError):
        list(directives.parse(text))


def test_several_assignments_on_a_line_are_read_apart() -> None:
    """Bacula parts them with semicolons."""
    entries = list(directives.parse('Catalog {\n dbname = "b"; dbpassword = "x 9"\n}\n'))
    found = [(entry.keys[-1], entry.value) for entry in entries]
    assert found == [("dbname", "b"), ("dbpassword", "x 9")]


def test_the_configuration_of_a_router_is_recognised() -> None:
    """A file of any name that looks like one is read as one."""
    text = "hostname r1\nversion 15.2\nsnmp-server community x9 RO\n"
    assert [entry.value for entry in directives.parse(text)] == ["x9"]


def test_a_value_in_back_ticks_is_a_command() -> None:
    """What it prints is not in the file."""
    entries = list(directives.parse("password=`pass show x`\n"))
    assert [(entry.role, entry.value) for entry in entries] == [(Role.COMMAND, "pass show x")]


def test_the_program_of_squid_is_a_command() -> None:
    """What else is said of a scheme is a setting."""
    text = "auth_param basic program /usr/lib/x -w a\nauth_param basic children 5\n"
    roles = [entry.role for entry in directives.parse(text)]
    assert roles == [Role.COMMAND, Role.NAMED]
