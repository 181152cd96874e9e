"""A host with its agent, and a receiver to which it reports by mutual TLS."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from agent import snapshot
from agent.rolestatus import RoleStatus
from tests.agent.collector.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOST = "web1"
_PATIENCE = 60.0


class Fleet:
    """One host. world: the receiver and its authorities; tree: what the agent watches."""

    def __init__(self, folder: Path, **settings: dict[str, object]) -> None:
        """Start the receiver. settings: more of the agent's, by section."""
        self.world = World(folder, viewers=True)
        self.world.receiver.start("--most-findings", "1000000")
        self.tree, self.state = folder / "tree", folder / "state"
        self.tree.mkdir()
        self._settings, self._log = folder / "agent.yaml", folder / "agent.log"
        self._settings.write_text(json.dumps(self._told(folder, settings)))
        self.agent: subprocess.Popen[bytes] | None = None

    def _told(self, folder: Path, settings: dict[str, dict[str, object]]) -> dict[str, object]:
        files = self.world.hosts.issue(HOST)
        sink = {
            "kind": "https",
            "url": f"https://localhost:{self.world.receiver.port}/v1/events",
            "ca": str(folder / "own.pem"),
            "certificate": str(files.certificate),
            "key": str(files.key),
        }
        host = {"id": HOST, "name": "web1.example", "image": "base:7"}
        watch = {"roots": [str(self.tree)], **settings.pop("watch", {})}
        return {
            "version": 1,
            "host": {**host, "labels": {"team": "payments"}},
            "state": str(self.state),
            "watch": watch,
            "tls": {"enabled": False},
            "sinks": {"central": sink},
            **settings,
        }

    def start(self, *before: str, ready: bool = True) -> None:
        """Start the agent, by a command before its own, and wait until all has a watch.

        ready: False to go on at once.
        """
        command = [sys.executable, "-I", "-m", "agent", "run", "--settings", str(self._settings)]
        place = self._log.with_suffix(".ready")
        place.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, self._log.open("ab") as log:
            told.bind(str(place))
            told.settimeout(_PATIENCE)
            environ = {**os.environ, "NOTIFY_SOCKET": str(place)}
            words = [*before, *command]
            self.agent = subprocess.Popen(words, stdout=log, stderr=log, env=environ)
            while ready and b"READY=1" not in told.recv(4096):
                pass

    @property
    def watcher(self) -> RoleStatus | None:
        """What the watcher says of itself, every five seconds; None before the first time."""
        return snapshot.read(self.state / "watcher" / "published" / "status", RoleStatus)

    def end_agent(self) -> None:
        """Stop the agent as an administrator does."""
        if self.agent is not None:
            self.agent.terminate()
            self.agent.wait(_PATIENCE)
            self.agent = None

    def end(self) -> None:
        """Stop everything."""
        self.end_agent()
        self.world.end()

    # What the receiver has

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """Give the findings of the host; none before it was heard for the first time."""
        if not self.world.receiver.shown()["hosts"]:
            return []
        return self.world.receiver.findings(HOST, *words)

    def statuses(self) -> dict[str, str]:
        """Give how each finding stands, by the path below the tree."""
        return {row["path"].removeprefix(f"{self.tree}/"): row["status"] for row in self.rows()}

    def gaps(self) -> list[dict[str, Any]]:
        """Give what the host could not see for a while."""
        return list(self.world.receiver.shown()["gaps"])

    def until(self, true: Callable[[], object], seconds: float = _PATIENCE) -> None:
        """Wait until something is true."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, (self.statuses(), self.gaps(), self.said)
            time.sleep(0.2)

    @property
    def said(self) -> str:
        """What the agent wrote to its standard error."""
        with contextlib.suppress(FileNotFoundError):
            return self._log.read_text()
        return ""
