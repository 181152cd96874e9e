"""Know the hosts: who they are, when they were heard, which are gone for good. EDGE.

Whether a certificate may speak for a host is decided before (`Rule.ID`), or here (`Rule.FIRST`):
then a certificate's name and the first host id that it speaks for belong together from there on.
"""

from __future__ import annotations

import enum
import json
from typing import TYPE_CHECKING, NamedTuple

from agent.collector import installations
from checks.errors import HygieneError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from agent.events import Host


class Rule(enum.StrEnum):
    """Which host a certificate may speak for."""

    ID = "id"
    """The one whose id is a name in the certificate."""
    FIRST = "first"
    """The one that it spoke for first, if no other certificate did."""


class StrangerError(HygieneError):
    """A host that the sender may not speak for."""


class Speaker(NamedTuple):
    """Who sent a batch, by the first name in the certificate.

    bound: to the host that the name spoke for first.
    """

    name: str
    bound: bool


def speaker(names: Sequence[str], host: Host, rule: Rule) -> Speaker:
    """Tell who speaks, by the names in a certificate; raises StrangerError."""
    if not names:
        raise StrangerError("the certificate has no name")
    if rule is Rule.ID and host.id not in names:
        raise StrangerError("the certificate does not name the host that it speaks for")
    return Speaker(names[0], rule is Rule.FIRST)


def heard(base: sqlite3.Connection, host: Host, who: Speaker, now: float) -> int:
    """Note that a host spoke, and give its number here.

    Raises StrangerError, CopyError or CrowdError.
    """
    if who.bound:
        _check_bound(base, installations.principal(base, host.id), who.name)
    number = installations.known(base, host)
    labels = json.dumps(host.labels, sort_keys=True, ensure_ascii=False)
    told = (host.name, host.image, labels, host.version, host.policy, host.cloned, who.name, now)
    if number is None:
        number = _begin(base, host, told, now)
    else:
        installations.follow(base, number, host.run)
        base.execute(
            "UPDATE hosts SET name = ?, image = ?, labels = ?, version = ?, policy = ?, cloned = ?,"
            " principal = ?, last_heard = ?, retired = 0 WHERE number = ?",
            (*told, number),
        )
    installations.settle(base, number, now)
    return number


def _begin(base: sqlite3.Connection, host: Host, told: tuple[object, ...], now: float) -> int:
    cursor = base.execute(
        "INSERT INTO hosts (id, first_heard, name, image, labels, version, policy, cloned,"
        " principal, last_heard) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (installations.name(base, host, now), now, *told),
    )
    number = cursor.lastrowid or 0
    installations.begin(base, number, host)
    return number


def _check_bound(base: sqlite3.Connection, known: str | None, name: str) -> None:
    """Let a name speak for the host that it spoke for first, and no other name for it."""
    if known is not None and known != name:
        raise StrangerError("another certificate speaks for this host")
    if (
        known is None
        and base.execute("SELECT 1 FROM hosts WHERE principal = ?", (name,)).fetchone()
    ):
        raise StrangerError("the certificate speaks for another host already")
