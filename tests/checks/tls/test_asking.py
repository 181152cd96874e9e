"""A question is asked again where its answer is none, and a refusal is told from being turned away.

The servers here are lists of answers; real ones that turn clients away are in test_dial.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.tls.answer import Answer, ServerHello
from checks.tls.asking import Asker, Reply, Unclear
from checks.tls.hello import ClientHello
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.tls.conversation import Conversation
    from checks.tls.session12 import Session

ASKED = ClientHello(Version.TLS12, (0xC02F,), bytes(32))
WORKS = ClientHello(Version.TLS12, (0xC030,), bytes(32))
HUNG_UP = Reply(Answer(), ended=True)


def agrees() -> Reply:
    answer = Answer()
    answer.hello = ServerHello(Version.TLS12, 0xC030, 0, {}, bytes(32), b"", retry=False, raw=b"")
    return Reply(answer)


def refuses() -> Reply:
    answer = Answer()
    answer.alert = 40
    return Reply(answer)


class Server:
    """Answers each hello by a function of how many connections there were since it was slowed."""

    def __init__(self, answers: Callable[[ClientHello, int], Reply], patience: int = 9) -> None:
        self._answers = answers
        self._patience = patience
        self.connections = 0
        self.slowed = 0
        self._since = 0

    def ask(self, asked: ClientHello) -> Reply:
        self.connections += 1
        self._since += 1
        return self._answers(asked, self._since)

    def ask_ssl2(self, challenge: bytes) -> Reply:
        raise NotImplementedError

    def converse(self, session: Conversation, request: bytes = b"", wait: float = 0.0) -> Reply:
        raise NotImplementedError

    def renegotiate(self, session: Session) -> Reply:
        raise NotImplementedError

    def slow(self) -> bool:
        self.slowed += 1
        self._since = 0
        return self.slowed <= self._patience


def asker(server: Server) -> Asker:
    """Give one that knows a hello that works."""
    made = Asker(server)
    assert made.ask(WORKS).hello
    assert made.works is WORKS
    return made


def test_an_answer_is_asked_for_once() -> None:
    """Agreement and alert are answers, and so is an odd one."""
    server = Server(lambda asked, _: agrees() if asked is WORKS else refuses())
    assert asker(server).ask(ASKED).refuses
    assert server.connections == 2
    odd = Server(lambda *_: Reply(Answer(), unclear=Unclear.GARBLED))
    assert Asker(odd).ask(ASKED).unclear is Unclear.GARBLED
    assert odd.connections == 1


@pytest.mark.parametrize("doubt", [HUNG_UP, Reply(Answer(), unclear=Unclear.RESET)])
def test_hanging_up_beside_what_works_is_a_refusal(doubt: Reply) -> None:
    """It is compared twice; only that hello is refused, and nothing is slowed."""
    server = Server(lambda asked, _: agrees() if asked is WORKS else doubt)
    assert asker(server).ask(ASKED) == doubt
    assert (server.connections, server.slowed) == (5, 0)


@pytest.mark.parametrize("unclear", [None, Unclear.RESET, Unclear.REFUSED, Unclear.SILENT])
@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_who_is_turned_away_asks_more_slowly(unclear: Unclear | None, most: int) -> None:
    """A server that takes few connections gives its answer in the end, and no wrong one."""
    turned = Reply(Answer(), ended=unclear is None, unclear=unclear)
    server = Server(lambda _, since: agrees() if since <= most else turned)
    one = asker(server)
    assert all(one.ask(ASKED).hello for _ in range(8))
    assert server.slowed
    assert one.unseen() == ()


def test_who_is_turned_away_for_good_has_no_answer() -> None:
    """That is neither agreement nor refusal."""
    server = Server(lambda _, since: agrees() if since <= 1 and not server.slowed else HUNG_UP)
    reply = asker(server).ask(ASKED)
    assert (reply.unclear, reply.refuses) == (Unclear.LIMITED, False)
    silent = Reply(Answer(), unclear=Unclear.SILENT)
    server = Server(lambda _, since: agrees() if since <= 1 else silent, patience=0)
    assert asker(server).ask(ASKED).unclear is Unclear.LATE


def test_a_server_that_refuses_by_hanging_up_is_believed_for_a_while() -> None:
    """Once that is known few comparisons are made, and the last word is compared too."""
    server = Server(lambda asked, _: agrees() if asked is WORKS else HUNG_UP)
    one = asker(server)
    one.ask(ASKED)
    before = server.connections
    for _ in range(6):
        assert one.ask(ASKED).refuses
    assert server.connections - before == 6 + 2
    one.ask(ASKED)
    assert one.unseen() == ()


def test_what_was_believed_too_soon_is_told() -> None:
    """Where nothing works any more, the refusals before it may have been none."""
    server = Server(lambda asked, since: agrees() if asked is WORKS and since < 7 else HUNG_UP)
    one = asker(server)
    one.ask(ASKED)
    one.ask(ASKED)
    one.ask(ASKED)
    assert one.unseen() == ("refusals: 2 may be for want of connections",)


def test_before_anything_works_chance_is_tried_once_more() -> None:
    """A reset may be chance, an end in good order is an answer."""
    reset = Reply(Answer(), unclear=Unclear.RESET)
    server = Server(lambda _, since: reset if since == 1 else refuses())
    assert Asker(server).ask(ASKED).answer.alert == 40
    server = Server(lambda *_: HUNG_UP)
    assert Asker(server).ask(ASKED) == HUNG_UP
    assert server.connections == 1


def test_one_comparison_is_enough_where_refusal_is_the_rule() -> None:
    """So it is with SSL 2."""
    server = Server(lambda asked, _: agrees() if asked is WORKS else HUNG_UP)
    one = asker(server)
    assert one.sure(lambda: server.ask(ASKED), once=True).refuses
    assert server.connections == 3
