"""A whole handshake of TLS 1.3 as a client: what a server shows only once it is encrypted.

Sans I/O: `start` gives what to send first, `receive` takes what came and gives what to send next.
RFC 8446 section 4. The certificate is taken as it is; whether to trust it is judged elsewhere.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

from checks.tls import agreement, hello, secrets13
from checks.tls.answer import LIMIT, Answer, ServerHello, read_extensions
from checks.tls.numbers import Extension, Version
from checks.tls.proof import is_proved
from checks.tls.wire import Reader, WireError, number, vector

if TYPE_CHECKING:
    from checks.tls.secrets13 import Direction

_HEADER: Final = 5
_ALERT, _HANDSHAKE, _DATA, _CHANGE = 21, 22, 23, 20
_COMPATIBLE: Final = b"\x14\x03\x03\x00\x01\x01"
"""RFC 8446 D.4: a change_cipher_spec for the sake of boxes in between."""
_EMPTY_CERTIFICATE: Final = b"\x0b\x00\x00\x04\x00\x00\x00\x00"


class Message(enum.IntEnum):
    """The handshake messages of TLS 1.3 that a client may meet."""

    NEW_SESSION_TICKET = 4
    ENCRYPTED_EXTENSIONS = 8
    CERTIFICATE = 11
    CERTIFICATE_REQUEST = 13
    CERTIFICATE_VERIFY = 15
    FINISHED = 20
    KEY_UPDATE = 24


class Session:
    """One handshake.

    certificates: DER, leaf first; proved: the server holds the leaf's key, None where the scheme
    is not known here; early_data: most bytes a ticket allows, 0 for none.
    """

    def __init__(self, asked: hello.ClientHello) -> None:
        """Take a hello of TLS 1.3; its shares are made here, for its first known groups."""
        offered = [g for g in asked.groups if g in agreement.GROUPS][:1]
        self._shares = {group: agreement.share(group) for group in offered}
        self._asked = asked._replace(
            shares=tuple((share.group, share.public) for share in self._shares.values())
        )
        self.hello: ServerHello | None = None
        self.certificates: tuple[bytes, ...] = ()
        self.staple = b""
        self.scheme = 0
        self.proved: bool | None = None
        self.alpn = ""
        self.asks_certificate = False
        self.tickets = 0
        self.early_data = 0
        self.alert: int | None = None
        self.finished = False
        self.closed = False
        self.data = bytearray()
        """What came as application data."""
        self._answer: Answer | None = Answer()
        self._transcript = b""
        self._records = bytearray()
        self._messages = bytearray()
        self._size = 0
        self._schedule: secrets13.Schedule | None = None
        self._reading: Direction | None = None
        self._writing: Direction | None = None
        self._encrypted = False

    def start(self) -> bytes:
        """Give the first flight."""
        self._transcript = hello.handshake(self._asked)
        return hello.write(self._asked)

    def send(self, data: bytes) -> bytes:
        """Give the record that carries application data; only once `finished`."""
        if self._writing is None or not self.finished:
            raise WireError("session: not established")
        return self._writing.seal(_DATA, data)

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the server; raises WireError for what breaks the protocol or is endless."""
        self._size += len(data)
        if self._size > LIMIT:
            raise WireError("server: sends more than is read of it")
        if self._answer is None:
            self._records += data
            return self._open_records()
        rest = self._answer.feed(data)
        if not self._answer.done:
            return b""
        self.alert = self._answer.alert
        if self.alert is not None or self._answer.hello is None:
            self.closed = True
            return b""
        found, self._answer = self._answer.hello, None
        reply = self._greeted(found)
        return reply + (self.receive(rest) if rest else b"")

    def _greeted(self, found: ServerHello) -> bytes:
        if found.version is not Version.TLS13:
            raise WireError("server: answers with another version than TLS 1.3")
        if found.retry:
            return self._retried(found)
        if found.group not in self._shares:
            raise WireError("server: agrees on a group that was not offered")
        self.hello = found
        self._schedule = self._schedule or secrets13.Schedule(found.suite)
        self._transcript += found.raw
        secret = self._shares[found.group].secret(found.share)
        self._writing, self._reading = self._schedule.handshake(secret, self._transcript)
        return b""

    def _retried(self, found: ServerHello) -> bytes:
        """Answer a HelloRetryRequest, once: with a share of the group it names, and its cookie."""
        if self._schedule is not None:
            raise WireError("server: asks for a second retry")
        if found.group and (found.group in self._shares or found.group not in self._asked.groups):
            raise WireError("server: asks for a group that was not offered")
        self._schedule = secrets13.Schedule(found.suite)
        cookie = found.extensions.get(Extension.COOKIE, b"")
        if found.group:
            self._shares = {found.group: agreement.share(found.group)}
        self._asked = self._asked._replace(
            shares=tuple((share.group, share.public) for share in self._shares.values()),
            cookie=Reader(cookie).vector(2) if cookie else b"",
        )
        first = self._schedule.hash(self._transcript)
        # RFC 8446 4.4.1: the first hello is replaced by its digest.
        self._transcript = b"\xfe\x00\x00" + vector(first, 1) + found.raw
        self._transcript += hello.handshake(self._asked)
        self._answer = Answer()
        return hello.write(self._asked)

    def _open_records(self) -> bytes:
        reply = b""
        while not self.closed and len(self._records) >= _HEADER:
            size = int.from_bytes(self._records[3:_HEADER], "big")
            if len(self._records) < _HEADER + size:
                break
            header = bytes(self._records[:_HEADER])
            body = bytes(self._records[_HEADER : _HEADER + size])
            del self._records[: _HEADER + size]
            reply += self._opened(header, body)
        return reply

    def _opened(self, header: bytes, body: bytes) -> bytes:
        kind = header[0]
        if kind == _CHANGE:
            return b""
        if kind == _DATA and self._reading is not None:
            kind, body = self._reading.open(header, body)
            self._encrypted = True
        elif self._encrypted or kind != _ALERT:
            raise WireError("server: sends in clear what must be encrypted")
        if kind == _ALERT:
            self.alert, self.closed = Reader(body).number(2) & 0xFF, True
        elif kind == _DATA:
            self.data += body
        elif kind == _HANDSHAKE:
            self._messages += body
            return self._handle_messages()
        return b""

    def _handle_messages(self) -> bytes:
        reply = b""
        while len(self._messages) >= 4:
            size = 4 + int.from_bytes(self._messages[1:4], "big")
            if len(self._messages) < size:
                break
            raw = bytes(self._messages[:size])
            del self._messages[:size]
            reply += self._understand(raw[0], raw)
        return reply

    def _understand(self, kind: int, raw: bytes) -> bytes:
        reader = Reader(raw[4:])
        if kind == Message.FINISHED and not self.finished:
            return self._finish(raw)
        if kind == Message.CERTIFICATE_VERIFY:
            self._verify(reader)
        elif kind == Message.CERTIFICATE:
            self._certify(reader)
        elif kind == Message.ENCRYPTED_EXTENSIONS:
            chosen = read_extensions(reader.vector(2)).get(Extension.ALPN, b"")
            self.alpn = chosen[3:].decode("ascii", "replace")
        elif kind == Message.CERTIFICATE_REQUEST:
            self.asks_certificate = True
        elif kind == Message.NEW_SESSION_TICKET:
            self._ticket(reader)
        if not self.finished:
            self._transcript += raw
        return b""

    def _certify(self, reader: Reader) -> None:
        reader.vector(1)
        listed, chain = Reader(reader.vector(3)), []
        while len(listed):
            chain.append(listed.vector(3))
            extensions = read_extensions(listed.vector(2))
            if len(chain) == 1 and Extension.STATUS_REQUEST in extensions:
                staple = Reader(extensions[Extension.STATUS_REQUEST])
                staple.take(1)
                self.staple = staple.vector(3)
        self.certificates = tuple(chain)

    def _verify(self, reader: Reader) -> None:
        assert self._schedule is not None
        self.scheme, signature = reader.number(2), reader.vector(2)
        # RFC 8446 4.4.3
        signed = b" " * 64 + b"TLS 1.3, server CertificateVerify\0"
        signed += self._schedule.hash(self._transcript)
        leaf = self.certificates[0] if self.certificates else b""
        self.proved = is_proved(leaf, self.scheme, signature, signed)

    def _ticket(self, reader: Reader) -> None:
        reader.take(8)  # lifetime, age
        reader.vector(1)
        reader.vector(2)
        allowed = read_extensions(reader.vector(2)).get(Extension.EARLY_DATA, b"")
        self.tickets += 1
        self.early_data = max(self.early_data, int.from_bytes(allowed, "big"))

    def _finish(self, raw: bytes) -> bytes:
        """Check the server's Finished, answer with ours and change to the application's keys."""
        assert self._schedule is not None
        assert self._reading is not None
        assert self._writing is not None
        if raw[4:] != self._schedule.finished(self._reading, self._transcript):
            raise WireError("server: its Finished does not fit the handshake")
        self._transcript += raw
        writing, ours = self._writing, b""
        self._writing, self._reading = self._schedule.application(self._transcript)
        if self.asks_certificate:
            ours = _EMPTY_CERTIFICATE
        verified = self._schedule.finished(writing, self._transcript + ours)
        ours += number(Message.FINISHED, 1) + vector(verified, 3)
        self.finished = True
        return _COMPATIBLE + writing.seal(_HANDSHAKE, ours)
