"""Read a file, a part of a stream or a decompressed stream with one small interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError, HygieneError

if TYPE_CHECKING:
    from typing import BinaryIO

CHUNK: Final = 1 << 16
TRUNCATED: Final = "truncated"


class Stream(ABC):
    """Bytes in order, read once, with a look ahead.

    metered: the bytes were paid for where they were decompressed. An error is met after the bytes
    before it were given out, and again at every later read.
    """

    metered = False

    def __init__(self) -> None:
        """Start with nothing looked at."""
        self._ahead = b""
        self._error: HygieneError | None = None

    @abstractmethod
    def _pull(self, size: int) -> bytes:
        """Give 1 to SIZE further bytes, b"" at the end."""

    def read(self, size: int) -> bytes:
        """Give SIZE bytes, fewer only at the end or before an error."""
        parts = [self._ahead[:size]]
        self._ahead = self._ahead[size:]
        missing = size - len(parts[0])
        while missing and (part := self._try_pull(missing)):
            parts.append(part)
            missing -= len(part)
        found = b"".join(parts)
        if self._error and size and not found:
            raise self._error
        return found

    def _try_pull(self, size: int) -> bytes:
        if self._error:
            return b""
        try:
            return self._pull(size)
        except HygieneError as error:
            self._error = error
            return b""

    def exactly(self, size: int) -> bytes:
        """Give SIZE bytes; raises FormatError when there are fewer."""
        found = self.read(size)
        if len(found) < size:
            raise self._error or FormatError(TRUNCATED)
        return found

    def peek(self, size: int) -> bytes:
        """Give up to SIZE bytes (fewer only near the end) without taking them."""
        if len(self._ahead) < size:
            self._ahead = self.read(size)
        return self._ahead[:size]

    def unread(self, data: bytes) -> None:
        """Put back bytes that were taken too early."""
        self._ahead = data + self._ahead

    def skip(self, size: int) -> None:
        """Pass over SIZE bytes; raises FormatError when there are fewer."""
        while size:
            size -= len(self.exactly(min(size, CHUNK)))

    def skip_zeros(self, block: int = 1) -> None:
        """Pass over whole blocks of zero bytes."""
        while head := self.peek(CHUNK):
            zeros = len(head) - len(head.lstrip(b"\0"))
            zeros -= zeros % block
            self.skip(zeros)
            if zeros < len(head):
                return


class Raw(Stream):
    """A binary file object, from where it stands; read errors become FormatError."""

    def __init__(self, file: BinaryIO) -> None:
        """Read FILE, which stays the caller's to close."""
        super().__init__()
        self.file = file
        self._size = _size_of(file)

    @property
    def seekable(self) -> bool:
        """Say whether the file can be read in any order."""
        return self._size is not None

    @property
    def position(self) -> int:
        """Where in a seekable file the next byte stands."""
        return self.file.tell() - len(self._ahead)

    def _pull(self, size: int) -> bytes:
        try:
            return self.file.read(min(size, CHUNK)) or b""
        except OSError as error:
            raise FormatError("read error") from error

    def skip(self, size: int) -> None:
        """Pass over SIZE bytes without reading them where the file allows it."""
        near = min(size, len(self._ahead))
        self._ahead = self._ahead[near:]
        size -= near
        if self._size is None:
            super().skip(size)
        elif size and self.file.tell() + size > self._size:
            self._error = FormatError(TRUNCATED)
            raise self._error
        elif size:
            self.file.seek(size, 1)


class Section(Stream):
    """The next bytes of another stream, as a stream of its own."""

    def __init__(self, parent: Stream, size: int) -> None:
        """Span the next SIZE bytes of PARENT, which must not be read elsewhere meanwhile."""
        super().__init__()
        self._parent = parent
        self._left = size
        self.metered = parent.metered

    def _pull(self, size: int) -> bytes:
        if not self._left:
            return b""
        found = self._parent.read(min(size, self._left, CHUNK))
        if not found:
            raise FormatError(TRUNCATED)
        self._left -= len(found)
        return found

    def finish(self) -> None:
        """Pass over what was not read, so that the parent stands behind the section."""
        self._parent.skip(self._left)
        self._left = 0


def _size_of(file: BinaryIO) -> int | None:
    try:
        here = file.tell()
        size = file.seek(0, 2)
        file.seek(here)
    except (OSError, AttributeError):
        return None
    return size
