"""Read the handshake messages of TLS 1.0 to 1.2, and know their order. Sans I/O.

RFC 5246 7.4, RFC 8422 5.4, RFC 6066 8, RFC 5077 3.3. Readers take the body of one message and raise
WireError for a bad one.
"""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.tls.numbers import Version
from checks.tls.wire import Reader, WireError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.tls.suites import Suite


class Message(enum.IntEnum):
    """The messages that a client may meet, in the order of their numbers."""

    HELLO_REQUEST = 0
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    NEW_SESSION_TICKET = 4
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    CERTIFICATE_REQUEST = 13
    SERVER_HELLO_DONE = 14
    CLIENT_KEY_EXCHANGE = 16
    FINISHED = 20
    CERTIFICATE_STATUS = 22


_NEXT: Final[Mapping[Message, frozenset[Message]]] = MappingProxyType(
    {
        Message.CLIENT_HELLO: frozenset({Message.SERVER_HELLO}),
        Message.SERVER_HELLO: frozenset({Message.CERTIFICATE}),
        Message.CERTIFICATE: frozenset(
            {
                Message.CERTIFICATE_STATUS,
                Message.SERVER_KEY_EXCHANGE,
                Message.CERTIFICATE_REQUEST,
                Message.SERVER_HELLO_DONE,
            }
        ),
        Message.CERTIFICATE_STATUS: frozenset(
            {Message.SERVER_KEY_EXCHANGE, Message.CERTIFICATE_REQUEST, Message.SERVER_HELLO_DONE}
        ),
        Message.SERVER_KEY_EXCHANGE: frozenset(
            {Message.CERTIFICATE_REQUEST, Message.SERVER_HELLO_DONE}
        ),
        Message.CERTIFICATE_REQUEST: frozenset({Message.SERVER_HELLO_DONE}),
        Message.SERVER_HELLO_DONE: frozenset({Message.NEW_SESSION_TICKET, Message.FINISHED}),
        Message.NEW_SESSION_TICKET: frozenset({Message.FINISHED}),
    }
)
"""What may follow (RFC 5246 7.3): a whole handshake, for neither resumption nor suites without a
certificate were offered."""
_NAMED_CURVE: Final = 3
_LONGEST_PRIME: Final = 8192 // 8
"""Bytes: a power modulo a prime of this length takes a tenth of a second."""


class Exchange(NamedTuple):
    """A ServerKeyExchange.

    public: the server's value; group: its curve, or 0 with prime and generator of DHE; signed: the
    parameters as they were sent; scheme: hash and signature, 0 before TLS 1.2.
    """

    public: bytes
    signed: bytes
    signature: bytes
    scheme: int = 0
    group: int = 0
    prime: int = 0
    generator: int = 0


def following(last: Message, kind: int) -> Message:
    """Give KIND as the message that follows LAST; raises WireError where it must not."""
    for message in _NEXT.get(last, ()):
        if message == kind:
            return message
    raise WireError("server: sends a message out of turn")


def read_exchange(body: bytes, suite: Suite, version: Version) -> Exchange:
    """Read a ServerKeyExchange of a suite with a certificate and ephemeral keys."""
    reader = Reader(body)
    if suite.exchange not in {"ECDHE", "DHE"}:
        raise WireError("server: sends a message out of turn")
    found = _curve(reader) if suite.exchange == "ECDHE" else _prime(reader)
    signed = body[: len(body) - len(reader)]
    scheme = reader.number(2) if version >= Version.TLS12 else 0
    signature = reader.vector(2)
    reader.end()
    return found._replace(signed=signed, scheme=scheme, signature=signature)


def _curve(reader: Reader) -> Exchange:
    if reader.number(1) != _NAMED_CURVE:
        raise WireError("server: its curve has no name")
    group = reader.number(2)
    return Exchange(reader.vector(1), b"", b"", group=group)


def _prime(reader: Reader) -> Exchange:
    prime, generator, public = (reader.vector(2) for _ in range(3))
    if len(prime) > _LONGEST_PRIME:
        raise WireError("server: its prime is longer than is calculated with here")
    modulus, base = (int.from_bytes(one, "big") for one in (prime, generator))
    if not 1 < int.from_bytes(public, "big") < modulus - 1:
        raise WireError("server: its public value is none")
    return Exchange(public, b"", b"", prime=modulus, generator=base)


def read_ticket(body: bytes) -> bytes:
    """Read the ticket of a NewSessionTicket; a server may change its mind and send none."""
    reader = Reader(body)
    reader.take(4)  # how long it lasts
    ticket = reader.vector(2)
    reader.end()
    return ticket


def read_binding(value: bytes | None) -> bytes | None:
    """Read renegotiation_info (RFC 5746 3.2): what binds to the handshake before; None for none."""
    if value is None:
        return None
    reader = Reader(value)
    bound = reader.vector(1)
    reader.end()
    return bound
