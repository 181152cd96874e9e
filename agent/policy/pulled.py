"""Pull this host's policy from the store, now and then, in a thread of its own. EDGE.

What was believed stands in the role's folder: the store's metadata, how far it was believed, and
the policy that is known to be good. A store that is away changes nothing of what holds.
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from agent import faults, given, snapshot, stores
from agent.policy import effective, layers, rollout
from agent.policy.rollout import Asking
from agent.policy.trust import Client, RefusedError, Seen, Why
from agent.snapshot import SnapshotError
from checks import policy
from checks.errors import HygieneError, PolicyError
from checks.lazy import regex
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.events import Host
    from agent.policy.activation import Effective
    from agent.policy.rollout import Rollout
    from agent.policy.trust import Target, View
    from agent.settings import StoreSettings

_TARGETS: Final = "policy/"
_EDITION: Final = regex(r"([1-9][0-9]{0,15})\.json")
_LONGEST: Final = 500
"""Letters of a reason, which repeats what people wrote."""
_OFFLINE: Final = "bundle:"
"""Stores that are signed to be carried, and so for longer."""
_PREPARED: Final = (msgspec.msgpack.Decoder(Seen), rollout.of({}, ""), policy.from_mapping({}))
"""Types that a thread meets later: see `agent.events`."""


class Pulled(NamedTuple):
    """What a poll gave. made: None where the store was refused, or what it has is no policy.

    editions: of which it is made, or would have been; refused: why nothing of it is believed, None
    if it is; why: in words; view: of the store, where it was believed.
    """

    at: float
    editions: dict[str, int]
    made: Effective | None = None
    refused: Why | None = None
    why: str = ""
    view: View | None = None


class Store:
    """The store as one host sees it, without a thread: asked once, it answers once."""

    def __init__(self, settings: StoreSettings, host: Host, folder: Path) -> None:
        """Keep what is the host's; nothing is asked yet."""
        self._settings, self._host, self._folder = settings, host, folder
        self._client: Client | None = None
        self._last: Pulled | None = None

    def poll(self, holds: Mapping[str, int]) -> Pulled:
        """Ask what holds for this host; holds: the editions that it has. Raises nothing."""
        now = time.time()
        try:
            view = self._believed()
            return self._made(view, holds, now)
        except RefusedError as error:
            return Pulled(now, {}, refused=error.why, why=str(error))
        except SnapshotError as error:
            return Pulled(now, {}, refused=Why.UNWRITABLE, why=str(error))
        except (HygieneError, OSError) as error:
            return Pulled(now, {}, refused=Why.AWAY, why=str(error))
        except Exception as error:  # noqa: BLE001 - who asks no more would hold on to the old for ever
            return Pulled(now, {}, refused=Why.MALFORMED, why=faults.where(error))

    def _believed(self) -> View:
        """Refresh, and keep how far the store is believed before anything is made of it."""
        place = self._folder / "seen"
        if self._client is None:
            self._client = self._opened()
        view = self._client.refresh(snapshot.read(place, Seen) or Seen())
        if self._last is None or self._last.view is None or self._last.view.seen != view.seen:
            snapshot.write(place, view.seen, mode=0o600)
        return view

    def _opened(self) -> Client:
        told = self._settings
        root = given.read(Path(told.root), PolicyError)
        return Client(
            stores.open(told),
            self._folder / "store",
            root,
            minimum=msgspec.structs.asdict(told.minimum),
            longest=None if told.url.startswith(_OFFLINE) else told.longest,
            now=time.time,
        )

    def _made(self, view: View, holds: Mapping[str, int], now: float) -> Pulled:
        editions: dict[str, int] = {}
        try:
            targets = chosen(view.targets, self._host, holds, now)
            editions = {layer: number for layer, (number, _) in targets.items()}
            if self._last and self._last.made and self._last.editions == editions:
                self._last = self._last._replace(at=now, view=view)
                return self._last
            client = self._client
            assert client is not None
            joined = [
                effective.layer(layer, client.content(target))
                for layer, (_, target) in targets.items()
            ]
            made = effective.made(joined, editions, view.versions)
        except PolicyError as error:
            why = printable(str(error), longest=_LONGEST)
            return Pulled(now, editions, why=why, view=view)
        except RefusedError as error:
            return Pulled(now, editions, None, error.why, str(error), view)
        self._last = Pulled(now, editions, made, view=view)
        return self._last


def chosen(
    targets: Mapping[str, Target], host: Host, holds: Mapping[str, int], now: float
) -> dict[str, tuple[int, Target]]:
    """Choose the editions that are for a host, by layer, the weakest layer first.

    Raises PolicyError where there is none at all, or a rollout cannot be read.
    """
    asking = Asking(host.id, host.labels, now)
    taken: dict[str, tuple[int, Target]] = {}
    for layer in layers.names(host.labels, host.name):
        known = _editions(targets, layer)
        rollouts: dict[int, Rollout] = {number: told for number, (told, _) in known.items()}
        number = rollout.chosen(rollouts, layer, asking, holds.get(layer))
        if number is not None:
            taken[layer] = (number, known[number][1])
    if not taken:
        raise PolicyError("the store has no policy for this host")
    return taken


def _editions(targets: Mapping[str, Target], layer: str) -> dict[int, tuple[Rollout, Target]]:
    """Give the editions of a layer that the store has, with their rollouts."""
    before = f"{_TARGETS}{layer}/"
    found = {}
    for path, target in targets.items():
        edition = _EDITION.fullmatch(path[len(before) :]) if path.startswith(before) else None
        if edition:
            told = target.custom.get("rollout", {})
            found[int(edition[1])] = (rollout.of(told, path), target)
    return found


class Puller:
    """Polls in a thread of its own, each host at moments of its own."""

    def __init__(self, store: Store, host: str, every: float, *, at_once: bool) -> None:
        """Nothing runs yet. at_once: there is no policy at all, so that the first poll is now."""
        self._store, self._host, self._every = store, host, every
        self._found: SimpleQueue[Pulled] = SimpleQueue()
        self._wake = threading.Event()
        self._stopping = False
        self._at_once = at_once
        self._thread = threading.Thread(target=self._run, name="policy", daemon=True)
        self.holds: Mapping[str, int] = {}
        """The editions that the host has, as the last poll shall know them."""

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def hurry(self) -> None:
        """Poll now."""
        self._wake.set()

    def take(self) -> Pulled | None:
        """Give what a poll found, None if there is nothing new."""
        with contextlib.suppress(Empty):
            return self._found.get_nowait()
        return None

    def ask_to_stop(self) -> None:
        """Have it end at its next turn; a poll that waits for the network ends with the process."""
        self._stopping = True
        self._wake.set()

    def _run(self) -> None:
        wait = 0.0 if self._at_once else rollout.due(self._host, self._every, time.time())
        while True:
            self._wake.wait(wait)
            self._wake.clear()
            if self._stopping:
                return
            self._found.put(self._store.poll(self.holds))
            wait = rollout.due(self._host, self._every, time.time())
