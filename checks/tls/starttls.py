"""The words that make a server change from its own protocol to TLS. Sans I/O.

Each dialogue is a generator: it gives what to say (b"" for nothing yet), takes what came, and
returns what to say last, when TLS is to begin. WireError: the server does not offer TLS, does not
speak the protocol, greets without end, or says more after it agreed: what comes in clear then would
be taken for a part of the protected session (CVE-2011-0411).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls.hello import host_name
from checks.tls.wire import Reader, WireError, number

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    Dialogue = Generator[bytes, bytes, bytes]

_MOST: Final = 16 * 1024
"""A server that greets longer than this is not taken for one."""


def dialogue(protocol: str, name: str = "") -> Dialogue:
    """Begin the dialogue of a protocol of `PROTOCOLS`; raises WireError for any other.

    name: the host name that is asked for, where the protocol has one host answer for several.
    """
    if protocol == "xmpp":
        return _xmpp(host_name(name) or b"localhost")
    if protocol not in _DIALOGUES:
        raise WireError("starttls: unknown protocol")
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
    """Say whether a reply of SMTP or FTP is whole: a blank behind its number (RFC 5321 4.2.1)."""
    if not got[:3].isdigit():
        return _line_ends(got)
    last = got.removesuffix(b"\n").rpartition(b"\n")[2].rstrip(b"\r")
    return got.endswith(b"\n") and last[:3] == got[:3] and last[3:4] in {b" ", b""}


def _line_ends(got: bytes) -> bool:
    return got.endswith(b"\n")


def _numbered(protocol: str, said: bytes, expected: bytes) -> Generator[bytes, bytes, bytes]:
    got = yield from _line(said, _reply_ends)
    if not got.startswith(expected):
        raise _refused(protocol)
    return got


def _refused(protocol: str) -> WireError:
    return WireError(f"server: does not offer TLS in {protocol}")


def _alone(answer: bytes) -> None:
    """Raise WireError unless the word that agrees is the only line."""
    if answer.count(b"\n") > 1:
        raise WireError("server: says more after it agreed to TLS")


def _smtp() -> Dialogue:
    """RFC 3207."""
    yield from _numbered("smtp", b"", b"220")
    offered = yield from _numbered("smtp", b"EHLO localhost\r\n", b"250")
    if b"STARTTLS" not in offered.upper():
        raise _refused("smtp")
    _alone((yield from _numbered("smtp", b"STARTTLS\r\n", b"220")))
    return b""


def _ftp() -> Dialogue:
    """RFC 4217."""
    yield from _numbered("ftp", b"", b"220")
    _alone((yield from _numbered("ftp", b"AUTH TLS\r\n", b"234")))
    return b""


def _imap() -> Dialogue:
    """RFC 3501 6.2.1."""
    greeting = yield from _line(b"", _line_ends)
    if not greeting.startswith(b"* "):
        raise WireError("server: does not speak imap")
    answer = yield from _line(
        b"a STARTTLS\r\n", lambda got: got.endswith(b"\n") and (b"\na " in b"\n" + got)
    )
    _, _, tagged = (b"\n" + answer).partition(b"\na ")  # untagged lines may come first
    if tagged[:2].upper() != b"OK":
        raise _refused("imap")
    _alone(tagged)
    return b""


def _pop3() -> Dialogue:
    """RFC 2595 4."""
    for said in (b"", b"STLS\r\n"):
        answer = yield from _line(said, _line_ends)
        if not answer.startswith(b"+OK"):
            raise _refused("pop3")
        _alone(answer)
    return b""


_LDAP_START: Final = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"
"""RFC 4511 4.14.1: an ExtendedRequest with StartTLS's name."""


_LDAP_SEQUENCE, _LDAP_RESPONSE, _BER_ENUMERATED = 0x30, 0x78, 0x0A


def _ldap() -> Dialogue:
    """RFC 4511 4.14: an ExtendedResponse whose result is success."""
    got = yield from _line(_LDAP_START, _element_ends)
    rest = Reader(got)
    tag, message = _element(rest)
    rest.end()
    _element(message)  # the message's number
    operation, response = _element(message)
    kind, result = _element(response)
    agreed = (tag, operation, kind) == (_LDAP_SEQUENCE, _LDAP_RESPONSE, _BER_ENUMERATED)
    if not agreed or result.rest() != b"\0":
        raise _refused("ldap")
    return b""


