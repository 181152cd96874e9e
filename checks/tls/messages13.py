"""Read the handshake messages that TLS 1.3 encrypts, and know their order. Sans I/O.

RFC 8446 4.3, 4.4 and 4.6. Readers take the body of one message and raise WireError for a bad one.
"""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.tls.answer import certificate, read_alpn, read_extensions, read_staple
from checks.tls.numbers import Extension
from checks.tls.wire import Reader, WireError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Message(enum.IntEnum):
    """The handshake messages of TLS 1.3 that a client may meet."""

    SERVER_HELLO = 2
    NEW_SESSION_TICKET = 4
    ENCRYPTED_EXTENSIONS = 8
    CERTIFICATE = 11
    CERTIFICATE_REQUEST = 13
    CERTIFICATE_VERIFY = 15
    FINISHED = 20
    KEY_UPDATE = 24


_NEXT: Final[Mapping[Message, frozenset[Message]]] = MappingProxyType(
    {
        Message.SERVER_HELLO: frozenset({Message.ENCRYPTED_EXTENSIONS}),
        Message.ENCRYPTED_EXTENSIONS: frozenset({Message.CERTIFICATE_REQUEST, Message.CERTIFICATE}),
        Message.CERTIFICATE_REQUEST: frozenset({Message.CERTIFICATE}),
        Message.CERTIFICATE: frozenset({Message.CERTIFICATE_VERIFY}),
        Message.CERTIFICATE_VERIFY: frozenset({Message.FINISHED}),
        Message.FINISHED: frozenset({Message.NEW_SESSION_TICKET, Message.KEY_UPDATE}),
    }
)
"""What may follow (RFC 8446 appendix A.1); after the Finished nothing changes any more.

Neither a resumption, which has no certificate, nor authentication later on was offered.
"""
_OPAQUE_TICKET: Final = 8
_EARLY_DATA: Final = 4


class Certificates(NamedTuple):
    """A chain, DER, leaf first, and the OCSP answer for its leaf or b""."""

    chain: tuple[bytes, ...]
    staple: bytes


def following(last: Message, kind: int) -> Message:
    """Give KIND as the message that follows LAST; raises WireError where it must not."""
    for message in _NEXT[last]:
        if message == kind:
            return message
    raise WireError("server: sends a message out of turn")


def read_chosen_alpn(body: bytes) -> str:
    """Read of EncryptedExtensions the application protocol, "" for none; safe to show."""
    reader = Reader(body)
    extensions = read_extensions(reader.vector(2))
    reader.end()
    return read_alpn(extensions)


def read_certificate(body: bytes) -> Certificates:
    """Read a Certificate; a server's is never empty (RFC 8446 4.4.2.4)."""
    reader = Reader(body)
    reader.vector(1)
    listed, chain, staple = Reader(reader.vector(3)), [], b""
    reader.end()
    while len(listed):
        chain.append(certificate(listed))
        extensions = read_extensions(listed.vector(2))
        if len(chain) == 1 and Extension.STATUS_REQUEST in extensions:
            staple = read_staple(Reader(extensions[Extension.STATUS_REQUEST]))
    if not chain:
        raise WireError("server: shows no certificate")
    return Certificates(tuple(chain), staple)


def read_verify(body: bytes) -> tuple[int, bytes]:
    """Read a CertificateVerify: the signature's scheme and the signature."""
    reader = Reader(body)
    scheme, signature = reader.number(2), reader.vector(2)
    reader.end()
    return scheme, signature


def read_ticket(body: bytes) -> int:
    """Read of a NewSessionTicket how many bytes of early data it allows."""
    reader = Reader(body)
    reader.take(_OPAQUE_TICKET)  # lifetime and what is added to its age
    reader.vector(1)
    reader.vector(2)
    extensions = read_extensions(reader.vector(2))
    reader.end()
    if Extension.EARLY_DATA not in extensions:
        return 0
    allowed = Reader(extensions[Extension.EARLY_DATA])
    most = allowed.number(_EARLY_DATA)
    allowed.end()
    return most


def read_key_update(body: bytes) -> bool:
    """Read of a KeyUpdate whether it asks for another one back."""
    if body not in {b"\0", b"\1"}:
        raise WireError("server: updates its keys in an unknown way")
    return body == b"\1"
