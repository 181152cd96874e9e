"""Tell apart the installations that speak for one host id, as machines that were cloned do. EDGE.

The state folder of an agent has a random name, its installation; each start of its courier has one,
its run. An installation that is not known has a row of its own among the hosts. If the one before
it is heard again, both are there: machines with one id. If it is not heard for a day, it is gone,
and the new one is the host. A run that another one followed never speaks again, unless its state
folder was copied: of that nothing is taken, since its events have the numbers of other ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.collector import streams
from checks.errors import HygieneError

if TYPE_CHECKING:
    import sqlite3

    from agent.events import Host

_MOST: Final = 32
"""Installations of one host id."""
_GONE: Final = 86_400.0
"""Seconds without a word after which the installation before is gone."""
_QUIET: Final = 3_600.0
"""The same where there is no room for another one."""
_RUNS: Final = 16
_STRAYS: Final = 2
"""Times that a run of before has to speak: once may be a batch that was long on its way."""
OTHERS: Final = "another installation reports under this id"
COPIED: Final = "a copy of its state folder reports too"
_REWRITTEN: Final = "its entries were other ones before"

_TOGETHER: Final = """
    SELECT DISTINCT one.host FROM installations AS one
    JOIN installations AS other ON other.claimed = one.claimed AND other.host != one.host
    JOIN hosts AS a ON a.number = one.host AND a.retired = 0 AND a.last_heard >= :heard
    JOIN hosts AS b ON b.number = other.host AND b.retired = 0 AND b.last_heard >= :heard
    WHERE CASE WHEN a.number < b.number
    THEN a.last_heard > b.first_heard ELSE b.last_heard > a.first_heard END"""


class CopyError(HygieneError):
    """A run that another one followed. host: its number here."""

    def __init__(self, host: int) -> None:
        super().__init__("another copy of this installation speaks for the host")
        self.host = host


class CrowdError(HygieneError):
    """More installations than one host can have."""


def known(base: sqlite3.Connection, host: Host) -> int | None:
    """Give the number of a host's installation, None for one that is new.

    One that names none is an agent of before; it is the one that is the first to name one.
    """
    names = (host.installation, "") if host.installation else ("",)
    for name in names:
        row = base.execute(
            "SELECT host FROM installations WHERE claimed = ? AND name = ?", (host.id, name)
        ).fetchone()
        if row is not None:
            number: int = row[0]
            base.execute(
                "UPDATE installations SET name = ? WHERE host = ?", (host.installation, number)
            )
            return number
    return None


def principal(base: sqlite3.Connection, claimed: str) -> str | None:
    """Give the name in the certificate that speaks for a host id, None for an id that is new."""
    row = base.execute(
        "SELECT principal FROM installations JOIN hosts ON number = host WHERE claimed = ?"
        " ORDER BY number LIMIT 1",
        (claimed,),
    ).fetchone()
    return row[0] if row else None


def name(base: sqlite3.Connection, host: Host, now: float) -> str:
    """Choose what a new installation is called among the hosts; raises CrowdError."""
    _make_room(base, host.id, now)
    for one in (host.id, f"{host.id}~{host.installation[:8]}", f"{host.id}~{host.installation}"):
        if not base.execute("SELECT 1 FROM hosts WHERE id = ?", (one,)).fetchone():
            return one
    raise CrowdError("the id of this host is in use")


def _make_room(base: sqlite3.Connection, claimed: str, now: float) -> None:
    """Give up who said nothing for the longest time where there are as many as there can be."""
    rows = base.execute(
        "SELECT number, last_heard FROM installations JOIN hosts ON number = host"
        " WHERE claimed = ? ORDER BY last_heard, number",
        (claimed,),
    ).fetchall()
    if len(rows) < _MOST:
        return
    [(oldest, heard), *_, (newest, _)] = rows
    if heard > now - _QUIET:
        raise CrowdError(f"more than {_MOST} installations speak for this host")
    _fold(base, oldest, newest, now)


def begin(base: sqlite3.Connection, number: int, host: Host) -> None:
    """Keep a new installation, which is a host by this number."""
    base.execute(
        "INSERT INTO installations (host, claimed, name, run) VALUES (?, ?, ?, ?)",
        (number, host.id, host.installation, host.run),
    )


def follow(base: sqlite3.Connection, number: int, run: str) -> None:
    """Take in which run speaks; raises CopyError for one that another one followed."""
    [[now, before]] = base.execute(
        "SELECT run, before FROM installations WHERE host = ?", (number,)
    ).fetchall()
    if run in {"", now}:
        return
    past = before.split()
    if run in past:
        raise CopyError(number)
    past = [now, *past] if now else past
    base.execute(
        "UPDATE installations SET run = ?, before = ?, strays = 0 WHERE host = ?",
        (run, " ".join(past[:_RUNS]), number),
    )


def stray(base: sqlite3.Connection, number: int, now: float) -> None:
    """Keep that a run spoke which another one followed."""
    base.execute(
        "UPDATE installations SET strays = strays + 1,"
        " copied = iif(strays + 1 >= ?, ?, copied) WHERE host = ?",
        (_STRAYS, now, number),
    )


def settle(base: sqlite3.Connection, number: int, now: float) -> None:
    """Let an installation be the host where the ones before it are gone."""
    gone = base.execute(
        "SELECT old.number FROM hosts AS new JOIN installations AS its ON its.host = new.number"
        " JOIN installations AS one ON one.claimed = its.claimed"
        " JOIN hosts AS old ON old.number = one.host AND old.number < new.number"
        " WHERE new.number = ? AND new.first_heard <= ? AND old.last_heard <= new.first_heard",
        (number, now - _GONE),
    ).fetchall()
    for (old,) in gone:
        _fold(base, old, number, now)


def _fold(base: sqlite3.Connection, old: int, new: int, now: float) -> None:
    """Make one of two installations, of which the old one is deleted before long."""
    streams.hand_over(base, old, new, now)
    _hand_over_trails(base, old, new)
    base.execute("DELETE FROM installations WHERE host = ?", (old,))
    base.execute(
        "UPDATE hosts SET retired = 1, id = lower(hex(randomblob(16))) WHERE number = ?", (old,)
    )
    [[claimed]] = base.execute("SELECT claimed FROM installations WHERE host = ?", (new,))
    if not base.execute("SELECT 1 FROM hosts WHERE id = ?", (claimed,)).fetchone():
        base.execute("UPDATE hosts SET id = ? WHERE number = ?", (claimed, new))


def _hand_over_trails(base: sqlite3.Connection, old: int, new: int) -> None:
    """Keep the audit logs of before: a log that began anew reads otherwise than it did."""
    base.execute(
        "UPDATE audits SET fault = ? WHERE host = ? AND fault = '' AND chain IN ("
        " SELECT here.chain FROM acts AS here JOIN acts AS there USING (chain, sequence)"
        " WHERE here.host = ? AND there.host = ? AND here.sha256 != there.sha256)",
        (_REWRITTEN, new, new, old),
    )
    base.execute("UPDATE OR REPLACE acts SET host = ? WHERE host = ?", (new, old))
    base.execute("UPDATE OR IGNORE audits SET host = ? WHERE host = ?", (new, old))


def faults(base: sqlite3.Connection, heard: float) -> dict[int, str]:
    """Give what is wrong with hosts' ids, by number. heard: only who was, since then, counts."""
    told = {number: OTHERS for (number,) in base.execute(_TOGETHER, {"heard": heard})}
    copied = base.execute("SELECT host FROM installations WHERE copied >= ?", (max(heard, 1),))
    return told | {number: COPIED for (number,) in copied}
