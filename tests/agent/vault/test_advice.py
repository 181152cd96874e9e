"""What is said about faults of keys: all that can happen, in words of one kind."""

from __future__ import annotations

import re

from agent.vault import advice


def test_every_fault_has_its_text() -> None:
    """Each name of this module is a check with a title, a message, a fix and a reason."""
    named = {
        value
        for name, value in vars(advice).items()
        if re.fullmatch("[A-Z][A-Z_]+", name) and isinstance(value, str)
    }
    assert named >= set(advice.CHECKS) >= {advice.AWAY, advice.UNFIT, advice.ENDING}
    for text in advice.CHECKS.values():
        assert all((text.title, text.message, text.fix, text.why))
        assert not text.message.endswith(".")
        assert text.fix.endswith(".")


def test_no_two_say_the_same() -> None:
    """A reader can tell them apart by their message alone."""
    assert len({one.message for one in advice.CHECKS.values()}) == len(advice.CHECKS)
    assert len({one.title for one in advice.CHECKS.values()}) == len(advice.CHECKS)
