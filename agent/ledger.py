"""What a role knows of its findings, in its own SQLite file, and what it still has to report. EDGE.

State and events are written in one transaction, so that a crash at any moment neither loses an
event nor makes it twice: an event's number is given here, once. From here events go to the role's
journal, which passes over the numbers that it has.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from agent import findings, packing
from agent.events import Digest, Event, Health, Kind
from agent.findings import Status, Tracked
from agent.journal import LONGEST, Record
from checks.errors import HygieneError
from checks.model import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agent.events import Audit
    from agent.findings import Change, Look
    from checks.model import Finding, Suppression

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tracked (
    subject BLOB NOT NULL, identity TEXT NOT NULL, status TEXT NOT NULL,
    severity INTEGER NOT NULL, known BLOB NOT NULL,
    PRIMARY KEY (subject, identity)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tracked_standing ON tracked (status, severity);
CREATE TABLE IF NOT EXISTS outbox (sequence INTEGER PRIMARY KEY AUTOINCREMENT, event BLOB NOT NULL);
"""
SQLITE_ERROR: Final = sqlite3.Error
_BUSY: Final = 10.0
_TELLING: Final = {
    Status.OPEN: Kind.OPENED,
    Status.REMOVED: Kind.REMOVED,
    Status.SUPPRESSED: Kind.SUPPRESSED,
}


class LedgerError(HygieneError):
    """A state file that cannot be written just now, as on a full disk; nothing was changed."""


class DamagedError(HygieneError):
    """A state file that cannot be believed."""


class Counts(NamedTuple):
    """How many findings there are of each status."""

    open: int = 0
    removed: int = 0
    suppressed: int = 0


