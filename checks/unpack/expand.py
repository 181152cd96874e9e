"""Read what a compressed stream holds, frame after frame, and pay for every byte of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.errors import FormatError, LimitError
from checks.unpack.decoders import CORRUPT, FOREIGN_ERRORS, Codec
from checks.unpack.limits import MIB, WINDOW
from checks.unpack.streams import CHUNK, TRUNCATED, Stream

if TYPE_CHECKING:
    from checks.unpack.limits import Meter

_FEED: Final = 1 << 14


class Expanded(Stream):
    """The content of a compressed stream. note: what stands behind its end and was not read."""

    metered = True

    def __init__(self, source: Stream, codec: Codec, meter: Meter) -> None:
        """Decompress SOURCE from where it stands."""
        super().__init__()
        self._source = source
        self._codec = codec
        self._meter = meter
        self._decoder = codec.open()
        self._fed = 0
        self._given = 0
        self._ended = False
        self.note = ""

    def _pull(self, size: int) -> bytes:
        while not self._ended:
            if self._decoder.eof:
                self._next_frame()
                continue
            if found := self._decode(min(size, CHUNK)):
                self._charge(len(found))
                return found
        return b""

    def _decode(self, size: int) -> bytes:
        fed = b""
        if self._decoder.needs_input:
            fed = self._source.read(_FEED)
            if not fed:
                raise FormatError(TRUNCATED)
            self._fed += len(fed)
        try:
            return self._decoder.decompress(fed, size)
        except FOREIGN_ERRORS as error:
            raise _translated(error) from error

    def _charge(self, size: int) -> None:
        self._given += size
        self._meter.judge_ratio(self._fed, self._given)
        self._meter.expand(size)

    def _next_frame(self) -> None:
        """Go on with a further frame; zero padding is nothing, anything else is noted."""
        self._source.unread(self._decoder.unused_data)
        self._fed -= len(self._decoder.unused_data)
        self._source.skip_zeros()
        head = self._source.peek(_FEED)
        if head.startswith(self._codec.magics or (b"\0",)):
            self._meter.header()
            self._decoder = self._codec.open()
            return
        self._ended = True
        self.note = "data after the end of the compressed stream" if head else ""


def _translated(error: Exception) -> FormatError | LimitError:
    """Tell damage from a refusal: both libraries say "memory" only when their limit is met."""
    if isinstance(error, MemoryError) or "memory" in str(error).lower():
        return LimitError(f"needs more than {WINDOW // MIB} MiB of memory to decompress")
    return FormatError(CORRUPT)
