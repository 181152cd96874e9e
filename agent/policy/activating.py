"""What the courier does with what was pulled: offer it to the roles, judge how they are. EDGE."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from agent import snapshot
from agent.policy import activation, inforce
from agent.policy.activation import Held, Seen
from agent.policy.inforce import Offered
from agent.rolestatus import STALE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.policy.pulled import Pulled
    from agent.rolestatus import RoleStatus

STANDING: Final = "store"
"""The name of the snapshot that says how it stands."""
_HELD: Final = "held"


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How this host is with its store. Times: seconds since 1970 in UTC, 0 for never.

    state: none, applying, applied or failed, since when and why; name, sha256, editions: of the
    policy that holds; polled, believed: when the store was asked last, and last believed; refused:
    why it was not, "" if it was; versions, expires: of the store's metadata, by role.
    """

    url: str
    state: str = activation.State.NONE.told
    since: float = 0
    why: str = ""
    name: str = ""
    sha256: str = ""
    editions: dict[str, int] = {}
    polled: float = 0
    believed: float = 0
    refused: str = ""
    detail: str = ""
    versions: dict[str, int] = {}
    expires: dict[str, float] = {}


class Notice(NamedTuple):
    """Something that is to be reported."""

    state: str
    detail: str


class Activating:
    """Holds the policy of this host: what is known to be good, and what is being tried."""

    def __init__(self, folder: Path, published: Path, url: str, probation: float) -> None:
        """Take up what was held before; published: the folder that the roles read.

        What was being tried when it ended is tried from its beginning. Raises SnapshotError.
        """
        self._path, self._probation = folder / _HELD, probation
        self._offered, self._told = published / inforce.FILE, published / STANDING
        self.rebuilt = False
        """Whether what was held was damaged."""
        self._held = self._found()
        self._began = time.monotonic()
        self._starts: dict[str, set[float]] = {}
        told = snapshot.read(self._told, Standing)
        known = told if told is not None and told.url == url else Standing(url=url)
        self._standing = _stood(known, self._held)
        self._mark = self._offer(self._held)
        snapshot.write(self._told, self._standing)

    def _found(self) -> Held:
        """Read what was held; without it what the roles work by has to prove itself anew."""
        if (held := snapshot.read(self._path, Held)) is not None:
            return held
        self.rebuilt = self._path.exists()
        offered = snapshot.read(self._offered, Offered)
        if offered is None or offered.active is None:
            return Held()
        return Held(state=activation.State.PROVING, candidate=offered.active, since=time.time())

    @property
    def fresh(self) -> bool:
        """Whether there is no policy of the store yet."""
        return self._held.good is None and self._held.candidate is None

    @property
    def busy(self) -> bool:
        """Whether something is being tried, so that the roles are to be looked at often."""
        return self._held.candidate is not None

    @property
    def editions(self) -> dict[str, int]:
        """What the host has, by layer."""
        newest = self._held.candidate or self._held.good
        return dict(newest.editions) if newest else {}

    @property
    def sha256(self) -> str:
        """The hash of the policy of the store that holds, "" for none."""
        active = self._held.active
        return active.sha256 if active else ""

    def take(self, pulled: Pulled) -> list[Notice]:
        """Take in what a poll gave; raises SnapshotError where it cannot be kept."""
        before, held = self._standing, self._held
        standing = _polled(before, pulled)
        if pulled.made is not None:
            held = activation.offer(held, pulled.made, pulled.at)
        elif not standing.refused:
            held = activation.refuse(held, pulled.editions, pulled.why, pulled.at)
        notices = self._kept(held, standing)
        if (standing.refused, standing.detail) != (before.refused, before.detail):
            refused = f"policy store refused: {standing.refused}"
            state = refused if standing.refused else "policy store believed"
            notices.insert(0, Notice(state, pulled.why))
        return notices

    def judge(self, statuses: Mapping[str, RoleStatus]) -> list[Notice]:
        """See how the roles are with what is being tried; raises SnapshotError."""
        if not self.busy:
            return []
        now = time.time()
        roles = {name: self._seen(status, now) for name, status in statuses.items()}
        elapsed = time.monotonic() - self._began
        held = activation.judge(self._held, roles, elapsed, self._probation, now)
        return self._kept(held, self._standing)

    def _seen(self, status: RoleStatus, now: float) -> Seen:
        starts = self._starts.setdefault(status.role, set())
        starts.add(status.started)
        return Seen(
            tried=status.tried.sha256 if status.tried else "",
            refused=status.tried.why if status.tried else "",
            active=status.policy.sha256 if status.policy else "",
            starts=len(starts) - 1,
            alive=not status.stopped and abs(now - status.at) < STALE,
        )

    def _kept(self, held: Held, standing: Standing) -> list[Notice]:
        """Keep and publish how it stands now; give what is to be said of it.

        Nothing of it counts before all is written: what could not be is done again by the next.
        """
        before, standing = self._held, _stood(standing, held)
        if held != before:
            snapshot.write(self._path, held, mode=0o600, durable=True)
        if held != before or snapshot.mark(self._offered) != self._mark:
            self._mark = self._offer(held)
        if standing != self._standing:
            snapshot.write(self._told, standing)
        self._held, self._standing = held, standing
        if held == before:
            return []
        self._began, self._starts = time.monotonic(), {}
        return _said(before, held)

    def _offer(self, held: Held) -> snapshot.Mark | None:
        """Publish what the roles are to work by, and what to try."""
        snapshot.write(self._offered, Offered(held.active, held.tried))
        return snapshot.mark(self._offered)


def _polled(before: Standing, pulled: Pulled) -> Standing:
    """Give how it stands with the store after a poll."""
    refused = pulled.refused.value if pulled.refused else ""
    detail = pulled.why if refused else ""
    if pulled.view is None:
        return msgspec.structs.replace(before, polled=pulled.at, refused=refused, detail=detail)
    return msgspec.structs.replace(
        before,
        polled=pulled.at,
        refused=refused,
        detail=detail,
        believed=pulled.at,
        versions=dict(pulled.view.versions),
        expires=dict(pulled.view.expires),
    )


def _stood(standing: Standing, held: Held) -> Standing:
    """Give how it stands with what is held."""
    active = held.active
    return msgspec.structs.replace(
        standing,
        state=held.state.told,
        since=held.since,
        why=held.why,
        name=active.name if active else "",
        sha256=active.sha256 if active else "",
        editions=active.editions if active else {},
    )


def _said(before: Held, held: Held) -> list[Notice]:
    """Give what is to be said of a change."""
    if held.state.told == before.state.told and held.state is not activation.State.FAILED:
        return []
    of = held.candidate or held.good
    named = f"{of.name}, sha256 {of.sha256}" if of else ""
    detail = f"{held.why}; in force: {named or 'what the host has'}" if held.why else named
    return [Notice(f"policy {held.state.told}", detail)]
