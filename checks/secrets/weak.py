"""Know the values that are passwords but protect nothing: common, default and trivial ones."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from checks.lazy import regex

_COMMON: Final = frozenset(
    "0000 1111 1234 12345 123456 1234567 12345678 123456789 1234567890 123123 654321 111111"
    " 000000 123qwe 1q2w3e 1q2w3e4r 1qaz2wsx abc123 abcd1234 access admin admin1 admin123"
    " admin1234 administrator alpine ansible apache asdf asdfgh asterisk backup bacula barcode"
    " bitnami calvin cassandra centos changeit changeme changeme1 changeme123 changethis cisco"
    " community couchdb debian default demo demo123 dev docker dragon elastic elasticsearch"
    " factory friend fun ftp git grafana guest guest123 hackme hadoop hello hunter2 iloveyou"
    " influxdb internal jenkins joomla kafka ldap letmein login manager mariadb master"
    " minioadmin minio mongo mongodb monit monitor monkey munin mysql nagios nagiosadmin nimda"
    " nopass nopassword openldap operator oracle p@ss p@ssw0rd p@ssword pass pass123 pass1234"
    " passw0rd password password1 password12 password123 password1234 passwd pfsense pgpass"
    " postgres postgresql private public puppet qwerty qwerty123 rabbitmq radpass raspberry"
    " rcmail-!24bytedeskey*str"
    " redis replication root root123 rootpass rootpassword rootroot s3cr3t s3cret sa sample"
    " samba secret secret123 secret1 secretpassword secrets server service shadow sip smb snmp"
    " squid ssl super superuser supersecret sysadmin system temp temp123 temppass test test1"
    " test123 test1234 testing testing123 testpass testpassword tomcat toor trustno1 ubnt ubuntu"
    " user user123 userpass vagrant vault web welcome welcome1 welcome123 wordpress xampp xxxx"
    " yourpassword zabbix zaq12wsx".split()
)

_EVERYDAY: Final = frozenset(
    "access alpine backup cassandra community default demo file ftp git internal ldap login manager"
    " master monitor operator private public replication sample server service shadow sip smb snmp"
    " ssl super system temp user vault web".split()
)
"""Those that source code has under a password's name for other reasons too."""
_GUESSED: Final = 7
"""Up to this length letters of one case, or digits, are tried in minutes."""
_NAMES: Final = regex(r"[a-z]{3,}")


_LEFT: Final = frozenset(
    "defaultsecret jwtsecret mysecret mysecretkey mysupersecret mysupersecretkey secretkey"
    " supersecretjwt supersecretkey thistokenisnotsosecretchangeit your256bitsecret keyboardcat"
    " youwillneverguess".split()
)
"""Letters of what stands in guides for a secret that signs or encrypts, and works as one."""
_WORDS: Final = regex(r"[\w\- ]+!*")


def is_weak(value: str, around: str = "") -> bool:
    """Say whether a value is a well-known, default or trivially short password.

    around: path and keys; the name of the product or user itself is its usual default.
    """
    folded = value.lower()
    return (
        (len(value) <= _GUESSED and (value.isdigit() or (value.isalpha() and folded == value)))
        or _names(folded.strip("0123456789!"), around.lower())
        or folded in _COMMON
        or folded.rstrip("!.?0123456789").rstrip("-") in _COMMON
        or len(value) < 4
        or len(set(folded)) == 1
        or _runs(folded)
    )


def is_common(value: str) -> bool:
    """Say whether a value is a well-known password and no everyday word besides."""
    return value in _COMMON and value not in _EVERYDAY


def is_left(value: str) -> bool:
    """Say whether a value is a guide's own for a secret that everybody makes up for themselves."""
    plain = not value.isupper() and _WORDS.fullmatch(value) is not None
    return plain and re.sub(r"[^0-9a-z]", "", value.lower().rstrip("0123456789!")) in _LEFT


def _names(value: str, around: str) -> bool:
    """Say whether the value is a name around it, or the beginning of one (ulog of ulogd)."""
    return len(value) > 2 and any(
        name == value or (len(value) > 3 and name.startswith(value))
        for name in _NAMES.findall(around)
    )


def _runs(value: str) -> bool:
    """Say whether the characters follow one another ("abcdef", "87654321")."""
    steps = {ord(b) - ord(a) for a, b in pairwise(value)}
    return steps <= {1} or steps <= {-1}
