"""`hygiene-agent run` as it is started and asked by people."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Hygiene

_T = TypeVar("_T")


class _World(Protocol):
    def end(self) -> None: ...


_W = TypeVar("_W", bound=_World)


@contextlib.contextmanager
def ending(one: _W) -> Iterator[_W]:
    """Give it, and end it afterwards, where it came so far that there is something to end."""
    try:
        yield one
    finally:
        with contextlib.suppress(AttributeError):
            one.end()


class Daemon:
    """`hygiene-agent run` on a folder of its own."""

    def __init__(self, hygiene: Hygiene, folder: Path, **more: object) -> None:
        """more: further parts of the bootstrap file."""
        self._hygiene = hygiene
        self.state, self.watched = folder / "state", folder / "watched"
        self.policy = folder / "policy.yaml"
        self.file = folder / "agent.yaml"
        self.watched.mkdir()
        self.policy.write_text("version: 1\nname: first\n")
        told = {
            "version": 1,
            "state": str(self.state),
            "policy": str(self.policy),
            "watch": {"roots": [str(self.watched)]},
            "tls": {"enabled": False},
        }
        self.file.write_text(json.dumps(told | more))
        self.environ: dict[str, str] = {}
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = self._hygiene.start("run", "--settings", self.file, env=self.environ)

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            process, self.process = self.process, None
            process.communicate(timeout=60)

    def hurry(self) -> None:
        """Have every role do now what it does now and then."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self._hygiene(*words, "--settings", self.file)

    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.ask("status", "--format", "json").stdout)
        return told

    def role(self, name: str) -> dict[str, Any]:
        return next((one for one in self.status()["roles"] if one["role"] == name), {})

    def audited(self, act: str) -> list[dict[str, Any]]:
        shown = self.ask("audit", "show", "--format", "json", "--last", "10000").stdout
        return [one for one in map(json.loads, shown.splitlines()) if one["act"] == act]

    def reported(self) -> list[dict[str, Any]]:
        """Give our own events in what the courier wrote for whoever collects it."""
        path = self.state / "courier" / "events.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line)["unmapped"]["hygiene"] for line in lines]

    def heads(self, chain: str) -> set[str]:
        """Give the heads of an audit log that were told to whoever collects."""
        told = [one["audit"] for one in self.reported() if one["kind"] == "audit"]
        return {f"{one['sequence']}:{one['sha256']}" for one in told if one["chain"] == chain}


def until(true: Callable[[], _T], seconds: float = 60) -> _T:
    end = time.monotonic() + seconds
    while not (got := true()):
        assert time.monotonic() < end
        time.sleep(0.2)
    return got
