"""What comes of one question to a server, and asking again where that is no answer yet. Pure.

A server that takes a few connections a second turns the others away as some turn away a hello that
they do not like: by hanging up. Which of the two it was a hello tells that worked before.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from checks.tls.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.tls.answer import ServerHello
    from checks.tls.conversation import Conversation
    from checks.tls.hello import ClientHello
    from checks.tls.session12 import Session

_ROUNDS: Final = 5
_BELIEVED: Final = 2
"""So often in a row is a server believed that was found to refuse by hanging up."""


class Unclear(enum.Enum):
    """Why a question was not settled."""

    SILENT = "no answer in time"
    REFUSED = "connection refused"
    RESET = "connection reset"
    LATE = "no time was left"
    LIMITED = "turns away one connection after another"
    SPENT = "as many connections as are allowed were made"
    GARBLED = "no TLS"


class Reply(NamedTuple):
    """What came of one question. ended: the server closed the connection in good order."""

    answer: Answer
    ended: bool = False
    unclear: Unclear | None = None
    detail: str = ""

    @property
    def hello(self) -> ServerHello | None:
        """The server's hello, None where it chose nothing."""
        return self.answer.hello

    @property
    def refuses(self) -> bool:
        """The server said no: by an alert, or by hanging up on the hello."""
        return self.hello is None and (self.answer.alert is not None or self.ended)

    @property
    def doubtful(self) -> bool:
        """It may have come of asking too often."""
        if self.unclear is not None:
            return self.unclear in {Unclear.SILENT, Unclear.REFUSED, Unclear.RESET}
        return self.refuses and self.answer.alert is None

    @property
    def why(self) -> str:
        """Say why it is no answer."""
        return self.detail or (self.unclear.value if self.unclear else "an answer of SSL 2")


class Asking(Protocol):
    """What is asked with; `dial.Dialer` over sockets."""

    connections: int

    def ask(self, asked: ClientHello) -> Reply:
        """Send a hello and give the answer."""

    def ask_ssl2(self, challenge: bytes) -> Reply:
        """Send an SSL 2 hello and give the answer."""

    def converse(self, session: Conversation, request: bytes = b"", wait: float = 0.0) -> Reply:
        """Go through a whole handshake."""

    def renegotiate(self, session: Session) -> Reply:
        """Go through a whole handshake and ask for another one in it."""

    def slow(self) -> bool:
        """Ask more slowly; False where no more of that is to be had."""


class Asker:
    """Asks until an answer is one, if need be more slowly."""

    def __init__(self, asking: Asking) -> None:
        """Take what asks."""
        self.asking = asking
        self.works: ClientHello | None = None
        """A hello that was agreed to."""
        self._hangs_up = False
        self._believed = 0
        self._unsure = 0

    def unseen(self) -> tuple[str, ...]:
        """Say in the end what was taken for a refusal and may have been for want of connections."""
        if self._believed:
            self._turned_away()
        return (f"refusals: {self._unsure} may be for want of connections",) * bool(self._unsure)

    def ask(self, asked: ClientHello) -> Reply:
        """Send a hello and give the answer."""
        reply = self.sure(lambda: self.asking.ask(asked))
        if self.works is None and reply.hello is not None and reply.hello.version == asked.version:
            self.works = asked
        return reply

    def sure(self, ask: Callable[[], Reply], *, once: bool = False) -> Reply:
        """Give an answer that is not doubtful, or one that stays as it is beside what works.

        once: a server that hangs up is believed at once, if it answers what works.
        """
        reply = ask()
        if not reply.doubtful:
            self._believed = 0
            return reply
        if self.works is None:  # nothing to compare with; what was no good end may be chance
            return reply if reply.ended else ask()
        if self._hangs_up and reply.ended:
            if self._believed < _BELIEVED:
                self._believed += 1
                return reply
            once = True
        return self._compared(reply, ask, once=once)

    def _compared(self, reply: Reply, ask: Callable[[], Reply], *, once: bool) -> Reply:
        """Tell a reply that stays as it is beside what works from one that came of haste."""
        stays = once
        for _ in range(_ROUNDS):
            if not reply.doubtful:
                return reply
            if not self._turned_away():
                if stays:
                    self._hangs_up = reply.ended
                    return reply
                stays = True
            elif not self.asking.slow():
                break
            else:
                stays = once
            reply = ask()
        late = reply.unclear is Unclear.SILENT
        return Reply(Answer(), unclear=Unclear.LATE if late else Unclear.LIMITED)

    def _turned_away(self) -> bool:
        """Say whether what worked works no more; then nor was it a refusal that was believed."""
        assert self.works is not None
        turned = self.asking.ask(self.works).hello is None
        self._unsure += self._believed if turned else 0
        self._believed = 0
        return turned
