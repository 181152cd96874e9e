"""Look at one file of a disk, whatever it is, and give findings that hold no secret. EDGE."""

from __future__ import annotations

import contextlib
import io
import os
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from checks import files, keyfiles, text
from checks.model import Access, Inconclusive
from checks.spotted import Document, joined_fault
from checks.unpack.kinds import FIRST, kind
from checks.unpack.limits import Budget, Limits
from checks.weighing import Weighing

if TYPE_CHECKING:
    from checks.inspect import Inspector, Looked
    from checks.redact import FingerprintKey
    from checks.scanned import Orders, Result
    from checks.secrets.keyfaults import Fault

_HEAD: Final = 1024
_MIB: Final = 1024 * 1024


class Scanner:
    """Looks at files one by one; one a process."""

    def __init__(self, inspector: Inspector, orders: Orders) -> None:
        """Keep the inspector and the orders; nothing is opened."""
        self._weighing = Weighing(orders)
        self._inspector = inspector
        self._orders = orders
        self._access = files.numbered if orders.foreign else files.access
        self._roots = sorted(orders.roots, key=len, reverse=True)
        limits = orders.policy.archives
        self._limits = Limits(
            depth=limits.depth,
            members=limits.members,
            total_bytes=limits.total_mib * _MIB,
            member_bytes=limits.member_mib * _MIB,
            ratio=limits.ratio,
        )

    def beside(self, key: FingerprintKey) -> Scanner:
        """Give one that computes a further fingerprint of what it finds."""
        return Scanner(self._inspector, self._orders._replace(keys=(*self._orders.keys, key)))

    def file(self, path: str, result: Result) -> None:
        """Look at one file and add what was found to RESULT."""
        opened = self._open(path)
        if isinstance(opened, files.NotApplicable):
            result.count(opened.kind)
        elif isinstance(opened, Inconclusive):
            result.inconclusive.append(opened)
        else:
            try:
                self.opened(opened, result)
            except OSError as error:
                result.inconclusive.append(files.unseen(path, error))
            finally:
                os.close(opened.descriptor)

    def certificate(self, path: str, result: Result) -> None:
        """Read the first certificate of a file, to be joined with the keys beside it."""
        opened = self._open(path)
        if isinstance(opened, files.Opened):
            try:
                data = os.pread(opened.descriptor, _MIB, 0)
                result.certificates.append((path, keyfiles.first_certificate(data)))
            except OSError as error:
                result.inconclusive.append(files.unseen(path, error))
            finally:
                os.close(opened.descriptor)

    def _open(self, path: str) -> files.Opened | files.NotApplicable | Inconclusive:
        """Open a file, and call it by the path that it has for those who live in its root."""
        within = self._orders.within
        opened = files.open_file(within + path)
        if not within:
            return opened
        if isinstance(opened, Inconclusive):
            return msgspec.structs.replace(opened, path=path)
        return opened._replace(path=path)

    def opened(self, opened: files.Opened, result: Result) -> None:
        """Look at an open file, whoever opened it; raises OSError; the caller closes it."""
        self._weighing.begin()
        result.files += 1
        if opened.status.st_size <= files.CHUNK:
            data = files.whole(opened)
            if isinstance(data, Inconclusive):
                result.inconclusive.append(data)
                return
            result.bytes += len(data)
            self._small(opened, data, result)
            return
        head = os.pread(opened.descriptor, _HEAD, opened.start)
        if self._is_archive(opened.path, head):
            result.bytes += opened.status.st_size
            with files.source(opened) as source:
                self._archive(opened, source, result)
        else:
            self._large(opened, result)

    def _small(self, opened: files.Opened, data: bytes, result: Result) -> None:
        """Look at a file that was read at once; most hold nothing, which is to be seen fast."""
        path, glance = opened.path, None
        plain = data and text.is_plain(data)
        if (not plain or data[0] in FIRST) and self._is_archive(path, data[:_HEAD]):
            self._archive(opened, io.BytesIO(data), result)
            return
        if plain:
            glance = self._inspector.glance(path, data, self._root)
            if glance is None:
                result.text_bytes += len(data)
                return
        status = opened.status
        self._document(
            Document(
                path,
                data,
                self._access(status),
                (status.st_dev, status.st_ino),
                self._orders.place,
                root=self._root(path),
                glance=glance,
            ),
            result,
        )

    def _root(self, path: str) -> str:
        for root in self._roots:
            if path.startswith(root):
                return root
        return ""

    def _is_archive(self, path: str, head: bytes) -> bool:
        return self._orders.policy.archives.enabled and bool(kind(head, path))

    def _large(self, opened: files.Opened, result: Result) -> None:
        """Look at a large file piece by piece; it counts as one file."""
        degraded, binary = result.degraded, result.not_applicable.get("binary", 0)
        self._pieces(opened, result)
        result.degraded = min(result.degraded, degraded + 1)
        if result.not_applicable.get("binary", 0) > binary:
            result.not_applicable["binary"] = binary + 1

    def _pieces(self, opened: files.Opened, result: Result) -> None:
        """Look at every piece; what two of them share is reported once."""
        seen: set[tuple[str, str]] = set()
        mark = text.mark(os.pread(opened.descriptor, 4, opened.start))
        for piece in files.pieces(opened):
            if isinstance(piece, Inconclusive):
                result.inconclusive.append(piece)
                return
            self.piece(opened, piece, mark, seen, result)

    def piece(
        self,
        opened: files.Opened,
        piece: files.Piece,
        mark: bytes,
        seen: set[tuple[str, str]],
        result: Result,
    ) -> None:
        """Look at a piece of a large file; mark: with which the file begins (see `text.mark`).

        seen: check and value of what was reported of earlier ones, which is not repeated.
        """
        result.bytes += len(piece.data) - piece.overlap
        document = Document(
            opened.path,
            mark + piece.data if piece.overlap else piece.data,
            self._access(opened.status),
            first_line=piece.line,
            whole=False,
            root=self._root(opened.path),
        )
        looked = self._inspector.look(document)
        fresh = [s for s in looked.spotted if (s.check, s.value) not in seen]
        seen.update((s.check, s.value) for s in fresh)
        looked.spotted = fresh
        self._take(document, looked, result)

    def _archive(self, opened: files.Opened, source: BinaryIO, result: Result) -> None:
        outer = self._access(opened.status)
        from checks import archives  # its decoders are libraries that few files need

        budget = Budget()
        for member in archives.members(opened.path, source, self._limits, budget):
            if isinstance(member, archives.Skipped):
                result.inconclusive.append(Inconclusive(member.path, member.reason))
                continue
            result.members += 1
            access = Access(outer.uid, outer.gid, outer.mode)
            document = Document(member.path, member.data, access, root=self._root(opened.path))
            self._document(document, result)

    def _document(self, document: Document, result: Result) -> None:
        if not document.data:
            result.count("empty")
            return
        self._take(document, self._inspector.look(document), result)

    def _take(self, document: Document, looked: Looked, result: Result) -> None:
        result.inconclusive += looked.inconclusive
        result.keys += looked.keys
        if looked.certificate:
            result.certificates.append((document.path, ""))
        result.degraded += looked.degraded
        if looked.binary:
            result.count("binary")
        else:
            result.text_bytes += len(document.data)
        if not looked.spotted:
            return
        self._weighing.report(document, looked.spotted, looked.content, result)

    def fault(
        self, path: str, spki: str, fault: Fault, result: Result, access: Access | None = None
    ) -> None:
        """Report a fault of a key that showed only beside other files; access: where known."""
        self._weighing.begin()
        if not self._orders.foreign:
            with contextlib.suppress(OSError):
                access = files.access(os.lstat(path))
        told = Document(path, b"", access)
        self._weighing.report(told, [joined_fault(fault, spki)], None, result)
