"""However many ask a listener, it has two connections at a time and so many a second."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from checks.tls.pace import AT_ONCE, Pace, Paces
from checks.tls.restraint import Rate


def test_two_at_a_time_and_no_more() -> None:
    """Ten threads that all want a turn never hold more than two; both are used."""
    pace, lock, held, most = Pace(), threading.Lock(), 0, 0

    def ask(_: int) -> None:
        nonlocal held, most
        with pace.turn(time.monotonic() + 5):
            with lock:
                held += 1
                most = max(most, held)
            time.sleep(0.01)
            with lock:
                held -= 1

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(ask, range(20)))
    assert most == AT_ONCE == 2


def test_who_waits_too_long_is_told() -> None:
    """Behind others and behind the rate the wait ends at its deadline."""
    pace = Pace()
    now = time.monotonic()
    with pace.turn(now + 1), pace.turn(now + 1), pytest.raises(TimeoutError), pace.turn(now + 0.05):
        pass
    assert time.monotonic() - now < 0.5
    pace.slow()
    with pytest.raises(TimeoutError), pace.turn(time.monotonic() + 0.5):
        pass
    assert time.monotonic() - now < 0.5


def test_turns_are_spread_over_time() -> None:
    """Past its burst a listener is asked no faster than its rate."""
    pace = Pace(Rate(per_second=100, burst=5))
    started = time.monotonic()
    for _ in range(15):
        with pace.turn(started + 5):
            pass
    assert 0.08 <= time.monotonic() - started < 1


def test_an_error_gives_its_turn_back() -> None:
    """A connection that fails does not keep its place."""
    pace = Pace()
    for _ in range(5):
        with pytest.raises(ValueError, match="x"), pace.turn(time.monotonic() + 1):
            raise ValueError("x")


def test_a_listener_has_one_pace() -> None:
    """Two that ask the same address and port share it; another port has its own."""
    paces = Paces()
    assert paces.of("::1", 443) is paces.of("::1", 443)
    assert paces.of("::1", 443) is not paces.of("::1", 8443)
