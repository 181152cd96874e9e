"""Apache httpd (and ProFTPD): directives in `<Section>` containers, headers, SetEnv."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import arguments, quoting
from checks.formats.conflines import Scope
from checks.formats.textlines import Line, continued, numbered, payload
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "apache2.conf", "httpd.conf", ".htaccess", "httpd*.conf", "apache*.conf", "httpd/*.conf",
    "httpd/*/*.conf", "apache2/*.conf", "apache2/*/*.conf", "apache/*.conf", "proftpd.conf",
    "proftpd/*.conf", "proftpd/*/*.conf", "collectd.conf", "collectd/*.conf", "collectd.d/*.conf",
    "collectd/*/*.conf", "conf-available/*.conf", "conf-enabled/*.conf", "mods-available/*.conf",
    "mods-enabled/*.conf",
)  # fmt: skip

_SET: Final = frozenset(
    {"setenv", "define", "php_value", "php_admin_value", "fcgidinitialenv", "substitute"}
)
_HEADER: Final = frozenset({"header", "requestheader"})
_FAKE: Final = frozenset({"authbasicfake"})
_SECRETS: Final = frozenset({
    "authldapbindpassword", "oidcclientsecret", "oidccryptopassphrase", "oidcoauthclientsecret",
    "sessioncryptopassphrase",
})  # fmt: skip
"""Directives whose only argument is a secret."""
_WORKERS: Final = frozenset({"proxypass", "proxypassmatch", "balancermember", "proxyset"})
"""Directives whose `secret=` is that of an AJP worker (mod_proxy)."""


_ABOUT_TABLES: Final = frozenset(
    {"sqlgroupinfo", "sqllog", "sqlnamedquery", "sqlshowinfo", "sqluserinfo"}
)
"""ProFTPD's columns and commands, such as PASS."""


def parse(text: str) -> Iterator[Entry]:
    """Give values under (containers..., directive) or (containers..., directive, name).

    Raises FormatError when containers are nested too deep.
    """
    scope = Scope()
    for line in payload(continued(numbered(text))):
        body = line.text.strip()
        if body[0] == "<" and body[-1] == ">":
            scope.structure(body, line.number)
            continue
        words = quoting.words(body)
        if len(words) > 1:
            yield from _directive(scope.keys, words, Line(line.number, body))


def _directive(path: tuple[str, ...], words: list[quoting.Word], line: Line) -> Iterator[Entry]:
    name = words[0].text.lower()
    keys = (*path, words[0].text)
    if name in _SET and len(words) > 2:
        yield _named(keys, words[1:3], line.number)
    elif name in _HEADER and len(words) > 3:
        start = 2 if words[1].text != "always" and words[1].text != "onsuccess" else 3
        yield _named(keys, words[start : start + 2], line.number)
    elif name in _SECRETS and len(words) == 2:
        yield Entry(keys, words[1].text, line.number, Role.SECRET, words[1].quoted)
    elif name in _ABOUT_TABLES:
        return
    elif name in _FAKE and len(words) > 2:
        yield Entry(keys, words[2].text, line.number, Role.SECRET, words[2].quoted, words[1].text)
    else:
        yield from _others(path, words, line)


def _named(keys: tuple[str, ...], pair: list[quoting.Word], number: int) -> Entry:
    value = pair[-1] if len(pair) > 1 else quoting.Word("", quoted=False)
    return Entry((*keys, pair[0].text.rstrip(":")), value.text, number, quoted=value.quoted)


def _others(path: tuple[str, ...], words: list[quoting.Word], line: Line) -> Iterator[Entry]:
    """Read any other directive; one quoted argument may hold pairs (`DBDParams "pass=x"`)."""
    inner = list(quoting.pairs(words[1].text)) if len(words) == 2 and words[1].quoted else []
    if len(inner) > 1:
        for key, word in inner:
            yield Entry((*path, words[0].text, key), word.text, line.number, quoted=word.quoted)
        return
    worker = words[0].text.lower() in _WORKERS
    for keys, word, role, subject in arguments.settings(line.text):
        shared = worker and keys[-1].lower() == "secret"
        own = Role.SECRET if shared else role
        yield Entry((*path, *keys), word.text, line.number, own, word.quoted, subject)
