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
        self._path, self._published, self._probation = folder / _HELD, published, probation
        self._held = snapshot.read(self._path, Held) or Held()
        self._began = time.monotonic()
        self._starts: dict[str, set[float]] = {}
        self._standing = self._stood(Standing(url=url))
        self._offer()

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
        before = self._standing
        refused = pulled.refused.value if pulled.refused else ""
        self._standing = msgspec.structs.replace(
            before,
            polled=pulled.at,
            refused=refused,
            detail=pulled.why if refused else "",
        )
        if pulled.view is not None:
            self._standing = msgspec.structs.replace(
                self._standing,
                believed=pulled.at,
                versions=dict(pulled.view.versions),
                expires=dict(pulled.view.expires),
            )
        held = self._held
        if pulled.made is not None:
            held = activation.offer(held, pulled.made, pulled.at)
        elif not refused:
            held = activation.refuse(held, pulled.editions, pulled.why, pulled.at)
        notices = self._kept(held)
        if (refused, self._standing.detail) != (before.refused, before.detail):
            state = f"policy store refused: {refused}" if refused else "policy store believed"
            notices.insert(0, Notice(state, pulled.why))
        self._tell()
        return notices

    def judge(self, statuses: Mapping[str, RoleStatus]) -> list[Notice]:
        """See how the roles are with what is being tried; raises SnapshotError."""
        if not self.busy:
            return []
        now = time.time()
        roles = {name: self._seen(status, now) for name, status in statuses.items()}
        elapsed = time.monotonic() - self._began
        return self._kept(activation.judge(self._held, roles, elapsed, self._probation, now))

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

    def _kept(self, held: Held) -> list[Notice]:
        """Keep and publish how it stands now; give what is to be said of it."""
        before, self._held = self._held, held
        if held == before:
            return []
        snapshot.write(self._path, held, mode=0o600)
        self._began, self._starts = time.monotonic(), {}
        self._standing = self._stood(self._standing)
        self._offer()
        if held.state.told == before.state.told and held.state is not activation.State.FAILED:
            return []
        of = held.candidate or held.good
        named = f"{of.name}, sha256 {of.sha256}" if of else ""
        detail = f"{held.why}; in force: {named or 'what the host has'}" if held.why else named
        return [Notice(f"policy {held.state.told}", detail)]

    def _stood(self, standing: Standing) -> Standing:
        held = self._held
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

    def _offer(self) -> None:
        """Publish what the roles are to work by, and what to try."""
        held = self._held
        offered = Offered(held.active, held.tried)
        snapshot.write(self._published / inforce.FILE, offered)
        self._tell()

    def _tell(self) -> None:
        snapshot.write(self._published / STANDING, self._standing)
