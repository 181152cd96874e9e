"""Numbers and sentences read as a person would write them."""

from __future__ import annotations

import pytest

from agent.output import words
from checks.model import Origin


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (206 << 20, "206.0 MiB"),
        (5 << 40, "5.0 TiB"),
        (3 << 60, "3,072.0 PiB"),
    ],
)
def test_size(count: int, told: str) -> None:
    """A size has a unit that keeps it short."""
    assert words.size(count) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.004, "0.00 s"), (3.214, "3.21 s"), (42.0, "42.0 s"), (200, "3 min 20 s")],
)
def test_duration(seconds: float, told: str) -> None:
    """A duration has the precision that its length deserves."""
    assert words.duration(seconds) == told


def test_plural() -> None:
    """One is singular, everything else plural."""
    assert [words.plural(n, "file") for n in (0, 1, 2345)] == ["0 files", "1 file", "2,345 files"]


@pytest.mark.parametrize(
    ("came", "told"),
    [
        (None, ""),
        (Origin(2, 3), ""),
        (Origin(2, 3, step=5, built="COPY . /srv"), "by step 5: COPY . /srv"),
        (Origin(2, 3, step=5), "by step 5"),
        (Origin(1, 3, base=True), "in the base image"),
        (Origin(2, 3, base=False), "not in the base image"),
        (
            Origin(2, 3, step=1, built="ADD /", fate="replaced", by=3),
            "by step 1: ADD /; still in the image though replaced by layer 3:"
            " anyone with the image can read it",
        ),
    ],
)
def test_origin(came: Origin | None, told: str) -> None:
    """How something came into an image is told as far as it is known."""
    assert words.origin(came) == told
