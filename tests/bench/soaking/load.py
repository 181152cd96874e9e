"""Files that come, change, move and go, and what has to be known of them in the end."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random


class Load:
    """The watched files."""

    def __init__(self, root: Path, rng: Random) -> None:
        root.mkdir()
        self._root, self._rng = root, rng
        self._planted: dict[str, bool] = {}
        self.changes = 0

    @property
    def truth(self) -> frozenset[str]:
        """The paths of the files that hold a secret now."""
        return frozenset(path for path, secret in self._planted.items() if secret)

    def plant(self, name: str) -> str:
        """Write a new secret into a file; give its path."""
        path = str(self._root / name)
        self._write(path, secret=True)
        return path

    def change(self) -> None:
        """Do one random thing to the files."""
        self.changes += 1
        rng = self._rng
        path = str(self._root / f"d{rng.randrange(20)}" / f"f{rng.randrange(60)}.yml")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        what = rng.random()
        if what < 0.6:
            self._write(path, secret=True)
        elif what < 0.75:
            self._write(path, secret=False)
        elif what < 0.85:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            self._planted.pop(path, None)
        elif what < 0.95:
            self._write(f"{path}.tmp", secret=True)
            os.rename(f"{path}.tmp", path)
            self._planted[path] = self._planted.pop(f"{path}.tmp")
        else:
            self._move()

    def _write(self, path: str, *, secret: bool) -> None:
        value = f"Pw{secrets.token_urlsafe(15)}x1Q" if secret else "${PASSWORD}"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"db:\n  password: {value}\n")
        self._planted[path] = secret

    def _move(self) -> None:
        """Move a whole folder to another name."""
        before = str(self._root / f"d{self._rng.randrange(20)}")
        after = str(self._root / f"m{self._rng.randrange(10**9)}")
        if not os.path.isdir(before):
            return
        os.rename(before, after)
        moved = [path for path in self._planted if path.startswith(before + "/")]
        for path in moved:
            self._planted[after + path[len(before) :]] = self._planted.pop(path)
