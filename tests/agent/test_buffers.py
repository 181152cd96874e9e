"""Buffers keep what is in use, and give their memory back when they are taken anew."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from agent.buffers import PAGE, Buffers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def buffers() -> Iterator[Buffers]:
    made = Buffers(3)
    yield made
    made.close()


def test_what_is_put_is_read(buffers: Buffers) -> None:
    """Each piece begins where it is said to, never at the beginning of the file."""
    number = buffers.take(set())
    places = [buffers.put(number, data) for data in (b"one", b"", b"three")]
    assert places == [PAGE, PAGE + 3, PAGE + 3]
    assert os.pread(buffers.descriptors[number], 100, PAGE) == b"onethree"
    assert buffers.held({number}) == 8
    assert buffers.held(set()) == 0


def test_what_is_in_use_stays(buffers: Buffers) -> None:
    """Another buffer is taken while one is in use, and one that is free is emptied."""
    first = buffers.take({-1})
    buffers.put(first, b"kept")
    second = buffers.take({first})
    assert second != first
    assert buffers.take({second}) == first
    assert os.fstat(buffers.descriptors[first]).st_size == 0
    assert buffers.held({first}) == 0


def test_nothing_is_left_open() -> None:
    """Closing lets go of every descriptor."""
    before = len(os.listdir("/proc/self/fd"))
    Buffers(5).close()
    assert len(os.listdir("/proc/self/fd")) == before
