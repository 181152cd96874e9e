"""Configuration of nginx: directives, headers, variables and FastCGI parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import apache
from checks.formats.statements import Statement, statements
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "nginx.conf", "nginx*.conf", "nginx/*.conf", "nginx/*/*.conf", "*.nginx", "nginx.conf.j2",
    "nginx/conf.d/*", "nginx/snippets/*", "sites-available/*", "sites-enabled/*", "*.vhost",
    "openresty/*.conf", "fastcgi_params", "uwsgi_params", "angie/*.conf", "tengine/*.conf",
)  # fmt: skip


_NAMING: Final = frozenset({
    "proxy_set_header", "add_header", "fastcgi_param", "uwsgi_param", "scgi_param", "set",
    "grpc_set_header", "uwsgi_pass_header", "proxy_cookie_path", "perl_set", "set_by_lua",
    "more_set_headers", "more_set_input_headers", "add_trailer", "auth_request_set",
})  # fmt: skip
"""Directives whose first argument is the name of what the second one gives."""
_LINKS: Final = frozenset({"secure_link_md5", "secure_link_secret"})
"""Directives whose argument is a secret, the first one's between variables."""
_VARIABLE: Final = regex(r"\$(?:\{\w*+\}|\w++)")
_PAIR: Final = regex(r"[A-Za-z_][\w.\-]*+=")
_REQUEST: Final = regex(r"\(\$(?:http|arg|cookie)_(\w{1,80})")
_OPERATORS: Final = frozenset({"=", "!="})
_COMPARISON: Final = 4
_APACHE: Final = regex(r"^[ \t]*<(?:VirtualHost|Directory|IfModule|Location)\b", re.MULTILINE)


def parse(text: str) -> Iterator[Entry]:
    """Give values under (blocks..., directive) or (blocks..., directive, name).

    The folders of sites are shared with Apache, so its files are handed on.
    """
    if _APACHE.search(text):
        yield from apache.parse(text)
        return
    for statement in statements(text):
        if statement.opens:
            yield from _compared(statement)
        elif len(statement.words) > 1:
            yield from _directive(statement)


def _compared(statement: Statement) -> Iterator[Entry]:
    """Give the text that `if ($http_x_token != "text")` compares a part of the request with."""
    words = [word for word in statement.words if word.text != ")"]
    if len(words) != _COMPARISON or words[0].text != "if" or words[2].text not in _OPERATORS:
        return
    name = _REQUEST.fullmatch(words[1].text)
    value = words[3]
    if name:
        text = value.text if value.quoted else value.text.removesuffix(")")
        yield Entry((*statement.path, "if", name[1]), text, value.line, quoted=value.quoted)


def _directive(statement: Statement) -> Iterator[Entry]:
    name, first, *rest = statement.words
    keys = (*statement.path, name.text)
    if name.text in _NAMING and rest:
        value = " ".join(word.text for word in rest if word.text != "always" or word.quoted)
        own = first.text.lstrip("$").rstrip(":")
        yield Entry((*keys, own), value, rest[0].line, quoted=rest[0].quoted)
        return
    if not rest and name.text in _LINKS:
        secret = _VARIABLE.sub(" ", first.text).strip()
        if secret:
            yield Entry(keys, secret, first.line, Role.SECRET, first.quoted)
        return
    if not rest and not first.quoted and name.text != "env":
        yield Entry(keys, first.text, first.line)
        return
    if not rest and first.quoted:
        yield from _quoted(keys, first.text, first.line)
        return
    yield from _arguments(keys, statement)


def _quoted(keys: tuple[str, ...], value: str, line: int) -> Iterator[Entry]:
    """Read one quoted argument; `more_set_headers "Name: value"` is a header in it."""
    name, colon, rest = value.partition(":")
    if keys[-1] in _NAMING and colon:
        yield Entry((*keys, name.strip()), rest.strip(), line, quoted=True)
    else:
        yield Entry(keys, value, line, quoted=True)


def _arguments(keys: tuple[str, ...], statement: Statement) -> Iterator[Entry]:
    plain = []
    for word in statement.words[1:]:
        if _PAIR.match(word.text):
            name, _, value = word.text.partition("=")
            yield Entry((*keys, name), value, word.line, quoted=word.quoted)
        else:
            plain.append(word)
    if plain:
        yield Entry(keys, " ".join(word.text for word in plain), plain[0].line)
