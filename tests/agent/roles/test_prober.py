"""The prober as a process: it finds what listens, tells what is wrong, and when it is mended."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent import configuration, journal, ledger, settings, snapshot
from agent.daemon import by_pipe
from agent.events import Kind
from agent.journal import Record
from agent.roles import prober
from checks.tls.config import Setting, Site
from checks.tls.drift import Configured
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.settings import Settings

NEW_NETWORK, UP, SET_FLAGS = 0x40000000, 0x1, 0x8914
WEAK = ("-min_protocol", "TLSv1", "-cipher", "ALL:@SECLEVEL=0")
SOUND = ("-min_protocol", "TLSv1.2", "-cipher", "ECDHE+AESGCM")
STANDING = frozenset((Kind.OPENED, Kind.CHANGED))


def enter_network() -> None:
    """Put this process into a network of its own, which has loopback alone."""
    assert ctypes.CDLL(None, use_errno=True).unshare(NEW_NETWORK) == 0
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))


class Host:
    """A network with a prober in it, and servers that come and go."""

    def __init__(self, told: Settings, folder: Path) -> None:
        self.told, self._folder = told, folder
        self._servers: dict[int, subprocess.Popen[bytes]] = {}
        words = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        names = ("-subj", "/CN=localhost", "-addext", "basicConstraints=critical,CA:FALSE")
        files = ("-nodes", "-days", "9", "-keyout", folder / "key.pem", "-out", folder / "crt.pem")
        subprocess.run([*words, *names, *files], check=True, capture_output=True)
        self.pid = 0

    def start(self) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            with contextlib.suppress(KeyboardInterrupt):
                ours, theirs = os.pipe()
                prober.run(self.told, by_pipe(theirs))
                os.close(ours)
            os._exit(0)

    def serve(self, port: int, *words: str) -> None:
        files = ("-cert", self._folder / "crt.pem", "-key", self._folder / "key.pem")
        self._servers[port] = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet", *files, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self, port: int) -> None:
        server = self._servers.pop(port)
        server.kill()
        server.communicate()

    def end(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGTERM)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def close(self) -> None:
        self.end()
        for port in list(self._servers):
            self.stop(port)

    def standing(self, where: str = "") -> set[str]:
        """Give the checks of the findings that are open by the events alone."""
        open_now: dict[str, tuple[str, str]] = {}
        for event in self.events():
            if event.finding is None:
                continue
            open_now.pop(event.finding.identity, None)
            if event.kind in STANDING:
                found = event.finding
                open_now[found.identity] = found.check, found.location.path
        return {check for check, path in open_now.values() if where in path}

    def events(self) -> list[Any]:
        folder = str(Path(self.told.state) / "prober" / "journal")
        return [
            event
            for stream in journal.streams(folder)
            for event in ledger.told(
                one for one in journal.read(folder, stream, 0) if isinstance(one, Record)
            )
        ]

    def until(self, true: Callable[[], bool]) -> None:
        limit = time.monotonic() + 40
        while not true():
            assert time.monotonic() < limit, self.standing()
            time.sleep(0.05)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host in a network of its own; this process comes back from it afterwards."""
    raw = {
        "version": 1,
        "state": str(tmp_path / "state"),
        "tls": {"discover": 1, "fingerprint": 1, "whole": 3600},
    }
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    enter_network()
    made = Host(settings.from_mapping(raw), tmp_path)
    try:
        yield made
    finally:
        made.close()
        assert ctypes.CDLL(None).setns(before, NEW_NETWORK) == 0
        os.close(before)


def test_a_weak_listener_is_told_and_its_mending_too(host: Host) -> None:
    """From its birth to a finding, from the mended set-up to its end, by a cheap look each."""
    host.start()
    host.serve(14443, *WEAK)
    host.until(lambda: "tls-1.0" in host.standing("127.0.0.1:14443"))
    host.stop(14443)
    host.serve(14443, *SOUND)
    host.until(lambda: "tls-1.0" not in host.standing())
    assert "cert-self-signed" in host.standing("127.0.0.1:14443")


def test_a_listener_that_is_gone_has_no_findings(host: Host) -> None:
    """Nobody is served weakly there any more; the other one's stay."""
    host.start()
    host.serve(14443, *WEAK)
    host.serve(14444, *WEAK)
    host.until(lambda: "tls-1.0" in host.standing(":14443"))
    host.until(lambda: "tls-1.0" in host.standing(":14444"))
    host.stop(14443)
    host.until(lambda: not host.standing(":14443"))
    assert "tls-1.0" in host.standing(":14444")


def test_a_restart_asks_cheaply_and_tells_nothing_twice(host: Host) -> None:
    """What was seen before and has not changed is no event."""
    host.serve(14443, *WEAK)
    host.start()
    host.until(lambda: "tls-1.0" in host.standing())
    time.sleep(1.5)
    host.end()
    before = [event.id for event in host.events() if event.finding]
    host.start()
    time.sleep(4)
    host.end()
    assert [event.id for event in host.events() if event.finding] == before


def test_what_the_files_say_comes_from_the_watcher(host: Host) -> None:
    """A version that is served and that the published set-up does not allow is drift."""
    place = Setting("server", "", "/etc/nginx/sites-enabled/a", 3)
    site = Site(server="nginx", place=place, listens=("127.0.0.1:14443",))
    configured = Configured(site, protocols=frozenset({Version.TLS12, Version.TLS13}))
    folder = Path(host.told.state) / "watcher" / "published"
    folder.mkdir(parents=True)
    snapshot.write(folder / configuration.FILE, configuration.Published(1.0, (configured,)))
    host.serve(14443, *WEAK)
    host.start()
    host.until(lambda: "drift-config-not-loaded" in host.standing(":14443"))
