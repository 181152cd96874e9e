"""Who asks the prober is answered, whoever else waits for a server that hangs."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from agent.requests import Judge, Prove
from agent.roles.proofs import Proofs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.requests import Request
    from agent.roles.proofs import Told
    from checks.tls.facts import Target

HANGS = "hangs.example.net"


@pytest.fixture
def address() -> Iterator[str]:
    """Where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield f"127.0.0.1:{one.getsockname()[1]}"


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def proofs(ended: threading.Event) -> Iterator[Proofs]:
    """Endpoints named HANGS are judged once the test says so."""

    def judged(target: Target) -> dict[str, int] | None:
        if target.server_name == HANGS:
            ended.wait()
        return None if target.server_name == "plain" else {"tls-1.0": 3}

    with contextlib.closing(Proofs(judged)) as one:
        yield one


def told(proofs: Proofs, asked: Request) -> Told:
    """Ask at each turn, as a role does."""
    end = time.monotonic() + 60
    while (answer := proofs.answer(asked)) is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    return answer


def test_what_is_judged_is_told(proofs: Proofs, address: str) -> None:
    """Or why it cannot be."""
    result, done = told(proofs, Judge(address=address, name="one.example.net"))
    assert (json.loads(result), done) == ({"tls-1.0": 3}, True)
    assert told(proofs, Judge(address=address, name="plain"))[1] is False
    for asked in (Judge(address="127.0.0.1:1"), Prove(address="127.0.0.1:1")):
        result, done = told(proofs, asked)
        assert ("nothing listens" in result, done) == (True, False)


def test_one_that_hangs_keeps_nobody_waiting(
    proofs: Proofs, address: str, ended: threading.Event
) -> None:
    """It is answered when it ends."""
    first = Judge(address=address, name=HANGS)
    assert proofs.answer(first) is None
    assert told(proofs, Judge(address=address))[1]
    assert proofs.answer(first) is None
    ended.set()
    assert told(proofs, first)[1]


def test_more_than_can_be_kept_wait_for_their_turn(
    proofs: Proofs, address: str, ended: threading.Event
) -> None:
    """None is lost, and answers that nobody comes for make room."""
    many = [Judge(address=address, name=HANGS) for _ in range(70)]
    assert [proofs.answer(one) for one in many] == [None] * 70
    last = Judge(address=address)
    assert proofs.answer(last) is None
    ended.set()
    assert told(proofs, last)[1]
    assert all(told(proofs, one)[1] for one in many)
