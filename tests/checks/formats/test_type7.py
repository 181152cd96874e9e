"""A type 7 password is undone, anything else is none."""

from __future__ import annotations

import pytest

from checks.formats import type7


def _hidden(word: str, start: int) -> str:
    text = "dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87"
    pairs = ((ord(c), ord(text[(start + i) % len(text)])) for i, c in enumerate(word))
    return f"{start:02d}" + "".join(f"{a ^ b:02X}" for a, b in pairs)


@pytest.mark.parametrize("start", [0, 7, 15, 52])
def test_a_password_comes_back(start: int) -> None:
    """Whatever place the device began at."""
    assert type7.reveal(_hidden("Made-up 9", start)) == "Made-up 9"


@pytest.mark.parametrize("text", ["", "07", "99AABB", "07AAB", "0712zz", "00FFFFFFFF"])
def test_another_text_gives_nothing(text: str) -> None:
    """Not hexadecimal, no such start, or not printable."""
    assert type7.reveal(text) == ""
