"""LDAP clients and slapd.conf: rootpw, bindpw, and credentials in syncrepl and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import quoting, roles
from checks.formats.textlines import Line, folded, numbered
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "ldap.conf", ".ldaprc", "ldaprc", "nslcd.conf", "pam_ldap.conf", "libnss-ldap.conf",
    "nss_ldap.conf", "slapd.conf", "slapd*.conf", "openldap/*.conf", "ldap/*.conf",
    "nss-ldapd.conf", "pam-ldap.conf", "sudo-ldap.conf",
)  # fmt: skip


_CLEAR: Final = frozenset({"bindpw", "rootbindpw", "rootpwmodpw", "ldap_bindpw", "tls_keypass"})
_COMPOUND: Final = frozenset({"syncrepl", "idassert-bind", "acl-bind", "chain-idassert-bind"})


def parse(text: str) -> Iterator[Entry]:
    """Give values under (directive,) or (directive, name), passwords with the bind DN."""
    binddn = rootdn = ""
    for line in folded(numbered(text), glue="\n"):
        name, value = _split(line)
        lower = name.lower()
        binddn = value.text if lower == "binddn" else binddn
        rootdn = value.text if lower == "rootdn" else rootdn
        if lower in _CLEAR:
            yield Entry((name,), value.text, line.number, Role.SECRET, value.quoted, binddn)
        elif lower == "rootpw":
            role, plain = roles.stored(value.text)
            yield Entry((name,), plain, line.number, role, value.quoted, rootdn)
        elif lower in _COMPOUND:
            yield from _compound(name, line)
        elif value.text:
            plain = value.text.replace("\n", " ")
            yield Entry((name,), plain, line.number, quoted=value.quoted)


def _split(line: Line) -> tuple[str, quoting.Word]:
    name, *rest = line.text.split(None, 1)
    raw = rest[0].strip() if rest else ""
    return name, quoting.unquote(raw) or quoting.Word(raw, quoted=False)


def _compound(name: str, line: Line) -> Iterator[Entry]:
    parts = list(enumerate(line.text.split("\n"), line.number))
    pairs = [(number, *pair) for number, part in parts for pair in quoting.pairs(part)]
    owner = next((word.text for _, key, word in pairs if key == "binddn"), "")
    for number, key, word in pairs:
        role, subject = (Role.SECRET, owner) if key == "credentials" else (Role.NAMED, "")
        yield Entry((name, key), word.text, number, role, word.quoted, subject)
