"""Tables of user and password: rsyncd.secrets, Dovecot, chpasswd lists, pgbouncer, s3fs, CVS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import quoting, roles
from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "rsyncd.secrets", "rsync.secrets", "*rsyncd.secrets", "rsyncd.passwd", "dovecot/users",
    "dovecot/passwd", "dovecot/passwd.*", "dovecot.passwd", "dovecot-passwd", "dovecot/*.passwd",
    "chpasswd", "chpasswd.txt", "pgbouncer/userlist.txt", "userlist.txt",
    ".passwd-s3fs", "passwd-s3fs", "*.passwd-s3fs", ".cvspass", "cvsroot/passwd",
    "mosquitto/passwd", "mosquitto/*.passwd", "mosquitto/pwfile", "nfs-ganesha/passwd",
    "vsftpd/virtual_users", "proftpd/ftpd.passwd", "ftpd.passwd", "uucp/passwd", "uucp/sys",
    "exim4/passwd", "exim/passwd", "hostapd.eap_user",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_QUOTED_PAIR: Final = regex(
    rf"({quoting.DOUBLE})(?:(?>[ \t]++[A-Z0-9,\-]++))*+[ \t]++({quoting.DOUBLE})"
)
_CVS: Final = regex(r"(?:/\d+ )?(:\w+:(\S+?)@\S+) (A\S*)\Z")
_MOSQUITTO: Final = regex(r"\$[67]\$[A-Za-z0-9+/=]+\$")
_AWS: Final = regex(r"(?:[\w.\-]+:)?(?=A[KS]IA)(\w+):(\S+)\Z")
_DOVECOT: Final = regex(r":(?:\d*:\d*:|:+)[^:]*(?::[^:]*){0,3}\Z")


def parse(text: str) -> Iterator[Entry]:
    """Give each password or hash under (user,) with the user as the subject."""
    for line in payload(numbered(text)):
        found = _split(line.text.strip())
        if found is None:
            continue
        user, word = found
        if not word.text or word.text in {"x", "*", "!"} or word.text.startswith(("!$", "*$")):
            continue
        role, value = roles.stored(word.text)
        role = Role.HASH if role is Role.SECRET and _MOSQUITTO.match(value) else role
        yield Entry((user,), value, line.number, role, word.quoted, user)


def _split(body: str) -> tuple[str, quoting.Word] | None:
    """Part user and password; None for a line of another form."""
    pair = _QUOTED_PAIR.match(body)
    if pair:
        name, password = quoting.unquote(pair[1]), quoting.unquote(pair[2])
        return (name.text, password) if name and password else None
    cvs = _CVS.match(body)
    if cvs:
        return cvs[2], quoting.Word(cvs[3], quoted=False)
    aws = _AWS.match(body)
    if aws:
        return aws[1], quoting.Word(aws[2], quoted=False)
    user, colon, rest = body.partition(":")
    if not colon or " " in user:
        return None
    return user, quoting.Word(_first_field(rest), quoted=False)


def _first_field(rest: str) -> str:
    """Cut the account fields that Dovecot puts behind; a bare password may hold colons."""
    tail = _DOVECOT.search(rest) if rest.count(":") < 12 else None
    if rest.startswith("{") or roles.is_crypt(rest):
        return rest.partition(":")[0]
    return rest[: tail.start()] if tail else rest
