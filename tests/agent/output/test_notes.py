"""What a profile has that no look can judge stands in every report, and is no gap in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.output import html, jsonout, sarif, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from agent.report import CheckInfo, Report

CLAUSE = "Some profile (4.1.12): HTTP/3 runs over UDP"
HOSTILE = "Ours (\x1b[2J<script>): \u202ehidden"
FORMS: dict[str, Callable[[Report, Mapping[str, CheckInfo]], Iterable[str]]] = {
    "text": lambda report, infos: text.render(report, infos, width=200),
    "json": jsonout.render_json,
    "jsonl": jsonout.render_jsonl,
    "sarif": sarif.render,
    "html": html.render,
}


@pytest.mark.parametrize("form", FORMS)
def test_what_is_not_judged_is_told(form: str, clean: Report, infos: dict[str, CheckInfo]) -> None:
    """Whoever reads "no finding" learns what that does not cover."""
    noted = msgspec.structs.replace(clean, notes=(CLAUSE, HOSTILE))
    without, told = ("".join(FORMS[form](one, infos)) for one in (clean, noted))
    assert CLAUSE in told
    assert CLAUSE not in without
    assert "\x1b" not in told
    assert "\u202e" not in told
    if form == "html":
        assert "<script>): " not in told


def test_it_is_no_gap(clean: Report) -> None:
    """The exit status of a clean look stays that of a clean look."""
    noted = msgspec.structs.replace(clean, notes=(CLAUSE,))
    assert noted.inconclusive == clean.inconclusive == ()
    told = "".join(text.render(noted, {}, width=200))
    assert "Not judged (1)" in told
    assert "Not looked at" not in told
