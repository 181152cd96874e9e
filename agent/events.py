"""What a role reports: an event about a finding, about what it could not see, or about itself.

Events carry changes only. Whoever receives them dedups by `id`, and finds out by digests whether
something was lost on the way (design, principle 4).
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from checks.model import Finding, Suppression  # noqa: TC001 - msgspec resolves them


class Kind(enum.StrEnum):
    """What happened."""

    OPENED = "opened"
    """A finding that was not there before, or is there again."""
    CHANGED = "changed"
    """The same finding with another severity, line, message or reader."""
    REMOVED = "removed"
    """A leaked value is gone from its place; it is a leak until it was changed at its service."""
    RESOLVED = "resolved"
    """A finding is over: mended, or a leaked value was changed."""
    SUPPRESSED = "suppressed"
    """A finding does not count any more, by a waiver, a mark or the policy."""
    GAP = "gap"
    """For a while or somewhere nothing was seen, and it was made up for, or not yet."""
    HEALTH = "health"
    """The agent itself: a role restarted, a budget or a limit was reached, a sink is away."""
    DIGEST = "digest"
    """All that is open, as counts and a hash."""
    DROPPED = "dropped"
    """Events that were given up because nobody took them in time."""
    AUDIT = "audit"
    """Something the agent or its administrator did, or how far an audit log is."""


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """Which host speaks, and by which agent.

    id: the same for ever; image: what it was made from, "" if not known; policy: the hash of the
    effective one in hex, "" for the built-in one; cloned: another machine seems to have this id.
    installation: random, of the state folder; run: random, of the process that sends; each of them
    32 hex digits, or "".
    """

    id: str
    name: str
    image: str = ""
    labels: dict[str, str] = {}
    version: str = ""
    policy: str = ""
    cloned: bool = False
    installation: str = ""
    run: str = ""


class Gap(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An interval in which changes may have gone unseen.

    subject: the path, listener or sink; started, ended: seconds since 1970 in UTC, ended 0 while it
    lasts; closed_by: how it was made up for ("rescan"), "" while it was not; missed: things that
    were looked at again because of it.
    """

    subject: str
    reason: str
    started: float
    ended: float = 0
    closed_by: str = ""
    missed: int = 0


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """What is open: how many findings, and the hash of `findings.digest` in hex."""

    open: int
    removed: int
    sha256: str
    epoch: int = 0


class Health(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something about the agent: component ("watcher", "sink siem"), state and why."""

    component: str
    state: str
    detail: str = ""


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """Events that were given up: how many, and the sequence numbers between which they lie."""

    count: int
    first: int
    last: int
    reason: str


class Actor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who acts. login: the user id of the login it comes from, -1 where nobody logged in.

    uid: the effective one; executable: of the process; unit: of systemd, "" where there is none.
    """

    login: int = -1
    uid: int
    pid: int
    executable: str = ""
    unit: str = ""


class Audit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far an audit log is, or one entry of it.

    chain: which log; sequence and sha256 (in hex): of the entry that is the last one by now. In an
    event of the kind AUDIT also that entry: at, actor, act, subject, result; `act` is "" where it
    only says how far the log is. In others it is the log of the role that speaks.
    """

    chain: str
    sequence: int
    sha256: str
    at: float = 0
    actor: Actor | None = None
    act: str = ""
    subject: str = ""
    result: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. id: unique for ever, "STREAM-SEQUENCE"; at: seconds since 1970 in UTC.

    Of a finding: first_seen and last_seen as `at`. One of the last five fields goes with the kinds
    of their names; `audit` with digests too.
    """

    id: str
    at: float
    role: str
    kind: Kind
    finding: Finding | None = None
    first_seen: float = 0
    last_seen: float = 0
    suppression: Suppression | None = None
    gap: Gap | None = None
    digest: Digest | None = None
    health: Health | None = None
    dropped: Dropped | None = None
    audit: Audit | None = None


_PREPARED: Final = (msgspec.msgpack.Decoder(Event), msgspec.msgpack.Decoder(Host))
"""msgspec (0.22) works out a type when it first decodes one, and two threads that have it do so at
once crash the process. So that is done here, before there are threads.
"""
