"""Look at every file of some trees when it changes, and at none twice for nothing. EDGE.

One turn of the loop: hear what happened, walk a little further where something has to be walked,
give what has come to rest to a reader, take in what readers found. Everything that is found, and
that it was looked at, is written in one transaction; until then the file counts as not looked at.
"""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.ledger import SQLITE_ERROR, LedgerError
from agent.watch import reconcile
from agent.watch.horizon import Horizon
from agent.watch.index import UNSETTLED
from agent.watch.intake import Intake
from agent.watch.links import Follower
from agent.watch.looking import AGAIN, Looking, Means
from agent.watch.reach import Around, Reach
from agent.watch.rescan import Rescan
from agent.watch.roots import Roots
from agent.watch.tree import Came, Missed, Tree
from agent.watch.waiting import Waiting
from agent.watch.walks import Walks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agent.ledger import Ledger
    from agent.readers import Readers
    from agent.watch.budget import Processor, Shares
    from agent.watch.coverage import Coverage
    from agent.watch.intake import Rules
    from agent.watch.kernel import Kernel
    from agent.watch.keyring import Keyring
    from agent.watch.mounts import Mounts
    from agent.watch.reconcile import Differs

_SLICE: Final = 0.02
"""Seconds that one turn may spend on walking."""
_ROOM: Final = 50_000
"""Paths that wait before walking pauses."""
_FULL: Final = 200_000
"""Paths that wait before what happens is not kept, but walked for later."""
_LATE: Final = 1.0
"""Seconds without a step of a walk after which there is one, however much waits."""
_MOST_WALKS: Final = 10_000
"""Folders that came and wait to be walked before all are walked instead."""
_MANY: Final = 100
_GATHER: Final = 0.01
"""While so many paths wait, seconds to let readers' answers gather: each transaction costs."""
_NAP: Final = 0.1
"""Seconds between two looks at what was used while resting."""
_JUDGED: Final = "SELECT value FROM meta WHERE name = 'judged'"
_WATCHES: Final = "watches"
"""The subject of a gap."""


class Parts(NamedTuple):
    """What a watcher is made of."""

    roots: tuple[str, ...]
    leave_out: Callable[[str], bool]
    follow_links: bool
    ledger: Ledger
    coverage: Coverage
    kernel: Kernel
    mounts: Mounts
    readers: Readers
    shares: Shares
    processor: Processor
    rules: Rules


