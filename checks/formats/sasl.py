"""Credentials of mail relays: Postfix sasl_passwd, Exim passwd.client, sendmail authinfo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats.copies import with_copies
from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    *with_copies("sasl_passwd"), "sasl-passwd", "sasl_password", "*sasl_passwd", "smtp_auth",
    "smtp_auth_passwd", "saslpass", "saslpasswd", "relay_passwd", "relay_password", "sasl/passwd",
    "passwd.client", "mail/authinfo", "mail/client-info", "smtp-auth", "postfix/password",
    "postfix/passwd", "postfix/*_passwd",
)  # fmt: skip

ALWAYS: tuple[str, ...] = NAMES

_SENDMAIL: Final = regex(r'"([A-Za-z])([:=])([^"]*+)"')


def parse(text: str) -> Iterator[Entry]:
    """Give each password under (host, "password") with the user as its subject."""
    for line in payload(numbered(text)):
        body = line.text.strip()
        if body.startswith("AuthInfo:"):
            yield from _sendmail(body, line.number)
            continue
        host, credential = _split(body)
        user, colon, password = credential.partition(":")
        if colon and password:
            yield Entry((host, "password"), password, line.number, Role.SECRET, subject=user)


def _split(body: str) -> tuple[str, str]:
    """Part the host from `user:password`; Exim puts a colon between them, Postfix a blank."""
    parts = body.split(None, 1)
    if len(parts) == 2 and ":" in parts[1]:
        return parts[0], parts[1]
    host, _, rest = body.partition(":")
    return host.strip(), rest.strip()


def _sendmail(body: str, number: int) -> Iterator[Entry]:
    """Read `AuthInfo:host "U:user" "P:password"`; "P=" is base64."""
    host = body[len("AuthInfo:") :].split(None, 1)[:1]
    fields = {found[1].upper(): (found[2], found[3]) for found in _SENDMAIL.finditer(body)}
    if "P" in fields:
        sign, value = fields["P"]
        role = Role.SECRET if sign == ":" else Role.ENCODED
        user = fields.get("U", fields.get("I", ("", "")))[1]
        yield Entry((*host, "password"), value, number, role, quoted=True, subject=user)
