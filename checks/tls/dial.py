"""Ask a server one thing by one connection, within a deadline and a number of bytes. EDGE.

A handshake that is begun is finished where our sessions can, and every connection ends with the
alerts that are due: half of what servers log of clients that break off is not logged then.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Final

from checks.tls import hello, session12, session13, starttls
from checks.tls.answer import Answer
from checks.tls.asking import Reply, Unclear
from checks.tls.line import Line
from checks.tls.numbers import Alert, Version
from checks.tls.pace import Pace
from checks.tls.wire import WireError, number, vector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.conversation import Conversation
    from checks.tls.facts import Target
    from checks.tls.hello import ClientHello

_ANSWER: Final = 1.0
"""Seconds that a web server has for the head of its answer, and any for a renegotiation's."""
_PATIENCE: Final = 2.0
"""Seconds that one connection may take; the whole look has a deadline of its own."""
_FAREWELL: Final = 0.1
"""Seconds for a server to hang up after our last words."""
_SHORT_FAREWELL: Final = 0.01
"""The same once it did not."""
_FINITE: Final = range(256, 261)
"""ffdhe2048 to ffdhe8192."""
_SLOWEST: Final = 4
"""So often a look slows down."""


class Dialer:
    """Opens connections to one target, one after the other, and counts them.

    failed: those that did not end in a whole handshake.
    """

    def __init__(self, target: Target, seconds: float, most: int, pace: Pace | None = None) -> None:
        """Take the target, seconds for everything, the most connections and its listener's pace."""
        self._target = target
        self._deadline = time.monotonic() + seconds
        self._most = most
        self._pace = pace or Pace()
        self._farewell = _FAREWELL
        self._slowed = 0
        self.connections = 0
        self._whole = 0

    @property
    def failed(self) -> int:
        """Count the connections that did not end in a whole handshake."""
        return self.connections - self._whole

    def ask(self, asked: ClientHello) -> Reply:
        """Send a hello and read the first flight of the answer."""
        return self._exchange(hello.write(asked), asked)

    def ask_ssl2(self, challenge: bytes) -> Reply:
        """Send an SSL 2 hello."""
        return self._exchange(hello.write_ssl2(challenge))

    def converse(self, session: Conversation, request: bytes = b"", wait: float = 0.0) -> Reply:
        """Go through a whole handshake, send REQUEST and read its answer's head.

        wait: seconds in which a server that greets first keeps its client from sending anything.
        """
        try:
            with self._connected() as line:
                line.say(session.start())
                self._shake_hands(line, session)
                if session.finished and request:
                    _request(line, session, request, wait)
                self._leave(line, session)
        except (OSError, WireError) as error:
            return _unclear(error)
        return _told(session)

    def renegotiate(self, session: session12.Session) -> Reply:
        """Go through a whole handshake and ask for another one in it, once."""
        try:
            with self._connected() as line:
                line.say(session.start())
                self._shake_hands(line, session)
                if session.finished and not session.closed:
                    _renegotiate(line, session)
                self._leave(line, session)
        except (OSError, WireError) as error:
            return _unclear(error)
        return _told(session)

    def slow(self) -> bool:
        """Pause and ask more slowly from now on; False where no more of that is to be had."""
        self._slowed += 1
        self._pace.slow()
        return self._slowed <= _SLOWEST and time.monotonic() < self._deadline

    def _exchange(self, message: bytes, asked: ClientHello | None = None) -> Reply:
        answer, heard = Answer(), b""
        ended = False
        try:
            with self._connected() as line:
                line.say(message)
                while not answer.done and not ended:
                    data = line.hear()
                    ended = not data
                    answer.feed(data)
                    heard += data
                if not ended:
                    self._finish(line, asked, answer, heard)
        except (OSError, WireError) as error:
            if answer.hello is not None:  # it chose, and that is what was asked
                return Reply(answer)
            return _unclear(error)
        return Reply(answer, ended=ended)

    def _finish(self, line: Line, asked: ClientHello | None, answer: Answer, heard: bytes) -> None:
        """End in good order what a hello began; what comes of that is no answer to anything."""
        session = _session(asked) if _is_cheap(answer) else None
        if session is None:
            self._hang_up(line, _close(answer))
            return
        session.start()
        with contextlib.suppress(OSError, WireError):
            line.say(session.receive(heard))
            self._shake_hands(line, session)
        self._leave(line, session)

    def _shake_hands(self, line: Line, session: Conversation) -> None:
        while not session.finished and not session.closed:
            _hear(line, session)
        self._whole += session.finished

    def _leave(self, line: Line, session: Conversation) -> None:
        """Say goodbye, and take what still comes: tickets, for one."""
        last = b""
        if session.finished and not session.closed:
            last = session.send(starttls.farewell(self._target.starttls))
        rest = self._hang_up(line, last + session.close())
        with contextlib.suppress(WireError):
            session.receive(rest)

    def _hang_up(self, line: Line, words: bytes) -> bytes:
        rest, ended = line.leave(words, self._farewell)
        if not ended:
            self._farewell = _SHORT_FAREWELL
        return rest

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Line]:
        if self.connections >= self._most:
            raise _SpentError("probe: used up its connections")
        with self._pace.turn(self._deadline):
            self.connections += 1
            until = min(self._deadline, time.monotonic() + _PATIENCE)
            with contextlib.closing(Line(self._target, until)) as line:
                yield line


