"""Expressions that say where a credential without a prefix could stand, for Hyperscan.

They are wider than what is judged later and are written to be cheap: a literal word first, bounded
repeats, one end offset a place.
"""

from __future__ import annotations

import enum
from typing import Final


class Trigger(enum.IntEnum):
    """What a hit promises; the number is the pattern's id in the database."""

    QUOTED = 0
    """A credential word, an assignment and a quoted value: read in every kind of file."""
    PLAIN = 1
    """A credential word, an assignment and a bare value: read in configuration files."""
    DIRECTIVE = 2
    """A line that starts with a credential word and a value behind white space."""
    PAIRED = 3
    """A name and its value in two places (`name: DB_PASSWORD`): the file is parsed."""
    URL = 4
    """A user and a password in front of a host."""
    HEADER = 5
    """An HTTP authorization header."""
    ARGUMENT = 6
    """A command-line option of a well-known tool that takes a password."""
    CONTAINER = 7
    """A structure that holds secrets by definition (a Kubernetes Secret): the file is parsed."""
    HASH = 8
    """A password hash with a scheme in front."""
    KEY = 9
    """The armour of a private key, also in base64."""
    VAGUE = 10
    """A word that may stand for a credential and a value: for files of settings."""
    CALL = 12
    """A call of source code that takes a password by its place."""
    CERTIFICATE = 11
    """The armour of a certificate: it may belong to a key."""


IN_LINES: Final = frozenset({int(t) for t in (Trigger.QUOTED, Trigger.PLAIN, Trigger.DIRECTIVE)})
"""What shows a name and its value on one line."""
IN_VALUES: Final = frozenset({int(Trigger.URL), int(Trigger.HEADER)})
"""What shows a credential within a value, whatever its name."""

_WORD: Final = (
    r"pass(?:w|phrase|code|[^a-z])|[^a-z]pass|pasword|pwd|secret|token|credential|api[_\-. ]?key"
    r"|access[_\-. ]?key|psk|bindpw|rootpw|[^a-z]pw|masterauth|community|storepass|keypass"
    r"|(?:auth|private|encryption|account|signing|shared|master|license|app|host|admin|des|crypt)"
    r"[_\-. ]?key|kennwort|contrasena|senha|salt|authtok"
    r"|(?:logged_in|nonce)_key|erlang_cookie|api_hash|clave|[^a-z]mdp"
)
_LEAD: Final = r"pass|pwd|secret|token|psk|bindpw|rootpw|masterauth|requirepass|storepass|community"

