"""Real peers of sinks: certificates made for the run, and an HTTPS server that can misbehave."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent.events import Event, Health, Host, Kind
from agent.sinks import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Batches = Callable[..., Batch]
    Starter = Callable[[str], "Peer"]

PEER = Path(__file__).with_name("peer.py")
STREAM = "0123456789abcdef" * 2


class Peer:
    """The server, in a process of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.behave("ok")
        for file in ("received", "requests"):
            (folder / file).write_bytes(b"")
        self._process = subprocess.Popen(
            [sys.executable, PEER, "serve", folder, name], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def behave(self, *words: str) -> None:
        """Say what to do with each of the next requests, the last for all that follow."""
        (self.folder / "behaviour").write_text("\n".join(words))

    @property
    def ids(self) -> list[str]:
        """Give the ids of the events that it took, in their order."""
        lines = (self.folder / "received").read_bytes().splitlines()
        return [json.loads(line)["metadata"]["uid"] for line in lines]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Give the requests that it read."""
        return [json.loads(line) for line in (self.folder / "requests").read_text().splitlines()]

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of certificates: ca, server, other, client; stranger and its false."""
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([sys.executable, PEER, "make", folder], check=True)
    return folder


@pytest.fixture
def start(certificates: Path, tmp_path: Path) -> Iterator[Callable[[str], Peer]]:
    """Start the server with a certificate by name."""
    started: list[Peer] = []

    def begin(name: str = "server") -> Peer:
        folder = tmp_path / f"peer-{len(started)}"
        folder.mkdir()
        for file in certificates.iterdir():
            (folder / file.name).symlink_to(file)
        started.append(Peer(folder, name))
        return started[-1]

    yield begin
    for peer in started:
        peer.stop()


@pytest.fixture
def peer(start: Callable[[str], Peer]) -> Peer:
    """A server that takes everything."""
    return start("server")


@pytest.fixture
def batch() -> Callable[..., Batch]:
    """Make a batch of events with numbers."""

    def make(*numbers: int, detail: str = "") -> Batch:
        return Batch(
            Host(id="h-1", name="web 1", image="web:7", version="0.4.0"),
            tuple(
                Event(
                    id=f"{STREAM}-{number}",
                    at=1_780_000_000.5,
                    role="watcher",
                    kind=Kind.HEALTH,
                    health=Health(component="watcher", state="tried", detail=detail),
                )
                for number in numbers
            ),
        )

    return make
