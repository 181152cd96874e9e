"""What layers make of a policy that a host can keep, or why it is none."""

from __future__ import annotations

import json

import pytest

from agent import packing
from agent.policy import effective
from agent.policy.activation import Effective, Held
from checks.errors import PolicyError

RULES = b'{"secrets": {"rules": [{"a": %s}]}}'


def made(*contents: bytes) -> Effective:
    joined = [effective.layer(f"l{i}", content) for i, content in enumerate(contents)]
    return effective.made(joined, {"base": 1}, {})


def nested(depth: int) -> bytes:
    """Give a policy with so many mappings and lists within each other."""
    return RULES % (b"[" * (depth - 4) + b"]" * (depth - 4))


def long(size: int) -> bytes:
    """Give a policy of about so many bytes."""
    return json.dumps({"files": {"exclude": ["x" * 1000] * (size // 1004)}}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b'{"name": "a\\ud800b"}',
        RULES % b'"\\ud800"',
        RULES % b"Infinity",
        RULES % str(2**63).encode(),
        nested(64),
        long(2_000_000),
    ],
)
def test_what_can_be_kept_is_read_as_it_was_written(content: bytes) -> None:
    """Whatever is odd about it."""
    one = made(content)
    assert packing.unpack(packing.pack(Held(good=one)), Held).good == one


@pytest.mark.parametrize(
    ("contents", "why"),
    [
        ([RULES % str(2**64).encode()], "64 bits"),
        ([nested(65)], "in each other"),
        ([b"[" * 100_000], "not JSON"),
        ([b"9" * 5000], "not JSON"),
        ([long(5_000_000)], "at most"),
        ([long(2_500_000), long(2_500_000).replace(b"exclude", b"exclude+")], "all layers"),
    ],
)
def test_what_no_host_could_keep_is_no_policy(contents: list[bytes], why: str) -> None:
    """Whoever signed it."""
    with pytest.raises(PolicyError, match=why):
        made(*contents)
