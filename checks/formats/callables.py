"""Well-known functions whose arguments are a user and a password by position."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats.literals import Literal, is_whole
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SECURE_STRING: Final = "ConvertTo-SecureString"
"""The key of a text that PowerShell turns into a SecureString."""

_PLACES: Final = {
    "mysqli_connect": 2, "mysql_connect": 2, "mysql_pconnect": 2, "mysqli": 2, "PDO": 2,
    "mysqli_real_connect": 3, "mssql_connect": 2, "odbc_connect": 2, "oci_connect": 1,
    "sybase_connect": 2, "ftp_login": 2, "ssh2_auth_password": 2, "ldap_bind": 2, "imap_open": 2,
    "getConnection": 2, "NetworkCredential": 1, "HTTPBasicAuth": 1, "HTTPDigestAuth": 1,
    "HttpNtlmAuth": 1, "BasicAuth": 1, "SetBasicAuth": 1, "basic_auth": 1, "basicAuth": 1,
    "UsernamePasswordCredentials": 1, "PasswordAuthentication": 1, "PSCredential": 1,
    "UsernamePasswordAuthenticationToken": 1, "simple_bind_s": 1, "bind_s": 1, "login": 1,
    "PlainAuth": 2, "BasicAWSCredentials": 1, "UserPassCredentials": 1, "PlainCredentials": 1,
    "PlainTextAuthProvider": 1, "NewStaticCredentials": 1, "auth=": 1, "auth =": 1,
    "AUTH =": 1, "jwt.sign": 1, "jwt.verify": 1, "jwt.encode": 1, "jwt.decode": 1,
    "postgresql_password": 1, "mysql_password": 0, "mysql::password": 0,
    "db.auth": 1, "pymysql.connect": 2, "MySQLdb.connect": 2, "new Sequelize": 2,
    "DBI->connect": 2, "Secret.fromString": 0, "UsernamePasswordCredentialsImpl": 4,
    "SecretValue.unsafePlainText": 0, "SecretValue.plainText": 0, "+= Credentials": 3,
}  # fmt: skip
"""The 0-based position of the password, where the user stands one place before."""
_CALL: Final = regex(
    r"(?<![\w$])("
    + "|".join(map(re.escape, sorted(_PLACES, key=len, reverse=True)))
    + r")(?:[ \t]*\(|(?<=basic_auth)[ \t]+(?=[\"']))"
)
_MOST_CALLS: Final = 4
_MOST_ARGUMENTS: Final = 8
_REACH: Final = 400


def is_call(line: str) -> bool:
    """Say whether a line calls something that takes a password by its place."""
    return _CALL.search(line) is not None


def credentials(line: str, found: Sequence[Literal], number: int) -> Iterator[Entry]:
    """Give the password of each known call on the line when it is a literal; role SECRET."""
    for count, call in enumerate(_CALL.finditer(line)):
        if count >= _MOST_CALLS:
            return
        arguments = _arguments(line, call.end(), found)
        place = _PLACES[call[1]]
        password = arguments.get(place)
        if password and password.body and is_whole(line, password):
            user = arguments.get(place - 1)
            yield Entry(
                (call[1], "password"),
                password.value,
                number,
                Role.SECRET,
                quoted=True,
                subject=user.value if user else "",
            )


def _arguments(line: str, start: int, found: Sequence[Literal]) -> dict[int, Literal]:
    """Give the literals that are whole arguments of the call, by position."""
    arguments: dict[int, Literal] = {}
    at, position, depth = start, 0, 0
    for literal in found:
        if literal.start < start:
            continue
        gap = line[at : min(literal.start, at + _REACH)].replace("Some(", "")
        for char in gap:
            depth += (char in "([{") - (char in ")]}")
            position += char == "," and depth == 0
            if depth < 0:
                return arguments
        if depth == 0 and gap.rstrip()[-1:] in {"", ","}:
            arguments[position] = literal
        at = literal.end
        if position > _MOST_ARGUMENTS:
            break
    return arguments
