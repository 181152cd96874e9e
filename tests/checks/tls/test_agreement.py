"""Both halves of a key agreement come to the same secret, and no bad public value passes."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls import agreement
from checks.tls.numbers import GROUPS, TLS13_GROUPS
from checks.tls.wire import WireError

if TYPE_CHECKING:
    from types import SimpleNamespace

peer13 = runpy.run_path(str(Path(__file__).with_name("serving.py")))["peer13"]
POST_QUANTUM = (513, 514, 0x11EB, 0x11EC, 0x11ED)
SIZES = {
    29: 32, 23: 65, 24: 97, 25: 133, 30: 56, 31: 65, 32: 97, 33: 129,
    256: 256, 257: 384, 258: 512, 259: 768, 260: 1024,
    513: 1184, 514: 1568, 0x11EB: 65 + 1184, 0x11EC: 1184 + 32, 0x11ED: 97 + 1568,
}  # fmt: skip


@pytest.mark.parametrize("group", SIZES)
def test_both_halves_agree(group: int, peer13: SimpleNamespace) -> None:
    """The secret is the same on both sides, and the public value as long as its group's."""
    ours = agreement.share(group)
    public, secret = peer13.respond(group, ours.public)
    assert ours.secret(public) == secret
    assert len(ours.public) == SIZES[group]


@pytest.mark.parametrize("group", SIZES)
def test_shares_are_fresh(group: int) -> None:
    """No key is used twice, and none is shown."""
    one, other = agreement.share(group), agreement.share(group)
    assert one.public != other.public
    assert repr(one) == f"<Share of group {group}>"


@pytest.mark.parametrize("group", SIZES)
def test_a_bad_public_value_is_refused(group: int, peer13: SimpleNamespace) -> None:
    """Empty, cut, long, zero and off the curve: WireError, and no secret."""
    ours = agreement.share(group)
    good, _ = peer13.respond(group, ours.public)
    for bad in (b"", good[:-1], good + b"\0", good[1:], b"\0"):
        with pytest.raises(WireError):
            ours.secret(bad)
    if group not in {513, 514}:  # ML-KEM answers a wrong ciphertext with another secret
        with pytest.raises(WireError):
            ours.secret(bytes(len(good)))


@pytest.mark.parametrize("group", [23, 24, 25])
def test_a_compressed_point_is_refused(group: int) -> None:
    """TLS 1.3 knows uncompressed points only."""
    other = agreement.share(group).public
    compressed = bytes((2 + other[-1] % 2,)) + other[1 : len(other) // 2 + 1]
    with pytest.raises(WireError):
        agreement.share(group).secret(compressed)


@given(st.sampled_from(agreement.GROUPS), st.binary(max_size=140))
def test_random_values_raise_nothing_else(group: int, value: bytes) -> None:
    """Whatever comes, it is a secret of a fixed length or WireError."""
    try:
        secret = agreement.share(group).secret(value)
    except WireError:
        return
    assert len(secret) in {32, 48, 56, 66}


def test_other_groups_are_refused() -> None:
    """Every group that TLS 1.3 has a number for gives a share or WireError."""
    made = set()
    for group in (*GROUPS, *TLS13_GROUPS, 0, 0xFFFF):
        try:
            made.add(agreement.share(group).group)
        except WireError:
            continue
    assert made == set(SIZES)
