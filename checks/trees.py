"""Walk trees: give every regular file, and name what else is there. EDGE.

Links are not followed below a root; nothing is opened but folders and the ignore files that count.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from checks import files, ignore, mounts
from checks.files import NotApplicable, Opened
from checks.model import Inconclusive

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Sequence

_IGNORE_BYTES: Final = 64 * 1024

Walked = str | NotApplicable | Inconclusive


def walk(
    roots: Sequence[str], exclude: Sequence[str] = (), *, believing: bool = False
) -> Iterator[Walked]:
    """Give every regular file below the roots, and what else is there, in directory order.

    A root that is a symbolic link is followed; one that is no file and no folder was asked for and
    is not looked at, which is Inconclusive. exclude: globs on whole paths; believing: ignore files
    in the tree count.
    """
    pseudo = mounts.pseudo(mounts.table())
    excluded = ignore.matcher(exclude)
    for root in roots:
        try:
            mode = os.stat(root).st_mode
        except OSError as error:
            yield files.unseen(root, error)
            continue
        if stat.S_ISDIR(mode):
            yield from _tree(root, _Rules(_below(root, pseudo), excluded, believing))
        elif stat.S_ISREG(mode):
            yield os.path.realpath(root) if os.path.islink(root) else root
        else:
            yield Inconclusive(root, "not a file or a folder", files.kind(mode))


class _Rules(NamedTuple):
    """What is left out of a walk, and whether the tree itself may say so."""

    pseudo: frozenset[str]
    excluded: re.Pattern[str] | None
    believing: bool


def _tree(root: str, rules: _Rules) -> Iterator[Walked]:
    stack: list[tuple[str, tuple[re.Pattern[str], ...]]] = [(root, ())]
    while stack:
        folder, ignored = stack.pop()
        if rules.believing and (more := _ignore_file(folder)):
            ignored = (*ignored, more)
        try:
            entries = os.scandir(folder)
        except OSError as error:
            gone = error.errno == errno.ENOENT and folder != root
            yield NotApplicable(folder, "vanished") if gone else files.unseen(folder, error)
            continue
        free = not ignored and rules.excluded is None
        try:
            with entries:
                for entry in entries:
                    if free and entry.is_file(follow_symlinks=False):  # as most are
                        yield entry.path
                    elif ignored and any(one.match(entry.path) for one in ignored):
                        yield NotApplicable(entry.path, "ignored path")
                    elif (walked := _walked(entry, rules)) is None:
                        stack.append((entry.path, ignored))
                    else:
                        yield walked
        except OSError as error:
            yield files.unseen(folder, error)


def _ignore_file(folder: str) -> re.Pattern[str] | None:
    opened = files.open_file(os.path.join(folder, ignore.NAME))
    if not isinstance(opened, Opened):
        return None
    try:
        data = os.pread(opened.descriptor, _IGNORE_BYTES, 0)
    except OSError:
        return None
    finally:
        os.close(opened.descriptor)
    return ignore.pattern(data.decode("utf-8", "surrogateescape"), folder)


def _below(root: str, points: frozenset[str]) -> frozenset[str]:
    """Spell the mount points below a root as a walk of it comes by them, through links too."""
    real = os.path.realpath(root).rstrip("/") + "/"
    shown = root if root.endswith("/") else root + "/"
    return frozenset(shown + point[len(real) :] for point in points if point.startswith(real))


def _walked(entry: os.DirEntry[str], rules: _Rules) -> Walked | None:
    """Give what an entry is, None for a folder to go into; raises OSError where it cannot tell."""
    path = entry.path
    if rules.excluded and rules.excluded.match(path):
        return NotApplicable(path, "excluded path")
    if entry.is_file(follow_symlinks=False):
        return path
    if not entry.is_dir(follow_symlinks=False):
        return NotApplicable(path, _entry_kind(entry))
    if path in rules.pseudo:
        return NotApplicable(path, "pseudo file system")
    return None


def _entry_kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        try:
            os.stat(entry.path)
        except OSError:
            return "dangling link"
        return "link"
    try:
        return files.kind(entry.stat(follow_symlinks=False).st_mode)
    except OSError:
        return "vanished"
