"""A file on a file system that is in memory only. EDGE.

It is made under a name of its own, given its group, mode and owner while it is empty, and renamed
into place. Nobody but root and this user may change the folder, so that nothing there changes
between looking and renaming; what is there and was not made here is left alone.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import folders, inmemory
from agent.deliver import DeliveryError, content
from agent.folders import FolderError
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.deliver import Delivered
    from agent.keysettings import FileDelivery

_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_STRANGERS: Final = 0o027
"""Of a key nobody else has any right, and no group may change it."""


class Kind:
    """Files have nothing in common."""

    def __init__(self, _folder: str) -> None: ...

    def make(self, settings: FileDelivery, _key: str) -> File:
        """Make a delivery; raises DeliveryError. The folder is first looked at by `publish`."""
        return File(settings)

    def close(self) -> None:
        """Leave the files where they are."""


class _Rights(NamedTuple):
    """Whose a file is, and who may do what with it."""

    owner: int
    group: int
    mode: int


class File:
    """The file."""

    def __init__(self, settings: FileDelivery) -> None:
        """Keep what it is to be; raises DeliveryError for an unknown user and for strangers."""
        self._path = settings.path
        self._folder, self._name = os.path.split(settings.path)
        # The same at each run: what one that was cut off left behind is found by the next.
        self._beside = f".{self._name}.hygiene-agent"
        self._rights = _rights(settings)
        self._known: tuple[int, int, int] | None = None
        if not self._name or self._name in {".", ".."}:
            raise DeliveryError(f"{self}: expected the path of a file")

    def __repr__(self) -> str:
        """Give its path."""
        return printable(self._path)

    def publish(self, what: Delivered) -> None:
        """Put it in place in one step; raises DeliveryError."""
        with self._opened() as folder:
            if not (found := inmemory.kind(folder)):
                raise DeliveryError(f"{self}: not on tmpfs or ramfs, where nothing gets to a disk")
            self._refuse_foreign(folder)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._beside, dir_fd=folder)
            try:
                self._fill(folder, content(what))
                os.rename(self._beside, self._name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException as error:
                with contextlib.suppress(OSError):
                    os.unlink(self._beside, dir_fd=folder)
                if isinstance(error, OSError):
                    raise DeliveryError(f"{self}: {error.strerror} ({found})") from None
                raise
            self._known = _identity(os.stat(self._name, dir_fd=folder, follow_symlinks=False))

    def lost(self) -> bool:
        """Say whether it is gone, or was changed; raises DeliveryError."""
        if self._known is None:
            return False
        with self._opened() as folder:
            status = self._status(folder)
            return status is None or _identity(status) != self._known

    def withdraw(self) -> None:
        """Remove it, and what a run that was cut off left beside it; raises DeliveryError."""
        with self._opened() as folder:
            self._refuse_foreign(folder)
            for name in (self._beside, self._name):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)
        self._known = None

    def warnings(self) -> list[str]:
        """Say whether it may be swapped to a disk."""
        try:
            with self._opened() as folder:
                swapped = inmemory.swapped(folder)
        except DeliveryError:  # `publish` says that
            return []
        return [f"{self}: {swapped}"] if swapped else []

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            with folders.opened(self._folder) as folder:
                yield folder
        except FolderError as error:
            raise DeliveryError(f"{self}: {error}") from None
        except OSError as error:
            raise DeliveryError(f"{self}: {error.strerror}") from None

    def _status(self, folder: int) -> os.stat_result | None:
        try:
            return os.stat(self._name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _refuse_foreign(self, folder: int) -> None:
        """Raise DeliveryError for what is in its place and was not made here, or in a run before.

        Of a run before it has one name, and the rights that it would get now.
        """
        status = self._status(folder)
        if status is None or (self._known and _identity(status)[:2] == self._known[:2]):
            return
        rights = _Rights(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or rights != self._rights:
            raise DeliveryError(f"{self}: something else is in its place; remove it first")

    def _fill(self, folder: int, data: bytes) -> None:
        """Make the file beside its place, whole; raises OSError."""
        descriptor = os.open(self._beside, _CREATE, 0o600, dir_fd=folder)
        try:
            self._give(descriptor)
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)

    def _give(self, descriptor: int) -> None:
        """Set group, mode and owner of an empty file; raises DeliveryError, OSError."""
        owner, group, mode = self._rights
        status = os.fstat(descriptor)
        try:
            # The owner last: to change what is another's would need more privilege.
            if status.st_gid != group:
                os.fchown(descriptor, -1, group)
            os.fchmod(descriptor, mode)
            if status.st_uid != owner:
                os.fchown(descriptor, owner, -1)
        except PermissionError:
            whom = f"user {owner} and group {group}"
            raise DeliveryError(f"{self}: this process may not give it to {whom}") from None


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_dev, status.st_ino, status.st_ctime_ns


def _rights(settings: FileDelivery) -> _Rights:
    """Find the user and the group; raises DeliveryError."""
    mode = int(settings.mode, 8)
    if mode & _STRANGERS:
        raise DeliveryError(f"mode: {settings.mode} gives others what only the owner is to have")
    try:
        owner = pwd.getpwnam(settings.owner).pw_uid if settings.owner else os.geteuid()
    except KeyError:
        raise DeliveryError(f"owner: no user {printable(settings.owner)}") from None
    try:
        group = grp.getgrnam(settings.group).gr_gid if settings.group else os.getegid()
    except KeyError:
        raise DeliveryError(f"group: no group {printable(settings.group)}") from None
    return _Rights(owner, group, mode)
