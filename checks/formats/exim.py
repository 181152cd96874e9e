"""Exim: database servers with their passwords, authenticators, LDAP logins within lookups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.copies import with_copies
from checks.formats.textlines import Line, continued, numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    *with_copies("exim4.conf", "exim.conf", "exim*.conf"), "exim4/*.conf", "exim/*.conf",
    "exim4/conf.d/*/*",
    "exim4.conf.localmacros", "exim/conf.d/*",
)  # fmt: skip

_SETTING: Final = regex(r"(?:hide[ \t]++)?([A-Za-z_]\w*+)[ \t]*+=[ \t]*+(.*)\Z", re.DOTALL)
_SERVERS: Final = frozenset(
    {"mysql_servers", "pgsql_servers", "redis_servers", "oracle_servers", "ibase_servers"}
)
_SOCKET: Final = regex(r"\([^)]*\)(?:\[[^\]]*\])?")
"""A path behind the host: the socket, or the file with the client's settings."""
_LDAP: Final = regex(rf"(?<![\w])pass=({quoting.DOUBLE}|{quoting.SINGLE}|[^\s}}]++)")
_LDAP_USER: Final = regex(rf"(?<![\w])user=({quoting.DOUBLE}|[^\s}}]++)")
_SECRETS: Final = frozenset({"client_secret", "server_secret", "server_password"})
_COMPARED: Final = regex(
    r"\{eq\{\$auth[13]\}\{([^{}$]++)\}\}[^\n]{0,16}?\{eq\{\$auth[23]\}\{([^{}$]++)\}\}"
)


def parse(text: str) -> Iterator[Entry]:
    """Give settings under (name,) or (section, name), the passwords in them with their users.

    A section is what `name:` begins: an authenticator, a transport, a router.
    """
    section: tuple[str, ...] = ()
    for line in payload(continued(numbered(text), glue="", comments="#")):
        body = line.text.strip()
        if body.startswith("begin "):
            section = ()
        elif body.endswith(":") and " " not in body:
            section = (body[:-1],)
        else:
            found = _SETTING.match(body)
            if found:
                yield from _setting(section, found[1], Line(line.number, found[2].strip()))


def _setting(section: tuple[str, ...], name: str, line: Line) -> Iterator[Entry]:
    keys, value, number = (*section, name), line.text, line.number
    if name in _SERVERS:
        yield from _servers(keys, line)
    elif name == "client_send":
        yield from _sent(keys, line)
    elif name in _SECRETS:
        word = quoting.unquote(value) or quoting.Word(value)
        if not word.text.startswith("$"):
            yield Entry(keys, word.text, number, Role.SECRET, word.quoted)
    else:
        yield from _within(keys, line)


def _servers(keys: tuple[str, ...], line: Line) -> Iterator[Entry]:
    """Read `host/database/user/password : ...`; `<;` in front names another separator."""
    body, separator = line.text, ":"
    if body.startswith("<") and len(body) > 1:
        separator, body = body[1], body[2:]
    for server in re.split(
        rf"\s*{re.escape(separator)}(?!:)\s+|\s+{re.escape(separator)}\s*", body
    ):
        fields = _SOCKET.sub("", server.strip()).split("/")
        if len(fields) < 2 or not fields[-1]:
            continue
        if keys[-1] == "redis_servers" and len(fields) > 2:
            yield Entry(keys, fields[2], line.number, Role.SECRET)
        elif len(fields) > 3:
            yield Entry(
                keys,
                "/".join(fields[3:]).replace("::", ":"),
                line.number,
                Role.SECRET,
                subject=fields[2],
            )


def _sent(keys: tuple[str, ...], line: Line) -> Iterator[Entry]:
    """Read what the PLAIN (`^user^password`) and LOGIN (`: user : password`) mechanisms send."""
    word = quoting.unquote(line.text) or quoting.Word(line.text)
    if "${" in word.text:
        return
    body, separator = _separated(word.text)
    split = re.split(rf"(?<!{separator}){separator}(?!{separator})", body)
    parts = [part.strip().replace("::", ":") for part in split]
    last = parts[-1]
    if last.count("^") > 1:
        _, user, password = last.replace("^^", "\0").split("^", 2)
        yield Entry(keys, password.replace("\0", "^"), line.number, Role.SECRET, subject=user)
    elif len(parts) > 2 and last:
        yield Entry(keys, last, line.number, Role.SECRET, subject=parts[-2])


def _separated(body: str) -> tuple[str, str]:
    """Give a list and the expression of what separates its items: `<;` in front names it."""
    if body.startswith("<") and len(body) > 1:
        return body[2:], re.escape(body[1])
    return body, ":"


def _within(keys: tuple[str, ...], line: Line) -> Iterator[Entry]:
    """Find logins inside expansions; else the value as it is."""
    value, any_found = line.text, False
    owner = _LDAP_USER.search(value)
    for found in _LDAP.finditer(value):
        word = quoting.unquote(found[1]) or quoting.Word(found[1])
        any_found = True
        subject = owner[1].strip("\"'") if owner else ""
        yield Entry((*keys, "pass"), word.text, line.number, Role.SECRET, word.quoted, subject)
    for found in _COMPARED.finditer(value):
        any_found = True
        yield Entry(keys, found[2], line.number, Role.SECRET, subject=found[1])
    if not any_found:
        word = quoting.unquote(value) or quoting.Word(value)
        yield Entry(keys, word.text, line.number, quoted=word.quoted)
