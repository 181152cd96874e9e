"""Find the environment that sslyze runs in, and believe it only if nobody else can change it. EDGE.

Its interpreter is run, as root where root runs this program. So every folder and link on the way
to it, and every file of its environment, belongs to root or to this user, and nobody else can write
there: no other user, and no group but this user's own. A folder whose sticky bit is set may be
written by everybody, for what is ours in it stays ours.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.tls.deepfacts import DeepError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE: Final = "HYGIENE_AGENT_DEEP"
_LINKS: Final = 40


class Interpreter(NamedTuple):
    """A Python that was found to be safe to run; made by `believed` alone."""

    path: str


def location(environ: Mapping[str, str], prefix: str) -> str:
    """Name the interpreter: the variable's, or that of the folder `deep` of our own environment."""
    return environ.get(VARIABLE) or os.path.join(prefix, "deep", "bin", "python")


def believed(path: str) -> Interpreter:
    """Check an interpreter and its environment; raises DeepError, "is not there" among others."""
    if not os.path.isabs(path):
        raise DeepError("sslyze: the path of its interpreter is not absolute")
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise DeepError("sslyze: its interpreter is no file")
        for one in (*_way(path), *_environment(path)):
            if _changeable(os.lstat(one)):
                raise DeepError(f"sslyze: others can change {one}")
    except FileNotFoundError as error:
        raise DeepError(f"sslyze: no environment at {path}") from error
    except OSError as error:
        raise DeepError(f"sslyze: its environment cannot be read: {error.strerror}") from error
    return Interpreter(path)


def _way(path: str) -> Iterator[str]:
    """Give each folder and link that decides what a path names, and at last what it names."""
    here, links = "/", 0
    steps = path.split("/")[::-1]
    yield here
    while steps:
        step = steps.pop()
        if step == "..":
            here = os.path.dirname(here)
        elif step not in {"", "."}:
            here = os.path.join(here, step)
            yield here
            if os.path.islink(here):
                links += 1
                if links > _LINKS:
                    raise DeepError("sslyze: links without end")
                aim = os.readlink(here)
                steps += aim.split("/")[::-1]
                here = "/" if aim.startswith("/") else os.path.dirname(here)


def _environment(path: str) -> Iterator[str]:
    """Give all that a virtual environment holds; nothing for an interpreter that stands alone."""
    home = os.path.dirname(os.path.dirname(path))
    if not os.path.exists(os.path.join(home, "pyvenv.cfg")):
        return
    for folder, folders, files in os.walk(home, onerror=_raised):
        for name in (*folders, *files):
            one = os.path.join(folder, name)
            if os.path.islink(one):
                yield from _way(one)
            else:
                yield one


def _raised(error: OSError) -> None:
    raise error


def _changeable(status: os.stat_result) -> bool:
    """Say whether somebody else than root and this user can change a file, folder or link."""
    if status.st_uid not in {0, os.geteuid()}:
        return True
    if stat.S_ISLNK(status.st_mode):  # its mode says nothing; its folder is looked at
        return False
    if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX:
        return False
    foreign = status.st_gid != os.getegid()
    return bool(status.st_mode & (stat.S_IWOTH | (stat.S_IWGRP if foreign else 0)))
