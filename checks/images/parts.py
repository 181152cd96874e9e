"""Write where a piece of an image lies as one string, for those who look at it elsewhere."""

from __future__ import annotations

from typing import Final, NamedTuple

_MARK: Final = "\x01part"
_FIELDS: Final = 10
_MOST: Final = 2**32 - 1
"""The largest number of a user or a group (uid_t)."""


class Part(NamedTuple):
    """A file of a layer, a piece of one, or what else is looked at by itself.

    kind: "file", "piece", "config" or "digest"; source: number of what it lies in, there from
    `start` on; layer: from 0, -1 for the image's configuration; number: which of the layer's files;
    line: the first one of a piece, whose first `overlap` bytes ended the piece before; mode, uid,
    gid: as the layer has them; path: in the image's root.
    """

    kind: str
    source: int
    start: int
    size: int
    layer: int
    path: str
    number: int = 0
    mode: int = 0
    uid: int = 0
    gid: int = 0
    line: int = 1
    overlap: int = 0

    def encoded(self) -> str:
        """Give a string without a zero byte, as long as the path and a little more."""
        owner = min(self.uid & _MOST, _MOST), min(self.gid & _MOST, _MOST)
        numbers = (self.source, self.start, self.size, self.layer, self.number, self.mode, *owner)
        told = "|".join(map(str, (*numbers, self.line, self.overlap)))
        return f"{_MARK}|{self.kind}|{told}|{self.path}"


def decoded(text: str) -> Part | None:
    """Give what a string was made of; None for any other."""
    if not text.startswith(_MARK):
        return None
    _, kind, *fields = text.split("|", _FIELDS + 2)
    numbers, path = list(map(int, fields[:_FIELDS])), fields[_FIELDS]
    source, start, size, layer, which, mode, uid, gid, line, overlap = numbers
    return Part(kind, source, start, size, layer, path, which, mode, uid, gid, line, overlap)
