"""The folder of what was fetched from a store: copies of metadata, and contents by hash. EDGE.

    FOLDER/metadata     python-tuf's: timestamp.json, snapshot.json, targets.json, root_history
    FOLDER/contents     a file a target, called by the SHA-256 of its content

It is this user's alone. A disk may damage what is in it and a hand may put anything there: before
python-tuf reads its copies all goes that is no plain file of fair length, since it would wait for
a pipe, follow a link and read any length. Losing a copy costs a request and no safety.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
from typing import TYPE_CHECKING, Final

from agent import home
from agent.home import StateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.policy.belief import Target

_HISTORY: Final = "root_history"
_NAMES: Final = ("timestamp.json", "snapshot.json", "targets.json")
_METADATA: Final = re.compile("|".join(map(re.escape, _NAMES)))
_ROOT: Final = re.compile(r"[1-9][0-9]{0,15}\.root\.json")
_LARGEST: Final = 8 * 1024 * 1024
_SPARE: Final = 32
"""Contents that are kept beside those in use, the latest: layers that come back cost nothing."""


class Copies:
    """The folder."""

    def __init__(self, folder: Path) -> None:
        """Keep where it is."""
        self.metadata = folder / "metadata"
        self._contents = folder / "contents"

    def prepare(self) -> None:
        """Make the folders, and leave in that of metadata only what is right; raises OSError."""
        for folder in (self.metadata.parent, self.metadata, self._contents):
            _private(folder)
        _sift(self.metadata, _METADATA)
        history = self.metadata / _HISTORY
        if history.exists():
            _private(history)
            _sift(history, _ROOT)

    @contextlib.contextmanager
    def undone_if_refused(self) -> Iterator[None]:
        """Put the copies back that were there, but for roots, if something is raised within."""
        files = [self.metadata / name for name in _NAMES]
        held = [(file, file.read_bytes() if file.exists() else None) for file in files]
        try:
            yield
        except BaseException:
            for file, data in held:
                if data is None:
                    file.unlink(missing_ok=True)
                else:
                    home.write(file, data)
            raise

    def content(self, target: Target) -> bytes | None:
        """Give the content that was kept of a target, None for none that is right."""
        with contextlib.suppress(StateError):
            data = home.read(self._contents / target.sha256)
            if data is not None and is_right(target, data):
                return data
        return None

    def keep(self, target: Target, data: bytes) -> None:
        """Keep the content of a target; raises StateError."""
        home.write(self._contents / target.sha256, data)

    def spare(self, used: set[str]) -> None:
        """Let go of contents that were not used for longest; used: hashes that stay."""
        with contextlib.suppress(OSError):
            found = [one for one in os.scandir(self._contents) if one.name not in used]
            found.sort(key=lambda one: one.stat(follow_symlinks=False).st_mtime, reverse=True)
            for one in found[_SPARE:]:
                os.unlink(one)


def is_right(target: Target, data: bytes) -> bool:
    """Say whether data is the content of a target."""
    return len(data) == target.length and hashlib.sha256(data).hexdigest() == target.sha256


def _private(folder: Path) -> None:
    """Make a folder that is this user's alone; raises OSError where it cannot be."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise OSError(None, "not a folder of this user", str(folder))
    if stat.S_IMODE(status.st_mode) != 0o700:
        folder.chmod(0o700)


def _sift(folder: Path, wanted: re.Pattern[str]) -> None:
    """Take away all but plain files of fair length with the names that are wanted."""
    for one in os.scandir(folder):
        if one.name == _HISTORY and wanted is _METADATA and one.is_dir(follow_symlinks=False):
            continue
        status = one.stat(follow_symlinks=False)
        plain = stat.S_ISREG(status.st_mode) and status.st_size <= _LARGEST
        if plain and wanted.fullmatch(one.name):
            continue
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(one)
        else:
            os.unlink(one)
