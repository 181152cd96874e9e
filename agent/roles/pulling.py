"""The courier and the store: pull a policy, have the roles try it, tell how it went. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.policy.activating import Activating
from agent.policy.pulled import Puller, Store
from agent.snapshot import SnapshotError

if TYPE_CHECKING:
    from agent.events import Host
    from agent.policy.activating import Notice
    from agent.roles.base import Base
    from agent.rolestatus import RoleStatus


class Pulling:
    """The policy of this host, as the store has it and as the roles are with it."""

    def __init__(self, base: Base, host: Host) -> None:
        """Begin to poll; what was held before holds meanwhile. Raises SnapshotError."""
        settings, told = base.settings, base.settings.store
        switches = {"watcher": settings.watch.enabled, "prober": settings.tls.enabled}
        self._working = {name for name, is_on in switches.items() if is_on}
        folder = base.folder / "policy"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._base = base
        self._activating = Activating(folder, base.published, told.url, told.probation)
        if self._activating.rebuilt:
            base.tell("policy state rebuilt", "what was held of the policy was damaged")
        store = Store(told, host, folder)
        fresh = self._activating.fresh
        self._puller = Puller(store, host.id, told.every, at_once=fresh)
        self._puller.holds = self._activating.editions
        self._puller.start()

    @property
    def busy(self) -> bool:
        """Whether the roles are trying something, so that they are to be looked at often."""
        return self._activating.busy

    @property
    def sha256(self) -> str:
        """The hash of the store's policy that holds, "" for none."""
        return self._activating.sha256

    def hurry(self) -> None:
        """Poll now."""
        self._puller.hurry()

    def turn(self, statuses: dict[str, RoleStatus]) -> None:
        """Take in what a poll gave, and how the roles are with what they try."""
        working = {name: one for name, one in statuses.items() if name in self._working}
        try:
            self._tell(self._activating.judge(working))
            while (pulled := self._puller.take()) is not None:
                self._tell(self._activating.take(pulled))
            self._base.faults.pop("policy", None)
        except SnapshotError as error:
            self._base.faults["policy"] = str(error)
        self._puller.holds = self._activating.editions

    def _tell(self, notices: list[Notice]) -> None:
        for notice in notices:
            self._base.tell(notice.state, notice.detail)
