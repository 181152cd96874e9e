"""Each event is told once, and none that nobody asked for."""

from __future__ import annotations

import struct

import pytest

from agent.watch import sieve
from agent.watch.sieve import About, Lost, Sieve

_WRITTEN, _FROM, _TO, _CREATE, _DELETE = 0x8, 0x40, 0x80, 0x100, 0x200
_OVERFLOW, _IGNORED, _FOLDER = 0x4000, 0x8000, 0x40000000
_MOST = 200_000


def event(watch: int, mask: int, name: str = "", cookie: int = 0) -> bytes:
    """Give an event as the kernel lays it out: its name is filled up to sixteen bytes."""
    text = name.encode() + b"\0" if name else b""
    text += b"\0" * (-len(text) % 16)
    return struct.pack("=iIII", watch, mask, cookie, len(text)) + text


@pytest.fixture
def sifting() -> Sieve:
    return Sieve()


def taken(sifting: Sieve) -> set[tuple[int, str]]:
    """Give whose events wait, by watch and name."""
    return {(one.watch, one.name.decode()) for one in sifting.take()[0]}


def test_what_happens_to_one_name_again_and_again_is_told_once(sifting: Sieve) -> None:
    """With all that happened to it, until it is taken; then it is told again."""
    noise = event(1, _CREATE, "one") + event(1, _WRITTEN, "one") + event(1, _DELETE, "one")
    for _ in range(2):
        sifting.add(noise * 1000, 0)
        found, lost = sifting.take()
        [heard] = (sieve.heard(about, mask, about.name.decode()) for about, mask in found.items())
        assert (heard.watch, heard.name) == (1, "one")
        assert heard.came
        assert heard.went
        assert heard.written
        assert not heard.ended
        assert not lost
    assert not sifting


def test_names_watches_and_kinds_are_told_apart(sifting: Sieve) -> None:
    """A folder of the same name as a file came apart from it; control: the one above."""
    sifting.add(event(1, _CREATE, "one") + event(1, _CREATE | _FOLDER, "one"), 0)
    sifting.add(event(2, _CREATE, "one") + event(1, _CREATE, "a-name-that-is-longer"), 0)
    assert sifting.take()[0].keys() == {
        About(1, b"one", folder=False),
        About(1, b"one", folder=True),
        About(2, b"one", folder=False),
        About(1, b"a-name-that-is-longer", folder=False),
    }


def test_moves_are_told_once_though_each_is_another(sifting: Sieve) -> None:
    """The number that joins both halves of a move is never the same."""
    for cookie in range(1, 1000):
        sifting.add(event(1, _FROM, "a", cookie) + event(1, _TO, "b", cookie), 0)
    assert taken(sifting) == {(1, "a"), (1, "b")}


def test_of_a_way_only_its_names_are_told(sifting: Sieve) -> None:
    """Other names wake nobody; what ends the watch is told; other folders are not sifted."""
    sifting.few(1)
    sifting.want(1, b"root")
    sifting.add(event(1, _CREATE, "noise"), 0)
    assert not sifting
    sifting.add(event(1, _CREATE, "root") + event(1, _IGNORED) + event(2, _CREATE, "noise"), 0)
    assert taken(sifting) == {(1, "root"), (1, ""), (2, "noise")}


def test_a_name_is_told_from_when_it_is_wanted(sifting: Sieve) -> None:
    """Though it was passed over just before; and no more when it is not wanted any more."""
    sifting.few(1)
    sifting.add(event(1, _CREATE, "new"), 0)
    sifting.want(1, b"new")
    sifting.add(event(1, _CREATE, "new"), 0)
    assert taken(sifting) == {(1, "new")}
    sifting.unwant(1, b"new")
    sifting.add(event(1, _CREATE, "new"), 0)
    assert not sifting
    sifting.every(1)
    sifting.add(event(1, _CREATE, "new"), 0)
    assert taken(sifting) == {(1, "new")}


def test_an_overflow_names_who_made_the_noise(sifting: Sieve) -> None:
    """And since when something may have been lost: the first time, until it is taken."""
    sifting.add(event(3, _CREATE, "a") + event(7, _CREATE, "b") * 5 + event(-1, _OVERFLOW), 100)
    sifting.add(event(-1, _OVERFLOW), 200)
    assert sifting.take()[1] == Lost(100, 7)
    sifting.add(event(3, _CREATE, "a"), 300)
    assert sifting.take()[1] is None


def test_names_without_end_are_kept_up_to_a_bound(sifting: Sieve) -> None:
    """What is more is told as lost."""
    for start in range(0, _MOST, 1000):
        sifting.add(b"".join(event(1, _CREATE, str(start + n)) for n in range(1000)), 0)
    sifting.add(event(1, _DELETE, "0"), 50)
    sifting.add(event(1, _CREATE, "more"), 100)
    found, lost = sifting.take()
    assert len(found) == _MOST
    assert lost == Lost(100, 1)
