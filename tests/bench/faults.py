"""Let Vault, its proxy, the server and the clock fail at random, and look at all that is served.

    python -m tests.bench.faults [--rounds 200] [--seed N]

A daemon keeps the key of a real nginx, from a real OpenBao behind a proxy that can fail; a life is
30 seconds. In each round one or two things go wrong for a while. Meanwhile a client shakes hands
every 50 ms, and what is delivered is read as often. Wrong is: a handshake that fails, a certificate
that Vault did not give, one that is over while a better one could have been served, half an object,
a key on a disk, no recovery. Ends with 1 then. Runs from the top of the source tree.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.vault.material import Material, MaterialError
from agent.vault.record import State
from tests.bench.soaking.parts import Clock, compiled
from tests.conftest import Hygiene
from tests.e2e import keyhost
from tests.e2e.keyservers import Nginx
from tests.e2e.sealing import until
from tests.e2e.vaulting import FAULTS, NAME, Client, Given, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.e2e.keyhost import Host

_LIFE: Final = 30
_DAY: Final = 86_400
_SETTLING: Final = 5.0
"""Seconds that a server may take to serve what Vault gave, when nothing else is wrong."""
_LASTING: Final = (0.3, 3.0)
_PAUSE: Final = (0.2, 2.5)
_WINDOW: Final = 10.0
_MOST: Final = 40
"""Requests within that many seconds; a renewal is one, a login another."""


class Fault(NamedTuple):
    """What goes wrong, and how that ends. hinders: so that what Vault gave cannot be served."""

    name: str
    begin: Callable[[World], None]
    end: Callable[[World], None]
    hinders: bool = False


class World(NamedTuple):
    """A host with its clock. does: the script that reloads, as it is when it is right."""

    host: Host
    clock: Clock
    does: Path
    right: str


class Trouble(NamedTuple):
    """When something hindered what Vault gave from being served."""

    begins: float
    ends: float


def _nothing(_: World) -> None:
    """Is over by itself."""


def _proxied(name: str) -> Fault:
    return Fault(
        f"Vault: {name}",
        lambda world: setattr(world.host.vault.proxy, "fault", name),
        lambda world: setattr(world.host.vault.proxy, "fault", ""),
    )


def _script(name: str, text: str) -> Fault:
    return Fault(
        f"reload: {name}",
        lambda world: _write(world.does, text),
        lambda world: _write(world.does, world.right),
        hinders=True,
    )


def _write(path: Path, text: str) -> None:
    """Replace a script whole: somebody may run it now."""
    half = path.with_suffix(".half")
    half.write_text(text)
    half.rename(path)


def _clock(name: str, seconds: int) -> Fault:
    return Fault(
        f"clock: {name}",
        lambda world: world.clock.shift(seconds),
        lambda world: world.clock.shift(0),
        hinders=True,
    )


def _revoke(world: World) -> None:
    with contextlib.suppress(Exception):  # it is sealed, too
        world.host.vault.vault.root.sys.revoke_prefix("auth/approle/login")


def _kill(world: World) -> None:
    """Kill the keeper; the supervisor starts another one."""
    if pid := world.host.daemon.role("keeper").get("pid"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _remove(world: World) -> None:
    world.host.pem.unlink(missing_ok=True)


ALL: Final = (
    *map(_proxied, (*FAULTS, "away", "mismatch")),
    Fault(
        "Vault: sealed in truth",
        lambda world: world.host.vault.server.seal(),
        lambda world: world.host.vault.server.unseal(),
    ),
    Fault("Vault: token revoked", _revoke, _nothing),
    _script("fails", "exit 1\n"),
    _script("does nothing", "exit 0\n"),
    _script("takes its time", "sleep 1; exit 1\n"),
    _clock("a day ahead", _DAY),
    _clock("a day behind", -_DAY),
    _clock("8 s ahead", 8),
    Fault("keeper: killed", _kill, _nothing, hinders=True),
    Fault("file: removed", _remove, _nothing),
)


class Watch:
    """Reads what is delivered all the time. half: how often it was no whole pair; keys: which."""

    def __init__(self, host: Host) -> None:
        self._host, self.half = host, 0
        self._stop = threading.Event()
        self._known: set[bytes] = set()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            with contextlib.suppress(FileNotFoundError):
                data = self._host.pem.read_bytes()
                if data not in self._known:
                    self._known.add(data)
                    self.half += not whole(data.decode())

    def end(self) -> None:
        self._stop.set()
        self._thread.join()
        for data in self._known:
            self._host.search.add(data.decode())


def whole(text: str) -> bool:
    """Say whether it is a key with its own certificate, whenever that is good."""
    try:
        found = Material(text, text[text.index("-----BEGIN CERTIFICATE") :])
    except (MaterialError, ValueError):
        return False
    return found.faults([NAME], found.begins) == []


def judge(
    seen: Sequence[Seen], given: Mapping[str, Given], troubles: Sequence[Trouble]
) -> list[str]:
    """Say what is wrong with what was served, in words, each with how often."""
    wrong: Counter[str] = Counter()
    for one in seen:
        if one.why:
            wrong[f"handshakes that failed: {one.why}"] += 1
        elif one.sha256 not in given:
            wrong["certificates that Vault did not give"] += 1
        elif not _good(given[one.sha256], one.at) and _better(one.at, given, troubles):
            wrong["over, while a better one could have been served"] += 1
    return [f"{what} ({count})" for what, count in wrong.items()]


def _good(one: Given, at: float) -> bool:
    return one.begins <= at < one.ends


def _better(at: float, given: Mapping[str, Given], troubles: Sequence[Trouble]) -> bool:
    """Say whether Vault gave one that was good then, long enough before, and nothing hindered."""
    return any(
        _good(one, at)
        and one.at + _SETTLING < at
        and not any(trouble.begins < at and one.at < trouble.ends for trouble in troubles)
        for one in given.values()
    )


def crowd(asked: Sequence[float]) -> int:
    """Give the most requests within any window."""
    first = most = 0
    for last, at in enumerate(asked):
        while at - asked[first] > _WINDOW:
            first += 1
        most = max(most, last - first + 1)
    return most


class Run:
    """The rounds, and what came of them."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world, self._rng = world, rng
        self.begun: Counter[str] = Counter()
        self.troubles: list[Trouble] = []

    def round(self) -> None:
        """Have one or two things go wrong for a while."""
        rng, began = self._rng, time.time()
        faults = rng.sample(ALL, rng.choice((1, 1, 2)))
        for fault in faults:
            self.begun[fault.name] += 1
            fault.begin(self.world)
        if rng.random() < 0.7:
            self.world.host.daemon.hurry()
        time.sleep(rng.uniform(*_LASTING))
        for fault in reversed(faults):
            fault.end(self.world)
        if any(fault.hinders for fault in faults):
            # What failed is tried again after waits that grow up to this with so few failures.
            self.troubles.append(Trouble(began, time.time() + 2 * _SETTLING))
        time.sleep(rng.uniform(*_PAUSE))


