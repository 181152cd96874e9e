"""Write and read audit logs: what this program and its administrators did, append-only. EDGE.

One file a chain and one writer a file: STATE/ROLE/published/audit.log of each role, and
STATE/audit/cli-UID.log of the commands of each user. What a log is, `agent.auditlog` says. Whoever
may write a file can also cut its end off; that shows because heads are sent off the host
(`agent.audittrail`). No entry holds a secret.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from agent import actor, auditlog, powers
from agent.auditlog import DAMAGED, HEALED, LONGEST, AuditError, Checker, Fragment, Head, Said
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from agent.auditlog import Entry
    from agent.events import Actor

NAME: Final = "audit.log"
"""Of a role's log, in what it publishes."""
_ENDING: Final = ".log"
_TAIL: Final = 16 * LONGEST
_PATIENCE: Final = 2.0
"""Seconds to wait for another writer."""
_MOST_CHAINS: Final = 1000
_WRITERS: Final = (*powers.ROLES, powers.SUPERVISOR)
_COMMAND: Final = regex(r"cli-[0-9]{1,10}")
_WRITE: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT
_SAFELY: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class _Tail(NamedTuple):
    """How a file ends. rest: what stands behind its last entry; whole: that one ends its line."""

    head: Head
    rest: bytes
    whole: bool = True


class Chain:
    """The log of one writer."""

    def __init__(self, path: Path, name: str) -> None:
        """Open a log or begin it; raises AuditError."""
        self.name = name
        self._path = path
        self._actor = actor.current()
        self._size = 0
        self._known = Head()
        try:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._file = self._opened()
            self._known = self._tail(os.fstat(self._file).st_size).head
        except OSError as error:
            raise AuditError(f"{self._path}: {error.strerror}") from error

    @property
    def head(self) -> Head:
        """The entry that was the last one when we last looked."""
        return self._known

    def append(self, said: Said, now: float) -> Entry:
        """Write an entry and see it on the disk; raises AuditError, and then it is not there.

        What another writer or a crash left half written is healed first.
        """
        try:
            self._follow_name()
            with self._alone():
                self._catch_up(now)
                return self._add(said, now)
        except OSError as error:
            raise AuditError(f"{self._path}: {error.strerror}") from error

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _opened(self) -> int:
        """Open the file, which must be one of ours that nobody else can write."""
        descriptor = os.open(self._path, _WRITE | _SAFELY, 0o640)
        status = os.fstat(descriptor)
        ours = status.st_uid in {0, os.geteuid()} and not status.st_mode & 0o022
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or not ours:
            os.close(descriptor)
            raise AuditError(f"{self._path}: not a file that only this user can write")
        with contextlib.suppress(OSError):  # whoever may read the folder may read the log
            os.fchown(descriptor, -1, self._path.parent.stat().st_gid)
        return descriptor

    def _follow_name(self) -> None:
        """Go on in the file that has the name now; that it is another one is written there."""
        try:
            there = os.stat(self._path, follow_symlinks=False)
        except FileNotFoundError:
            there = None
        if there is None or not os.path.samestat(there, os.fstat(self._file)):
            fresh = self._opened()
            os.close(self._file)
            self._file = fresh

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the file's lock."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _catch_up(self, now: float) -> None:
        """Find the last entry, and say what is wrong behind or before it."""
        size = os.fstat(self._file).st_size
        if size and size == self._size:
            return
        tail = self._tail(size)
        before, self._known, self._size = self._known, tail.head, size
        if tail.rest:
            found = Fragment(tail.rest)
            said = Said(HEALED, "end of the log", str(found))
            if found.ended:  # a torn line has no end
                said = Said(DAMAGED, "end of the log", f"no entries: {found}")
            self._add(said, now, b"" if found.ended else b"\n")
        elif not tail.whole:
            self._put(b"\n")
        if tail.head.sequence < before.sequence:
            self._add(Said(DAMAGED, "end of the log", f"entries gone, up to {before}"), now)

    def _tail(self, size: int) -> _Tail:
        """Read the end of the file back to its last entry."""
        data = os.pread(self._file, _TAIL, max(size - _TAIL, 0))
        end = len(data)
        while end:
            begin = data.rfind(b"\n", 0, end - 1) + 1
            one = auditlog.entry(data[begin:end].removesuffix(b"\n") + b"\n")
            if one is not None:
                return _Tail(one.head, data[end:], data[end - 1 : end] == b"\n")
            end = begin
        return _Tail(Head(), data)

    def _add(self, said: Said, now: float, first: bytes = b"") -> Entry:
        line = auditlog.line(self.name, said, self._actor_now(), now, self._known)
        self._put(first + line)
        made = auditlog.entry(line)
        assert made is not None
        self._known = made.head
        return made

    def _actor_now(self) -> Actor:
        """Give who acts: after a fork another process."""
        return msgspec.structs.replace(self._actor, pid=os.getpid())

    def _put(self, data: bytes) -> None:
        """Write all and see it on the disk, or nothing; what stays half written is healed later."""
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
            os.fdatasync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)


