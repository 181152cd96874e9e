"""Keep what stood in a managed place before it was put back, so that a person can undo it. EDGE.

In a private folder of the role that mends: what stood there may be a secret.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from agent import home, packing
from agent.home import StateError
from agent.mending.thing import MendError, Thing
from checks.lazy import regex

if TYPE_CHECKING:
    from pathlib import Path

_ID: Final = regex("[0-9a-f]{16}")
_MOST: Final = 1000
_MOST_BYTES: Final = 256 * 1024 * 1024
_DAY: Final = 86_400.0
FOLDER: Final = "kept"


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is kept, without itself. before, after: fingerprints; after: "" if unknown."""

    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    path: str
    at: float
    before: str = ""
    after: str = ""


class Kept(Listed, frozen=True, kw_only=True):
    """One thing that was replaced."""

    thing: Thing


class Published(msgspec.Struct, frozen=True):
    """What is kept, the latest first."""

    kept: tuple[Listed, ...] = ()


class Keeping:
    """The folder of what is kept; nobody else writes there."""

    def __init__(self, folder: Path) -> None:
        """Use a folder; it is made when something is kept first."""
        self._folder = folder / FOLDER
        self._known: dict[str, Listed] = {}

    def add(self, path: str, thing: Thing, before: str, after: str) -> Kept:
        """Keep what stood at a path, on the disk when this returns; raises MendError."""
        one = Kept(
            id=secrets.token_hex(8),
            path=path,
            at=time.time(),
            thing=thing,
            before=before,
            after=after,
        )
        try:
            home.write(self._folder / one.id, packing.pack(one))
        except StateError as error:
            raise MendError(f"cannot keep what stood there: {error}") from error
        return one

    def get(self, name: str) -> Kept:
        """Give what is kept under an id; raises MendError."""
        if not _ID.fullmatch(name):
            raise MendError("expected an id, such as `hygiene-agent restore list` shows")
        try:
            data = home.read(self._folder / name)
            if data is not None:
                return packing.unpack(data, Kept)
        except (StateError, msgspec.MsgspecError, ValueError) as error:
            raise MendError(f"{name}: cannot be read: {error}") from error
        raise MendError(f"{name}: nothing is kept under this id")

    def listed(self) -> tuple[Listed, ...]:
        """Give what others may know of what is kept, the latest first."""
        names = [name for name in self._names() if _ID.fullmatch(name)]
        self._known = {name: one for name, one in self._known.items() if name in set(names)}
        for name in names:
            if name not in self._known:
                with contextlib.suppress(MendError):
                    self._known[name] = _without(self.get(name))
        return tuple(sorted(self._known.values(), key=lambda one: -one.at))

    def prune(self, days: int, now: float) -> None:
        """Forget what is older, the oldest of what is too much, and what was never whole."""
        size = 0
        for i, one in enumerate(self.listed()):
            place = self._folder / one.id
            with contextlib.suppress(OSError):
                size += place.stat().st_size
                if i >= _MOST or size > _MOST_BYTES or now - one.at > days * _DAY:
                    place.unlink()
        for name in self._names():
            if name.startswith("."):
                with contextlib.suppress(OSError):
                    (self._folder / name).unlink()

    def _names(self) -> list[str]:
        try:
            return [one.name for one in self._folder.iterdir()]
        except OSError:
            return []


def _without(one: Kept) -> Listed:
    return Listed(id=one.id, path=one.path, at=one.at, before=one.before, after=one.after)