class Ledger:
    """The state of one role."""

    def __init__(self, path: str, role: str) -> None:
        """Open the file or make it; raises DamagedError for one that cannot be believed."""
        self._role = role
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            os.close(descriptor)
            self._base = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            [[verdict]] = self._base.execute("PRAGMA quick_check(1)").fetchall()
            if verdict != "ok":
                raise DamagedError(f"{path}: damaged")
            self._base.executescript(_SCHEMA)
            self._base.execute(
                "INSERT OR IGNORE INTO meta VALUES ('stream', ?)", (secrets.token_hex(16),)
            )
            [[self.stream]] = self._base.execute("SELECT value FROM meta WHERE name = 'stream'")
        except sqlite3.DatabaseError as error:
            raise _translated(error, path) from error
        except OSError as error:
            raise LedgerError(f"{path}: {error.strerror}") from error
        self._path = path

    @property
    def base(self) -> sqlite3.Connection:
        """The connection, for what the role keeps beside its findings in the same transaction."""
        return self._base

    def free(self) -> None:
        """Let go of the pages of the file that are kept in memory."""
        with contextlib.suppress(sqlite3.Error):
            self._base.execute("PRAGMA shrink_memory")

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Do all or nothing of what is in the block; raises LedgerError. May be nested."""
        if self._base.in_transaction:
            yield
            return
        try:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._base.execute("ROLLBACK")
                raise
            self._base.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            with contextlib.suppress(sqlite3.Error):  # most failures have rolled back already
                self._base.execute("ROLLBACK")
            raise _translated(error, self._path) from error

    def observe(self, subject: str, look: Look, now: float) -> list[Event]:
        """Take in a look at a subject; give the events it made; raises LedgerError."""
        with self.together():
            known = self.known(subject)
            if not (known or look.findings or look.suppressed):
                return []
            changes = findings.observe(known, look, now)
            return [event for change in changes if (event := self._write(subject, change, now))]

    def known(self, subject: str) -> dict[str, Tracked]:
        """Give what is known of a subject, by identity."""
        rows = self._base.execute(
            "SELECT identity, known FROM tracked WHERE subject = ?", (os.fsencode(subject),)
        )
        return {identity: packing.unpack(packed, Tracked) for identity, packed in rows}

    def subjects(self) -> Iterator[str]:
        """Give every subject of which something is known."""
        for (subject,) in self._base.execute("SELECT DISTINCT subject FROM tracked").fetchall():
            yield os.fsdecode(subject)

    def rotated(self, identity: str, now: float) -> list[Event]:
        """Close a leak, wherever it is known, since its value was changed; raises LedgerError."""
        with self.together():
            rows = self._base.execute(
                "SELECT subject, known FROM tracked WHERE identity = ?", (identity,)
            ).fetchall()
            changes = [
                (os.fsdecode(subject), findings.rotated(packing.unpack(packed, Tracked)))
                for subject, packed in rows
            ]
            made = [self._write(subject, change, now) for subject, change in changes]
            return [event for event in made if event]

    def weigh(self, waiver: Callable[[Finding], Suppression | None], now: float) -> None:
        """Have what is known count, or not, as its waiver says; raises LedgerError.

        waiver: gives the one that covers a finding.
        """
        with self.together():
            rows = self._base.execute(
                "SELECT subject, known FROM tracked WHERE status IN ('open', 'suppressed')"
            )
            known = ((subject, packing.unpack(packed, Tracked)) for subject, packed in rows)
            told = ((subject, findings.weighed(one, waiver(one.finding))) for subject, one in known)
            for subject, change in [(subject, change) for subject, change in told if change]:
                self._write(os.fsdecode(subject), change, now)

    def _write(self, subject: str, change: Change, now: float) -> Event | None:
        key = (os.fsencode(subject), change.identity)
        if change.known is None:
            self._base.execute("DELETE FROM tracked WHERE subject = ? AND identity = ?", key)
        else:
            severity = int(change.finding.severity)
            row = (*key, change.known.status.value, severity, packing.pack(change.known))
            self._base.execute("INSERT OR REPLACE INTO tracked VALUES (?, ?, ?, ?, ?)", row)
        if change.kind is None:
            return None
        return self.emit(
            change.kind,
            now,
            finding=change.finding,
            first_seen=change.first_seen,
            last_seen=change.known.last_seen if change.known else now,
            suppression=change.suppression,
        )

    def emit(self, kind: Kind, now: float, **fields: Any) -> Event:  # noqa: ANN401 - Event's own
        """Write down an event to report, with fields of `Event`; raises LedgerError."""
        with self.together():
            number = self._base.execute("INSERT INTO outbox (event) VALUES (x'')").lastrowid
            name = f"{self.stream}-{number}"
            event = Event(id=name, at=now, role=self._role, kind=kind, **fields)
            packed = packing.pack(event)
            if len(packed) > LONGEST:  # no journal takes it, nor what comes after it
                health = Health(component=self._role, state="event left out", detail="too long")
                event = Event(id=name, at=now, role=self._role, kind=Kind.HEALTH, health=health)
                packed = packing.pack(event)
            self._base.execute("UPDATE outbox SET event = ? WHERE sequence = ?", (packed, number))
        return event

    def digest(self, now: float, epoch: int, audit: Audit | None = None) -> Event:
        """Report what is open as counts and a hash; raises LedgerError.

        audit: how far the role's own audit log is.
        """
        with self.together():
            rows = self._base.execute("SELECT identity, status FROM tracked").fetchall()
            told = [(i, Status(s)) for i, s in rows if s != Status.SUPPRESSED]
            states = [status for _, status in told]
            made = Digest(
                open=states.count(Status.OPEN),
                removed=states.count(Status.REMOVED),
                sha256=findings.digest(told),
                epoch=epoch,
            )
            return self.emit(Kind.DIGEST, now, digest=made, audit=audit)

    def retell(self, now: float) -> int:
        """Report everything that is known once more, as it stands; give how many that was."""
        with self.together():
            everything = list(self.everything())
            for known in everything:
                self.emit(
                    _TELLING[known.status],
                    now,
                    finding=known.finding,
                    first_seen=known.first_seen,
                    last_seen=known.last_seen,
                    suppression=known.suppression,
                )
        return len(everything)

    def everything(self) -> Iterator[Tracked]:
        """Give all that is known."""
        for (packed,) in self._base.execute("SELECT known FROM tracked").fetchall():
            yield packing.unpack(packed, Tracked)

    def waiting(self, most: int = 1000) -> list[Record]:
        """Give the oldest events that are not in the journal yet."""
        rows = self._base.execute(
            "SELECT sequence, event FROM outbox ORDER BY sequence LIMIT ?", (most,)
        )
        return [Record(sequence, event) for sequence, event in rows]

    def written(self, sequence: int) -> None:
        """Forget the events up to a number: the journal has them; raises LedgerError."""
        with self.together():
            self._base.execute("DELETE FROM outbox WHERE sequence <= ?", (sequence,))

    def begin_behind(self, number: int) -> None:
        """Give no event a number up to this one, which the journal has; raises LedgerError.

        A power cut may take the last transactions from here after the journal had their events.
        """
        with self.together():
            if self.revision < number:
                self._base.execute("DELETE FROM sqlite_sequence WHERE name = 'outbox'")
                self._base.execute("INSERT INTO sqlite_sequence VALUES ('outbox', ?)", (number,))

    def counts(self) -> Counts:
        """Count the findings."""
        rows = dict(self._base.execute("SELECT status, count(*) FROM tracked GROUP BY status"))
        return Counts(*(rows.get(name, 0) for name in Counts._fields))

    def severities(self) -> dict[Severity, int]:
        """Count the open findings by severity, the most severe first; 0 is left out."""
        rows = self._base.execute(
            "SELECT severity, count(*) FROM tracked WHERE status = ? GROUP BY severity"
            " ORDER BY severity DESC",
            (Status.OPEN.value,),
        )
        return {Severity(number): count for number, count in rows}

    def worst(self, status: Status, most: int) -> list[Tracked]:
        """Give the most severe findings of a status, at most so many."""
        rows = self._base.execute(
            "SELECT known FROM tracked WHERE status = ? ORDER BY severity DESC LIMIT ?",
            (status.value, most),
        )
        return [packing.unpack(packed, Tracked) for (packed,) in rows]

    def statuses(self, identity: str) -> list[Status]:
        """Give how a finding stands, at each place where it is known."""
        rows = self._base.execute("SELECT status FROM tracked WHERE identity = ?", (identity,))
        return [Status(status) for (status,) in rows]

    @property
    def revision(self) -> int:
        """A number that rises with every event: while it stays, no finding opened or ended."""
        row = self._base.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()


def set_aside(path: str, now: float) -> str:
    """Move a damaged state file away, so that a new one can be made; give its new name."""
    kept = f"{path}.damaged-{int(now)}"
    for ending in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.replace(path + ending, kept + ending)
    return kept


def _translated(error: sqlite3.DatabaseError, path: str) -> HygieneError:
    """Tell what passes (a full disk, a read-only folder) from what does not (garbage)."""
    if isinstance(error, sqlite3.OperationalError):
        return LedgerError(f"{path}: {error}")
    return DamagedError(f"{path}: {error}")


def told(records: Iterable[Record]) -> list[Event]:
    """Decode the events of records, leaving out what is none."""
    made = []
    for record in records:
        with contextlib.suppress(msgspec.MsgspecError, ValueError):
            made.append(packing.unpack(record.content, Event))
    return made
