"""A look by a process of its own: whatever that does, its parent goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.aside import Aside, AsideError

if TYPE_CHECKING:
    from collections.abc import Callable


class Told(msgspec.Struct, frozen=True):
    text: str = ""


def _take(look: Callable[[], Told], confine: Callable[[], None] = lambda: None) -> Told:
    aside = Aside(confine, look, Told)
    end = time.monotonic() + 60
    while (told := aside.take()) is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    return told


def _children() -> set[int]:
    """Give the processes that this one started and did not take in."""
    found = set()
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdecimal():
                stat = Path(f"/proc/{entry}/stat").read_text()
                if int(stat.rpartition(")")[2].split()[1]) == os.getpid():
                    found.add(int(entry))
    return found


def test_what_it_saw_is_taken() -> None:
    """More than a pipe holds too, and no process is left."""
    before = _children()
    assert _take(lambda: Told("x" * 1_000_000)) == Told("x" * 1_000_000)
    assert not _children() - before


def _dies() -> Told:
    os.kill(os.getpid(), signal.SIGSEGV)
    return Told()


def _lies() -> Told:
    os.write(_pipe(), b"no message")
    os._exit(0)


def _pipe() -> int:
    """Give the one descriptor that the process was left."""
    return max(
        int(name) for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")
    )


@pytest.mark.parametrize("look", [_dies, _lies, lambda: sys.exit(0), lambda: 1 / 0])
def test_one_that_crashes_is_an_error(look: Callable[[], Told]) -> None:
    """With nothing of what it had read in it."""
    with pytest.raises(AsideError, match="crashed"):
        _take(look)


def test_one_that_cannot_give_up_its_power_does_not_look(tmp_path: Path) -> None:
    """It ends before."""
    place = tmp_path / "looked"

    def refuse() -> None:
        raise PermissionError

    with pytest.raises(AsideError, match="crashed"):
        _take(lambda: Told(str(place.touch())), refuse)
    assert not place.exists()


def test_one_that_says_too_much_is_ended() -> None:
    """Its parent keeps no more than so much."""

    def flood() -> Told:
        while True:
            os.write(_pipe(), b"x" * 65536)

    with pytest.raises(AsideError, match="too much"):
        _take(flood)


def test_one_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """When its time is over; another one is not disturbed."""
    before = _children()
    hanging = Aside(lambda: None, lambda: Told(str(signal.pause())), Told)
    assert hanging.take() is None
    assert _take(lambda: Told("other")) == Told("other")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 61)
    with pytest.raises(AsideError, match="took too long"):
        hanging.take()
    assert not _children() - before
