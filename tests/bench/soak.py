"""Kill everything again and again under load, then compare the receiver with what is on the disk.

    python tests/bench/soak.py [--kills 500] [--seed N] [--work DIR]

A whole agent (`run`), a receiver (`collect`) with mutual TLS between them, and a writer that
plants, changes, moves and removes secrets. Roles, the supervisor with all its children, and the
receiver are killed with SIGKILL at random; sinks are down for a while. In the end the receiver has
to know exactly the secrets that stand in files, and to have every event once. Ends with 1 if not.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import ipaddress
import json
import os
import random
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

HOST = "soak-host"
PROGRAM = str(Path(sys.executable).parent / "hygiene-agent")
DAY = datetime.timedelta(days=1)


def issue(folder: Path, name: str, by: tuple[Any, Any] | None) -> tuple[Any, Any]:
    """Make a key and a certificate NAME.pem with NAME.key; by: who signs, None for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    signer = by[1].subject if by else subject
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    number = x509.random_serial_number()
    made = (
        x509.CertificateBuilder(signer, subject, key.public_key(), number, now - DAY, now + 9 * DAY)
        .add_extension(x509.BasicConstraints(by is None, None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(by[0] if by else key, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(made.public_bytes(Encoding.PEM))
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(folder / f"{name}.key", os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, text)
    os.close(descriptor)
    return key, made


class World:
    """The agent, the receiver, and the files."""

    def __init__(self, work: Path, rng: random.Random) -> None:
        self.work, self.rng = work, rng
        self.root, self.collector = work / "watched", work / "collector"
        self.root.mkdir()
        authority = issue(work, "authority", None)
        for name in ("receiver", HOST):
            issue(work, name, authority)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.agent: subprocess.Popen[bytes] | None = None
        self.receiver: subprocess.Popen[bytes] | None = None
        self.planted: dict[str, bool] = {}
        self.kills: dict[str, int] = {}
        self._settings()

    def _settings(self) -> None:
        sink = {
            "kind": "https",
            "url": f"https://127.0.0.1:{self.port}/v1/events",
            "ca": str(self.work / "authority.pem"),
            "certificate": str(self.work / f"{HOST}.pem"),
            "key": str(self.work / f"{HOST}.key"),
        }
        told = {
            "version": 1,
            "host": {"id": HOST},
            "state": str(self.work / "state"),
            "watch": {"roots": [str(self.root)], "sweep": 20},
            "tls": {"enabled": False},
            "sinks": {"collector": sink},
        }
        (self.work / "agent.yaml").write_text(yaml.safe_dump(told))

    def start_agent(self) -> None:
        words = [PROGRAM, "run", "--settings", str(self.work / "agent.yaml")]
        log = (self.work / "agent.log").open("ab")
        self.agent = subprocess.Popen(words, stderr=log, start_new_session=True)

    def start_receiver(self) -> None:
        files = ("--certificate", "receiver.pem", "--key", "receiver.key")
        words = [PROGRAM, "collect", "serve", "--listen", f"127.0.0.1:{self.port}", *files]
        words += ["--client-ca", "authority.pem", "--state", str(self.collector)]
        log = (self.work / "receiver.log").open("ab")
        self.receiver = subprocess.Popen(words, cwd=self.work, stderr=log)

    # What happens to the files

    def change(self) -> None:
        """Do one random thing to the files."""
        path = str(self.root / f"d{self.rng.randrange(20)}" / f"f{self.rng.randrange(60)}.yml")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        what = self.rng.random()
        if what < 0.6:
            self._write(path, secret=True)
        elif what < 0.75:
            self._write(path, secret=False)
        elif what < 0.85:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            self.planted.pop(path, None)
        elif what < 0.95:
            self._write(f"{path}.tmp", secret=True)
            os.rename(f"{path}.tmp", path)
            self.planted[path] = self.planted.pop(f"{path}.tmp")
        else:
            self._move()

    def _write(self, path: str, *, secret: bool) -> None:
        value = f"Pw{secrets.token_urlsafe(15)}x1Q" if secret else "${PASSWORD}"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"db:\n  password: {value}\n")
        self.planted[path] = secret

    def _move(self) -> None:
        """Move a whole folder to another name."""
        before = str(self.root / f"d{self.rng.randrange(20)}")
        after = str(self.root / f"m{self.rng.randrange(10**9)}")
        if not os.path.isdir(before):
            return
        os.rename(before, after)
        moved = [path for path in self.planted if path.startswith(before + "/")]
        for path in moved:
            self.planted[after + path[len(before) :]] = self.planted.pop(path)

    # What happens to the processes

    def kill(self) -> None:
        """Kill something; who keeps it running is somebody else's work, or ours here."""
        what = self.rng.choice(("role", "role", "role", "everything", "receiver"))
        self.kills[what] = self.kills.get(what, 0) + 1
        assert self.agent is not None
        assert self.receiver is not None
        if what == "role":
            children = _children(self.agent.pid)
            if children:
                _end(self.rng.choice(children))
        elif what == "everything":
            os.killpg(self.agent.pid, signal.SIGKILL)
            self.agent.wait()
            self.start_agent()
        else:
            self.receiver.kill()
            self.receiver.wait()
            for _ in range(self.rng.randrange(40)):
                self.change()
                time.sleep(0.02)
            self.start_receiver()

    # What came of it

    def known(self) -> set[str]:
        """Give the paths of the open findings that the receiver has."""
        words = [PROGRAM, "collect", "show", "--host", HOST, "--most", "1000000"]
        done = subprocess.run(
            [*words, "--state", str(self.collector)], capture_output=True, check=False
        )
        if done.returncode:
            return set()
        rows = json.loads(done.stdout)
        found = rows["findings"] if isinstance(rows, dict) else rows
        return {_path(row) for row in found if row.get("status") == "open"}

    def truth(self) -> set[str]:
        """Give the paths of the files that hold a secret now."""
        return {path for path, secret in self.planted.items() if secret}

    def settle(self, seconds: float) -> tuple[set[str], float]:
        """Wait until the receiver knows the truth; give what differs then, and how long it took."""
        started = time.monotonic()
        differs = self.known() ^ self.truth()
        while differs and time.monotonic() - started < seconds:
            time.sleep(1)
            differs = self.known() ^ self.truth()
        return differs, time.monotonic() - started

    def stop(self) -> None:
        for process in (self.agent, self.receiver):
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                    process.wait(30)


def _path(row: dict[str, Any]) -> str:
    found = row.get("path") or row["finding"]["location"]["path"]
    assert isinstance(found, str)
    return found


def _children(pid: int) -> list[int]:
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in done.stdout.split()]


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Counted(NamedTuple):
    """What the receiver counted: events that it took, repetitions that it knew, and by numbers."""

    taken: int
    repeated: int
    highest: int
    missing: int

    @property
    def once(self) -> bool:
        """Every number up to the highest of each stream was taken, and none twice."""
        return self.taken == self.highest and not self.missing


def counted(folder: Path) -> Counted:
    """Ask the receiver's file."""
    [path] = folder.glob("*.sqlite")
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
        [[taken, repeated]] = base.execute("SELECT sum(events), sum(repeated) FROM hosts")
        [[highest]] = base.execute("SELECT sum(last) FROM streams")
        [[missing]] = base.execute("SELECT coalesce(sum(last - first + 1), 0) FROM missing")
    return Counted(taken, repeated, highest, missing)


def main() -> int:
    """Run it and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()))
    told = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="soak-", dir=told.work))
    world = World(work, random.Random(told.seed))
    started = time.monotonic()
    print(f"seed {told.seed}, {work}", flush=True)
    try:
        world.start_receiver()
        world.start_agent()
        changes = 0
        for number in range(told.kills):
            for _ in range(world.rng.randrange(60)):
                world.change()
                changes += 1
                time.sleep(world.rng.random() * 0.02)
            world.kill()
            if number % 25 == 24:
                print(f"{number + 1} kills, {changes} changes", flush=True)
        differs, took = world.settle(300)
        print(f"kills {world.kills}, {changes} changes, {time.monotonic() - started:.0f} s")
        print(f"secrets in files {len(world.truth())}, differing at the receiver {len(differs)}")
        print(f"settled in {took:.0f} s; {(events := counted(world.collector))}")
        for path in sorted(differs)[:20]:
            print(f"  {'missed' if path in world.truth() else 'left over'}: {path}")
    finally:
        world.stop()
    if differs or not events.once:
        return 1
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
