"""What whole sessions of all versions have in common: what they show, and how one talks by them."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

from checks.tls.answer import LIMIT
from checks.tls.wire import WireError

if TYPE_CHECKING:
    from checks.tls.answer import ServerHello


class Shown:
    """What a handshake has shown so far.

    hello: what the server chose; certificates: DER, leaf first; staple: the OCSP answer; scheme: of
    the signature by which the leaf's key was proved, 0 where it was not by a signature; proved: the
    server holds that key, None where the scheme is not known here; alpn: safe to show; tickets: how
    many; early_data: most bytes a ticket allows, 0 for none.

    proving: look whether the signature proves it, which is a tenth of the work; to be set before.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.proving = True
        self.hello: ServerHello | None = None
        self.certificates: tuple[bytes, ...] = ()
        self.staple = b""
        self.scheme = 0
        self.proved: bool | None = None
        self.alpn = ""
        self.asks_certificate = False
        self.tickets = 0
        self.early_data = 0


class Conversation(Shown, abc.ABC):
    """A session, sans I/O.

    finished: the handshake is done on both sides; closed: nothing more is due; alert: the
    description of the alert that closed it; data: what came as application data.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.alert: int | None = None
        self.finished = False
        self.closed = False
        self.data = bytearray()
        self._size = 0

    @abc.abstractmethod
    def start(self) -> bytes:
        """Give the first flight."""

    def receive(self, data: bytes) -> bytes:
        """Take bytes of the server and give what to answer.

        Raises WireError for what breaks the protocol or is longer than `LIMIT`, and is closed by
        that. Once `closed`, what else comes is ignored.
        """
        if self.closed:
            return b""
        room = max(0, LIMIT - self._size)
        self._size += len(data)
        try:
            reply = self._received(data[:room])
        except WireError:
            self.closed = True
            raise
        if self._size > LIMIT and not self.closed:
            self.closed = True
            raise WireError("server: sends more than is read of it")
        return reply

    @abc.abstractmethod
    def _received(self, data: bytes) -> bytes:
        """Take bytes and give what to answer; raises WireError."""

    @abc.abstractmethod
    def send(self, data: bytes) -> bytes:
        """Give the records that carry application data; raises WireError until `finished`."""

    def ended(self) -> None:
        """Take note that the server hung up."""
        self.closed = True

    @abc.abstractmethod
    def close(self) -> bytes:
        """Give the alerts that end the session in good order, at any time."""
