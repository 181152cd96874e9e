"""A whole handshake of TLS 1.3 as a client: what a server shows only once it is encrypted.

Sans I/O: `start` gives what to send first, `receive` takes what came and gives what to send next.

The rules (RFC 8446 section 4 and 5):
- a hello, or one HelloRetryRequest that changes something and then a hello of the same suite;
- the messages of the server in the order of `messages13`, each once, none across a change of keys;
- application data, tickets and key updates only after a Finished that fits;
- never more than `LIMIT` bytes.

The certificate is taken as it is; whether to trust it is judged elsewhere.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from checks.tls import agreement, hello, messages13, secrets13
from checks.tls.answer import LIMIT, Answer, ServerHello
from checks.tls.conversation import Conversation
from checks.tls.messages13 import Message
from checks.tls.numbers import Alert, Extension, Version
from checks.tls.proof import is_proved
from checks.tls.wire import Reader, WireError, number, take_message, take_record, vector

if TYPE_CHECKING:
    from checks.tls.secrets13 import Direction, Schedule

_ALERT, _HANDSHAKE, _DATA, _CHANGE = 21, 22, 23, 20
_CIPHERTEXT: Final = 16_384 + 256
"""RFC 8446 5.2: the longest body of a record."""
_PLAINTEXT: Final = 16_384
_COMPATIBLE: Final = b"\x14\x03\x03\x00\x01\x01"
"""RFC 8446 D.4: a change_cipher_spec for the sake of boxes in between."""
_EMPTY_CERTIFICATE: Final = b"\x0b\x00\x00\x04\x00\x00\x00\x00"
_UPDATED: Final = b"\x18\x00\x00\x01\x00"
"""A KeyUpdate that asks for none back."""
_IN_CLEAR: Final = b"\x15\x03\x03\x00\x02"
_CANCELED: Final = bytes([1, Alert.USER_CANCELED])
_CLOSE: Final = bytes([1, Alert.CLOSE_NOTIFY])
_MOST_UPDATES: Final = 32
"""Each costs the peer 27 bytes and us three derivations of keys."""


class Session(Conversation):
    """One handshake and what comes after it."""

    def __init__(self, asked: hello.ClientHello, *, shares: bool = True) -> None:
        """Take a hello of TLS 1.3.

        shares: send a share of its first group that is known here; without one the server names the
        group it wants.
        """
        super().__init__()
        wanted = asked.groups if shares else ()
        offered = [group for group in wanted if group in agreement.GROUPS][:1]
        self._shares = {group: agreement.share(group) for group in offered}
        self._asked = asked._replace(shares=self._public())
        self._answer: Answer | None = Answer(only_hello=True)
        self._retry: ServerHello | None = None
        self._transcript = b""
        self._records = bytearray()
        self._messages = bytearray()
        self._last = Message.SERVER_HELLO
        self._updates = 0
        self._keys: _Keys | None = None
        self._encrypted = False

    def start(self) -> bytes:
        """Give the first flight."""
        self._transcript = hello.handshake(self._asked)
        return hello.write(self._asked)

    def send(self, data: bytes) -> bytes:
        """Give the records that carry application data; raises WireError until `finished`."""
        if self._keys is None or not self.finished:
            raise WireError("session: not established")
        writing = self._keys.writing
        pieces = (data[at : at + _PLAINTEXT] for at in range(0, len(data), _PLAINTEXT))
        return b"".join(writing.seal(_DATA, piece) for piece in pieces)

    def close(self) -> bytes:
        """Give the alerts that end the session in good order, at any time (RFC 8446 6.1)."""
        said = (_CLOSE,) if self.finished else (_CANCELED, _CLOSE)
        if self._keys is not None:
            return b"".join(self._keys.writing.seal(_ALERT, one) for one in said)
        return b"".join(_IN_CLEAR + one for one in said)

    def _received(self, data: bytes) -> bytes:
        reply = b""
        while self._answer is not None and not self.closed:
            data = self._answer.feed(data)
            if not self._answer.done:
                return reply
            reply += self._answered(self._answer)
        self._records += data
        return reply + self._open_records()

    # In clear

    def _public(self) -> tuple[tuple[int, bytes], ...]:
        return tuple((share.group, share.public) for share in self._shares.values())

    def _answered(self, answer: Answer) -> bytes:
        self._answer, self.alert = None, answer.alert
        if answer.alert is not None or answer.hello is None:
            self.closed = True
            return b""
        found = answer.hello
        if found.version is not Version.TLS13:
            raise WireError("server: answers with another version than TLS 1.3")
        if found.suite not in self._asked.suites:
            raise WireError("server: chose a suite that was not offered")
        if found.retry:
            return self._retried(found)
        self._greeted(found)
        return b""

    def _greeted(self, found: ServerHello) -> None:
        if found.group not in self._shares:
            raise WireError("server: agrees on a group that was not offered")
        if self._retry is not None and found.suite != self._retry.suite:
            raise WireError("server: changed its suite after a retry")
        schedule = secrets13.Schedule(found.suite)
        secret = self._shares[found.group].secret(found.share)
        self.hello = found
        self._transcript += found.raw
        self._keys = _Keys(schedule, *schedule.handshake(secret, self._transcript))

    def _retried(self, found: ServerHello) -> bytes:
        """Answer a HelloRetryRequest, once: with a share of the group it names, and its cookie."""
        if self._retry is not None:
            raise WireError("server: asks for a second retry")
        cookie = _cookie(found)
        if found.group:
            if found.group in self._shares or found.group not in self._asked.groups:
                raise WireError("server: asks for a group that was not offered, or that it has")
            self._shares = {found.group: agreement.share(found.group)}
        elif not cookie:
            raise WireError("server: asks for a retry of the same hello")
        self._asked = self._asked._replace(shares=self._public(), cookie=cookie)
        first = secrets13.Schedule(found.suite).hash(self._transcript)
        # RFC 8446 4.4.1: the first hello is replaced by its digest.
        self._transcript = b"\xfe\x00\x00" + vector(first, 1) + found.raw
        self._transcript += hello.handshake(self._asked)
        self._retry, self._answer = found, Answer(only_hello=True)
        return hello.write(self._asked)

    # Encrypted

    def _open_records(self) -> bytes:
        reply = b""
        while not self.closed and (record := take_record(self._records, _CIPHERTEXT)):
            reply += self._opened(*record)
        return reply

    def _opened(self, header: bytes, body: bytes) -> bytes:
        kind = header[0]
        if kind == _CHANGE:
            if body != b"\x01" or self.finished:  # RFC 8446 5
                raise WireError("server: changes its cipher in an unknown way")
            return b""
        if kind == _DATA and self._keys is not None:
            kind, body = self._keys.reading.open(header, body)
            self._encrypted = True
        elif self._encrypted or kind != _ALERT:
            raise WireError("server: sends in clear what must be encrypted")
        if kind == _HANDSHAKE and body:
            self._messages += body
            return self._handle_messages()
        if self._messages:  # RFC 8446 5.1
            raise WireError("server: puts something else amid a message")
        if kind == _ALERT:
            self._alerted(body)
        elif kind == _DATA and self.finished:
            self.data += body
        else:
            raise WireError("server: sends something else than its handshake")
        return b""

    def _alerted(self, body: bytes) -> None:
        description = Reader(body).take(2)[1]
        if description != Alert.USER_CANCELED:  # RFC 8446 6.1: a close_notify follows it
            self.alert, self.closed = description, True

    def _handle_messages(self) -> bytes:
        reply = b""
        while raw := take_message(self._messages, LIMIT):
            kind = messages13.following(self._last, raw[0])
            if not self.finished:
                self._last = kind
            reply += self._understand(kind, raw)
        return reply

    def _understand(self, kind: Message, raw: bytes) -> bytes:
        assert self._keys is not None
        body = raw[4:]
        match kind:
            case Message.FINISHED:
                return self._finish(self._keys, raw)
            case Message.KEY_UPDATE:
                return self._update(self._keys, body)
            case Message.NEW_SESSION_TICKET:
                self.early_data = max(self.early_data, messages13.read_ticket(body))
                self.tickets += 1
                return b""
            case Message.CERTIFICATE_VERIFY:
                self._verify(self._keys.schedule, body)
            case Message.CERTIFICATE:
                self.certificates, self.staple = messages13.read_certificate(body)
            case Message.ENCRYPTED_EXTENSIONS:
                self.alpn = messages13.read_chosen_alpn(body)
            case _:
                self.asks_certificate = True
        self._transcript += raw
        return b""

    def _verify(self, schedule: Schedule, body: bytes) -> None:
        self.scheme, signature = messages13.read_verify(body)
        if not self.proving:
            return
        # RFC 8446 4.4.3
        signed = b" " * 64 + b"TLS 1.3, server CertificateVerify\0"
        signed += schedule.hash(self._transcript)
        self.proved = is_proved(self.certificates[0], self.scheme, signature, signed)

    def _finish(self, keys: _Keys, raw: bytes) -> bytes:
        """Check the server's Finished, answer with ours and change to the application's keys."""
        if not hmac.compare_digest(raw[4:], keys.schedule.finished(keys.reading, self._transcript)):
            raise WireError("server: its Finished does not fit the handshake")
        self._whole()
        self._transcript += raw
        ours = _EMPTY_CERTIFICATE if self.asks_certificate else b""
        verified = keys.schedule.finished(keys.writing, self._transcript + ours)
        ours += number(Message.FINISHED, 1) + vector(verified, 3)
        said = _COMPATIBLE + keys.writing.seal(_HANDSHAKE, ours)
        keys.writing, keys.reading = keys.schedule.application(self._transcript)
        self.finished = True
        return said

    def _update(self, keys: _Keys, body: bytes) -> bytes:
        """RFC 8446 4.6.3: read with the next keys, and write with the next ones if asked to."""
        asked = messages13.read_key_update(body)
        self._whole()
        self._updates += 1
        if self._updates > _MOST_UPDATES:
            raise WireError("server: updates its keys without end")
        keys.reading = keys.reading.updated()
        if not asked:
            return b""
        said = keys.writing.seal(_HANDSHAKE, _UPDATED)
        keys.writing = keys.writing.updated()
        return said

    def _whole(self) -> None:
        """RFC 8446 5.1: before a change of keys a record ends with its last message."""
        if self._messages:
            raise WireError("server: sends a message across a change of keys")


class _Keys:
    """The keys in use in both directions."""

    def __init__(self, schedule: Schedule, writing: Direction, reading: Direction) -> None:
        self.schedule = schedule
        self.writing = writing
        self.reading = reading


def _cookie(found: ServerHello) -> bytes:
    """Give the cookie of a HelloRetryRequest, b"" where there is none."""
    if Extension.COOKIE not in found.extensions:
        return b""
    reader = Reader(found.extensions[Extension.COOKIE])
    cookie = reader.vector(2)
    reader.end()
    return cookie
