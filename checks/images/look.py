"""Look at one part of an image where it lies, and say of all that is found which layer it is in.

EDGE.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from checks import files, keyfiles, text
from checks.errors import HygieneError
from checks.images import documents, parts
from checks.model import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from checks.images.parts import Part
    from checks.images.store import Blob
    from checks.model import Finding
    from checks.scan import Scanner
    from checks.scanned import Result

_CHUNK: Final = 1 << 20
_MIB: Final = 1 << 20
_APART: Final = "|"
MISMATCH: Final = "digest does not match"


class Source(NamedTuple):
    """What parts lie in. digests: that it should have, each with who names it.

    inner: of what comes out of a compressed layer; name: what to call a layer in reports.
    """

    blob: Blob
    digests: tuple[tuple[str, str], ...] = ()
    inner: str = ""
    name: str = ""


class PartScanner:
    """Looks at parts one by one; one a process."""

    def __init__(
        self,
        scanner: Scanner,
        sources: Sequence[Source | None],
        texts: Sequence[documents.Document],
    ) -> None:
        """Take what looks at files, what the parts lie in, and the texts of the configuration."""
        self._scanner = scanner
        self._sources = sources
        self._texts = texts

    def part(self, told: str, result: Result) -> None:
        """Look at a part and add what was found to RESULT; raises OSError."""
        part = parts.decoded(told)
        if part is None:
            raise HygieneError("no part of an image")
        if part.kind == "digest":
            self._verify(self._source(part), result)
        elif part.kind == "config":
            self._text(part, result)
        else:
            self._file(part, result)

    def _source(self, part: Part) -> Source:
        source = self._sources[part.source]
        if source is None:
            raise HygieneError("no part of this image")
        return source

    def _verify(self, source: Source, result: Result) -> None:
        for digest, who in source.digests:
            if (found := _digest(source.blob, digest.partition(":")[0])) != digest:
                why = f"{who} names {digest[:19]}…, it has {found[:19]}…"
                result.inconclusive.append(Inconclusive(source.name, MISMATCH, why))

    def _text(self, part: Part, result: Result) -> None:
        """Look at a text of the configuration; its place is a key, and no line."""
        told = self._texts[part.number]
        new = _Begun(result)
        self._scanner.opened(self._opened(part, told.path), result)
        result.files -= 1
        result.bytes -= part.size

        def placed(finding: Finding) -> Finding:
            where = finding.location
            key = ".".join(filter(None, (told.key, where.key_path)))
            where = msgspec.structs.replace(where, path=told.shown, line=0, key_path=key)
            return msgspec.structs.replace(finding, location=where, access=None)

        new.move(placed)
        new.explain(lambda why: msgspec.structs.replace(why, path=told.shown))

    def _opened(self, part: Part, path: str) -> files.Opened:
        blob = self._source(part).blob
        numbers = (part.mode, part.number + 1, part.layer + 1, 1, part.uid, part.gid, part.size)
        status = os.stat_result((*numbers, 0, 0, 0))
        return files.Opened(path, blob.descriptor, status, blob.start + part.start)

    def _file(self, part: Part, result: Result) -> None:
        new = _Begun(result)
        opened = self._opened(part, part.path)
        if part.kind == "file":
            self._scanner.opened(opened, result)
        else:
            self._piece(part, opened, result)
        self._certificates(opened, new.certificates, result)
        new.mark(part.layer)

    def _piece(self, part: Part, opened: files.Opened, result: Result) -> None:
        """Look at a piece, which stands where it is with the file's mark before it."""
        data = os.pread(opened.descriptor, part.size, opened.start)
        mark = text.mark(data[:4]) if part.overlap else b""
        piece = files.Piece(data[len(mark) :], part.overlap, part.line)
        self._scanner.piece(opened, piece, mark, set(), result)

    def _certificates(self, opened: files.Opened, before: int, result: Result) -> None:
        """Read what is to be joined with keys at once: it may not be there later."""
        for at, (path, _) in enumerate(result.certificates[before:], before):
            data = b""
            if path == opened.path:
                size = min(opened.status.st_size, _MIB)
                data = os.pread(opened.descriptor, size, opened.start)
            result.certificates[at] = path, keyfiles.first_certificate(data)


class _Begun:
    """How much a result held before a part, so that what is new can be marked."""

    def __init__(self, result: Result) -> None:
        self._result = result
        self._findings, self._suppressed = len(result.findings), len(result.suppressed)
        self._inconclusive, self._keys = len(result.inconclusive), len(result.keys)
        self.certificates = len(result.certificates)

    def mark(self, layer: int) -> None:
        """Say of all that is new which layer it is in."""
        result, name = self._result, str(layer)
        self.move(lambda finding: _in_layer(finding, name))
        self.explain(lambda why: _unseen_in(why, layer))
        result.keys[self._keys :] = [
            msgspec.structs.replace(key, path=tagged(layer, key.path))
            for key in result.keys[self._keys :]
        ]
        result.certificates[self.certificates :] = [
            (tagged(layer, path), spki) for path, spki in result.certificates[self.certificates :]
        ]

    def move(self, placed: Callable[[Finding], Finding]) -> None:
        """Give every new finding another place."""
        result = self._result
        result.findings[self._findings :] = [
            placed(finding) for finding in result.findings[self._findings :]
        ]
        result.suppressed[self._suppressed :] = [
            msgspec.structs.replace(one, finding=placed(one.finding))
            for one in result.suppressed[self._suppressed :]
        ]

    def explain(self, told: Callable[[Inconclusive], Inconclusive]) -> None:
        """Say more of everything new that was not seen."""
        result = self._result
        result.inconclusive[self._inconclusive :] = [
            told(why) for why in result.inconclusive[self._inconclusive :]
        ]


def _in_layer(finding: Finding, layer: str) -> Finding:
    where = msgspec.structs.replace(finding.location, layer=layer)
    return msgspec.structs.replace(finding, location=where)


def _unseen_in(why: Inconclusive, layer: int) -> Inconclusive:
    told = f"{why.detail}, " if why.detail else ""
    return msgspec.structs.replace(why, detail=f"{told}in layer {layer + 1}")


def tagged(layer: int, path: str) -> str:
    """Write a path with the layer it is in."""
    return f"{layer}{_APART}{path}"


def untagged(told: str) -> tuple[int, str]:
    """Give layer and path."""
    layer, _, path = told.partition(_APART)
    return int(layer), path


def _digest(blob: Blob, algorithm: str) -> str:
    made = hashlib.new(algorithm)
    at, end = blob.start, blob.start + blob.size
    while at < end and (data := os.pread(blob.descriptor, min(_CHUNK, end - at), at)):
        made.update(data)
        at += len(data)
    return f"{algorithm}:{made.hexdigest()}"
