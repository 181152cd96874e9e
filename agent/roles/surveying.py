"""Have the servers' files read, publish what they say, and tell of the keys on this host. EDGE.

Reading is done by a process of its own; here is what comes of it, joined with the certificates
that the prober says are served, the keys that were found and those that Vault holds.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from agent import configuration, inmemory, powers, servedkeys, snapshot
from agent import served as serveds
from agent import vaulted as vaulteds
from agent.aside import AsideError
from agent.findings import Look
from agent.found import ServedKey
from agent.ledger import LedgerError
from agent.served import Served
from agent.snapshot import SnapshotError
from agent.vaulted import Vaulted
from checks import suppress
from checks.model import Severity

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from agent.aside import Aside
    from agent.configuration import Published
    from agent.roles.base import Base
    from agent.snapshot import Mark
    from agent.watch.keyring import Keyring
    from checks.keyfiles import KeySeen
    from checks.policy import Policy

_T = TypeVar("_T")
_GATHER: Final = 1.0
"""Seconds to wait for further changes of configuration."""
_JOIN: Final = 2.0
"""Seconds between two looks at what others publish."""
_RETRY: Final = 60.0
_SUBJECT: Final = "keys of servers"
"""The subject of what is wrong with the keys of servers."""
_MOST_BYTES: Final = 8 * 1024 * 1024


class Survey:
    """What the servers' files say, and the keys beside it."""

    def __init__(
        self, base: Base, confine: Callable[[], None], clock: Callable[[], datetime.date]
    ) -> None:
        """Keep how a reader gives up its power; nothing is read yet."""
        self._base, self._confine, self._clock = base, confine, clock
        self._reading: Aside[Published] | None = None
        self._policy: Policy | None = None
        self._last: Published | None = None
        self._due = time.monotonic()
        self._next_join = 0.0
        self._served = _Watched(base, "prober", serveds.FILE, Served())
        self._vaulted = _Watched(base, "keeper", vaulteds.FILE, Vaulted())
        self._revision = -1
        self.served: tuple[ServedKey, ...] = ()
        """The files on disks with keys that are served."""

    def work_by(self, policy: Policy) -> None:
        """Take the policy that findings are weighed by."""
        self._policy, self._revision = policy, -1

    def again(self) -> None:
        """Read the files anew before long."""
        self._due = min(self._due, time.monotonic() + _GATHER)

    def turn(self, changed: list[str], keys: Keyring) -> None:
        """Begin to read when it is due, publish what was read, tell what it means."""
        if any(path.startswith(configuration.FOLDERS) for path in changed):
            self.again()
        try:
            if self._reading is None and time.monotonic() >= self._due:
                self._due = math.inf
                self._reading = configuration.begin(self._confine)
            elif self._reading is not None:
                self._take(self._reading)
        except (AsideError, SnapshotError) as error:
            self._reading = None
            self._due = time.monotonic() + _RETRY
            self._base.faults["configuration"] = f"configuration: {error}"
        try:
            self._join(keys)
        except LedgerError as error:
            self._revision = -1
            self._base.faults["state"] = str(error)

    def _take(self, reading: Aside[Published]) -> None:
        published = reading.take()
        if published is None:
            return
        self._reading = None
        snapshot.write(self._base.published / configuration.FILE, published)
        self._last, self._revision, self._next_join = published, -1, 0.0
        self._base.faults.pop("configuration", None)

    def _join(self, keys: Keyring) -> None:
        """Tell of the keys, where anything that is known of them changed."""
        now = time.monotonic()
        if self._last is None or self._policy is None or now < self._next_join:
            return
        self._next_join = now + _JOIN
        news = [self._served.changed(), self._vaulted.changed(), keys.revision != self._revision]
        if any(news):
            self._judge(self._last, self._policy, keys)
            self._revision = keys.revision
            self._next_join = time.monotonic() + _JOIN + 20 * (time.monotonic() - now)

    def _judge(self, last: Published, policy: Policy, keys: Keyring) -> None:
        named = policy.tls.severity.get(servedkeys.CHECK)
        known = servedkeys.facts(
            self._served.value,
            self._vaulted.value,
            wanted=self._base.settings.keeps or named is not None,
            severity=Severity.named(named) if named else None,
        )
        more = [*filter(_lasts, servedkeys.further(keys.all(), last.named, known))]
        said = [*servedkeys.judged(last.keys, last.named, known)]
        said += [servedkeys.described(key, known) for key in more]
        counted, waived = suppress.waive(said, policy.waivers, self._clock())
        look = Look(tuple(counted), tuple(waived), conclusive=not last.unseen)
        self._base.ledger.observe(_SUBJECT, look, time.time())
        lasting = {one.location.path for one in said if one.check == servedkeys.CHECK}
        files = [(key.path, key.spki) for key in last.named]
        files += [(key.path, key.spki) for key in more]
        self.served = tuple(
            ServedKey(path, spki)
            for path, spki in dict.fromkeys(files)
            if path in lasting and spki in known.places
        )

    def close(self) -> None:
        """End a reader that is at work."""
        if self._reading is not None:
            self._reading.end()


class _Watched(Generic[_T]):
    """What another role publishes, read when it changed."""

    def __init__(self, base: Base, role: str, name: str, value: _T) -> None:
        self._path = Path(powers.published(base.settings, role)) / name
        self._mark: Mark | None = None
        self.value = value

    def changed(self) -> bool:
        """Take what is there by now; say whether that is something new."""
        mark = snapshot.mark(self._path)
        if mark == self._mark:
            return False
        self._mark = mark
        found = snapshot.read(self._path, type(self.value), most=_MOST_BYTES)
        changed = found is not None and found != self.value
        if found is not None:
            self.value = found
        return changed


def _lasts(key: KeySeen) -> bool:
    """Say whether a key's file is on a file system that is not in memory alone."""
    with contextlib.suppress(OSError):
        flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(key.path.partition("!/")[0], flags)
        try:
            return not inmemory.kind(descriptor)
        finally:
            os.close(descriptor)
    return False
