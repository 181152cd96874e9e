"""Bound what opening an archive may cost: depth, members, bytes, expansion."""

from __future__ import annotations

from typing import Final

import msgspec

from checks.errors import LimitError

MIB: Final = 1 << 20
WINDOW: Final = 66 * MIB
"""Memory that one decompressor may take: the dictionary of `xz -9` is 64 MiB (xz(1))."""
META: Final = MIB
"""The longest extended header or name table that is read."""
_HEADERS_PER_MEMBER: Final = 10


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far an archive is opened.

    depth: archives within archives, where a compressed archive such as tar.gz is one level;
    members: files of one outermost archive, all levels together; total_bytes: what all of it may
    expand to; member_bytes: the largest file that is given out, and what nested zip files may hold
    in memory together; ratio: expanded to compressed, judged after `grace` expanded bytes.
    """

    depth: int = 4
    members: int = 20_000
    total_bytes: int = 512 * MIB
    member_bytes: int = 64 * MIB
    ratio: int = 200
    grace: int = MIB


class Budget(msgspec.Struct):
    """What one outermost archive has used so far. held: bytes of nested zip files in memory."""

    members: int = 0
    headers: int = 0
    expanded: int = 0
    held: int = 0


class ExhaustedError(LimitError):
    """The budget of the outermost archive is used up: nothing more of it is opened."""


class Meter:
    """Charges a budget and refuses what goes over the limits."""

    def __init__(self, limits: Limits, budget: Budget) -> None:
        """Charge BUDGET, which other meters may share, under LIMITS."""
        self.limits = limits
        self.budget = budget

    def header(self) -> None:
        """Pay for a header, a directory entry or a compressed frame, whatever it describes."""
        self.budget.headers += 1
        if self.budget.headers > _HEADERS_PER_MEMBER * self.limits.members:
            raise ExhaustedError("too many headers")

    def member(self) -> None:
        """Pay for a file."""
        self.budget.members += 1
        if self.budget.members > self.limits.members:
            raise ExhaustedError("too many members")

    def expand(self, size: int) -> None:
        """Pay for SIZE bytes that came out of a decompressor or a plain archive."""
        self.budget.expanded += size
        if self.budget.expanded > self.limits.total_bytes:
            raise ExhaustedError("expands to too many bytes")

    def hold(self, size: int) -> None:
        """Pay for SIZE bytes that stay in memory until they are released."""
        if self.budget.held + size > self.limits.member_bytes:
            raise LimitError("nested zip file is too large")
        self.budget.held += size

    def release(self, size: int) -> None:
        """Give back what was held."""
        self.budget.held -= size

    def judge_ratio(self, compressed: int, expanded: int) -> None:
        """Refuse a stream that expands too well to be honest; raises LimitError."""
        if expanded > self.limits.grace and expanded > compressed * self.limits.ratio:
            raise LimitError("expands suspiciously well (a decompression bomb?)")
