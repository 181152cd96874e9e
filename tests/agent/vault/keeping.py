"""What surrounds the keeping of one key in its tests: a source, places in memory, a server."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, NamedTuple

from agent.deliver import DeliveryError
from agent.deliver.file import File
from agent.keysettings import FileDelivery, KeySettings, KvSource, Prove
from agent.vault import lease
from agent.vault.got import Got
from agent.vault.keeping import Keeping, Parts
from agent.vault.material import Material, MaterialError
from agent.vault.record import Record
from tests.agent.vault.authority import issue

if TYPE_CHECKING:
    from pathlib import Path

    from agent.deliver import Delivered
    from agent.vault.errors import VaultError
    from agent.vault.material import Values

NAME = "www.example.net"
_HOST, _KEY, _EVERY = "host", "web", 60.0
NOW = lease.look(_HOST, _KEY, _EVERY, time.time()) - _EVERY + 1
"""What the clock says in all these tests: a second after Vault was due, 59 before it is again."""


def made(name: str = NAME, days: tuple[int, int] = (-1, 9)) -> Material:
    """Make a key with its certificate and an issuer."""
    root = issue("root")
    leaf = issue(name, root, names=[name], days=days)
    return Material(leaf.private, leaf.pem, [root.pem])


def got(what: Material | Values, version: str, ends: float = math.inf) -> Got:
    if isinstance(what, Material):
        return Got(what, version, what.begins, what.ends)
    return Got(what, version, NOW, ends)


class Script:
    """A source that gives what a test says, again and again."""

    def __init__(self) -> None:
        self.says: Got | VaultError | MaterialError | None = None
        self.known: list[str] = []
        self.released = 0

    def get(self, known: str, _now: float) -> Got | None:
        self.known.append(known)
        if isinstance(self.says, Exception):
            raise self.says
        return None if self.says and self.says.version == known else self.says

    def anew(self) -> None: ...

    def release(self) -> None:
        self.released += 1


class Place:
    """A real file in memory, on the way to which something breaks.

    breaks: whether it does, for each delivery to come, then never; unseen: it cannot be looked at.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.unseen = path, False
        self.breaks: list[bool] = []
        self._file = File(FileDelivery(path=str(path), mode="0600"))

    def publish(self, what: Delivered) -> None:
        if self.breaks and self.breaks.pop(0):
            raise DeliveryError(f"{self.path.name}: broken")
        self._file.publish(what)

    def lost(self) -> bool:
        if self.unseen:
            raise DeliveryError(f"{self.path.name}: cannot be looked at")
        return self._file.lost()

    def withdraw(self) -> None:
        self._file.withdraw()

    def warnings(self) -> list[str]:
        return []

    @property
    def content(self) -> bytes:
        return self.path.read_bytes() if self.path.exists() else b""


class Server:
    """What takes up the first place's content when asked to.

    does: for each reload to come what it does instead: "fails", "nothing", or "" for what is right.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self.serves, self.reloads = b"", 0
        self.does: list[str] = []

    def act(self, _action: str) -> str:
        self.reloads += 1
        does = self.does.pop(0) if self.does else ""
        if does == "fails":
            return "ended with status 1"
        if not does:
            self.serves = self._place.content
        return ""

    def served(self, _prove: Prove, sha256: str) -> str:
        text = self.serves.decode()
        found = Material(text, text[text.index("-----BEGIN CERTIFICATE") :]) if text else None
        return "" if found and found.sha256 == sha256 else "another certificate is served"


class Bench(NamedTuple):
    """A key's keeping with all that is around it."""

    keeping: Keeping
    source: Script
    places: list[Place]
    server: Server

    def turn(self, now: float = NOW) -> Record:
        """Have it look now, and give how the key is then."""
        self.keeping.hurry()
        assert self.keeping.turn(now)
        return self.keeping.record

    @property
    def contents(self) -> set[bytes]:
        return {one.content for one in self.places}


def bench(
    folder: Path,
    record: Record | None = None,
    held: Material | Values | None = None,
    *,
    proven: bool = True,
) -> Bench:
    """Keep a key in two files below a folder in memory."""
    prove = Prove(address="127.0.0.1:443", name=NAME) if proven else None
    told = KeySettings(source=KvSource(path="web"), action="web", prove=prove)
    places = [Place(folder / name) for name in ("one.pem", "two.pem")]
    server, source = Server(places[0]), Script()
    names = (NAME,)
    parts = Parts(_KEY, _HOST, source, places, server, names, _EVERY)
    keeping = Keeping(told, parts, record or Record(name=_KEY), held)
    return Bench(keeping, source, places, server)