class Verdict(NamedTuple):
    """What a look through a whole log gave. met: those of the asked heads that are in it.

    torn: its last line is not whole, as after a crash, or while it is being written.
    """

    chain: str
    head: Head
    healed: int
    torn: bool
    faults: tuple[str, ...]
    met: frozenset[Head]


def places(state: Path) -> dict[str, Path]:
    """Give the logs there are, by chain; raises AuditError where a folder cannot be listed."""
    roles = {role: state / role / powers.PUBLISHED / NAME for role in _WRITERS}
    folder = state / powers.AUDIT
    try:
        found = {chain: path for chain, path in roles.items() if path.exists()}
        with os.scandir(folder) as inside:
            names = [one.name for one, _ in zip(inside, range(_MOST_CHAINS), strict=False)]
    except FileNotFoundError:
        names = []
    except OSError as error:
        raise AuditError(f"{error.filename}: {error.strerror}") from error
    chains = (name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING))
    found |= {chain: folder / f"{chain}{_ENDING}" for chain in chains if _COMMAND.fullmatch(chain)}
    return dict(sorted(found.items()))


def size(path: Path) -> int:
    """Give the bytes of a log, 0 where it is gone; raises AuditError."""
    try:
        return os.stat(path, follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise AuditError(f"{path}: {error.strerror}") from error


def lines(path: Path, begin: int = 0) -> Iterator[bytes]:
    """Give the lines of a log from a byte on, with their line feeds; raises AuditError.

    One that is too long comes in pieces, none of which is an entry.
    """
    try:
        with open(os.open(path, os.O_RDONLY | _SAFELY), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise AuditError(f"{path}: not a regular file")
            file.seek(begin)
            while data := file.readline(LONGEST):
                yield data
    except OSError as error:
        raise AuditError(f"{path}: {error.strerror}") from error


def examine(path: Path, chain: str, heads: Collection[Head] = ()) -> Verdict:
    """Go through a whole log; raises AuditError where it cannot be read."""
    checker = Checker(chain)
    met = set()
    for data in lines(path):
        one = checker.take(data)
        if one is not None and one.head in heads:
            met.add(one.head)
    checker.end()
    return Verdict(
        chain, checker.head, checker.healed, checker.torn, tuple(checker.faults), frozenset(met)
    )


def entries(path: Path) -> Iterator[Entry]:
    """Give the entries of a log, leaving out what is none; raises AuditError."""
    return filter(None, map(auditlog.entry, lines(path)))


def of_command(state: Path) -> Chain:
    """Open the log of the commands of this user; raises AuditError."""
    name = f"cli-{os.geteuid()}"
    return Chain(state / powers.AUDIT / f"{name}{_ENDING}", name)


def note(state: Path, said: Said, now: float) -> str:
    """Note what a command did; give why it could not be noted, "" where it was."""
    try:
        chain = of_command(state)
        chain.append(said, now)
        chain.close()
    except AuditError as error:
        return str(error)
    return ""