def _close(answer: Answer) -> bytes:
    """Give the alert that breaks off a handshake in clear, where there is one to break off."""
    if answer.hello is None:
        return b""
    version = min(answer.hello.version, Version.TLS12)
    return b"\x15" + number(version, 2) + vector(bytes([1, Alert.CLOSE_NOTIFY]), 2)


def _is_cheap(answer: Answer) -> bool:
    """Say whether a handshake goes on without powers modulo primes, on both sides."""
    finite = answer.exchange is not None and answer.exchange.prime
    return answer.hello is not None and not finite and answer.hello.group not in _FINITE


def _session(asked: ClientHello | None) -> Conversation | None:
    """Give a session that goes on where a hello was answered, None for what has none."""
    if asked is None or asked.version is Version.SSL3:
        return None
    made: Conversation
    if asked.version is Version.TLS13:
        made = session13.Session(asked, shares=False)
    else:
        made = session12.Session(asked, os.urandom)
    made.proving = False
    return made


def _hear(line: Line, session: Conversation, until: float | None = None) -> None:
    data = line.hear(until)
    if not data:
        session.ended()
    line.say(session.receive(data))


def _request(line: Line, session: Conversation, request: bytes, wait: float) -> None:
    """Send a request, unless the server speaks first; silence is an end like any other."""
    with contextlib.suppress(TimeoutError):
        until = time.monotonic() + (0 if session.alpn else wait)
        while not session.data and not session.closed:
            _hear(line, session, until)
    if session.data or session.closed:
        return
    line.say(session.send(request))
    with contextlib.suppress(TimeoutError, ConnectionError):
        until = time.monotonic() + _ANSWER
        while not session.closed and b"\r\n\r\n" not in session.data:
            _hear(line, session, until)


def _renegotiate(line: Line, session: session12.Session) -> None:
    """Ask for a second handshake and finish it; whoever hangs up on that takes part in none.

    Nothing is raised that would have it tried again.
    """
    until = time.monotonic() + _ANSWER
    try:
        line.say(session.renegotiate())
        while not session.closed and (session.renegotiated is None or session.renegotiating):
            _hear(line, session, until)
    except TimeoutError:
        return
    except ConnectionError:
        session.ended()


def _told(session: Conversation) -> Reply:
    answer = Answer()
    answer.alert, answer.hello = session.alert, session.hello
    return Reply(answer, ended=session.closed)


class _SpentError(WireError):
    """No more connections may be made."""


def _unclear(error: OSError | WireError) -> Reply:
    if isinstance(error, _SpentError):
        return Reply(Answer(), unclear=Unclear.SPENT)
    if isinstance(error, TimeoutError):
        return Reply(Answer(), unclear=Unclear.SILENT)
    if isinstance(error, ConnectionRefusedError):
        return Reply(Answer(), unclear=Unclear.REFUSED)
    if isinstance(error, ConnectionError):
        return Reply(Answer(), unclear=Unclear.RESET)
    return Reply(Answer(), unclear=Unclear.GARBLED, detail=str(error))
