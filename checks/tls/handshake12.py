"""One handshake of TLS 1.0 to 1.2 as a client: its messages in, the client's flight out. Sans I/O.

The rules (RFC 5246 7.3 and 7.4; RFC 5746 3.4 and 3.5; RFC 7627 5):
- the messages of the server in the order of `messages12`, each once, of what was offered;
- where renegotiation is bound to its connection, both sides' Finished of the handshake before;
- a Finished that fits all messages.

Offered are neither resumption nor compression nor a suite without a certificate; the certificate is
taken as it is, and a client's is never sent.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import padding, rsa

from checks.tls import agreement, hello, proof, proof12, suites
from checks.tls.answer import ServerHello, read_certificates, read_hello, read_staple
from checks.tls.messages12 import (
    Exchange,
    Message,
    following,
    read_binding,
    read_exchange,
    read_ticket,
)
from checks.tls.numbers import Extension, Version
from checks.tls.records12 import Protection, can_read
from checks.tls.secrets12 import Secrets
from checks.tls.wire import Reader, WireError, number, vector

if TYPE_CHECKING:
    from checks.tls.conversation import Shown
    from checks.tls.hello import ClientHello
    from checks.tls.records12 import Direction, Random

_EMPTY_CERTIFICATE: Final = b"\x0b\x00\x00\x03\x00\x00\x00"
_PREMASTER: Final = 46
_EXPONENT: Final = 32
"""Bytes of ours in DHE: as strong as any prime below 8192 bits."""
_SPOKEN: Final = (Version.TLS12, Version.TLS11, Version.TLS10)


class Verified(NamedTuple):
    """The verify_data of both Finished of a handshake."""

    ours: bytes
    theirs: bytes


class Flight(NamedTuple):
    """What the client answers: messages, a change of keys, and the Finished under the new ones."""

    messages: bytes
    finished: bytes
    writing: Direction
    reading: Direction


class Handshake:
    """One handshake, which writes what it is shown into `shown`."""

    def __init__(
        self, asked: ClientHello, random: Random, shown: Shown, before: Verified | None = None
    ) -> None:
        """Take a hello of TLS 1.0 to 1.2; before: of the handshake that this one renegotiates."""
        self._asked = asked._replace(bound=before.ours if before else b"")
        self._random = random
        self._bound = b"".join(before) if before else b""
        self.shown = shown
        self.verified: Verified | None = None
        self._agreed: Protection | None = None
        self._exchange: Exchange | None = None
        self._secrets: Secrets | None = None
        self._transcript = b""
        self._ours = b""
        self._last = Message.CLIENT_HELLO

    def start(self) -> bytes:
        """Give the ClientHello."""
        self._transcript = hello.handshake(self._asked)
        return self._transcript

    @property
    def may_change(self) -> bool:
        """The server's change of keys is due."""
        return self._last in {Message.SERVER_HELLO_DONE, Message.NEW_SESSION_TICKET}

    def take(self, raw: bytes) -> Flight | None:
        """Take a message and give the flight that answers it; raises WireError for a bad one."""
        self._last = following(self._last, raw[0])
        if self._last is Message.FINISHED:
            self._finish(raw[4:])
        self._transcript += raw
        body = raw[4:]
        match self._last:
            case Message.SERVER_HELLO:
                self._greeted(read_hello(raw))
            case Message.CERTIFICATE:
                self._show(Reader(body))
            case Message.CERTIFICATE_STATUS:
                self.shown.staple = read_staple(Reader(body))
            case Message.SERVER_KEY_EXCHANGE:
                self._propose(body)
            case Message.CERTIFICATE_REQUEST:
                self.shown.asks_certificate = True
            case Message.NEW_SESSION_TICKET:
                self.shown.tickets += bool(read_ticket(body))
            case Message.SERVER_HELLO_DONE:
                return self._answered()
            case _:
                pass
        return None

    def _greeted(self, found: ServerHello) -> None:
        if found.version not in _SPOKEN or found.version > self._asked.version:
            raise WireError("server: answers with a version that was not offered")
        self.shown.hello = found
        suite = suites.of(found.suite)
        if found.suite not in self._asked.suites or found.compression:
            raise WireError("server: chose what was not offered")
        if not can_read(suite) or not suite.fits(Version(found.version)):
            raise WireError("server: chose a suite whose records cannot be read here")
        bound = read_binding(found.extensions.get(Extension.RENEGOTIATION_INFO))
        if (bound or b"") != self._bound:
            raise WireError("server: binds its handshake to another one")
        mac_last = suite.is_cbc and Extension.ENCRYPT_THEN_MAC in found.extensions
        self._agreed = Protection(Version(found.version), suite, mac_last)
        self.shown.alpn = found.alpn

    def _show(self, reader: Reader) -> None:
        self.shown.certificates = read_certificates(reader.vector(3))
        reader.end()
        if not self.shown.certificates:
            raise WireError("server: shows no certificate")

    def _propose(self, body: bytes) -> None:
        """Take the server's half of the key agreement, and see whether it is signed."""
        agreed, found = self._settled()
        exchange = read_exchange(body, agreed.suite, agreed.version)
        signed = self._asked.random + found.random + exchange.signed
        leaf = self.shown.certificates[0]
        self.shown.scheme = exchange.scheme
        self._exchange = exchange
        if self.shown.proving:
            self.shown.proved = proof12.is_proved(leaf, exchange.scheme, exchange.signature, signed)

    def _answered(self) -> Flight:
        agreed, found = self._settled()
        public, premaster = self._shared(agreed)
        said = _EMPTY_CERTIFICATE if self.shown.asks_certificate else b""
        said += number(Message.CLIENT_KEY_EXCHANGE, 1) + vector(public, 3)
        self._transcript += said
        extended = Extension.EXTENDED_MASTER_SECRET in found.extensions
        randoms = (self._asked.random, found.random)
        seen = self._transcript if extended else b""
        self._secrets = Secrets(agreed, premaster, randoms, seen)
        self._ours = self._secrets.finished(b"client finished", self._transcript)
        finished = number(Message.FINISHED, 1) + vector(self._ours, 3)
        self._transcript += finished
        return Flight(said, finished, *self._secrets.directions(self._random))

    def _settled(self) -> tuple[Protection, ServerHello]:
        assert self._agreed is not None
        assert self.shown.hello is not None
        return self._agreed, self.shown.hello

    def _shared(self, agreed: Protection) -> tuple[bytes, bytes]:
        """Give the body of our ClientKeyExchange and the secret that it leads to."""
        if agreed.suite.exchange == "RSA":
            return self._encrypted()
        if self._exchange is None:
            raise WireError("server: sends no half of the key agreement")
        return self._elliptic(self._exchange) if self._exchange.group else self._finite()

    def _encrypted(self) -> tuple[bytes, bytes]:
        """RFC 5246 7.4.7.1: a secret of ours, for the key of the certificate."""
        key = proof.public_key(self.shown.certificates[0])
        if not isinstance(key, rsa.RSAPublicKey):
            raise WireError("server: its certificate has no RSA key")
        secret = number(self._asked.version, 2) + self._random(_PREMASTER)
        try:
            return vector(key.encrypt(secret, padding.PKCS1v15()), 2), secret
        except ValueError:
            raise WireError("server: its RSA key cannot be worked with") from None

    def _elliptic(self, exchange: Exchange) -> tuple[bytes, bytes]:
        if exchange.group not in self._asked.groups:
            raise WireError("server: agrees on a group that was not offered")
        ours = agreement.share(exchange.group)
        return vector(ours.public, 1), ours.secret(exchange.public)

    def _finite(self) -> tuple[bytes, bytes]:
        """RFC 5246 7.4.7.2 and 8.1.2: leading zeros of the secret are left out."""
        assert self._exchange is not None
        prime = self._exchange.prime
        power = int.from_bytes(self._random(_EXPONENT), "big")
        ours = pow(self._exchange.generator, power, prime)
        secret = pow(int.from_bytes(self._exchange.public, "big"), power, prime)
        return vector(_bytes(ours), 2), _bytes(secret)

    def _finish(self, theirs: bytes) -> None:
        assert self._secrets is not None
        due = self._secrets.finished(b"server finished", self._transcript)
        if not hmac.compare_digest(theirs, due):
            raise WireError("server: its Finished does not fit the handshake")
        if self._exchange is None:  # who knows the secret has decrypted it with the RSA key
            self.shown.proved = True
        self.verified = Verified(self._ours, theirs)


def _bytes(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
