"""Read the layers of an image one after the other, and hand their files to processes. EDGE.

Of a layer that is plain in the archive only the headers are read here: whoever looks at a file
takes it from the archive itself. Of a compressed one the files are put into buffers, 48 MiB at
once, in which a larger file is in pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.pool import MOST_BYTES, MOST_PATHS, Batch
from checks import files, ignore, text
from checks.archives import kind
from checks.errors import HygieneError
from checks.images import layers, names
from checks.images.look import MISMATCH
from checks.images.parts import Part
from checks.model import Inconclusive
from checks.unpack.kinds import HEAD
from checks.unpack.limits import Budget, ExhaustedError, Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agent.buffers import Buffers
    from checks.images.documents import Document
    from checks.images.fates import Fates
    from checks.images.look import Source
    from checks.images.merged import Merged
    from checks.policy import Policy
    from checks.scanned import Result
    from checks.unpack import Item
    from checks.unpack.streams import Stream
    from checks.unpack.tars import Entry

_FILLED: Final = 4 * 1024 * 1024
"""A buffer with so many bytes is handed over."""
_IN_FLIGHT: Final = 48 * 1024 * 1024
_LONGEST: Final = 4096
_MIB: Final = 1024 * 1024
_TOO_LARGE: Final = "larger than the limit for one file"
_UNCOUNTED: Final = frozenset({"file", "folder"})
_KINDS: Final = {"link": "hard link", "symlink": "link"}


class Loader:
    """Makes batches of an image; what it sees by itself is added to a total."""

    def __init__(
        self,
        sources: Sequence[Source | None],
        buffers: Buffers,
        policy: Policy,
        kept: tuple[Fates, Merged],
        total: Result,
    ) -> None:
        """Take the layers, None for one that is not there; buffers are sources behind them."""
        self._sources = sources
        self._buffers = buffers
        self._policy = policy
        self._fates, self._merged = kept
        self._total = total
        self._excluded = ignore.matcher(policy.files.exclude)
        self._meter = Meter(layers.limits(policy.archives.ratio), Budget())
        self._paths: list[str] = []
        self._bytes = 0
        self._buffer = -1
        self._filled = 0
        self._count = 0
        self.pieced: set[tuple[int, str]] = set()
        """Layer and path of files whose pieces are looked at each for itself."""

    def batches(self, texts: Sequence[Document], used: Callable[[], set[int]]) -> Iterator[Batch]:
        """Give everything; used: the buffers whose batches are not done."""
        self._used = used
        for number, one in enumerate(texts):
            yield from self._put(Part("config", 0, 0, 0, -1, one.shown, number), one.data)
        for number, source in enumerate(self._sources):
            if source is not None:
                yield Batch([Part("digest", number, 0, 0, number, source.name).encoded()])
                yield from self._layer(number, source)
        yield from self._flush()

    def _layer(self, number: int, source: Source) -> Iterator[Batch]:
        algorithm = source.inner.partition(":")[0] or "sha256"
        try:
            opened = layers.Layer(source.blob.raw(), self._meter, algorithm=algorithm)
            for entry in opened.entries():
                yield from self._entry(opened, entry, number)
            self._finish(opened, source)
        except ExhaustedError as error:
            self._miss(source.name, f"{error}: the rest was not looked at")
        except HygieneError as error:
            self._miss(source.name, str(error))

    def _finish(self, opened: layers.Layer, source: Source) -> None:
        found, note = opened.finish()
        if found and source.inner and found != source.inner:
            why = f"the configuration names {source.inner[:19]}…, it has {found[:19]}…"
            self._total.inconclusive.append(Inconclusive(source.name, MISMATCH, why))
        if note:
            self._miss(source.name, note)

    def _entry(self, opened: layers.Layer, entry: Entry, layer: int) -> Iterator[Batch]:
        path = names.normal(entry.item.name)
        if len(path) > _LONGEST:
            self._miss(f"{path[:200]}…", "name too long", f"in layer {layer + 1}")
            return
        hidden = names.whiteout(path)
        if hidden is not None:
            self._fates.hides(hidden, layer)
            self._merged.hide(hidden, layer)
        else:
            self._fates.has(path, layer, folder=entry.kind == "folder")
        if entry.kind != "file":
            if entry.kind not in _UNCOUNTED:
                self._total.count(_KINDS.get(entry.kind, entry.kind))
            self._merged.add(path, entry, layer)
        elif entry.item.body is None:
            self._miss(path, entry.item.problem, f"in layer {layer + 1}")
        elif hidden is None or entry.item.size:
            yield from self._file(opened, entry, path, layer)

    def _file(self, opened: layers.Layer, entry: Entry, path: str, layer: int) -> Iterator[Batch]:
        item, source = entry.item, self._sources[layer]
        if source is None or item.body is None:
            return
        self._count += 1
        part = _part(path, item, layer, self._count)
        if self._excluded and self._excluded.match(path):
            self._total.count("excluded path")
        elif not opened.compressed:
            start = opened.position
            place = (source.blob.descriptor, source.blob.start + start)
            self._merged.add(path, entry, layer, place=place)
            there = max(0, min(item.size, source.blob.size - start))  # what else lies behind it
            yield from self._hand(part._replace(source=layer, start=start, size=there))
        elif item.size <= files.CHUNK:
            data = item.body.read(item.size)
            kept = data if self._merged.wants(path, len(data)) else None
            self._merged.add(path, entry, layer, data=kept)
            yield from self._put(part._replace(size=len(data)), data)
        else:
            self._merged.add(path, entry, layer)
            yield from self._large(part, item.body)

    def _large(self, part: Part, body: Stream) -> Iterator[Batch]:
        told = self._policy.archives
        if not told.enabled or not kind(body.peek(HEAD), part.path):
            yield from self._pieces(part, body)
        elif part.size > told.member_mib * _MIB:
            self._miss(part.path, _TOO_LARGE, f"in layer {part.layer + 1}")
        else:
            yield from self._flush()
            yield from self._room(part.size)
            start = self._begin()
            for _ in range(0, part.size, _MIB):
                self._buffers.put(self._buffer, body.read(_MIB))
            yield from self._hand(self._within(part, start))
            yield from self._flush()

    def _pieces(self, part: Part, body: Stream) -> Iterator[Batch]:
        """Hand a large file over in pieces that overlap, as `files.pieces` makes them."""
        self.pieced.add((part.layer, part.path))
        self._total.files += 1
        mark = text.mark(body.peek(4))
        line, tail, rest = 1, b"", b""
        while data := rest + body.read(files.CHUNK - len(rest)):
            cut = files.end_of_line(data) if len(data) == files.CHUNK else len(data)
            data, rest = data[:cut], data[cut:]
            piece = tail + data
            told = part._replace(kind="piece", line=line, overlap=len(tail))
            content = mark + piece if tail else piece
            yield from self._put(told._replace(size=len(content)), content)
            tail = data[-files.OVERLAP :]
            line += piece.count(b"\n", 0, len(piece) - len(tail))

    def _put(self, part: Part, data: bytes) -> Iterator[Batch]:
        """Put bytes into a buffer and hand them over."""
        if self._filled and self._filled + len(data) > _FILLED:
            yield from self._flush()
        if self._buffer < 0:
            yield from self._room(len(data))
            self._begin()
        start = self._buffers.put(self._buffer, data)
        self._filled += len(data)
        yield from self._hand(self._within(part._replace(size=len(data)), start))

    def _room(self, size: int) -> Iterator[Batch]:
        """Wait until what is looked at leaves room for more."""
        while (used := self._used()) and self._buffers.held(used) + size > _IN_FLIGHT:
            yield Batch([])

    def _begin(self) -> int:
        self._buffer = self._buffers.take(self._used())
        return self._buffers.put(self._buffer, b"")

    def _within(self, part: Part, start: int) -> Part:
        return part._replace(source=len(self._sources) + self._buffer, start=start)

    def _hand(self, part: Part) -> Iterator[Batch]:
        told = part.encoded()
        self._paths.append(told)
        self._bytes += len(told.encode("utf-8", "surrogateescape"))
        if len(self._paths) == MOST_PATHS or self._bytes > MOST_BYTES or self._filled > _FILLED:
            yield from self._flush()

    def _flush(self) -> Iterator[Batch]:
        batch = Batch(self._paths, self._buffer)
        self._paths, self._bytes, self._buffer, self._filled = [], 0, -1, 0
        if batch.paths:
            yield batch

    def _miss(self, path: str, reason: str, detail: str = "") -> None:
        self._total.inconclusive.append(Inconclusive(path, reason, detail))


def _part(path: str, item: Item, layer: int, number: int) -> Part:
    owner = {"mode": item.mode, "uid": item.uid, "gid": item.gid}
    return Part("file", 0, 0, item.size, layer, path, number, **owner)
