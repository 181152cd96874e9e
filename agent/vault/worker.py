"""Work on all keys, one thing after the other, in a thread that alone asks Vault. EDGE."""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from typing import TYPE_CHECKING, Final

import msgspec

from agent import hostid
from agent.deliver import Deliveries, DeliveryError, content
from agent.keysettings import KvSource, LeaseSource, PkiSource
from agent.vault import advice, heldkeys, rotations, sources
from agent.vault.errors import VaultError
from agent.vault.hands import Asking
from agent.vault.keeping import Keeping, Parts
from agent.vault.known import Known
from agent.vault.places import handed
from agent.vault.record import Record
from agent.vault.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.keysettings import KeySettings
    from agent.settings import Settings
    from agent.vault.rotations import Outcome
    from checks.redact import FingerprintKey

_TURN: Final = 0.25
_AROUND: Final = 5.0
"""Seconds between two looks at what the deliveries have to say."""


class Worker:
    """Does one thing after the other for all keys, in a thread of its own."""

    def __init__(
        self,
        settings: Settings,
        records: dict[str, Record],
        said: queue.SimpleQueue[Record | Outcome | str],
        key: FingerprintKey | None = None,
    ) -> None:
        """Keep what to work on; nothing is asked yet. key: that values are compared by."""
        self._settings, self._said = settings, said
        self._host = hostid.host(settings).id
        self._session = Session(settings.vault, self._host)
        secrets = settings.vault.known
        self.known = Known(secrets, self._session, self._host, key) if key and secrets else None
        """What leaks are compared with."""
        self._held = heldkeys.Held(settings.vault.folder)
        self._deliveries = Deliveries(settings.vault.folder)
        self._stopping = threading.Event()
        self._hands = Asking(settings, self._stopping)
        self._keys: list[Keeping] = []
        self._unmade: dict[str, Record] = {}
        for name, told in settings.keys.items():
            known = records.get(name, Record(name=name))
            try:
                self._keys.append(self._made(name, told, known))
            except DeliveryError as error:  # the other keys are kept all the same
                why = str(error)
                wrong = msgspec.structs.replace(known, fault=advice.UNDELIVERED, why=why)
                self._unmade[name] = wrong
                said.put(wrong)
        self._hurry = False
        self._wanted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._token_due = 0.0
        self._token_fault = ""
        self._deliveries_due = 0.0
        self.warnings: tuple[str, ...] = ()
        """What is not as it should be where keys are delivered, and no error."""
        self.ended = ""
        """What ended the work, which nothing should, "" for nothing."""
        self._thread = threading.Thread(target=self._run, name="keys", daemon=True)

    def _made(self, name: str, told: KeySettings, known: Record) -> Keeping:
        """Put together what one key is kept by; raises DeliveryError."""
        source = told.source
        parts = Parts(
            name=name,
            host=self._host,
            source=sources.source(source, self._session),
            deliveries=[self._deliveries.make(one, name) for one in told.deliver],
            hands=self._hands,
            names=source.names if isinstance(source, PkiSource) else _names(told),
            every=source.poll if isinstance(source, KvSource) else math.inf,
        )
        return Keeping(told, parts, known, self._held.read(name, known))

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self._session.requests

    @property
    def unkept(self) -> str:
        """Why a restart would have to fetch keys again, "" if it has not."""
        return self._held.fault

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def hurry(self) -> None:
        """Look at every key anew."""
        self._hurry = True

    def rotate(self, name: str) -> None:
        """Get a key anew, and say what came of that."""
        self._wanted.put(name)

    def stop(self) -> None:
        """Stop, and give the token back if the settings say so.

        Nobody is waited for any more: what is not proven yet makes way for the one before.
        """
        self._stopping.set()
        self._thread.join(10.0)

    def _run(self) -> None:
        try:
            self._keep()
        except Exception as error:  # noqa: BLE001 - else it ends unseen, and its text may hold a key
            self.ended = type(error).__name__

    def _keep(self) -> None:
        while not self._stopping.wait(_TURN):
            if self._hurry:
                self._hurry = False
                self._session.hurry()
                for key in self._keys:
                    key.hurry()
                if self.known:
                    self.known.hurry()
            self._keep_token()
            if self.known:
                self.known.turn(time.time())
            self._rotate_wanted()
            for key in self._keys:
                self._turn(key)
            self._look_around()
        for key in self._keys:
            key.close()
        self._session.close()
        self._deliveries.close()

    def _look_around(self) -> None:
        """Ask the deliveries now and then what is not as it should be."""
        now = time.monotonic()
        if now >= self._deliveries_due:
            self._deliveries_due = now + _AROUND
            self.warnings = tuple(said for key in self._keys for said in key.warnings)

    def _rotate_wanted(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._rotated(self._wanted.get_nowait())

    def _rotated(self, name: str) -> None:
        """Get one key anew; one that could not be set up at all says why."""
        began = time.time()
        key = next((one for one in self._keys if one.record.name == name), None)
        before = after = key.record if key else self._unmade[name]
        if key:
            self._session.hurry()
            self._do(key, key.rotate, began)
            after = key.record
        self._said.put(rotations.outcome(before, after, began, time.time()))

    def _turn(self, key: Keeping) -> None:
        self._do(key, key.turn, time.time())

    def _do(self, key: Keeping, what: Callable[[float], object], now: float) -> None:
        """Do something for a key, and say how it is if that changed."""
        before = key.record
        what(now)
        if key.record != before:
            if key.record.version != before.version and key.held is not None:
                self._held.write(key.record, content(handed(key.held)))
            self._said.put(key.record)

    def _keep_token(self) -> None:
        """Renew the token when it is due, and say once when that fails or works again."""
        now = time.monotonic()
        if now < self._token_due:
            return
        try:
            self._token_due = now + self._session.keep(self._wanted_in())
            fault = ""
        except VaultError as error:
            self._token_due = now + 5.0
            fault = str(error)
        if fault != self._token_fault:
            self._token_fault = fault
            self._said.put(fault)

    def _wanted_in(self) -> float:
        """Give the seconds until a key asks for something; a lease ends with its token."""
        leases = any(isinstance(one.source, LeaseSource) for one in self._settings.keys.values())
        if self.known or leases or not self._keys:
            return 0.0
        return max(min(one.record.due for one in self._keys) - time.time(), 0.0)


def _names(told: KeySettings) -> tuple[str, ...]:
    """Give the name that a kept certificate has to be for, where one is proven by it."""
    return (told.prove.name,) if told.prove and told.prove.name else ()