def settled(host: Host) -> list[str]:
    """Wait until all is well; say what is not."""
    host.daemon.hurry()
    try:
        until(lambda: host.record.state is State.SERVED and not host.record.fault, "")
        until(lambda: not host.findings, "")
    except AssertionError:
        return [f"no recovery: {host.record} {host.findings}"]
    return []


@contextlib.contextmanager
def world(rng: random.Random, folder: Path) -> Iterator[World]:
    """Have a host that serves for a while."""
    told = {"kind": "pki", "role": "web", "names": [NAME], "ttl": _LIFE}
    for name in ("bao", "cache"):
        (folder / name).mkdir(mode=0o700)
    with (
        keyhost.source(folder / "bao") as vault,
        keyhost.host(Hygiene(folder / "cache"), vault, Nginx) as host,
    ):
        clock = Clock(folder / "shift", compiled(folder))
        host.environ = dict(clock.environ)
        settings = host.settings({**told, "local": rng.random() < 0.5})
        does = host.where.disk / "does"
        right = f"exec {' '.join(host.server.reload)}\n"
        does.write_text(right)
        settings["actions"]["reload"]["command"] = ["/bin/sh", str(does)]
        host.begin(settings)
        yield World(host, clock, does, right)


def run(rounds: int, seed: int) -> list[str]:
    """Do it; say how things stand, and give what is wrong."""
    rng, started = random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, world(rng, Path(folder)) as made:
        host = made.host
        watch, client = Watch(host), Client(host.server.port, host.vault.roots)
        done = Run(made, rng)
        try:
            for number in range(1, rounds + 1):
                done.round()
                if number % 25 == 0:
                    print(f"{number} rounds, {time.monotonic() - started:.0f} s", flush=True)
            wrong = settled(host)
        finally:
            client.end()
            watch.end()
        proxy = host.vault.proxy
        wrong += judge(client.seen, proxy.given, done.troubles)
        most = crowd(proxy.asked)
        wrong += [f"half an object ({watch.half})"] if watch.half else []
        wrong += [f"{most} requests within {_WINDOW:.0f} s"] if most > _MOST else []
        wrong += [f"a key in {path}" for path in host.leaks()]
        for name, count in sorted(done.begun.items()):
            print(f"{count:5} {name}")
        over = client.expired(proxy.given)
        kept = sum(_better(one.at, proxy.given, ()) for one in over)
        print(
            f"{rounds} rounds, {len(client.seen)} handshakes, {len(client.served)} certificates"
            f" served of {len(proxy.given)} given, {len(over)} handshakes with one that was over,"
            f" {kept} of them while what went wrong kept a better one away,"
            f" {len(proxy.asked)} requests, {most} at the most within {_WINDOW:.0f} s,"
            f" {len(host.search.keys)} keys looked for on the disk,"
            f" {time.monotonic() - started:.0f} s"
        )
    return wrong


def main() -> int:
    """Run it and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    told = parser.parse_args()
    print(f"seed {told.seed}", flush=True)
    wrong = run(told.rounds, told.seed)
    print("\n".join(wrong) or "never anything but right")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
