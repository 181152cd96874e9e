"""Strict-Transport-Security is read as RFC 6797 says, whatever a server sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls import hsts


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("max-age=31536000", 31_536_000),
        ("MAX-AGE=1 ; foo=bar", 1),
        ('max-age="10"', 10),
        ("; max-age=0;", 0),
        ("max-age", None),
        ("max-age=1.5", None),
        ("max-age=1;max-age=1", None),
        ("", None),
    ],
)
def test_max_age_is_what_browsers_take(header: str, seconds: int | None) -> None:
    """Names have no case, values may be quoted, a directive given twice spoils the header."""
    assert hsts.max_age(header) == seconds


@given(st.text())
def test_no_header_is_too_strange(header: str) -> None:
    """Any text gives an age or none."""
    age = hsts.max_age(header)
    assert age is None or age >= 0