EXPRESSIONS: Final[tuple[tuple[Trigger, str], ...]] = (
    (
        Trigger.QUOTED,
        rf"(?i)(?:{_WORD})[\w.\-]{{0,24}}[\"'`\])]{{0,3}}[ \t]{{0,16}}"
        r"(?:=>|->|:=|\|\|=?|\?\?=?|\?:|[=:,(])[ \t]{0,16}[a-zA-Z@]?[\"'`][^\"'\s]",
    ),
    (
        Trigger.QUOTED,
        r"(?i)passw(?:or)?ds?[\"']?\]\[[:\"'][\w.\-]{1,40}[\"']?\]"
        r"[ \t]{0,16}=[ \t]{0,16}[\"'][^\"'\s]",
    ),
    (
        Trigger.PLAIN,
        rf"(?i)(?:{_WORD})[\w.\-]{{0,24}}[\"'`\])]{{0,3}}[ \t]{{0,40}}(?:=>|:=|[=:>])[ \t]{{0,40}}"
        r"[^\s=>\"']",
    ),
    (
        Trigger.PLAIN,
        r"(?i)[a-z](?:pass|pw)[\"'`\])]{0,3}[ \t]{0,40}(?:=>|:=|[=:>])[ \t]{0,40}[^\s=>\"']",
    ),
    (
        Trigger.DIRECTIVE,
        rf"(?im)^(?:#[ \t]?define[ \t])?[^\n#;:=]{{0,60}}(?:{_LEAD})[\w.\-]{{0,12}}"
        r"[ \t\"']{1,24}[^\s=:]",
    ),
    (
        Trigger.PAIRED,
        r"(?i)(?:name|key|id|property|path|setting)[\\\"']{0,2}[ \t]{0,4}[:=][ \t]{0,4}[\\\"']{0,2}"
        r"[\w.\-/]{0,32}(?:pass|pwd|secret|token|api_?key|credential)",
    ),
    (
        Trigger.VAGUE,
        r"(?:(?:^|[^A-Za-z])(?i:auth|encrypt|key|tokens?)|[a-z](?:Auth|Key|Tokens?))"
        r"[\"']?[ \t]{0,24}(?:=>|:=|[=:{])[ \t]{0,24}[\"']?[\w{+/]",
    ),
    (Trigger.URL, r"://[^\s:/@\"'<>]{0,40}(?:@[\w.\-]{1,40})?:[^\s/@\"'<>]{1,60}@"),
    (Trigger.URL, r":[^\s/@\"'<>:]{1,60}@(?:tcp|unix)\("),
    (
        Trigger.HEADER,
        r"(?i)(?:authorization|x-[a-z\-]{0,16}(?:key|token))[\"']?"
        r"[ \t]{0,4}[:=, ][ \t]{0,4}[\"']?[\w]",
    ),
    (Trigger.HEADER, r"AUTH (?:PLAIN|LOGIN) [A-Za-z0-9+/]{8}"),
    (
        Trigger.ARGUMENT,
        r"(?:mysql|mariadb|sshpass|twine|mvn|curl|wget|docker|podman|helm|login|htpasswd"
        r"|smbclient|mount|ldap[a-z]{3,8}|redis-cli|mongo[a-z]{0,8}|sqlcmd|rabbitmqctl|ipmitool|snmp[a-z]{2,8}|lftp"
        r"|useradd|usermod|chpasswd|keytool|openssl|rsync|psql|expect)"
        r"[^\n]{0,120}[ \t]-{1,2}[A-Za-z]",
    ),
    (
        Trigger.ARGUMENT,
        r"(?i)(?:schtasks|cmdkey|psexec|xfreerdp|wfreerdp)[^\n]{0,160}[ \t]/(?:rp|p|pass)[ \t:]",
    ),
    (Trigger.ARGUMENT, r"(?:mosquitto_(?:pub|sub)|rpcclient|net (?:rpc|ads))[ \t]"),
    (Trigger.ARGUMENT, r"net user?[ \t]{1,4}[\w\\:*]"),
    (Trigger.CONTAINER, r"kind[\"']?:[ \t]{0,4}[\"']?(?:Secret|EncryptionConfig)"),
    (
        Trigger.CONTAINER,
        r"(?i)noecho[\"']?[ \t]{0,4}:[ \t]{0,4}[\"']?true|chpasswd|debconf-set-selections"
        r"|identified[ \t]{1,4}(?:by|with[ \t]{1,4}[^\n]{1,60}(?:by|as))"
        r"[ \t]{1,4}(?:password[ \t]{1,4})?[\"']|\"auths\"|\"(?:vmess|vless)\"|port_password"
        r"|insecure-password|basic_?auth(?:\(| [\"'])|plainauth\(|dbi->connect"
        r"|new (?:pdo|mysqli|sequelize)\(|(?:mysqli?|mssql|odbc|oci)_connect\("
        r"|mysql(?:db)?\.connect\(|auth ?= ?\([\"']|credentialsimpl\(",
    ),
    (
        Trigger.CONTAINER,
        r"(?i)(?:passw(?:or)?d|secret|token|api_?key)[\"']?[ \t]{0,4}:[ \t]{0,4}[{\n]\s{0,24}[\"']?"
        r"(?:default)?value[\"']?:",
    ),
    (
        Trigger.CONTAINER,
        r"(?i)(?:passw(?:or)?d|passphrase|secret|token)>[ \t]{0,4}\r?\n\s{0,60}[^\s<]",
    ),
    (
        Trigger.CONTAINER,
        r"(?i)stats[ \t]{1,4}auth[ \t]|createuser[ \t]|com2sec|allow[ \t]{1,4}\w{1,32}:\w",
    ),
    (
        Trigger.CALL,
        r"(?i)getconnection\(|securestring|\.(?:login|auth)\([\"']|jwt\.(?:sign|verify|encode|decode)\(",
    ),
    (Trigger.HASH, r"\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|argon2id?|argon2i|pbkdf2[\w\-]{0,16})\$"),
    (Trigger.HASH, r"\{(?:SSHA|SHA|SMD5|MD5|CRYPT|PBKDF2|ARGON2)[\w\-]{0,8}\}"),
    (Trigger.KEY, r"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY"),
    (
        Trigger.KEY,
        r"---- BEGIN SSH2 ENCRYPTED PRIVATE|PuTTY-User-Key-File-\d:|Private-key-format: v",
    ),
    (Trigger.KEY, r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{8}|BEGIN OpenVPN Static key"),
    (Trigger.CERTIFICATE, r"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----"),
)
