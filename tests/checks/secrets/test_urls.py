"""User and password in front of a host are told apart."""

from __future__ import annotations

import pytest

from checks.secrets.urls import Userinfo, userinfo


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a://u:p@h", [("u", "p")]),
        ("a://u:p%40q@h", [("u", "p@q")]),
        ("a://u:p@q@h", [("u", "p@q")]),
        ("a://:p@h", [("", "p")]),
        ('x "a://u:p@h" y', [("u", "p")]),
        ("a://u:p'q@h", [("u", "p'q")]),
        ("u:p@tcp(h:1)/d", [("u", "p")]),
        ("u:p@(h)/d", [("u", "p")]),
        ("jdbc:oracle:thin:u/p@//h:1/s", [("u", "p")]),
        ("a://u@h", []),
        ("a://h:80/x@y", []),
        ("://u:p@h", []),
        ("a://[^:]+:[^@]+@h", []),
        ("u:p@h", []),
        ("f(x@y)", []),
    ],
)
def test_userinfo_is_found(text: str, expected: list[tuple[str, str]]) -> None:
    """In URLs and in data sources of Go and Oracle, nowhere else."""
    assert [(found.user, found.secret) for found in userinfo(text)] == expected


def test_userinfo_does_not_show_itself() -> None:
    """Not even in a traceback."""
    assert "hidden" not in repr(Userinfo("u", "hidden", 0))
