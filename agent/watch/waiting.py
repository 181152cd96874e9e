"""Paths that wait to be looked at: until they rest, their turn comes, or their owner has a share.

Pure: time is an argument. Who has used up its share waits behind its own files, not behind others'.
"""

from __future__ import annotations

from itertools import islice
from typing import Final

from agent.watch.settle import Settler

_SOME: Final = 16
"""Files of one owner that are tried when it has a share again."""


class _Share:
    """What waits for its owner's share. since: nothing waited; when: there may be a share again."""

    def __init__(self, now: float) -> None:
        self.since, self.when = now, now
        self.paths: dict[str, None] = {}


class Waiting:
    """All paths that wait."""

    def __init__(self) -> None:
        """Begin with none."""
        self._settler = Settler()
        self._queue: dict[str, None] = {}
        self._held: dict[int, _Share] = {}
        self._later: list[tuple[float, str]] = []
        self._written: set[str] = set()
        """Paths that may have been written to though they look the same."""

    def __len__(self) -> int:
        """Give how many paths wait."""
        held = sum(len(share.paths) for share in self._held.values())
        return len(self._settler) + len(self._queue) + held + len(self._later)

    @property
    def queued(self) -> bool:
        """Something can be looked at now."""
        return bool(self._queue)

    def touch(self, path: str, now: float, *, written: bool = False) -> None:
        """Note that something happened to a path."""
        self._settler.touch(path, now)
        if written:
            self._written.add(path)

    def hold(self, path: str, owner: int, now: float, wait: float) -> None:
        """Have a path wait until its owner has a share, so many seconds from now."""
        share = self._held.setdefault(owner, _Share(now))
        share.paths[path] = None
        share.when = max(share.when, now + wait)

    def starved(self, now: float, patience: float) -> dict[int, float]:
        """Give whose files have waited for more than so many seconds, and since when."""
        since = {owner: share.since for owner, share in self._held.items()}
        return {owner: then for owner, then in since.items() if now - then > patience}

    def again(self, paths: list[str], when: float) -> None:
        """Have paths tried again at a time."""
        self._later += [(when, path) for path in paths]

    def next(self) -> str | None:
        """Take the next path to be looked at, None where there is none now."""
        path = next(iter(self._queue), None)
        if path is not None:
            del self._queue[path]
        return path

    def back(self, paths: list[str]) -> None:
        """Put paths back to the end of what can be looked at now."""
        self._queue |= dict.fromkeys(paths)

    def written(self, path: str) -> bool:
        """Say once of a path whether it may have been written to though it looks the same."""
        if path in self._written:
            self._written.discard(path)
            return True
        return False

    def due(self, now: float) -> None:
        """Move what has waited long enough to what can be looked at now."""
        self._queue |= dict.fromkeys(self._settler.due(now))
        for owner, share in list(self._held.items()):
            if share.when <= now:
                some = list(islice(share.paths, _SOME))
                self._queue |= dict.fromkeys(some)
                for path in some:
                    del share.paths[path]
                if not share.paths:
                    del self._held[owner]
        if self._later:
            self._queue |= dict.fromkeys(path for when, path in self._later if when <= now)
            self._later = [one for one in self._later if one[0] > now]

    def wait(self, now: float) -> float | None:
        """Give the seconds until something may be due, None while nothing waits."""
        times = [when - now for when, _ in self._later]
        times += [share.when - now for share in self._held.values()]
        settling = self._settler.wait(now)
        times += [] if settling is None else [settling]
        return max(min(times), 0.0) if times else None

    def rests(self, path: str) -> bool:
        """Say whether a path does not wait to come to rest."""
        return path not in self._settler.paths()

    def paths(self) -> set[str]:
        """Give all paths that wait."""
        held = [path for share in self._held.values() for path in share.paths]
        later = [path for _, path in self._later]
        return {*self._settler.paths(), *self._queue, *held, *later}
