"""A session of TLS 1.0 to 1.2 as a client, and one attempt to renegotiate it. Sans I/O.

The rules (RFC 5246 6, 7.1 and 7.2):
- records as agreed on, keys changed where the handshake is ready for it and amid no message;
- application data only after a whole handshake, also while another one goes on;
- one renegotiation at the most, of ours: a server's request for one is ignored;
- never more than `LIMIT` bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls import hello
from checks.tls.answer import LIMIT
from checks.tls.conversation import Conversation, Shown
from checks.tls.handshake12 import Handshake
from checks.tls.messages12 import Message
from checks.tls.numbers import Alert, Extension, Version
from checks.tls.wire import Reader, WireError, number, take_message, take_record, vector

if TYPE_CHECKING:
    from checks.tls.hello import ClientHello
    from checks.tls.records12 import Direction, Random

_CHANGE, _ALERT, _HANDSHAKE, _DATA = 20, 21, 22, 23
_CIPHERTEXT: Final = 16_384 + 2_048
"""RFC 5246 6.2.3: the longest body of a record."""
_PLAINTEXT: Final = 16_384
_RANDOM: Final = 32
_CANCELED: Final = bytes([1, Alert.USER_CANCELED])
_CLOSE: Final = bytes([1, Alert.CLOSE_NOTIFY])
_WARNING: Final = 1


class Session(Conversation):
    """One session.

    renegotiated: the server took part in a second handshake, None before it decided.
    """

    def __init__(self, asked: ClientHello, random: Random) -> None:
        """Take a hello of TLS 1.0 to 1.2. random: gives so many fresh bytes."""
        super().__init__()
        self.renegotiated: bool | None = None
        self._asked = asked
        self._random = random
        self._handshake = Handshake(asked, random, self)
        self._again = False
        self._records = bytearray()
        self._messages = bytearray()
        self._writing: Direction | None = None
        self._reading: Direction | None = None
        self._next: Direction | None = None

    def start(self) -> bytes:
        """Give the first flight."""
        self._handshake.start()
        return hello.write(self._asked)

    def send(self, data: bytes) -> bytes:
        """Give the records that carry application data; raises WireError until `finished`."""
        if not self.finished:
            raise WireError("session: not established")
        return self._said(_DATA, data)

    def renegotiate(self) -> bytes:
        """Give the hello of a second handshake; raises WireError until `finished`, and later on."""
        if not self.finished or self._again:
            raise WireError("session: not to be renegotiated")
        self._again = True
        bound = self.hello is not None and Extension.RENEGOTIATION_INFO in self.hello.extensions
        asked = self._asked._replace(random=self._random(_RANDOM))
        before = self._handshake.verified if bound else None
        self._handshake = Handshake(asked, self._random, Shown(), before)
        return self._said(_HANDSHAKE, self._handshake.start())

    @property
    def renegotiating(self) -> bool:
        """The second handshake goes on."""
        return self.renegotiated is True and self._handshake.verified is None

    def ended(self) -> None:
        """Take note that the server hung up: it takes part in nothing more."""
        super().ended()
        if self._again and self.renegotiated is None:
            self.renegotiated = False

    def close(self) -> bytes:
        """Give the alerts that end the session in good order, at any time (RFC 5246 7.2.1)."""
        canceled = b"" if self._writing else self._said(_ALERT, _CANCELED)
        return canceled + self._said(_ALERT, _CLOSE)

    # Records

    def _received(self, data: bytes) -> bytes:
        self._records += data
        reply = b""
        while not self.closed and (record := take_record(self._records, _CIPHERTEXT)):
            reply += self._opened(*record)
        return reply

    def _said(self, kind: int, content: bytes) -> bytes:
        pieces = [content[at : at + _PLAINTEXT] for at in range(0, len(content), _PLAINTEXT)]
        if self._writing is not None:
            return b"".join(self._writing.seal(kind, piece) for piece in pieces)
        spoken = self.hello.version if self.hello else min(self._asked.version, Version.TLS10)
        head = number(kind, 1) + number(spoken, 2)
        return b"".join(head + vector(piece, 2) for piece in pieces)

    def _opened(self, header: bytes, body: bytes) -> bytes:
        kind = header[0]
        if header[1] != Version.TLS12 >> 8 or not _CHANGE <= kind <= _DATA:
            raise WireError("server: does not speak TLS")
        if self._reading is not None:
            body = self._reading.open(kind, body)
        if kind == _HANDSHAKE:
            self._messages += body
            return self._understood()
        if self._messages:
            raise WireError("server: puts something else amid a message")
        if kind == _CHANGE:
            self._change(body)
        elif kind == _ALERT:
            self._alerted(body)
        elif self.finished:
            self.data += body
        else:
            raise WireError("server: sends something else than its handshake")
        return b""

    def _change(self, body: bytes) -> None:
        if body != b"\x01" or self._next is None or not self._handshake.may_change:
            raise WireError("server: changes its cipher out of turn")
        self._reading, self._next = self._next, None

    def _alerted(self, body: bytes) -> None:
        level, description = Reader(body).take(2)
        if description == Alert.NO_RENEGOTIATION and self._again and self.renegotiated is None:
            self.renegotiated = False
        if level != _WARNING or description == Alert.CLOSE_NOTIFY:
            self.alert = description
            self.ended()

    # Messages

    def _understood(self) -> bytes:
        reply = b""
        while raw := take_message(self._messages, LIMIT):
            if raw[0] == Message.HELLO_REQUEST:
                continue
            if self.renegotiated is False or self._handshake.verified is not None:
                raise WireError("server: sends a message out of turn")
            if raw[0] == Message.FINISHED and self._next is not None:
                raise WireError("server: finishes before its keys are in use")
            reply += self._taken(raw)
        return reply

    def _taken(self, raw: bytes) -> bytes:
        flight = self._handshake.take(raw)
        if self._again and self._handshake.shown.hello is not None:
            self.renegotiated = True
        self.finished = self.finished or self._handshake.verified is not None
        if flight is None:
            return b""
        said = self._said(_HANDSHAKE, flight.messages) + self._said(_CHANGE, b"\x01")
        self._writing, self._next = flight.writing, flight.reading
        return said + self._said(_HANDSHAKE, flight.finished)
