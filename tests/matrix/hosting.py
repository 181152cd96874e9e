"""A host of its own for a test: its network, its mounts, its /etc, and the servers it runs.

Built of namespaces, so that servers stand at their usual ports and files at their usual places, and
so that the whole program is run as on any host, with nothing else in sight. Needs root, or a
kernel that lets users make namespaces.

Tests are found by path, not imported: conftest.py takes the fixtures out of this file.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import load_der_x509_certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.checks.tls.conftest import Issued

_TLS = Path(__file__).parents[1] / "checks" / "tls"
_MAKING = runpy.run_path(str(_TLS / "conftest.py"))
_SERVING = runpy.run_path(str(_TLS / "serving.py"))
_PROGRAM = (sys.executable, "-I", "-m", "agent")
_PATIENCE = 15.0
_SEVERE = frozenset({"medium", "high", "critical"})
_LEAN = ("apache2", "alternatives", "group", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d")
_LEAN += ("localtime", "mime.types", "nsswitch.conf", "os-release", "passwd", "protocols")
_LEAN += ("resolv.conf", "services", "ssl", "dovecot", "postfix", "ldap", "lighttpd", "nginx")
"""What of /etc a host is given; of servers only their parts, main files are a test's own."""
_MAINS = ("nginx/nginx.conf", "lighttpd/lighttpd.conf", "dovecot/dovecot.conf", "postfix/main.cf")
_MAINS += ("apache2/apache2.conf", "postfix/master.cf", "ldap/slapd.d")
_START = """
ip link set lo up
mount --bind {root}/etc /etc
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=777 tmpfs /srv
mount -t tmpfs -o mode=777 tmpfs /var/log
mount --bind {root}/public /usr/share/ca-certificates
mkdir -p /run/lock /var/log/nginx /var/log/apache2
for folder in /var/lib/postfix /var/spool/postfix; do
    mkdir -p {root}/own$folder
    cp -a $folder/. {root}/own$folder
    mount --bind {root}/own$folder $folder
done
touch {root}/ready
exec sleep 600
"""


class Told(NamedTuple):
    """What the program said. memory: the most of it that was resident, in bytes."""

    status: int
    report: dict[str, Any]
    seconds: float
    errors: str
    memory: int

    @property
    def found(self) -> set[str]:
        """The ids of all checks that found something."""
        return {one["check"] for one in self.report["findings"]}

    @property
    def serious(self) -> set[str]:
        """The ids of those that found something at medium or above."""
        return {o["check"] for o in self.report["findings"] if o["severity"] in _SEVERE}

    def at(self, place: str) -> set[str]:
        """The ids of those that found something at medium or above at an endpoint."""
        here = [one for one in self.report["findings"] if one["path"].endswith(f"//{place}")]
        return {one["check"] for one in here if one["severity"] in _SEVERE}

    def on(self, port: int) -> set[str]:
        """The ids of those that found something at medium or above at a port, under any name."""
        here = re.compile(rf"[a-z+]+://[^/]+:{port}(?:/.*)?")
        found = (one for one in self.report["findings"] if here.fullmatch(one["path"]))
        return {one["check"] for one in found if one["severity"] in _SEVERE}

    def of(self, check: str) -> list[dict[str, Any]]:
        """Give the findings of one check."""
        return [one for one in self.report["findings"] if one["check"] == check]

    def places(self, check: str) -> set[str]:
        """Say where a check found something: an endpoint, or a path with its line."""
        found = ((one["path"], one["line"]) for one in self.of(check))
        return {f"{path}:{line}" if line else path for path, line in found}

    def unsettled(self, path: str) -> str:
        """Give the reasons why something about a place was not settled, joined."""
        unseen = self.report["inconclusive"]
        return "; ".join(f"{o['reason']}: {o['detail']}" for o in unseen if o["path"] == path)


class Files(NamedTuple):
    """Where a chain and its key lie on a host, apart and together."""

    chain: str
    key: str
    both: str


