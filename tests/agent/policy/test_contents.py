"""Approved files are written out in the policy that names them."""

from __future__ import annotations

import pytest

from agent.policy import contents
from checks.errors import PolicyError

FILES = {"a.conf": b"listen 443;\r\n", "b.bin": b"\xff\0"}


def _read(name: str) -> bytes:
    if name not in FILES:
        raise PolicyError(f"{name}: No such file or directory")
    return FILES[name]


def test_text_stays_text_and_bytes_are_base64() -> None:
    """Nothing else of the policy is touched."""
    says: dict[str, object] = {
        "fail_on": "low",
        "managed": {
            "/a": {"file": "a.conf", "mode": "0644"},
            "/b": {"file": "b.bin"},
            "/c": {"content": "x"},
        },
    }
    contents.written_out(says, _read)
    assert says == {
        "fail_on": "low",
        "managed": {
            "/a": {"content": "listen 443;\r\n", "mode": "0644"},
            "/b": {"base64": "/wA="},
            "/c": {"content": "x"},
        },
    }


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"file": "a.conf", "content": "x"}, r"managed\./a: expected file, content or base64"),
        ({"file": "none"}, r"managed\./a\.file: none: No such file"),
    ],
)
def test_what_cannot_be_written_out_is_refused(told: dict[str, str], why: str) -> None:
    """By the place that is wrong."""
    with pytest.raises(PolicyError, match=why):
        contents.written_out({"managed": {"/a": told}}, _read)


@pytest.mark.parametrize("managed", [None, [], "x", {"/a": None}, {"/a": {"file": 7}}])
def test_what_has_another_shape_is_left_to_who_parses_it(managed: object) -> None:
    """Which names what it expected."""
    says: dict[str, object] = {"managed": managed}
    contents.written_out(says, _read)
    assert says == {"managed": managed}
