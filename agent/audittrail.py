"""Tell whoever receives reports what every audit log of this host says, and how far it is. EDGE.

Each new entry is an event of its own, so that its head is off the host before long; each head is
told again with the digests. A log that does not go on from where it was, that is gone or shorter,
is told as health: who cuts or rewrites it while this role runs is seen at once, and who does it
while it is stopped, when it starts again.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import audit, auditlog
from agent.auditlog import Checker, Head
from agent.events import Audit, Health, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from agent.ledger import Ledger

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS audited (
    chain TEXT PRIMARY KEY, sequence INTEGER NOT NULL, sha256 TEXT NOT NULL,
    behind INTEGER NOT NULL, wrong TEXT NOT NULL
) WITHOUT ROWID
"""
_MOST: Final = 500
"""Lines of one log that are taken in one turn."""
_SHORTER: Final = "the log became shorter"
_GONE: Final = "the log is gone"


class _Seen(NamedTuple):
    """How far a log was told: its head, the bytes up to there, what is wrong with it, "" if not."""

    head: Head = Head()
    behind: int = 0
    wrong: str = ""


class _News(NamedTuple):
    """What a turn gave of one log. fault: there is something wrong with it that is new."""

    entries: list[Audit]
    seen: _Seen
    fault: bool


class Trail:
    """Follows all logs of a state folder."""

    def __init__(self, ledger: Ledger, state: Path) -> None:
        """Keep where to look; what was told is kept in the role's own state file."""
        self._ledger, self._state = ledger, state
        self._sizes: dict[str, int] = {}
        """How long each log was at the last turn."""
        with ledger.together():
            ledger.base.execute(_SCHEMA)

    def follow(self, now: float) -> None:
        """Tell what is new; raises AuditError or LedgerError, and goes on there the next time."""
        seen = self._seen()
        there = audit.places(self._state)
        for chain, path in there.items():
            known = seen.get(chain, _Seen())
            size = audit.size(path)
            if size < known.behind:
                known = _Seen(wrong=_SHORTER)
                self._report(chain, known, now)
            if size != known.behind:
                settled = size == self._sizes.get(chain)
                self._tell(chain, known, _read(chain, path, known, settled=settled), now)
            self._sizes[chain] = size
        for chain in sorted(seen.keys() - set(there)):
            if seen[chain].wrong != _GONE:
                self._report(chain, _Seen(wrong=_GONE), now)

    def _tell(self, chain: str, known: _Seen, news: _News, now: float) -> None:
        """Report what a turn gave, and keep how far it is, in one transaction."""
        with self._ledger.together():
            if news.fault and news.seen.wrong != known.wrong:
                self._report(chain, news.seen, now)
            for told in news.entries:
                self._ledger.emit(Kind.AUDIT, now, audit=told)
            self._keep(chain, news.seen)

    def heads(self, now: float) -> None:
        """Go through every log as a whole, and tell how far each is; raises as `follow` does."""
        there = audit.places(self._state)
        for chain, known in self._seen().items():
            if chain not in there:
                continue
            found = audit.examine(there[chain], chain, {known.head})
            wrong = found.faults[0] if found.faults else ""
            if known.head.sequence and known.head not in found.met:
                wrong = f"entry {known.head.sequence} is not what it was"
            told = Audit(chain=chain, sequence=known.head.sequence, sha256=known.head.sha256)
            with self._ledger.together():
                if wrong and wrong != known.wrong:
                    self._report(chain, known._replace(wrong=wrong), now)
                self._ledger.emit(Kind.AUDIT, now, audit=told)

    def _report(self, chain: str, seen: _Seen, now: float) -> None:
        """Tell what is wrong with a log, and keep that it was told."""
        health = Health(component=f"audit {chain}", state="audit log changed", detail=seen.wrong)
        with self._ledger.together():
            self._ledger.emit(Kind.HEALTH, now, health=health)
            self._keep(chain, seen)

    def _seen(self) -> dict[str, _Seen]:
        rows = self._ledger.base.execute("SELECT * FROM audited ORDER BY chain").fetchall()
        return {
            chain: _Seen(Head(sequence, sha256), behind, wrong)
            for chain, sequence, sha256, behind, wrong in rows
        }

    def _keep(self, chain: str, seen: _Seen) -> None:
        row = (chain, *seen.head, seen.behind, seen.wrong)
        self._ledger.base.execute("INSERT OR REPLACE INTO audited VALUES (?, ?, ?, ?, ?)", row)


def _read(chain: str, path: Path, known: _Seen, *, settled: bool) -> _News:
    """Read a bounded number of lines behind what is known.

    settled: nothing was written for a turn, so that what is no entry is not just being written.
    """
    checker = Checker(chain, known.head)
    at = behind = known.behind
    fresh = []
    taken = list(islice(audit.lines(path, behind), _MOST))
    for data in taken:
        one = checker.take(data)
        at += len(data)
        if one is not None:
            fresh.append(auditlog.told(one))
            behind = at
    if len(taken) == _MOST or (settled and checker.ended):
        checker.end()
        behind = at
    wrong = "" if known.wrong == _GONE else known.wrong
    if checker.faults:
        wrong = f"behind entry {known.head.sequence}, {checker.faults[0]}"
    return _News(fresh, _Seen(checker.head, behind, wrong), bool(checker.faults))
