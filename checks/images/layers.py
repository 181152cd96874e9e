"""Read a layer as a stream of entries, decompressed on the way if need be, with its digests."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.unpack import tars
from checks.unpack.decoders import CODECS
from checks.unpack.expand import Expanded
from checks.unpack.kinds import HEAD, kind
from checks.unpack.limits import Limits
from checks.unpack.streams import CHUNK, Raw, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.unpack.limits import Meter
    from checks.unpack.tars import Entry

_ENTRIES: Final = 100_000
_TOTAL: Final = 32 * 1024**3
_GRACE: Final = 1024**3
"""Layers of databases and of disk images begin with much that is nothing."""


def limits(ratio: int) -> Limits:
    """Give what all layers of an image together may cost: a million headers, 32 GiB, a ratio."""
    return Limits(members=_ENTRIES, total_bytes=_TOTAL, ratio=ratio, grace=_GRACE)


class Layer:
    """One layer, read once from its first byte to its last."""

    def __init__(self, blob: Raw, meter: Meter, *, algorithm: str = "sha256") -> None:
        """Recognise the compression by its first bytes; raises FormatError for an unknown one."""
        self._blob = blob
        self._meter = meter
        this = kind(blob.peek(HEAD), "")
        self.compressed = this not in {"", "tar"}
        if self.compressed and this not in CODECS:
            raise FormatError(f"unsupported layer ({this})")
        self._inner = Expanded(blob, CODECS[this], meter) if self.compressed else None
        self._stream = _Hashed(self._inner, algorithm) if self._inner else blob

    def entries(self) -> Iterator[Entry]:
        """Give what the layer holds, in its order; raises FormatError or LimitError."""
        return tars.entries(self._stream, self._meter)

    @property
    def position(self) -> int:
        """Where in the blob of a plain layer the next byte stands."""
        return self._blob.position

    def finish(self) -> tuple[str, str]:
        """Read what is left; give the digest of what came out of a compressed layer, and a note.

        The digest is "" for a plain layer; the note says what behind the stream was not read.
        """
        if self._inner is None or not isinstance(self._stream, _Hashed):
            return "", ""
        while self._stream.read(CHUNK):
            pass
        return self._stream.digest, self._inner.note


class _Hashed(Stream):
    """Another stream, hashed as it is read."""

    def __init__(self, source: Stream, algorithm: str) -> None:
        super().__init__()
        self._source = source
        self._hash = hashlib.new(algorithm)
        self.metered = source.metered

    @property
    def digest(self) -> str:
        """The digest of what was read so far."""
        return f"{self._hash.name}:{self._hash.hexdigest()}"

    def _pull(self, size: int) -> bytes:
        found = self._source.read(size)
        self._hash.update(found)
        return found
