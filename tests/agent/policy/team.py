"""People who keep a store of policy, and a host that asks it with python-tuf's own client."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater

from agent.policy import editions, founding, keyring, rollout, serving, staging
from agent.policy.desk import Desk
from agent.policy.founding import Plan
from agent.policy.keyring import Keyring, Passphrases
from agent.policy.roots import Change

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.policy.rollout import Rollout
    from agent.policy.staging import Act

NOT_THERE = 404


class Edition(NamedTuple):
    """What a host is offered of a layer."""

    says: dict[str, Any]
    rollout: Rollout


class _Files(FetcherInterface):
    """Fetches from a folder."""

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            with open(url, "rb") as file:
                yield file.read()
        except FileNotFoundError as error:
            raise DownloadHTTPError(url, NOT_THERE) from error


class Watcher:
    """A host: it begins with the first root of trust and keeps what it saw."""

    def __init__(self, store: Path, folder: Path) -> None:
        self.store, self.folder = store, folder
        folder.mkdir()

    def editions(self) -> dict[str, dict[int, Edition]]:
        """Refresh and fetch everything; raises what python-tuf refuses with."""
        updater = Updater(
            str(self.folder),
            f"{self.store}/metadata/",
            str(self.folder),
            f"{self.store}/targets/",
            _Files(),
            bootstrap=(self.store / "metadata/1.root.json").read_bytes(),
        )
        updater.refresh()
        targets = updater._trusted_set.targets.targets
        found: dict[str, dict[int, Edition]] = {}
        for layer, offers in editions.of(targets).items():
            for offer in offers:
                path = updater.download_target(offer.target)
                with open(path, "rb") as file:
                    says = json.load(file)
                found.setdefault(layer, {})[offer.number] = Edition(says, offer.rollout)
        return found


class Team:
    """A policy's folder and keys. Keys have no passphrase: opening each takes its time."""

    def __init__(self, base: Path) -> None:
        self.base, self.folder = base, base / "policy"
        self.store = self.folder / "store"
        self.ring = Keyring(base / "keys", Passphrases(None), base / "token")
        self.now = datetime.datetime.now(datetime.UTC)

    @property
    def desk(self) -> Desk:
        return Desk(self.folder, self.ring, self.now)

    def later(self, **time: float) -> None:
        self.now += datetime.timedelta(**time)

    def add_key(self, *names: str) -> None:
        for name in names:
            founding.add(self.folder, name, self.ring, unattended=True)

    def begin(self, **told: int) -> list[Act]:
        """Begin with alice, bob and carol for root and targets; told: thresholds."""
        self.folder.mkdir(exist_ok=True)
        self.write("base.yaml", "version: 1\nname: fleet\n")
        self.write("signing.yaml", "version: 1\n")
        self.add_key("alice", "bob", "carol", "online")
        return self.begin_again(**told)

    def begin_again(self, **told: int) -> list[Act]:
        keys = founding.KEYS | {"root": ("alice", "bob", "carol"), "targets": ("alice", "bob")}
        return founding.begin(self.folder, Plan(keys, told), self.ring, self.now)[1]

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def sign(self, *names: str, anew: bool = False) -> list[Act]:
        return staging.sign(self.desk, names, anew=anew)

    def publish(self) -> list[Act]:
        return serving.publish(self.desk)

    def refresh(self) -> list[Act]:
        return serving.refresh(self.desk)

    def rotate(self, role: str, old: str = "", new: str = "", threshold: int | None = None) -> None:
        known = self.desk.signing
        gone, come = (keyring.public(known.known(name)) if name else None for name in (old, new))
        staging.rotate(self.desk, Change(role, gone, come, threshold))

    def serve(self, *names: str) -> None:
        """Sign with these keys and publish."""
        self.sign(*(names or ("alice",)))
        self.publish()

    def host(self, name: str = "host") -> Watcher:
        return Watcher(self.store, self.base / name)


EVERYWHERE = rollout.Rollout()