class Host:
    """A host: write its files, start its servers, run the program on it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self._log = folder / "servers.log"
        self._state = folder / "state"
        for name in ("public/mozilla", "etc"):
            (self.root / name).mkdir(parents=True)
        for name in _LEAN:
            _copied(Path("/etc") / name, self.root / "etc" / name)
        for name in _MAINS:
            _dropped(self.root / "etc" / name)
        self._keeper: subprocess.Popen[bytes] | None = None
        self._first = 0
        self._servers: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Make the namespaces."""
        words = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
        words += [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        script = "set -e\n" + _START.format(root=self.root)
        with self._log.open("ab") as log:
            self._keeper = subprocess.Popen([*words, "sh", "-c", script], stdout=log, stderr=log)
        _until((self.root / "ready").exists, self._keeper, self._log)
        self._first = _children(self._keeper.pid)[0]

    def stop(self) -> None:
        """End everything that runs on it."""
        if self._keeper is not None:
            self._keeper.kill()
            self._keeper.wait(_PATIENCE)
        for server in self._servers:
            server.communicate(timeout=_PATIENCE)

    def file(self, path: str, content: str | bytes, mode: int = 0o644) -> str:
        """Write a file of the host."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        file.chmod(mode)
        return path

    def openssl(self, *defaults: str, path: str = "/etc/ssl/openssl.cnf") -> None:
        """Write an openssl.cnf with these defaults for TLS."""
        self.file(path, _SERVING["OPENSSL_CNF"] + "\n".join((*defaults, "")))

    def edit(self, path: str, old: str, new: str) -> None:
        """Put other words into a file of the host."""
        text = (self.root / path.lstrip("/")).read_text()
        assert old in text
        self.file(path, text.replace(old, new))

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link of the host."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(target)

    def certify(self, name: str, *chain: Issued, mode: int = 0o600) -> Files:
        """Write a chain, leaf first, and the leaf's key below /etc/tls."""
        text = b"".join(pem(one.der) for one in chain)
        key = chain[0].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Files(
            self.file(f"/etc/tls/{name}.pem", text),
            self.file(f"/etc/tls/{name}.key", key, mode),
            self.file(f"/etc/tls/{name}.both", text + key, mode),
        )

    def trust(self, *roots: Issued, public: bool = False) -> None:
        """Have the host trust these roots and no other."""
        text = b"".join(pem(one.der) for one in roots)
        self.file("/etc/ssl/certs/ca-certificates.crt", text)
        if public:
            self.file("/public/mozilla/root.crt", text)

    def words(self, *words: str, inside: subprocess.Popen[bytes] | None = None) -> list[str]:
        """Give the words that run a program on the host, in the network of one of its servers."""
        target = _children(inside.pid)[0] if inside else self._first
        entered = ["nsenter", "--target", str(target), "--mount", "--net", "--pid"]
        entered += [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        found = shutil.which(words[0], path=_SERVING["PROGRAMS"])
        assert found, f"{words[0]}: packaging/test installs it"
        return [*entered, "--", found, *words[1:]]

    def run(self, *words: str) -> str:
        """Run a program to its end; give what it printed."""
        with self._log.open("ab") as log:
            done = subprocess.run(
                self.words(*words), stdout=subprocess.PIPE, stderr=log, timeout=60, check=False
            )
        assert done.returncode == 0, f"{words[0]}: {self._log.read_text(errors='replace')}"
        return done.stdout.decode()

    def serve(
        self, *words: str, ports: tuple[int, ...] = (), env: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a server and wait until it listens; it ends with the host."""
        with self._log.open("ab") as log:
            server = subprocess.Popen(
                self.words(*words),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, **(env or {})},
            )
        self._servers.append(server)
        _until(lambda: set(ports) <= self.listening(), server, self._log)
        return server

    def end(self, server: subprocess.Popen[bytes]) -> None:
        """End a server that `serve` started, by its own process: nsenter waits for it."""
        below = [one for child in _children(server.pid) for one in (child, *_below(child))]
        for how, patience in ((signal.SIGTERM, 0.5), (signal.SIGKILL, _PATIENCE)):
            for pid in filter(_runs, below):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, how)
            until = time.monotonic() + patience
            while any(map(_runs, below)) and time.monotonic() < until:
                time.sleep(0.01)
        server.communicate(timeout=_PATIENCE)

    def reload(self, server: subprocess.Popen[bytes], with_signal: int = signal.SIGHUP) -> None:
        """Have a server that `serve` started read its files again."""
        for pid in _children(server.pid):
            os.kill(pid, with_signal)

    def listening(self) -> set[int]:
        """Give the ports that something listens on."""
        found = set()
        for table in ("tcp", "tcp6"):
            with contextlib.suppress(OSError):
                lines = Path(f"/proc/{self._first}/net/{table}").read_text().splitlines()[1:]
                cut = [line.split() for line in lines]
                found |= {int(f[1].rpartition(":")[2], 16) for f in cut if f[3] == "0A"}
        return found

    def tls(
        self, *words: str, outside: bool = False, inside: subprocess.Popen[bytes] | None = None
    ) -> Told:
        """Run `hygiene-agent tls` with these words.

        OUTSIDE the host where it has to be so, INSIDE the network of one of its servers.
        """
        called = [*_PROGRAM, "tls", "--format", "json", *words]
        if not outside:
            called = [*self.words("env", inside=inside)[:-1], *called]
        return told(called, self._state)


def told(words: list[str], state: Path) -> Told:
    """Run the program; give its report, how long it took and how much memory."""
    env = {**os.environ, "HYGIENE_AGENT_STATE": str(state)}
    began = time.monotonic()
    timed = ["/usr/bin/env", "python3", "-c", _MEASURE, *words]
    done = subprocess.run(timed, capture_output=True, env=env, timeout=120, check=False)
    seconds = time.monotonic() - began
    errors, _, memory = done.stderr.decode().rstrip("\n").rpartition("\n")
    assert done.returncode in {0, 1, 3}, errors
    return Told(done.returncode, json.loads(done.stdout), seconds, errors, int(memory) * 1024)


_MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
print(file=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr, end="")
sys.exit(done.returncode)
"""


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _runs(pid: int) -> bool:
    """Say whether a process is there, and not only what is left of one that nobody waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1] != "Z"
    except OSError:
        return False


def _below(pid: int) -> list[int]:
    """Give the processes below one, the nearest first."""
    found = _children(pid)
    return [*found, *(one for child in found for one in _below(child))]


def pem(der: bytes) -> bytes:
    return load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def _copied(source: Path, target: Path) -> None:
    if source.is_dir() and not source.is_symlink():
        shutil.copytree(source, target, symlinks=True)
    elif source.exists():
        shutil.copy2(source, target)


def _dropped(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _until(done: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while not done():
        ended = process.poll() not in {None, 0}
        if ended or time.monotonic() > end:
            pytest.fail(f"did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.01)


class Authority:
    """Certificates of today, by a root that hosts trust and an intermediate below it."""

    def __init__(self) -> None:
        self.maker = _MAKING["Maker"]()
        self.maker.now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        self.root = self.maker.authority("Matrix Root")
        self.middle = self.maker.authority("Matrix Intermediate", self.root)
        self.make = self.maker.make

    def pem(self) -> bytes:
        """Give the root as a file holds it."""
        return pem(self.root.der)

    def leaf(self, name: str = "www.matrix.test", **wishes: Any) -> Issued:  # noqa: ANN401 - those of Maker.make
        """Make a server's certificate by the intermediate."""
        return self.make(name, wishes.pop("issuer", self.middle), **wishes)


@pytest.fixture(scope="session")
def ca() -> Authority:
    return Authority()


@pytest.fixture
def host(tmp_path: Path, ca: Authority) -> Iterator[Host]:
    """Give a host that trusts the authority's root; skipped where no namespaces are to be had."""
    made = Host(tmp_path)
    made.trust(ca.root)
    try:
        made.start()
        yield made
    finally:
        made.stop()
