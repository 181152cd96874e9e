"""The words that make a server change from its own protocol to TLS. Sans I/O.

Each dialogue is a generator: it gives what to say (b"" for nothing yet), takes what came, and
returns what to say last, when TLS is to begin. WireError: the server does not offer TLS, or does
not speak the protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls.wire import WireError, number

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    Dialogue = Generator[bytes, bytes, bytes]

_MOST: Final = 16 * 1024
"""A server that greets longer than this is not taken for one."""


def dialogue(protocol: str) -> Dialogue:
    """Begin the dialogue of a protocol of `PROTOCOLS`; raises KeyError for any other."""
    return _DIALOGUES[protocol]()


def _line(said: bytes, ends: Callable[[bytes], bool]) -> Generator[bytes, bytes, bytes]:
    """Say something and give the answer once it is whole."""
    got = yield said
    while not ends(got):
        if len(got) > _MOST:
            raise WireError("server: greets without end")
        got += yield b""
    return got


def _reply_ends(got: bytes) -> bool:
    """Say whether a reply of SMTP or FTP is whole: a blank behind the number of its last line."""
    last = got.rstrip(b"\r\n").rpartition(b"\n")[2]
    return got.endswith(b"\n") and last[:3].isdigit() and last[3:4] in {b" ", b""}


def _line_ends(got: bytes) -> bool:
    return got.endswith(b"\n")


def _numbered(protocol: str, said: bytes, expected: bytes) -> Generator[bytes, bytes, bytes]:
    got = yield from _line(said, _reply_ends)
    if not got.startswith(expected):
        raise WireError(f"server: does not offer TLS in {protocol}")
    return got


def _smtp() -> Dialogue:
    """RFC 3207."""
    yield from _numbered("smtp", b"", b"220")
    offered = yield from _numbered("smtp", b"EHLO localhost\r\n", b"250")
    if b"STARTTLS" not in offered.upper():
        raise WireError("server: does not offer TLS in smtp")
    yield from _numbered("smtp", b"STARTTLS\r\n", b"220")
    return b""


def _ftp() -> Dialogue:
    """RFC 4217."""
    yield from _numbered("ftp", b"", b"220")
    yield from _numbered("ftp", b"AUTH TLS\r\n", b"234")
    return b""


def _imap() -> Dialogue:
    """RFC 3501 6.2.1."""
    greeting = yield from _line(b"", _line_ends)
    if not greeting.startswith(b"* "):
        raise WireError("server: does not speak imap")
    answer = yield from _line(
        b"a STARTTLS\r\n", lambda got: got.endswith(b"\n") and (b"\na " in b"\n" + got)
    )
    if b"\na OK" not in (b"\n" + answer).replace(b"\na ok", b"\na OK"):
        raise WireError("server: does not offer TLS in imap")
    return b""


def _pop3() -> Dialogue:
    """RFC 2595 4."""
    for said in (b"", b"STLS\r\n"):
        answer = yield from _line(said, _line_ends)
        if not answer.startswith(b"+OK"):
            raise WireError("server: does not offer TLS in pop3")
    return b""


_LDAP_START: Final = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
"""RFC 4511 4.14.1: an ExtendedRequest with StartTLS's name."""


def _ldap() -> Dialogue:
    got = yield from _line(_LDAP_START, lambda b: len(b) > 1 and len(b) >= 2 + (b[1] & 0x7F))
    at = got.find(b"\x78")  # ExtendedResponse
    result = got.find(b"\x0a\x01", at)
    if at < 0 or result < 0 or got[result + 2 : result + 3] != b"\0":
        raise WireError("server: does not offer TLS in ldap")
    return b""


def _postgres() -> Dialogue:
    """Send an SSLRequest (PostgreSQL's protocol 3.0, message formats)."""
    answer = yield number(8, 4) + number(80877103, 4)
    if answer[:1] != b"S":
        raise WireError("server: does not offer TLS in postgres")
    return b""


def _mysql() -> Dialogue:
    """Send an SSLRequest of MySQL's protocol: capabilities with CLIENT_SSL, nothing more."""
    greeting = yield from _line(
        b"", lambda b: len(b) > 4 and len(b) >= 4 + int.from_bytes(b[:3], "little")
    )
    end = greeting.find(b"\0", 5)
    flags = greeting[end + 14 : end + 16]  # behind the thread's id, eight random bytes and a zero
    if greeting[4:5] != b"\x0a" or not int.from_bytes(flags, "little") & 0x0800:
        raise WireError("server: does not offer TLS in mysql")
    wanted = (0x0200 | 0x0800 | 0x8000).to_bytes(4, "little")  # 4.1 protocol, SSL, 4.1 passwords
    request = wanted + (1 << 24).to_bytes(4, "little") + b"\x21" + bytes(23)
    return len(request).to_bytes(3, "little") + b"\x01" + request


def _xmpp() -> Dialogue:
    """RFC 6120 5.4."""
    features = yield from _line(
        b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0'"
        b" xmlns:stream='http://etherx.jabber.org/streams' to='localhost'>",
        lambda got: b"</stream:features>" in got or b"</stream:stream>" in got,
    )
    if b"urn:ietf:params:xml:ns:xmpp-tls" not in features:
        raise WireError("server: does not offer TLS in xmpp")
    answer = yield from _line(
        b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", lambda got: b">" in got
    )
    if b"<proceed" not in answer:
        raise WireError("server: does not offer TLS in xmpp")
    return b""


_DIALOGUES: Final[Mapping[str, Callable[[], Dialogue]]] = {
    "ftp": _ftp,
    "imap": _imap,
    "ldap": _ldap,
    "mysql": _mysql,
    "pop3": _pop3,
    "postgres": _postgres,
    "smtp": _smtp,
    "xmpp": _xmpp,
}
PROTOCOLS: Final = tuple(_DIALOGUES)
"""The protocols that can begin TLS here."""
