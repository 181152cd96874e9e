"""Ask a server one thing by one connection, within a deadline and a number of bytes. EDGE."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import TYPE_CHECKING, Final, TypeVar

from checks.tls import hello, starttls
from checks.tls.answer import LIMIT, Answer
from checks.tls.probe import Reply, Unclear
from checks.tls.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.tls.facts import Target
    from checks.tls.hello import ClientHello
    from checks.tls.session13 import Session

_T = TypeVar("_T")
_CHUNK: Final = 64 * 1024
_ANSWER: Final = 1.0
"""Seconds that a web server has for the head of its answer."""
_PATIENCE: Final = 2.0
"""Seconds that one connection may take; the whole look has a deadline of its own."""


class Dialer:
    """Opens connections to one target, one after the other, and counts them."""

    def __init__(self, target: Target, seconds: float, most: int) -> None:
        """Take the target, seconds for everything and the most connections."""
        self._target = target
        self._deadline = time.monotonic() + seconds
        self._most = most
        self.connections = 0

    def ask(self, asked: ClientHello) -> Reply:
        """Send a hello and read the first flight of the answer."""
        return self._exchange(hello.write(asked))

    def ask_ssl2(self, challenge: bytes) -> Reply:
        """Send an SSL 2 hello."""
        return self._exchange(hello.write_ssl2(challenge))

    def converse(self, session: Session, request: bytes = b"") -> Reply:
        """Go through a whole handshake, send REQUEST and read its answer's head."""
        answer = Answer()
        try:
            with self._connected() as (link, until):
                link.sendall(session.start())
                while not session.closed and not session.finished:
                    data = _read(link, until)
                    if not data:
                        return Reply(answer, ended=True)
                    if reply := session.receive(data):
                        link.sendall(reply)
                if request and session.finished:
                    link.sendall(session.send(request))
                    self._listen(link, session, until)
        except (OSError, WireError) as error:
            return _unclear(error)
        answer.alert = session.alert
        return Reply(answer, ended=session.closed)

    def fetch(self, request: bytes) -> bytes:
        """Send a request through the platform's own TLS, below 1.3 too; b"" where that fails."""
        with (
            contextlib.suppress(OSError, WireError, ValueError),
            self._connected() as (link, until),
        ):
            wrapped = _Platform(link, until, self._target.server_name)
            wrapped.step(wrapped.tls.do_handshake)
            wrapped.step(lambda: wrapped.tls.write(request))
            got = b""
            while b"\r\n\r\n" not in got and len(got) < _CHUNK:
                data = wrapped.step(lambda: wrapped.tls.read(_CHUNK))
                if not data:
                    break
                got += data
            return got
        return b""

    def _listen(self, link: socket.socket, session: Session, until: float) -> None:
        """Read what comes once everything is agreed; silence is an end like any other."""
        until = min(until, time.monotonic() + _ANSWER)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while not session.closed and b"\r\n\r\n" not in session.data:
                data = _read(link, until)
                if not data:
                    return
                session.receive(data)

    def _exchange(self, message: bytes) -> Reply:
        answer = Answer()
        try:
            with self._connected() as (link, until):
                link.sendall(message)
                while not answer.done:
                    data = _read(link, until)
                    if not data:
                        return Reply(answer, ended=True)
                    answer.feed(data)
        except (OSError, WireError) as error:
            if answer.hello is not None:  # it chose, and that is what was asked
                return Reply(answer)
            return _unclear(error)
        return Reply(answer)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[tuple[socket.socket, float]]:
        now = time.monotonic()
        if self.connections >= self._most:
            raise WireError("probe: used up its connections")
        if now >= self._deadline:
            raise TimeoutError
        self.connections += 1
        until = min(self._deadline, now + _PATIENCE)
        address = (self._target.host, self._target.port)
        with socket.create_connection(address, until - now) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._target.starttls:
                _upgrade(link, until, self._target)
            yield link, until


class _Platform:
    """The platform's TLS over a connection that is read under a deadline, however it drips."""

    def __init__(self, link: socket.socket, until: float, name: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        self._link, self._until = link, until
        self._came, self._goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._left = LIMIT
        self.tls = context.wrap_bio(self._came, self._goes, server_hostname=name or None)

    def step(self, action: Callable[[], _T]) -> _T:
        """Do one thing, reading and sending as it wants to."""
        while True:
            try:
                done = action()
            except ssl.SSLWantReadError:
                self._link.sendall(self._goes.read())
                data = _read(self._link, self._until)
                self._left -= len(data)
                if not data or self._left < 0:
                    raise ConnectionResetError from None
                self._came.write(data)
            else:
                self._link.sendall(self._goes.read())
                return done


def _upgrade(link: socket.socket, until: float, target: Target) -> None:
    """Have the server change to TLS; raises WireError where it does not offer to."""
    dialogue = starttls.dialogue(target.starttls, target.server_name)
    said = next(dialogue)
    while True:
        if said:
            link.sendall(said)
        data = _read(link, until)
        if not data:
            raise WireError("server: hung up before TLS began")
        try:
            said = dialogue.send(data)
        except StopIteration as end:
            if end.value:
                link.sendall(end.value)
            return


def _read(link: socket.socket, until: float) -> bytes:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    link.settimeout(left)
    return link.recv(_CHUNK)


def _unclear(error: OSError | WireError) -> Reply:
    if isinstance(error, TimeoutError):
        return Reply(Answer(), unclear=Unclear.SILENT)
    if isinstance(error, ConnectionRefusedError):
        return Reply(Answer(), unclear=Unclear.REFUSED)
    if isinstance(error, ConnectionError):
        return Reply(Answer(), unclear=Unclear.RESET)
    return Reply(Answer(), unclear=Unclear.GARBLED, detail=str(error))
