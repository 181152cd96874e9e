"""The short notation of the table of commands means what it says."""

from __future__ import annotations

import pytest

from checks.secrets.grammar import Stdin, Take, grammar


def test_options_places_and_traits_are_read() -> None:
    """Each word becomes what it names."""
    found = grammar(
        "-p=SECRET --user=USER", "add USER SECRET", stdin=(Stdin("-S"),), traits="wraps"
    )
    assert dict(found.options) == {"-p": Take.SECRET, "--user": Take.USER}
    assert found.places == (("add", "USER", "SECRET"),)
    assert (found.wraps, found.script, found.stdin) == (True, False, (Stdin("-S"),))


def test_a_misspelled_way_to_read_is_refused() -> None:
    """So that the table cannot be wrong in silence."""
    with pytest.raises(KeyError):
        grammar("-p=SECRTE")
