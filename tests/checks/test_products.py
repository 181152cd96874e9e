"""What single products write down is found in their files, and what only looks like it is not."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from checks.secrets.templates import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.inspect import Looked

    Look = Callable[[str, str], Looked]

PASSWORD, SECRET = "embedded-password", "embedded-secret"
MAGENTO, SYMFONY = "magento-encryption-key", "ThisTokenIsNotSoSecretChangeIt"
NONE = "X" * 32
"""Where smbpasswd has no hash."""
WEAK, HASH = "weak-password", "password-hash-weak"
LETTERS = render("{{lower 16}}", "a password of letters of the tests")
MADE = render("{{alnum 20}}", "a password of the tests")
HEX32, HEX40 = render("{{hex 32}}", "a hash of the tests"), render("{{hex 40}}", "another hash")
UUID = f"{HEX32[:8]}-{HEX32[8:12]}-4{HEX32[13:16]}-a{HEX32[17:20]}-{HEX40[:12]}"
CHOSEN = render("Harbour{{digits 3}}*", "a chosen password of the tests")

TOLD = [
    ("config/initializers/a.rb", "A::Application.config.secret_token = '@@'", HEX40, SECRET),
    (".m2/settings.xml", "<a><b>\n<password>\n\t@@\n</password></b></a>", MADE, PASSWORD),
    ("app/etc/env.php", "'crypt' => [\n  'key' => '@@'\n],", HEX32, MAGENTO),
    ("app/etc/local.xml", "<crypt>\n<key><![CDATA[@@]]></key></crypt>", HEX32, MAGENTO),
    ("configuration.php", "class JConfig {\n public $secret = '@@';", MADE, "joomla-secret"),
    ("app/config/parameters.yml", "parameters:\n    secret: @@\n", SYMFONY, WEAK),
    (".env", "A=1\nJWT_SECRET=@@\n", "mysecretkey123", WEAK),
    ("config/keys.js", "module.exports = {\n jwt_secret: '@@',\n}", "secret", WEAK),
    ("config/db.php", "$host = 'localhost';\n$user = 'app';\n$pass = '@@';", "123456", WEAK),
    (".env.production", "PORT_BD=1\nPASSWORD_BD= @@\n", MADE, PASSWORD),
    ("etc/shadowsocks/config.json", '{"port_password": {\n "8381": "@@"}}', MADE, SECRET),
    (
        "etc/xray/config.json",
        '{"inbounds": [{"protocol": "vless", "settings": {"clients": [\n{"id": "@@"}]}}]}',
        UUID,
        SECRET,
    ),
    (
        "etc/v2ray/config.json",
        '{"outbounds": [{"protocol": "vmess", "settings":'
        ' {"vnext": [{"users":\n[{"id": "@@"}]}]}}]}',
        UUID,
        SECRET,
    ),
    ("bin/rain.sh", '#!/bin/sh\nmosquitto_pub -u "app" -P "@@" -t rain\n', MADE, PASSWORD),
    ("etc/a/config.json", '{"b": \n"net rpc shutdown -I h -U bob%@@"}', CHOSEN, PASSWORD),
    ("etc/t/settings.json", '{"a": 1,\n"rpc-password": "@@"}', "{" + HEX40 + MADE[:8], HASH),
    (
        "rabbitmq/definitions.json",
        '{"users": [\n{"name": "me", "password_hash": "@@"}]}',
        base64.b64encode(HEX40[:36].encode()).decode(),
        HASH,
    ),
    ("etc/samba/smbpasswd", f"bob:1001:{NONE}:@@:[U          ]:LCT-0:", HEX32.upper(), HASH),
    ("etc/squid/passwd", "bob:@@\n", MADE[:13], HASH),
    (".mutt/accounts/a", "set smtp_url = 'smtps://b@c.example:@@@d.example/'", LETTERS, PASSWORD),
    ("homeassistant/secrets.yaml", "home: here\nqnap: @@\n", CHOSEN, PASSWORD),
    ("homeassistant/secrets.yaml", "home: here\napi_password_http: @@\n", CHOSEN, PASSWORD),
    ("home/a/.fetchmailrc", "poll h.example user a\n pass is '@@' ssl", CHOSEN, PASSWORD),
    ("home/a/.fetchmailrc", "poll h.example\n user a there with password @@", LETTERS, PASSWORD),
    ("app/include/secrets.h", '#pragma once\n#define WIFI_PASSWORD "@@" // a', MADE, PASSWORD),
    ("frp/frpc.ini", "[common]\ntoken = @@\n", "12345678", WEAK),
]  # fmt: skip


@pytest.mark.parametrize(("path", "template", "value", "check"), TOLD)
def test_it_is_found_at_its_line(
    look: Look, path: str, template: str, value: str, check: str
) -> None:
    """Once, whole, and as what it is."""
    found = look(f"/srv/{path}", template.replace("@@", value, 1) if "@@@" not in template
                 else template.replace("@@@", f"{value}@")).spotted  # fmt: skip
    line = template.partition("@@")[0].count("\n") + 1
    assert [(one.check, one.line, one.value) for one in found] == [(check, line, value)]


ENCRYPTED = base64.b64encode(bytes(range(200, 232))).decode()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            "credentials.xml",
            "<com.cloudbees.plugins.credentials.Provider><a><password>"
            f"{ENCRYPTED}</password></a></com.cloudbees.plugins.credentials.Provider>",
        ),
        ("etc/snmp/snmpd.conf", f"pass .1.3.6.1.4.1.8072.2.264 /usr/bin/{LETTERS}1\n"),
        ("etc/proftpd/sql.conf", "SQLLog PASS updatecount\nSQLUserInfo a userid passwd uid b c\n"),
        ("etc/wireguard/wg0.conf", "[Interface]\nPrivateKey = PRIVKEY\n"),
        ("etc/xray/config.json", f'{{"inbounds": [{{"protocol": "vless", "id": "{UUID}"}}]}}'),
        ("etc/a.json", f'{{"clients": [{{"id": "{UUID}"}}]}}'),
        ("etc/samba/smbpasswd", f"bob:1001:{NONE}:{NONE}:[U          ]:LCT-0:"),
        (".env", 'A=1\nAWS_SECRET_ACCESS_KEY="your-secret-key"\n'),
        ("home/a/.fetchmailrc", "poll h.example user a\n with password `cat ~/.pw`"),
        ("home/a/.mpdscribble/mpdscribble.conf", "password = PASSWORD_MD5_HASH\n"),
        ("znc/configs/znc.conf", "Pass = # Add password here\n"),
        ("usr/include/app/config.h", f'#define PASSWORD "{LETTERS}"'),
        ("config.toml", 'A = 1\nJWTSecret = "${JWT_SECRET}"\n'),
        ("config.toml", 'A = 1\nJWTSecret = "JWT_SECRET"\n'),
        ("config.ts", 'const pass: namespace::Kind = "abcdef";'),
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_not_told(look: Look, path: str, text: str) -> None:
    """What a product encrypts, names of its commands, ids that let nobody in."""
    assert look(f"/srv/{path}", text).spotted == []


def test_what_is_no_cipher_of_jenkins_is_told(look: Look) -> None:
    """A password that somebody wrote there by hand."""
    text = f"<hudson.a.Secrets>\n<password>{MADE}</password></hudson.a.Secrets>"
    assert [one.value for one in look("/srv/credentials.xml", text).spotted] == [MADE]
