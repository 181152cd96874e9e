"""Who is told of which rotation, whoever asked when."""

from __future__ import annotations

import msgspec
import pytest

from agent.requests import Rotate
from agent.vault.record import Record, State
from agent.vault.rotations import Rotations, outcome

_OLD = Record(name="web", state=State.SERVED, version="1", sha256="a" * 64, ends=2e9)
_NEW = msgspec.structs.replace(_OLD, version="2", sha256="b" * 64, proven=1e9)
_BAD = msgspec.structs.replace(_OLD, state=State.KEPT, fault="key-not-served", why="x: another")


def _rotate(at: float) -> Rotate:
    return Rotate(key="web", at=at)


@pytest.mark.parametrize(
    ("after", "at", "known"),
    [
        (_NEW, 9, True),
        (_NEW, 15, True),
        (_NEW, 21, False),
        (_OLD, 9, True),
        (_OLD, 15, False),
        (_BAD, 9, True),
        (_BAD, 15, False),
    ],
)
def test_only_what_came_of_ones_own_request_is_told(after: Record, at: float, known: bool) -> None:  # noqa: FBT001 - pytest passes by name
    """Who asked while it went on has the new object too; without one there is another look."""
    every = Rotations([])
    assert every.told(_rotate(at), 30) is None
    every.take(outcome(_OLD, after, 10, 20))
    assert (every.told(_rotate(at), 30) is not None) is known


def test_after_the_clock_was_set_back_nothing_before_counts() -> None:
    """Neither what ended in the future, nor a request from there."""
    every = Rotations([])
    every.take(outcome(_OLD, _NEW, 1000, 1010))
    assert every.told(_rotate(500), 501) is None
    every.take(outcome(_OLD, _NEW, 502, 503))
    assert every.told(_rotate(10_000), 504) is None
    assert every.told(_rotate(501), 504) is not None


def test_a_key_is_got_once_at_a_time() -> None:
    """Those who ask meanwhile begin nothing."""
    every = Rotations([])
    assert [every.begin("web"), every.begin("web"), every.begin("db")] == [True, False, True]
    every.take(outcome(_OLD, _NEW, 1, 2))
    assert every.begin("web")


def test_what_was_got_before_a_restart_is_told_to_who_asked_before() -> None:
    """Nothing is got twice for one request; a fault is no answer to it."""
    got = msgspec.structs.replace(_NEW, got=100)
    told = Rotations([got]).told(_rotate(99), 200)
    assert told is not None
    assert (told.done, told.said.startswith("delivered: sha256 bbbb")) == (True, True)
    assert Rotations([got]).told(_rotate(101), 200) is None
    wrong = msgspec.structs.replace(_BAD, got=100)
    assert Rotations([wrong]).told(_rotate(99), 200) is None


@pytest.mark.parametrize(
    ("after", "done", "said"),
    [
        (_NEW, True, f"delivered: sha256 {'b' * 16}, until 2033-05-18 03:33 UTC, proven to be"),
        (_OLD, True, f"nothing newer: sha256 {'a' * 16}"),
        (_BAD, False, "not done: key-not-served: x: another; the one before is served on"),
        (
            Record(name="web", state=State.FAILED, fault="vault-away", why="sealed"),
            False,
            "not done: vault-away: sealed; nothing is served",
        ),
    ],
)
def test_it_says_what_became_of_it(after: Record, done: bool, said: str) -> None:  # noqa: FBT001 - pytest passes by name
    """What is served now, or why not, and what goes on."""
    told = outcome(_OLD, after, 1, 2)
    assert told.done is done
    assert told.said.startswith(said)
