r"""Hash a tree so that the same content has the same digest on every machine. EDGE.

The digest is SHA-256 over one record for each thing below the root, folders before what is in them,
names of a folder in the order of their bytes:

    TYPE MODE CONTENT PATH\0

TYPE: as in `ls -l`, `-` for a file; MODE: four octal digits; CONTENT: SHA-256 in hex of a file's
bytes or of where a link leads, MAJOR:MINOR of a device, else `-`; PATH: from the root, with a slash
in front. Owners and times do not count, since they differ where a tree was unpacked. Nor do the
attestation itself and its folders, so that it can be put into what it is about.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Final

from checks.errors import AttestationError
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTESTATION: Final = "/usr/share/hygiene-agent/attestation.json"
"""Where an image keeps its own."""
_OWN: Final = frozenset(
    os.fsencode(ATTESTATION.rsplit("/", count)[0]) for count in range(ATTESTATION.count("/"))
)
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_CHUNK: Final = 1 << 20


def digest(root: str, before: int) -> str:
    """Give the digest of a folder or, of a file, of its content; in hex.

    before: nanoseconds since 1970; raises AttestationError for what cannot be read, and for what
    changed since then: who scanned it saw something else.
    """
    top = os.fsencode(root)
    try:
        if not stat.S_ISDIR(os.stat(top).st_mode):
            return _content(os.path.realpath(top), before)
        whole = hashlib.sha256()
        for inside, status in _walked(top):
            settled(top + inside, status, before)
            if inside not in _OWN:
                whole.update(_record(top + inside, inside, status, before))
    except OSError as error:
        where = printable(os.fsdecode(error.filename or top))
        raise AttestationError(f"{where}: {error.strerror}, so that it has no digest") from error
    return whole.hexdigest()


def settled(path: bytes, status: os.stat_result, before: int) -> None:
    """Raise AttestationError for what changed after BEFORE; nobody but the kernel sets a ctime."""
    if status.st_ctime_ns >= before:
        shown = printable(os.fsdecode(path))
        raise AttestationError(f"{shown}: changed while it was scanned, so that it has no digest")


def _walked(top: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
    todo = _inside(top, b"")
    while todo:
        inside = todo.pop()
        status = os.lstat(top + inside)
        yield inside, status
        if stat.S_ISDIR(status.st_mode):
            todo += _inside(top, inside)


def _inside(top: bytes, folder: bytes) -> list[bytes]:
    names = sorted(os.listdir(top + folder), reverse=True)
    return [b"%b/%b" % (folder, name) for name in names]


def _record(path: bytes, inside: bytes, status: os.stat_result, before: int) -> bytes:
    mode, content = status.st_mode, "-"
    if stat.S_ISREG(mode):
        content = _content(path, before)
    elif stat.S_ISLNK(mode):
        content = hashlib.sha256(os.readlink(path)).hexdigest()
    elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        content = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
    kind = stat.filemode(mode)[0]
    return f"{kind} {stat.S_IMODE(mode):04o} {content} ".encode() + inside + b"\0"


def _content(path: bytes, before: int) -> str:
    descriptor = os.open(path, _FLAGS)
    try:
        status = os.fstat(descriptor)
        settled(path, status, before)
        if not stat.S_ISREG(status.st_mode):
            raise AttestationError(f"{printable(os.fsdecode(path))}: neither a file nor a folder")
        whole = hashlib.sha256()
        while data := os.read(descriptor, _CHUNK):
            whole.update(data)
        settled(path, os.fstat(descriptor), before)
        return whole.hexdigest()
    finally:
        os.close(descriptor)
