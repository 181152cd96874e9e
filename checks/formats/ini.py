"""INI files: sections, `key = value`, `key: value`, indented continuation, inventory host lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import FormatError
from checks.formats import quoting, roles
from checks.formats.copies import with_copies
from checks.formats.textlines import Line, numbered, uncomment, without_armour
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    *with_copies("*.ini"), "my.cnf", ".my.cnf", "*.my.cnf", "mysqld.cnf", "mysql/*.cnf",
    "mysql/conf.d/*.cnf", "my.cnf.d/*.cnf", "mysql.conf.d/*.cnf", "mariadb.conf.d/*.cnf",
    "debian.cnf", "smb.conf", "sssd.conf", "sssd/conf.d/*.conf", ".gitconfig", "gitconfig",
    ".git/config", "git/config", "pip.conf", "pip/*.conf", ".pypirc", "pypirc",
    ".aws/credentials", ".aws/config", "aws/credentials", ".s3cfg", "rclone.conf",
    "supervisord.conf", "supervisor/*.conf", "supervisor/conf.d/*.conf", "supervisord.d/*",
    "php-fpm.conf", "php-fpm.d/*.conf", "pool.d/*.conf", ".boto", "boto.cfg", "ansible.cfg",
    ".ansible.cfg", "inventory", "inventory.txt", "ansible/hosts", "inventory/hosts",
    "inventories/*/hosts", "inventory/production", "inventory/staging", "*.inventory",
    "zabbix_*.conf", "zabbix/*.conf",
    "zabbix_*.d/*.conf", "odoo.conf", ".odoorc", "openerp-server.conf", "upsd.users",
    "pg_service.conf", ".pg_service.conf", "wg[0-9]*.conf", "wg-*.conf", "wireguard/*.conf",
    "*.wg", ".hgrc", "hgrc", "keystone.conf", "nova.conf", "neutron.conf", "cinder.conf",
    "glance-*.conf", "heat.conf", "barbican.conf", "swift.conf", "proxy-server.conf",
    "freetds.conf", "setup.cfg", "iwd/*.psk", "burp.conf", "burp-server.conf", "airflow.cfg",
    "fail2ban/filter.d/*.conf", "fail2ban/filter.d/*.local", "fail2ban/jail.*",
    ".subversion/servers", "seafile.conf", "ccnet.conf", "ceph*.keyring", "ceph/*.keyring",
    "ceph-*/keyring", "yum.repos.d/*.repo", "zypp/repos.d/*.repo",
)  # fmt: skip


_LIST: Final = regex(r'\s*([A-Za-z_]\w*+)\s*=\s*("[^"]*+"|\'[^\']*+\'|[^,]*+)(?:,|\Z)')
_INDEXED: Final = regex(r"([\w.\-$]+)\[([^\[\]]+)\]\Z")
_URL: Final = regex(r"[a-z][\w+.\-]*+://")
_NAME: Final = regex(r"[A-Za-z_][\w.\-]*+\Z")
_BY_DEFINITION: Final = frozenset({"presharedkey", "preshared-key"})
_PRIVATE: Final = frozenset({"privatekey", "private-key"})


class Style(NamedTuple):
    """What a dialect adds: comments behind values, quotes around them."""

    inline: bool = True
    quotes: bool = True


PLAIN: Final = Style()


class _Item(NamedTuple):
    """A setting before its value is cleaned; `line` is where the value starts."""

    keys: tuple[str, ...]
    raw: str
    line: int
    indent: int


def assignment(body: str) -> tuple[str, str] | None:
    """Split a line at its separator; a colon inside `a:b = c` belongs to the key."""
    if body.startswith('"'):
        end = body.find('"', 1)
        rest = body[end + 1 :].lstrip() if end > 0 else ""
        return (body[1:end], rest[1:].lstrip(">").strip()) if rest[:1] in {"=", ":"} else None
    equals, colon = body.find("="), body.find(":")
    at = equals if colon < 0 or 0 <= equals < colon else colon
    if 0 <= colon < equals and body[equals - 1].isspace() and not body[colon + 1].isspace():
        at = equals
    if at <= 0:
        return None
    rest = body[at + 1 :]
    return body[:at].rstrip(), (rest[1:] if body[at : at + 2] == "=>" else rest).strip()


def host_line(body: str) -> tuple[str, list[tuple[str, quoting.Word]]] | None:
    """Split an inventory line `host name=value ...`; None when it is not one.

    One value alone makes it one only with a name of Ansible's own: keys may have blanks.
    """
    if "=" not in body or not re.match(r"[^\s=]+\s+[A-Za-z_][\w.\-]*=", body):
        return None
    first, *rest = quoting.shell_words(uncomment(body, "#"))
    found = []
    for word in rest:
        name, equals, value = word.text.partition("=")
        if not equals or not _NAME.match(name):
            return None
        found.append((name, quoting.Word(value, word.quoted)))
    return (first.text, found) if len(found) > 1 or "ansible_" in body else None


def read(text: str, style: Style = PLAIN) -> Iterator[Entry]:
    """Read sections and settings; raises FormatError when most lines are neither."""
    for item in _items(text):
        yield from _entries(item, style)


def parse(text: str) -> Iterator[Entry]:
    """Give every setting under (section, key); raises FormatError for another format."""
    yield from read(text)


class _Reader:
    """Where reading stands: the section, the setting that indented lines belong to."""

    def __init__(self) -> None:
        self.section: tuple[str, ...] = ()
        self.last: _Item | None = None
        self.more: list[str] = []
        self.good = self.odd = self.first_odd = 0

    def flush(self) -> Iterator[_Item]:
        """Give the finished setting."""
        if self.last is not None:
            parts = [self.last.raw, *self.more] if self.last.raw else self.more
            yield self.last._replace(raw="\n".join(parts))
        self.last, self.more = None, []

    def header(self, body: str) -> bool:
        """Enter a section; say whether the line was a header."""
        end = body.rfind("]")
        if not body.startswith("[") or end < 0 or body[end + 1 :].strip()[:1] not in {"", "#", ";"}:
            return False
        self.section = (body[1:end].strip("[] \t"),)
        self.good += 1
        return True

    def nested(self, line: Line) -> bool:
        """Say whether a line stands deeper than the setting before it."""
        return self.last is not None and line.indent > self.last.indent

    def take(self, line: Line) -> Iterator[_Item]:
        """Read one line that is no comment and no header."""
        body = line.text.strip()
        hosts = host_line(body)
        found = assignment(body) if hosts is None else None
        if found is not None and self.nested(line) and _URL.match(body):
            found = None
        if found is None and hosts is None:
            self._plain(line, body)
            return
        self.good += 1
        if hosts is not None:
            yield from self.flush()
            for name, word in hosts[1]:
                yield _Item((*self.section, hosts[0], name), _requote(word), line.number, 0)
        elif found is not None:
            yield from self._setting(line, found)

    def _setting(self, line: Line, found: tuple[str, str]) -> Iterator[_Item]:
        last = self.last
        inner = self.nested(line) and last is not None and not last.raw and not self.more
        if inner and last is not None:
            yield _Item((*last.keys, found[0]), found[1], line.number, line.indent)
            return
        yield from self.flush()
        self.last = _Item((*self.section, found[0]), found[1], line.number, line.indent)

    def _plain(self, line: Line, body: str) -> None:
        if self.last is not None and self.nested(line):
            if not self.last.raw and not self.more:
                self.last = self.last._replace(line=line.number)
            self.more.append(body)
            return
        self.odd += 1
        self.first_odd = self.first_odd or line.number


def _requote(word: quoting.Word) -> str:
    """Give a word so that cleaning it again changes nothing."""
    return '"' + word.text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _items(text: str) -> Iterator[_Item]:
    reader = _Reader()
    if text.lstrip("\ufeff \t\r\n")[:1] in {"{", "<"}:
        raise FormatError("another format", 1)
    for line in without_armour(numbered(text)):
        body = line.text.strip()
        if not body or body[0] in "#;":
            continue
        if reader.header(body):
            yield from reader.flush()
        else:
            yield from reader.take(line)
    yield from reader.flush()
    if not reader.section and reader.odd > 3 and reader.odd > reader.good:
        raise FormatError("most lines are no settings", reader.first_odd)


def clean(raw: str, style: Style) -> tuple[str, bool]:
    """Give a value without quotes and comment, and whether it was quoted."""
    word = quoting.unquote(raw) if style.quotes else None
    if word is not None:
        return word.text, True
    return (uncomment(" " + raw).strip() if style.inline else raw), False


def _list(item: _Item, style: Style) -> Iterator[Entry]:
    """Read supervisord's `environment=A="x",B="y"`; a percent sign is doubled there."""
    found = _LIST.match(item.raw)
    while found:
        text, quoted = clean(found[2].strip(), style)
        keys = (*item.keys, found[1])
        yield Entry(keys, text.replace("%%", "%"), item.line, quoted=quoted)
        found = _LIST.match(item.raw, found.end())


def _role(keys: tuple[str, ...]) -> Role:
    name, section = keys[-1].lower(), keys[0].lower()
    if name in _BY_DEFINITION or (
        name in _PRIVATE and section.startswith(("interface", "wireguard"))
    ):
        return Role.SECRET
    return roles.of_name(name)


def _entries(item: _Item, style: Style) -> Iterator[Entry]:
    value, quoted = clean(item.raw, style)
    own = item.keys[-1]
    indexed = _INDEXED.match(own)
    if own.lower() == "environment" and _LIST.match(item.raw):
        yield from _list(item, style)
        return
    if own.lower() in {"env", "setenv"} and _NAME.match(value.partition("=")[0]) and "=" in value:
        name, _, rest = value.partition("=")
        yield Entry((*item.keys, name), rest, item.line, quoted=quoted)
        return
    if own == "UserParameter":
        # Zabbix: a key, a comma and the command that the agent runs for it.
        yield Entry(item.keys, value.partition(",")[2], item.line, Role.COMMAND)
        return
    inner = (indexed[1], indexed[2].strip("\"'")) if indexed else (own,)
    keys = (*item.keys[:-1], *inner)
    yield Entry(keys, value, item.line, _role(keys), quoted)
