"""Tell protocols by their ports, their programs and how their servers begin to talk. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TLS_PORTS: Final = frozenset(
    {443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 2376, 3269, 5061, 5223, 5349, 5671}
    | {5986, 6443, 6514, 6697, 8443, 8883, 9443, 10250}
)
"""Ports of protocols inside TLS."""
_PORTS: Final[Mapping[int, str]] = {
    21: "ftp",
    22: "ssh",
    25: "smtp",
    110: "pop3",
    143: "imap",
    389: "ldap",
    587: "smtp",
    2525: "smtp",
    3268: "ldap",
    3306: "mysql",
    5222: "xmpp",
    5269: "xmpp",
    5432: "postgres",
    6432: "postgres",
}
_PROGRAMS: Final[Mapping[str, str]] = {
    "ejabberd": "xmpp",
    "exim4": "smtp",
    "mariadb": "mysql",
    "mariadbd": "mysql",
    "mysql": "mysql",
    "mysqld": "mysql",
    "ns-slapd": "ldap",
    "pgbouncer": "postgres",
    "postgres": "postgres",
    "postgresql": "postgres",
    "proftpd": "ftp",
    "prosody": "xmpp",
    "slapd": "ldap",
    "ssh": "ssh",
    "sshd": "ssh",
    "vsftpd": "ftp",
}
"""By the name of the executable or of the unit."""
WAITING: Final[Mapping[str, tuple[bytes, ...]]] = {
    "ldap": (b"\x30",),
    "postgres": (b"S", b"N", b"E"),
    "xmpp": (b"<",),
}
"""Protocols whose client speaks first, and how their servers' answers begin."""
_GREETINGS: Final[Mapping[bytes, tuple[str, ...]]] = {
    b"* OK": ("imap",),
    b"* PREAUTH": ("imap",),
    b"+OK": ("pop3",),
    b"-ERR": ("redis",),
    b"220": ("smtp", "ftp"),
    b"<!DOCTYPE ": ("http",),
    b"<html": ("http",),
    b"@RSYNCD:": ("rsync",),
    b"AMQP": ("amqp",),
    b"ERROR\r\n": ("memcached",),
    b"HTTP/": ("http",),
    b"INFO {": ("nats",),
    b"RFB ": ("vnc",),
    b"SSH-": ("ssh",),
}
_TURNED_AWAY: Final = (b"421", b"554", b"* BYE")
_SHORTEST: Final = 5
"""MySQL's header of four bytes and the first of its content."""
_LONGEST_LINE: Final = 4096


def suggestion(port: int, *names: str) -> str:
    """Guess a protocol by executable or unit, else by port; "" for no guess or TLS from the start.

    names: paths of executables, names of processes and units.
    """
    if port in TLS_PORTS:
        return ""
    words = (name.rpartition("/")[2].partition(".")[0].partition("@")[0] for name in names)
    named = (_PROGRAMS[word] for word in words if word in _PROGRAMS)
    return next(named, "") or _PORTS.get(port, "")


def is_whole(greeting: bytes) -> bool:
    """Say whether enough came to tell the protocol."""
    if len(greeting) < _SHORTEST or any(known.startswith(greeting) for known in _GREETINGS):
        return False
    return not greeting.startswith(b"220") or b"\n" in greeting or len(greeting) > _LONGEST_LINE


def turns_away(greeting: bytes) -> bool:
    """Say whether the server has no time for us: nothing can be learned from it now."""
    return greeting.startswith(_TURNED_AWAY) or _mysql(greeting) == 0xFF


def protocols(greeting: bytes, hint: str = "") -> tuple[str, ...]:
    """Name the protocols that begin like this, the likely one first; () for none known.

    The number 220 greets in mail and in file transfer: the text tells most of them apart.
    """
    if _mysql(greeting) == 10:  # the version of its protocol
        return ("mysql",)
    found = next((v for k, v in _GREETINGS.items() if greeting.startswith(k)), ())
    if len(found) < 2:
        return found
    text = greeting[:_LONGEST_LINE].upper()
    if b"LMTP" in text:
        return ("lmtp",)
    likely = "ftp" if hint == "ftp" or (b"FTP" in text and b"SMTP" not in text) else found[0]
    return (likely, *(name for name in found if name != likely))


def _mysql(greeting: bytes) -> int | None:
    """Give the first byte of what looks like a server's first packet, None for anything else."""
    size = int.from_bytes(greeting[:3], "little")
    if len(greeting) < _SHORTEST or greeting[3] or not 0 < size <= _LONGEST_LINE:
        return None
    return greeting[4]
