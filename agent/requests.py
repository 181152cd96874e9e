"""Ask a role for something, by a file in its spool folder, and be answered. EDGE.

STATE/ROLE/requests is a folder that only root, the role and the agent's group can write: whoever
may put a file there may ask, but for other roles. The role takes each request once, at its next
turn, believes nothing of it but its type, deletes it, and publishes what came of it. The kernel
says whose a request is.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple, TypeVar

import msgspec

from agent import powers, snapshot
from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWERS: Final = "answers"
"""The name of the snapshot."""
_LONGEST: Final = 4096
_MOST: Final = 1000
"""Files that are looked at in one turn."""
_KEPT: Final = 200
"""Answers that are published."""
_MOST_BYTES: Final = 1024 * 1024
_MODE: Final = 0o1770
"""Nobody may delete another one's request, but for the role, whose folder it is."""
_HALF: Final = 3600.0
"""Seconds after which what was never wholly written is cleared away."""
_SAFELY: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class RequestError(HygieneError):
    """A request that cannot be put."""


class _Request(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="act"
):
    """What is asked; id: one's own for each."""

    version: Literal[1] = 1
    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")] = msgspec.field(
        default_factory=lambda: secrets.token_hex(16)
    )

    @property
    def act(self) -> str:
        """Give the name of what is asked."""
        return str(self.__struct_config__.tag)


class Rotated(_Request, frozen=True, kw_only=True, tag="rotated"):
    """The value behind a finding was changed at its service. why: how that is known, "" if told."""

    identity: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    why: Annotated[str, msgspec.Meta(max_length=2048)] = ""

    @property
    def subject(self) -> str:
        """Give what it is about."""
        return self.identity


class _OfEndpoint(_Request, frozen=True, kw_only=True):
    """What is asked of "ADDRESS:PORT" of this host, under a name where one is given."""

    address: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    name: Annotated[str, msgspec.Meta(max_length=253)] = ""

    @property
    def subject(self) -> str:
        """Give what it is about."""
        return self.address


class Prove(_OfEndpoint, frozen=True, kw_only=True, tag="prove"):
    """Say which certificate is served there, by a handshake."""


class Judge(_OfEndpoint, frozen=True, kw_only=True, tag="judge"):
    """Give the severity of each check that fails there."""


class Do(_Request, frozen=True, kw_only=True, tag="do"):
    """Do what the bootstrap file allows under this name."""

    action: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]

    @property
    def subject(self) -> str:
        """Give what it is about."""
        return self.action


class Rotate(_Request, frozen=True, kw_only=True, tag="rotate"):
    """Get a key anew now, whether or not it is due. at: when that was asked, since 1970 in UTC."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    at: Annotated[float, msgspec.Meta(ge=0)] = msgspec.field(default_factory=time.time)

    @property
    def subject(self) -> str:
        """Give what it is about."""
        return self.key


class Restore(_Request, frozen=True, kw_only=True, tag="restore"):
    """Try once more to put managed paths back, all where none are named."""

    paths: Annotated[tuple[str, ...], msgspec.Meta(max_length=20)] = ()

    @property
    def subject(self) -> str:
        """Give what it is about."""
        return ", ".join(self.paths) or "all"


class Undo(_Request, frozen=True, kw_only=True, tag="undo"):
    """Have what stood at a managed path before it was put back; kept: its id."""

    kept: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]

    @property
    def subject(self) -> str:
        """Give what it is about."""
        return self.kept


Request = Rotated | Prove | Do | Rotate | Judge | Restore | Undo
_T = TypeVar("_T", bound=Request)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a request: done or not, and why, in words."""

    id: str
    at: float
    done: bool
    result: str


class Answers(msgspec.Struct, frozen=True):
    """The last answers of a role, the oldest first."""

    answers: tuple[Answer, ...] = ()


class Asked(NamedTuple):
    """A file of the spool folder. request: None where it is none; owner: user id of who put it.

    role: whose user that is, "" for a person or where roles have none of their own.
    """

    name: str
    owner: int
    request: Request | None
    role: str = ""


