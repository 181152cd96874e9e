"""A part written as a string is read back as it was, whatever its name holds."""

from __future__ import annotations

import pytest

from checks.images import parts
from checks.images.parts import Part


@pytest.mark.parametrize("path", ["/a", "/a|b|c", "/a\nb", "/\udcff\udcfe", "/" + "x" * 4000, "/é"])
def test_a_part_is_read_back(path: str) -> None:
    """Every field comes back, the path with whatever bytes it has."""
    part = Part("piece", 3, 4096, 17, 5, path, 9, 0o4755, 1000, 50, 12, 16384)
    assert parts.decoded(part.encoded()) == part
    assert "\0" not in part.encoded()


@pytest.mark.parametrize("number", [-1, 2**32, 2**88])
def test_no_owner_is_too_large(number: int) -> None:
    """Numbers that no user can have still fit into what reports are packed into."""
    back = parts.decoded(Part("file", 0, 1, 1, 0, "/a", uid=number, gid=number).encoded())
    assert back is not None
    assert 0 <= back.uid < 2**32
    assert 0 <= back.gid < 2**32


def test_a_path_is_no_part() -> None:
    """What begins otherwise is told apart."""
    assert parts.decoded("/etc/passwd") is None
