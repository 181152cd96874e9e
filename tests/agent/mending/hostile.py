"""Another user, who exchanges what is theirs as fast as they can while root works there."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

from agent.mending import place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOBODY = 65534


@contextlib.contextmanager
def exchanging(folder: Path, secret: Path) -> Iterator[None]:
    """Have them lead `a.conf` in a folder of theirs to a file that only root may read."""
    pid = os.fork()
    if not pid:
        try:
            _exchange(folder, secret)
        finally:
            os._exit(1)
    try:
        yield
        assert os.waitpid(pid, os.WNOHANG) == (0, 0), "they gave up"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _exchange(folder: Path, secret: Path) -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    one, beside = folder / "a.conf", folder / place.beside("a.conf")
    moved = folder.with_name("moved")
    ways: list[Callable[[], object]] = [
        lambda: one.symlink_to(secret),
        lambda: beside.symlink_to("/etc"),
        lambda: folder.rename(moved),
        lambda: folder.symlink_to("/etc"),
        folder.unlink,
        lambda: folder.symlink_to(secret.parent),
        folder.unlink,
        lambda: moved.rename(folder),
        one.unlink,
        lambda: one.hardlink_to(secret),
        one.unlink,
        lambda: one.write_text("x"),
    ]
    while True:
        for way in ways:
            with contextlib.suppress(OSError):
                way()
