"""Put one thing in the place of another in one step, and lose neither. EDGE.

The new one is made whole beside the old one, then the two are exchanged by the kernel, so that who
looks at any time, and who kills this process at any time, finds the one or the other; what was in
the place is kept before it is removed, whatever it was by then. Nobody but root and this user may
write to the folder or to one above it, or nothing is done: so no path leads elsewhere.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from agent import folders, syscalls
from agent.folders import FolderError
from agent.mending.thing import NOTHING, PERMISSIONS, MendError, Rights, Thing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LARGEST: Final = 16 * 1024 * 1024
"""Bytes of what is kept."""
_TOO_LARGE: Final = "what is in its place is too large to be kept"
_RENAMEAT2: Final = {"x86_64": 316, "aarch64": 276}
_NOREPLACE: Final = 1
_EXCHANGE: Final = 2
"""linux/fs.h, renameat2(2)."""
_UNKNOWN: Final = (errno.EINVAL, errno.ENOSYS)
_CHANGED: Final = (errno.EEXIST, errno.ENOENT)
_TRIES: Final = 5
_OURS: Final = ".hygiene-agent"


def beside(name: str) -> str:
    """Give the name under which the new one is made; no pattern such as `*.conf` takes it."""
    return f".{name}{_OURS}"


def is_beside(path: str) -> str:
    """Give the path beside which something of ours was left under this one, "" if it is not."""
    folder, name = os.path.split(path)
    inner = name.removeprefix(".").removesuffix(_OURS)
    return os.path.join(folder, inner) if inner and name == beside(inner) else ""


@contextlib.contextmanager
def _opened(path: str) -> Iterator[tuple[int, str]]:
    """Give the folder of a path, open, and the name in it; raises MendError."""
    folder, name = os.path.split(path)
    try:
        with folders.opened(folder) as at:
            inner = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=at)
            try:
                yield inner, name
            finally:
                os.close(inner)
    except FolderError as error:
        raise MendError(str(error)) from None
    except OSError as error:
        raise MendError(f"{path}: {error.strerror}") from None


def rights(path: str) -> Rights | None:
    """Give whose a file is now; None where there is none, or another kind of thing."""
    with _opened(path) as (folder, name):
        status = _status(folder, name)
    if status is None or stat.S_IFMT(status.st_mode) not in {stat.S_IFREG, stat.S_IFDIR}:
        return None
    return _rights(status)


def put(path: str, thing: Thing, keep: Callable[[Thing], object]) -> Thing:
    """Have THING at a path; gives what was there, after KEEP had it. Raises MendError."""
    with _opened(path) as (folder, name):
        if thing.kind == "rights":
            return _give(folder, name, thing, keep)
        _keepable(_status(folder, name))
        made = thing.kind != "nothing"
        _make(folder, beside(name), thing)
        try:
            _swap(folder, name, there=made)
        except BaseException:
            _discard(folder, beside(name))
            raise
        try:
            before = _read(folder, beside(name))
            keep(before)
        except BaseException:
            _swap_back(folder, name, made=made)
            raise
        _discard(folder, beside(name))
        os.fsync(folder)
        return before


def recover(path: str, coming: Thing, keep: Callable[[Thing], object]) -> None:
    """Keep and remove what a run that was killed left beside a path; raises MendError.

    coming: what was to come; a part of that is not kept.
    """
    with _opened(path) as (folder, name):
        left = _read(folder, beside(name))
        if left.kind == "file" and coming.content.startswith(left.content):
            left = NOTHING
        if left.kind != "nothing":
            keep(left)
        _discard(folder, beside(name))


def _discard(folder: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def _make(folder: int, name: str, thing: Thing) -> None:
    """Make a thing whole, with its rights before its content; what is there under that name goes.

    Only this user and root can have put it there, and `recover` has kept what was left.
    """
    _discard(folder, name)
    try:
        if thing.kind == "file":
            _make_file(folder, name, thing)
        elif thing.kind == "link":
            os.symlink(thing.target, name, dir_fd=folder)
            if thing.rights is not None:
                ids = thing.rights.owner, thing.rights.group
                os.chown(name, *ids, dir_fd=folder, follow_symlinks=False)
    except BaseException:
        _discard(folder, name)
        raise


def _make_file(folder: int, name: str, thing: Thing) -> None:
    descriptor = os.open(name, _CREATE, 0o600, dir_fd=folder)
    try:
        if thing.rights is not None:
            _set(descriptor, thing.rights)
        view = memoryview(thing.content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _set(descriptor: int, wanted: Rights) -> None:
    """Set owner, group and mode; the mode last, since a change of owner takes bits away."""
    status = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) != (wanted.owner, wanted.group):
        os.fchown(descriptor, wanted.owner, wanted.group)
    if stat.S_IMODE(status.st_mode) != wanted.mode:
        os.fchmod(descriptor, wanted.mode)


def _swap(folder: int, name: str, *, there: bool) -> None:
    """Exchange the two names in one step, or move the one that is there.

    Another may come or go between the look and the step, which is then tried again.
    """
    for left in reversed(range(_TRIES)):
        try:
            if there:
                exchange = _status(folder, name) is not None
                _rename(folder, beside(name), name, _EXCHANGE if exchange else _NOREPLACE)
            elif _status(folder, name) is not None:
                _rename(folder, name, beside(name), _NOREPLACE)
        except OSError as error:
            if error.errno not in _CHANGED or not left:
                raise
        else:
            return


def _swap_back(folder: int, name: str, *, made: bool) -> None:
    """Have it as it was, after all."""
    with contextlib.suppress(OSError, MendError):
        if _status(folder, beside(name)) is not None:
            _rename(folder, beside(name), name, _EXCHANGE if made else _NOREPLACE)
            _discard(folder, beside(name))
        elif made:
            _discard(folder, name)


def _status(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _rename(folder: int, old: str, new: str, flags: int) -> None:
    """renameat2(2) within a folder; raises OSError, MendError where it cannot be done here."""
    number = _RENAMEAT2.get(os.uname().machine)
    if number is None:
        raise MendError(f"no exchange of files on {os.uname().machine}")
    names = [ctypes.c_char_p(os.fsencode(one)) for one in (old, new)]
    try:
        syscalls.call(number, folder, names[0], folder, names[1], flags)
    except OSError as error:
        if error.errno in _UNKNOWN:
            raise MendError("its file system cannot exchange two files in one step") from None
        raise


def _give(folder: int, name: str, thing: Thing, keep: Callable[[Thing], object]) -> Thing:
    """Set the rights of what is there; gives those that it had."""
    assert thing.rights is not None
    descriptor = os.open(name, _READ, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
        regular = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        if not regular and not stat.S_ISDIR(status.st_mode):
            raise MendError("not a file of one name, nor a folder")
        before = Thing(kind="rights", rights=_rights(status))
        keep(before)
        _set(descriptor, thing.rights)
        return before
    finally:
        os.close(descriptor)


def _read(folder: int, name: str) -> Thing:
    """Give what is under a name; raises MendError for what cannot be kept."""
    status = _status(folder, name)
    _keepable(status)
    if status is None:
        return NOTHING
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(name, dir_fd=folder)
        return Thing(kind="link", target=target, rights=_rights(status))
    with open(os.open(name, _READ, dir_fd=folder), "rb") as file:
        content = file.read(_LARGEST + 1)
        status = os.fstat(file.fileno())
    if len(content) > _LARGEST:
        raise MendError(_TOO_LARGE)
    return Thing(kind="file", content=content, rights=_rights(status))


def _keepable(status: os.stat_result | None) -> None:
    """Raise MendError for what has to stay where it is, since it cannot be kept."""
    if status is None or stat.S_ISLNK(status.st_mode):
        return
    if not stat.S_ISREG(status.st_mode):
        raise MendError("what is in its place is no file and no link: a person has to look")
    if status.st_size > _LARGEST:
        raise MendError(_TOO_LARGE)


def _rights(status: os.stat_result) -> Rights:
    """Give whose it is; a file is never given more than permissions, as set-user-id."""
    kept = stat.S_IMODE(status.st_mode)
    mode = kept if stat.S_ISDIR(status.st_mode) else kept & PERMISSIONS
    return Rights(status.st_uid, status.st_gid, mode)