class Inbox:
    """The requests to one role, as the role sees them."""

    def __init__(self, folder: Path, published: Path) -> None:
        """Make the spool folder below a role's own; raises RequestError."""
        self._folder = folder
        self._spool, self._answers = folder / powers.REQUESTS, published / ANSWERS
        self._given = list((snapshot.read(self._answers, Answers) or Answers()).answers)
        self._done: set[str] = set()
        """Requests that were answered and could not be deleted."""
        try:
            self._spool.mkdir(exist_ok=True)
            descriptor = os.open(self._spool, os.O_RDONLY | os.O_DIRECTORY | _SAFELY)
            os.fchmod(descriptor, _MODE)
            os.close(descriptor)
        except OSError as error:
            raise RequestError(f"{self._spool}: {error.strerror}") from error

    def take(self, now: float) -> Iterator[Asked]:
        """Give what was asked and not answered yet, a bounded number; raises RequestError."""
        try:
            names = self._names()
        except OSError as error:
            raise RequestError(f"{self._spool}: {error.strerror}") from error
        self._done.intersection_update(names)
        others = self._others() if names else {}
        for name in names:
            if name.startswith("."):
                self._clear(name, now)
            elif name not in self._done:
                asked = _asked(self._spool, name)
                yield asked._replace(role=others.get(asked.owner, ""))

    def answer(self, asked: Asked, now: float, result: str, *, done: bool) -> None:
        """Publish what came of a request, and delete it; raises SnapshotError."""
        if asked.request is not None:
            self._given.append(Answer(id=asked.request.id, at=now, done=done, result=result))
            self._given = self._given[-_KEPT:]
        self._done.add(asked.name)
        with contextlib.suppress(OSError):
            _remove(self._spool / asked.name)
            self._done.discard(asked.name)
        snapshot.write(self._answers, Answers(tuple(self._given)))

    def _others(self) -> dict[int, str]:
        """Give the users of the other roles, who share the group."""
        found = {}
        for name in powers.ROLES:
            with contextlib.suppress(OSError):
                found[os.stat(self._folder.parent / name).st_uid] = name
        return {user: name for user, name in found.items() if user not in {0, os.geteuid()}}

    def _names(self) -> list[str]:
        with os.scandir(self._spool) as entries:
            return [one.name for one, _ in zip(entries, range(_MOST), strict=False)]

    def _clear(self, name: str, now: float) -> None:
        path = self._spool / name
        with contextlib.suppress(OSError):
            if abs(now - path.lstat().st_mtime) > _HALF:
                _remove(path)


def _remove(path: Path) -> None:
    """Delete a file, or a folder that somebody put in its place and that is empty."""
    if stat.S_ISDIR(path.lstat().st_mode):
        path.rmdir()
    else:
        path.unlink()


def _asked(spool: Path, name: str) -> Asked:
    """Read one file of the spool folder."""
    owner = -1
    with contextlib.suppress(OSError, msgspec.MsgspecError, ValueError, RecursionError):
        owner = (spool / name).lstat().st_uid
        descriptor = os.open(spool / name, os.O_RDONLY | _SAFELY)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            owner = status.st_uid
            # A further name of somebody else's file would ask in their place.
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                return Asked(name, owner, None)
            data = file.read(_LONGEST + 1)
        if len(data) <= _LONGEST:
            return Asked(name, owner, msgspec.json.decode(data, type=Request))
    return Asked(name, owner, None)


def put(folder: Path, request: _T) -> _T:
    """Ask the role of a folder; gives the request again. Raises RequestError."""
    spool = folder / powers.REQUESTS
    half = spool / f".{request.id}"
    try:
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, 0o640)
        with open(descriptor, "wb") as file:
            file.write(msgspec.json.encode(request))
            os.fchmod(descriptor, 0o640)
            with contextlib.suppress(OSError):  # the role reads as one of the folder's group
                os.fchown(descriptor, -1, spool.stat().st_gid)
        half.rename(spool / request.id)
    except OSError as error:
        with contextlib.suppress(OSError):
            half.unlink()
        raise RequestError(f"{spool}: {error.strerror}") from error
    return request


def wait(published: Path, request: Request, seconds: float) -> Answer | None:
    """Wait for the answer to a request; None where none came in time."""
    end = time.monotonic() + seconds
    while True:
        found = snapshot.read(published / ANSWERS, Answers, most=_MOST_BYTES) or Answers()
        answer = next((one for one in found.answers if one.id == request.id), None)
        if answer is not None or time.monotonic() > end:
            return answer
        time.sleep(0.1)