class Watcher:
    """The state of the loop."""

    def __init__(self, parts: Parts) -> None:
        """Wire the parts; nothing is watched yet."""
        self._ledger, self._coverage = parts.ledger, parts.coverage
        self._kernel, self._mounts, self._readers = parts.kernel, parts.mounts, parts.readers
        self._processor = parts.processor
        self._intake = Intake(parts.ledger, parts.coverage, parts.rules)
        roots = Roots(parts.roots)
        self._tree = Tree(parts.kernel, roots, parts.leave_out)
        follower = Follower(parts.ledger.base, self._tree, roots, parts.leave_out)
        self._walks = Walks(self._below)
        self._waiting = Waiting()
        around = Around(
            *(roots, self._tree, follower, self._intake),
            *(self._coverage, self._walks, self._waiting),
        )
        self._reach = Reach(around, follow_links=parts.follow_links)
        means = Means(parts.ledger, parts.readers, parts.shares)
        self._looking = Looking(around, self._reach, means)
        self._rescan = Rescan(parts.coverage)
        self._horizon = Horizon(time.time())
        self._stepped = 0.0
        self.changed: list[str] = []
        """What was dealt with since whoever is interested emptied the list."""

    # What the role asks

    def everything(self, *, reason: str, since: float, noisy: str = "") -> None:
        """Walk all trees anew; reason: why something may have been missed since then, "" if not.

        noisy: the folder where most happened.
        """
        self._rescan.ask(reason, since, walking=self._walks.whole, noisy=noisy)

    def judge_by(self, judgement: str) -> None:
        """Have every file looked at again unless it was judged in the same way; raises LedgerError.

        judgement: what tells one way of judging from another; it is kept.
        """
        base = self._ledger.base
        with self._ledger.together():
            if base.execute(_JUDGED).fetchone() != (judgement,):
                base.execute("UPDATE files SET changed = 0")
                base.execute("INSERT OR REPLACE INTO meta VALUES ('judged', ?)", (judgement,))

    def again(self, paths: Iterable[str]) -> None:
        """Have files looked at again that were looked at before, and no others."""
        index = self._intake.index
        for path in [path for path in paths if index.get(path) is not None]:
            index.put(path, UNSETTLED)
            self._waiting.touch(path, time.monotonic())

    @property
    def keys(self) -> Keyring:
        """The private keys of all that was looked at."""
        return self._intake.keys

    @property
    def walking(self) -> bool:
        """A tree is being walked: not everything has its watch yet."""
        return bool(self._walks) or self._rescan.asked

    @property
    def complete(self) -> bool:
        """All that there was at the start has its watch, and all that came by then."""
        return self._rescan.walked and not self._walks

    @property
    def idle(self) -> bool:
        """Nothing waits to be looked at."""
        return not (self._waiting or self._looking or self.walking)

    @property
    def seen(self) -> float:
        """Before when all that happened was looked at, in seconds since 1970 in UTC."""
        return self._horizon.until

    @property
    def numbers(self) -> dict[str, int]:
        """Give what `status` shows."""
        return {
            "files": len(self._intake.index),
            "folders": len(self._tree),
            "watches": len(self._kernel),
            "unwatched": len(self._tree.unwatched),
            "waiting": len(self._waiting),
            "looked": self._intake.looked,
            "bytes": self._looking.bytes,
            "gaps": len(self._coverage),
        }

    def turn(self, timeout: float) -> None:
        """Do what can be done now, or wait for at most TIMEOUT seconds for something to do.

        Raises OSError where the kernel tells nothing any more.
        """
        if self._rested(timeout):
            return
        self._sleep(timeout)
        now = time.monotonic()
        self._explore(now)
        self._waiting.due(now)
        dealt = self._looking.round(now)
        self.changed += dealt
        self._rescan.looked(dealt)
        self._horizon.looked(dealt, None if self.walking else self._kernel.heard, self._paths)
        self._looking.care(now)

    def _rested(self, timeout: float) -> bool:
        """Rest for a while where the budget of processor time is used up; say whether it is."""
        wait = self._processor.rest(time.monotonic())
        if wait > 0:
            time.sleep(min(wait, timeout, _NAP))
        return wait > 0

    def _sleep(self, timeout: float) -> None:
        now = time.monotonic()
        waits = [timeout, self._waiting.wait(now), self._mounts.wait(now)]
        if not self._walks.whole:
            waits.append(self._rescan.wait(now))
        if self._looking.ready(now) or (self._walks and len(self._waiting) < _ROOM):
            waits.append(0)
        poll = select.poll()
        poll.register(self._kernel.fileno(), select.POLLIN)
        self._mounts.register(poll)
        for number in self._readers.filenos():
            poll.register(number, select.POLLIN)
        wait = min(max(one, 0.0) for one in waits if one is not None)
        ready = poll.poll(1000 * min(wait, 1.0) if self._looking else 1000 * wait)
        self._mounts.heard(ready, time.monotonic())
        if self._looking and len(self._waiting) > _MANY:
            time.sleep(_GATHER)

    # Hearing and walking

    def _explore(self, now: float) -> None:
        """Hear and walk; where that cannot be written down everything is walked again later."""
        try:
            self._hear(now)
            for point in self._mounts.take(now):
                self._tree.forget(point)
                self._reach.came(point)
            if not self._walks.whole and self._rescan.begins(now):
                self._tree.unwatched.clear()
                self._walks.everything(self._reach.places())
            if self._walks:
                with self._ledger.together():
                    self._walk(now)
        except (LedgerError, SQLITE_ERROR):
            self._rescan.retry(now + AGAIN)

    def _hear(self, now: float) -> None:
        for news in self._tree.hear():
            if isinstance(news, Missed):
                reason = "kernel's event queue overflowed"
                self.everything(reason=reason, since=news.since, noisy=news.noisy)
            elif len(self._waiting) >= _FULL or len(self._walks) >= _MOST_WALKS:
                where = os.path.dirname(news.path)
                reason = "more changes than can be kept"
                self.everything(reason=reason, since=time.time(), noisy=where)
            elif isinstance(news, Came):
                self._reach.came(news.path)
            else:
                self._waiting.touch(news.path, now, written=news.written)

    def _paths(self) -> set[str]:
        """Give all that is to be looked at."""
        return self._waiting.paths() | self._looking.paths

    def _below(self, top: str) -> Iterator[Differs]:
        return reconcile.below(top, self._tree, self._intake.index)

    def _walk(self, now: float) -> None:
        if now - self._stepped > _LATE:
            self._step(now)
        while self._walks and len(self._waiting) < _ROOM and time.monotonic() - now < _SLICE:
            self._step(now)

    def _step(self, now: float) -> None:
        self._stepped = now
        differs, whole = self._walks.step()
        if differs is None:
            if whole:
                self._walked(now)
            return
        if whole:
            self._rescan.met(len(differs.paths))
        for path in differs.paths:
            self._waiting.touch(path, now)
        self._note(differs)
        for path in differs.links:
            self._reach.link(path)

    def _walked(self, now: float) -> None:
        self._rescan.ended(now, self._paths())
        if not self._tree.unwatched:
            self._coverage.close(_WATCHES, "watch", time.time())

    def _note(self, differs: Differs) -> None:
        """Open or close the gap of one folder; of all that only a sweep looks at there is one."""
        if differs.error:
            self._intake.blind(differs.folder, f"folder cannot be listed: {differs.error}")
        elif len(self._coverage):
            self._coverage.close(differs.folder, "list", time.time())
        if differs.unwatched:
            self._intake.blind(_WATCHES, f"some folders cannot be watched: {differs.unwatched}")