def _element_ends(got: bytes) -> bool:
    try:
        _element(Reader(got))
    except WireError:
        return False
    return True


def _element(reader: Reader) -> tuple[int, Reader]:
    """Take one element of BER of a definite length (X.690 8.1): its tag and its contents."""
    tag, size = reader.number(1), reader.number(1)
    if size & 0x80:
        size = reader.number(size & 0x7F)
    return tag, Reader(reader.take(size))


def _postgres() -> Dialogue:
    """Send an SSLRequest (PostgreSQL's protocol 3.0, message formats)."""
    answer = yield number(8, 4) + number(80877103, 4)
    if answer[:1] != b"S":
        raise _refused("postgres")
    if len(answer) > 1:  # CVE-2021-23222
        raise WireError("server: says more after it agreed to TLS")
    return b""


_MYSQL_GREETING: Final = 0x0A
_MYSQL_FLAGS: Final = 4 + 8 + 1
"""Behind the version: the thread's id, eight random bytes and a zero."""
_MYSQL_SSL: Final = 0x0800


def _mysql() -> Dialogue:
    """Send an SSLRequest of MySQL's protocol: capabilities with CLIENT_SSL, nothing more."""
    greeting = yield from _line(
        b"", lambda b: len(b) > 4 and len(b) >= 4 + int.from_bytes(b[:3], "little")
    )
    _, zero, behind = greeting[5:].partition(b"\0")
    flags = int.from_bytes(behind[_MYSQL_FLAGS : _MYSQL_FLAGS + 2], "little")
    if greeting[4] != _MYSQL_GREETING or not zero or not flags & _MYSQL_SSL:
        raise _refused("mysql")
    wanted = (0x0200 | _MYSQL_SSL | 0x8000).to_bytes(4, "little")  # 4.1 protocol, 4.1 passwords
    request = wanted + (1 << 24).to_bytes(4, "little") + b"\x21" + bytes(23)
    return len(request).to_bytes(3, "little") + b"\x01" + request


_XMPP_TLS: Final = b"urn:ietf:params:xml:ns:xmpp-tls"
_XMPP_ENDS: Final = (b"</stream:features>", b"<stream:features/>", b"</stream:stream>")


def _xmpp(name: bytes) -> Dialogue:
    """RFC 6120 5.4."""
    features = yield from _line(
        b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0'"
        b" xmlns:stream='http://etherx.jabber.org/streams' to='" + name + b"'>",
        lambda got: any(end in got for end in _XMPP_ENDS),
    )
    if _XMPP_TLS not in features:
        raise _refused("xmpp")
    answer = yield from _line(
        b"<starttls xmlns='" + _XMPP_TLS + b"'/>", lambda got: got.rstrip().endswith(b">")
    )
    if not answer.lstrip().startswith(b"<proceed"):
        raise _refused("xmpp")
    if answer.count(b"<") > 1 + answer.count(b"</proceed>"):
        raise WireError("server: says more after it agreed to TLS")
    return b""


_DIALOGUES: Final[Mapping[str, Callable[[], Dialogue]]] = {
    "ftp": _ftp,
    "imap": _imap,
    "ldap": _ldap,
    "mysql": _mysql,
    "pop3": _pop3,
    "postgres": _postgres,
    "smtp": _smtp,
}
PROTOCOLS: Final = (*_DIALOGUES, "xmpp")
"""The protocols that can begin TLS here."""
_FAREWELLS: Final[Mapping[str, bytes]] = {
    "ftp": b"QUIT\r\n",
    "imap": b"a LOGOUT\r\n",
    "ldap": b"\x30\x05\x02\x01\x02\x42\x00",
    "pop3": b"QUIT\r\n",
    "smtp": b"QUIT\r\n",
}


def farewell(protocol: str) -> bytes:
    """Give what is said inside TLS to end in good order; b"" where hanging up is good order."""
    return _FAREWELLS.get(protocol, b"")
