"""One host with its agent, and those it reports to: our receiver, rsyslogd, and an HTTPS peer.

It takes a host of its own, as `apart` gives: mounts, network and processes.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

import yaml

from tests.agent.collector.world import Authority
from tests.agent.sinks import rsyslogd
from tests.agent.sinks.conftest import Peer
from tests.bench.soaking import parts
from tests.bench.soaking.load import Load
from tests.bench.soaking.parts import Clock, Disk, Program

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from random import Random

HOST: Final = "soak-host"
SERVER: Final = "tls://127.0.0.1:9443"
"""A TLS server of this host, with a certificate that nobody trusts."""
AGENT: Final = (sys.executable, "-I", "-m", "agent")
_NAMESPACES: Final = ("--mount", "--net", "--pid", "--ipc", "--fork", "--mount-proc")
_RECEIVER: Final = 8443
_SYSLOG: Final = 6514
_DAYS: Final = 30
"""For which certificates hold, both ways: clocks jump."""
_FILES: Final = {"client-ca": "ca.pem", "certificate": "server.pem", "key": "server.key"}
"""Of our receiver, by its options; the other servers have the same."""
_TIMES: Final = {"connect": 3, "write": 3, "answer": 3}
_SETTLING: Final = 5.0
"""Seconds after which a role that could not write its state has been started again, or soon is."""


def apart(words: Iterable[str]) -> list[str]:
    """Give a command that runs another on a host of its own, and ends all of it with itself.

    It needs root.
    """
    inside = 'ip link set lo up && mount -t tmpfs none /dev/shm && exec "$@"'
    return ["unshare", *_NAMESPACES, "--kill-child", "sh", "-c", inside, "sh", *words]


class World:
    """All of it. clock: the agent's; far: the receiver's; killed: how often what was killed."""

    def __init__(self, work: Path, rng: Random) -> None:
        self.work, self.rng = work, rng
        self.load = Load(work / "watched", rng)
        library = parts.compiled(work)
        self.clock, self.far = Clock(work / "clock", library), Clock(work / "far", library)
        self.state, self.store = Disk(work / "state", 128), Disk(work / "collector", 128)
        self.killed: Counter[str] = Counter()
        self.unexpected = 0
        """How often one of our processes ended by itself though its state could be written."""
        self._troubles = self._ends = 0
        self._trouble = 0.0
        self._issue()
        self.peer = Peer(work / "peer", "server")
        self._settings()
        self._programs()

    def _programs(self) -> None:
        work, peer = self.work, self.work / "peer"
        run = [*AGENT, "run", "--settings", str(work / "agent.yaml")]
        collect = [*AGENT, "collect", "serve", "--listen", f"localhost:{_RECEIVER}"]
        for name, file in _FILES.items():
            collect += [f"--{name}", str(peer / file)]
        collect += ["--state", str(work / "collector"), "--most-findings", "1000000"]
        serve = ["openssl", "s_server", "-quiet", "-www", "-accept", SERVER.removeprefix("tls://")]
        serve += ["-cert", str(peer / "server.pem"), "-key", str(peer / "server.key")]
        self.agent = Program(run, work / "agent.log", self.clock.environ)
        self.receiver = Program(collect, work / "receiver.log", self.far.environ)
        self.syslog = Program(rsyslogd.command(work / "syslog", _SYSLOG), work / "syslog.log")
        self.server = Program(serve, work / "server.log")

    def _issue(self) -> None:
        """Make certificates for both ends of everything."""
        for place in ("peer", "syslog"):
            (self.work / place).mkdir()
        authority = Authority(self.work, "ca", _DAYS)
        server = authority.issue("server", "localhost")
        for place in ("peer", "syslog"):
            for made, name in zip((authority.file, *server), _FILES.values(), strict=False):
                shutil.copy(made, self.work / place / name)
        self.own = authority.issue(HOST)
        self.client = authority.issue("client")

    def _settings(self) -> None:
        ca = {"ca": str(self.work / "ca.pem")}
        own = {"certificate": str(self.own.certificate), "key": str(self.own.key)}
        client = {"certificate": str(self.client.certificate), "key": str(self.client.key)}
        https = {"kind": "https", **ca, **own, **_TIMES}
        there = {"kind": "syslog", "host": "localhost", "port": _SYSLOG, "connect": 3, "write": 3}
        told = {
            "version": 1,
            "host": {"id": HOST},
            "state": str(self.work / "state"),
            "watch": {"roots": [str(self.work / "watched")], "sweep": 20},
            "tls": {"discover": 2, "fingerprint": 5},
            "outbox": {"digest": 10},
            "sinks": {
                "collector": {**https, "url": f"https://localhost:{_RECEIVER}/v1/events"},
                "peer": {**https, "url": f"https://localhost:{self.peer.port}/"},
                "syslog": {**there, **ca, **client},
            },
        }
        (self.work / "agent.yaml").write_text(yaml.safe_dump(told))

    def tend(self) -> None:
        """Start again what ended, and note what ended by itself."""
        for one in (self.receiver, self.syslog, self.server, self.agent):
            one.tend()
        log = self.work / "agent.log"
        lines = log.read_bytes().count(b"\n")  # one for each that ends and was not killed
        ends = lines + self.receiver.ends
        if time.monotonic() > self._trouble and not self._troubles:
            self.unexpected += ends - self._ends
        self._ends = ends

    @property
    def truth(self) -> frozenset[str]:
        """Where something is wrong: files that hold a secret, and our TLS server if it is there."""
        return self.load.truth | ({SERVER} if not self.server.away else set())

    # What goes wrong

    def kill_role(self) -> None:
        """Kill one role; who keeps it running is the supervisor."""
        if children := self.agent.children():
            os.kill(self.rng.choice(children), signal.SIGKILL)
            self.killed["role"] += 1

    def kill_agent(self) -> None:
        """Kill all of the agent at once."""
        self.killed["agent"] += self.agent.kill()

    def kill_receiver(self) -> None:
        """Kill the receiver."""
        self.killed["receiver"] += self.receiver.kill()

    def kill_syslog(self) -> None:
        """Kill rsyslogd."""
        self.killed["syslog"] += self.syslog.kill()

    def jump(self, clock: Clock) -> None:
        """Set a clock a day ahead, a day back, or right."""
        day = 86_400
        clock.shift(self.rng.choice([d for d in (-day, 0, day) if d != clock.shifted]))

    def outage(self) -> None:
        """Have no receiver for hours, by the agent's clock."""
        self.receiver.leave()
        self.clock.shift(self.clock.shifted + self.rng.randrange(2, 10) * 3600)

    def full(self) -> None:
        """Fill the disk of the agent's state, to the last byte or nearly."""
        self._begin_trouble()
        self.state.fill(self.rng.choice((0, 0, self.rng.randrange(1 << 18))))

    def free(self) -> None:
        """Give the room back."""
        self.state.free()
        self._end_trouble()

    def read_only(self) -> None:
        """Let the agent's state not be written."""
        self._begin_trouble()
        self.state.close()

    def writable(self) -> None:
        """Let it be written again."""
        self.state.open()
        self._end_trouble()

    def _begin_trouble(self) -> None:
        self._troubles += 1

    def _end_trouble(self) -> None:
        self._troubles -= 1
        self._trouble = time.monotonic() + _SETTLING

    def fill_store(self) -> None:
        """Fill the receiver's disk."""
        self._begin_trouble()
        self.store.fill(0)

    def free_store(self) -> None:
        """Give its room back."""
        self.store.free()
        self._end_trouble()

    def stop(self) -> int | None:
        """End all; give the agent's status."""
        status = self.agent.end(60)
        self.receiver.end(30)
        self.syslog.end(10)
        self.server.end(10)
        self.peer.stop()
        return status
