"""A receiver as its own process, and those who speak to it over mutual TLS."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.agent.collector.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world whose receiver serves hosts and viewers."""
    made = World(tmp_path, viewers=True)
    made.receiver.start()
    with contextlib.ExitStack() as stack:
        stack.callback(made.end)
        yield made
