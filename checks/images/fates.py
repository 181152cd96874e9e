"""Tell which later layer deletes or replaces what a layer holds, in eight bytes a name.

Names are kept as hashes (Python's own, keyed anew in each process), so that an image of a million
files takes megabytes. Of two names that hash alike, which no image can bring about, one would be
told a fate that is not its own; nothing else depends on it.
"""

from __future__ import annotations

import enum
from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.images import names

if TYPE_CHECKING:
    from checks.images.names import Hidden

LAYERS: Final = 256
"""An image may have so many layers; Docker's own limit is 127."""
_LAYER_BITS: Final = 8
_TAG_BITS: Final = _LAYER_BITS + 2
_MASK: Final = (1 << 64 - _TAG_BITS) - 1
_DEPTH: Final = 64
"""So many folders above a name are asked for."""


class Event(enum.IntEnum):
    """What a layer does at a path."""

    FOLDER = 0
    """Has a folder there: one that was there before stays."""
    OTHER = 1
    """Has anything else there, in place of all that was."""
    GONE = 2
    EMPTIED = 3
    """Takes away what is below."""


class Fate(NamedTuple):
    """What became of a path: "deleted" or "replaced" by a layer, counted from 0."""

    word: str
    layer: int


class Fates:
    """What all layers do; first told everything, then asked."""

    def __init__(self) -> None:
        """Know nothing."""
        self._events = array("Q")
        self._sorted = True

    def __len__(self) -> int:
        """Count what was noted."""
        return len(self._events)

    def has(self, path: str, layer: int, *, folder: bool) -> None:
        """Note what a layer has at a path."""
        self._note(path, layer, Event.FOLDER if folder else Event.OTHER)

    def hides(self, what: Hidden, layer: int) -> None:
        """Note what a layer takes away."""
        self._note(what.path, layer, Event.EMPTIED if what.below else Event.GONE)

    def _note(self, path: str, layer: int, event: Event) -> None:
        self._events.append(_key(path) | layer << 2 | event)
        self._sorted = False

    def present(self, path: str) -> bool:
        """Say whether the image has something at a path once all layers are in place."""
        last = max((at for at, event in self._at(path) if event <= Event.OTHER), default=-1)
        return last >= 0 and self.of(path, last) is None

    def of(self, path: str, layer: int) -> Fate | None:
        """Give what the first later layer that touches a file does to it; None: it is there."""
        found = [
            Fate("replaced" if event <= Event.OTHER else "deleted", at)
            for at, event in self._at(path)
            if at > layer and event != Event.EMPTIED
        ]
        for folder in ["/", *names.above(path)[:_DEPTH]]:
            found += [
                Fate("replaced" if event == Event.OTHER else "deleted", at)
                for at, event in self._at(folder)
                if at > layer and event != Event.FOLDER
            ]
        return min(found, key=lambda fate: (fate.layer, fate.word), default=None)

    def _at(self, path: str) -> list[tuple[int, int]]:
        """Give (layer, event) of a path."""
        if not self._sorted:
            self._events = array("Q", sorted(set(self._events)))
            self._sorted = True
        key = _key(path)
        found: list[tuple[int, int]] = []
        for at in range(bisect_left(self._events, key), len(self._events)):
            tag = self._events[at] - key
            if tag >> _TAG_BITS:
                break
            found.append((tag >> 2, tag & 3))
        return found


def _key(path: str) -> int:
    return (hash(path) & _MASK) << _TAG_BITS
