"""The prober as a process: it finds what listens, tells what is wrong, and when it is mended."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent import (
    configuration,
    journal,
    ledger,
    powers,
    requests,
    rolestatus,
    settings,
    snapshot,
)
from agent.daemon import by_pipe
from agent.events import Kind
from agent.journal import Record
from agent.requests import Answer, Judge
from agent.roles import prober, table
from checks.model import Severity
from checks.tls.config import Setting, Site
from checks.tls.drift import Configured
from checks.tls.numbers import Version
from tests.agent import network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.daemon import Life
    from agent.settings import Settings

WEAK = ("-min_protocol", "TLSv1", "-cipher", "ALL:@SECLEVEL=0")
SOUND = ("-min_protocol", "TLSv1.2", "-cipher", "ECDHE+AESGCM")
STANDING = frozenset((Kind.OPENED, Kind.CHANGED))
_BETWEEN = 0.4
"""Seconds without a connection between two looks, of which there is one a second."""
HEARTBLEED = "vuln-heartbleed"
VULNERABLE = runpy.run_path(str(Path(__file__).parents[2] / "checks/tls/vulnerable.py"))


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
        self.today = Path(folder / "today")
        self.today.write_text("2026-05-06")

    def start(self, *, confined: bool = False) -> None:
        """Start the prober; confined: with the powers of its row in the table."""
        powers.prepare(self.told)
        run = table.roles(self.told)[prober.NAME] if confined else self._run
        self.pid = os.fork()
        if self.pid == 0:
            with contextlib.suppress(KeyboardInterrupt):
                ours, theirs = os.pipe()
                run(by_pipe(theirs))
                os.close(ours)
            os._exit(0)

    def _run(self, life: Life) -> None:
        prober.run(self.told, life, clock=self._day)

    def _day(self) -> datetime.date:
        """Give the day that the test says it is."""
        return datetime.date.fromisoformat(self.today.read_text())

    def work_by(self, policy: str) -> None:
        """Give the prober another policy."""
        path = Path(self.told.policy)
        path.with_suffix(".new").write_text(f"version: 1\n{policy}\n")
        path.with_suffix(".new").rename(path)
        if self.pid:
            os.kill(self.pid, signal.SIGHUP)

    def number(self, name: str) -> int:
        """Give a number of its status."""
        place = Path(powers.published(self.told, prober.NAME)) / rolestatus.STATUS
        status = snapshot.read(place, rolestatus.RoleStatus)
        return status.numbers.get(name, 0) if status else 0

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

    def hang(self, port: int) -> None:
        self._servers[port].send_signal(signal.SIGSTOP)

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

    def kinds(self, check: str, where: str) -> list[Kind]:
        """Give what was told of one check."""
        told = [event for event in self.events() if event.finding and event.finding.check == check]
        return [event.kind for event in told if where in event.finding.location.path]

    def states(self) -> list[str]:
        """Give what it told of itself."""
        return [event.health.state for event in self.events() if event.health]

    def judged(self, address: str) -> Answer:
        """Have the prober judge an endpoint."""
        folder = Path(self.told.state) / "prober"
        asked = requests.put(folder, Judge(address=address, name="localhost"))
        answer = requests.wait(folder / powers.PUBLISHED, asked, 60)
        assert answer is not None
        return answer

    def until(self, true: Callable[[], bool]) -> None:
        limit = time.monotonic() + 60
        while not true():
            assert time.monotonic() < limit, self.standing()
            time.sleep(0.05)


class Takeover:
    """A listener of two servers: one from before, one from after it takes up something else.

    The next look after its beginning meets the new one a few times and then the old one, as happens
    where both listen for a while. Looks are told apart by the time between them.
    """

    def __init__(self, port: int, old: int, new: int) -> None:
        self._old, self._new = old, new
        self._answers: Iterator[int] = itertools.repeat(old)
        self._first, self._last = 0, 0.0
        self._listener = socket.create_server(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def begin(self, first: int = 3) -> None:
        """first: how often the look meets the new one; a cheap one asks three times."""
        self._first = first

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._next()))
                threading.Thread(target=_pass, args=(link, server), daemon=True).start()

    def _next(self) -> int:
        """Say who answers now."""
        now = time.monotonic()
        if now - self._last > _BETWEEN:
            self._answers = self._look()
        self._last = now
        return next(self._answers)

    def _look(self) -> Iterator[int]:
        """Say who answers in a look that begins."""
        first, self._first = self._first, -1 if self._first else 0
        if first > 0:
            return itertools.chain(itertools.repeat(self._new, first), itertools.repeat(self._old))
        return itertools.repeat(self._new if first else self._old)


def _listens(port: int) -> bool:
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", port)) == 0


def _pass(link: socket.socket, server: socket.socket) -> None:
    """Pass on what both say, until one of them hangs up."""
    with link, server, contextlib.suppress(ConnectionError):
        while True:
            for source in select.select([link, server], [], [])[0]:
                if not (data := source.recv(65536)):
                    return
                (server if source is link else link).sendall(data)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host in a network of its own."""
    raw = {
        "version": 1,
        "state": str(tmp_path / "state"),
        "policy": str(tmp_path / "policy.yaml"),
        "tls": {"discover": 1, "fingerprint": 1, "whole": 3600, "deep": 14},
    }
    with network.apart():
        made = Host(settings.from_mapping(raw), tmp_path)
        made.work_by("name: test")
        try:
            yield made
        finally:
            made.close()


def test_a_weak_listener_is_told_and_its_mending_too(host: Host) -> None:
    """From its birth to a finding, from the mended set-up to its end, by a cheap look each."""
    host.start()
    host.serve(14443, *WEAK)
    host.until(lambda: "tls-1.0" in host.standing("127.0.0.1:14443"))
    host.stop(14443)
    host.serve(14443, *SOUND)
    # Nothing of it stands for a while if nobody listens there while listeners are looked for.
    host.until(lambda: "cert-self-signed" in host.standing() and "tls-1.0" not in host.standing())
    assert "cert-self-signed" in host.standing("127.0.0.1:14443")


@pytest.fixture
def takeover(host: Host) -> Iterator[Takeover]:
    """A weak server that becomes a sound one."""
    host.serve(15443, *WEAK)
    host.serve(15444, *SOUND)
    host.until(lambda: _listens(15443) and _listens(15444))
    with contextlib.closing(Takeover(14443, 15443, 15444)) as one:
        yield one


def test_who_answers_from_before_and_after_a_change_is_looked_at_again(
    host: Host, takeover: Takeover
) -> None:
    """What a cheap look sees of the new set-up does not vouch for a whole one that met the old."""
    host.start()
    host.until(lambda: "tls-1.0" in host.standing(":14443"))
    takeover.begin()
    host.until(lambda: "tls-1.0" not in host.standing(":14443"))
    assert "cert-self-signed" in host.standing(":14443")  # it is not gone, but another one


def test_so_is_who_changed_before_a_restart(host: Host, takeover: Takeover) -> None:
    """By the first look after it, though a cheap one would find nothing but what it found last."""
    host.start()
    host.until(lambda: "tls-1.0" in host.standing(":14443"))
    host.end()
    (Path(powers.published(host.told, prober.NAME)) / rolestatus.STATUS).unlink()
    tls = msgspec.structs.replace(host.told.tls, fingerprint=3600)
    host.told = msgspec.structs.replace(host.told, tls=tls)
    takeover.begin(4)  # the first connection finds out that it is TLS
    host.start()
    host.until(lambda: host.number("looks") > 0)
    host.end()
    assert "tls-1.0" in host.standing(":14443")
    host.start()
    host.until(lambda: "tls-1.0" not in host.standing(":14443"))


def test_an_endpoint_is_judged_at_once_for_who_asks(host: Host) -> None:
    """By what it serves now; where nothing listens, or no TLS is spoken, that is the answer."""
    host.start()
    host.serve(14443, *WEAK)
    host.until(lambda: "tls-1.0" in host.standing("127.0.0.1:14443"))
    weak = host.judged("127.0.0.1:14443")
    host.stop(14443)
    host.serve(14443, *SOUND)
    host.until(lambda: host.judged("127.0.0.1:14443").done)
    sound = host.judged("127.0.0.1:14443")
    assert (weak.done, json.loads(weak.result)["tls-1.0"] >= Severity.MEDIUM) == (True, True)
    assert "tls-1.0" not in json.loads(sound.result)
    assert "nothing listens" in host.judged("127.0.0.1:1").result
    assert "nothing listens" in host.judged("192.0.2.1:443").result
    with socket.create_server(("127.0.0.1", 14450)):
        answer = host.judged("127.0.0.1:14450")
    assert (answer.done, "does not speak TLS" in answer.result) == (False, True)


def test_nobody_waits_for_listeners_that_hang(host: Host) -> None:
    """Who asks is answered while it is not known yet what those speak, and it becomes known."""
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        host.serve(14443, *WEAK)
        host.start()
        host.until(lambda: host.judged("127.0.0.1:14443").done)
        assert host.standing() == set()
        host.until(lambda: "tls-1.0" in host.standing("127.0.0.1:14443"))


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


def test_what_went_while_nobody_looked_has_no_findings(host: Host) -> None:
    """A listener that hangs is there all the same: what was seen of it stands until it goes."""
    for port in (14443, 14444):
        host.serve(port, *WEAK)
    host.start()
    host.until(lambda: "tls-1.0" in host.standing(":14443"))
    host.until(lambda: "tls-1.0" in host.standing(":14444"))
    host.end()
    host.stop(14443)
    host.hang(14444)
    host.start()
    host.until(lambda: not host.standing(":14443"))
    host.serve(14445, *WEAK)
    host.until(lambda: "tls-1.0" in host.standing(":14445"))
    assert "tls-1.0" in host.standing(":14444")
    host.stop(14444)
    host.until(lambda: not host.standing(":14444"))


def test_what_goes_while_the_disk_is_full_is_told_later(host: Host) -> None:
    """The prober goes on."""
    state = Path(host.told.state)
    state.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(state)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs to mount a small file system")
    try:
        host.serve(14443, *WEAK)
        host.start()
        host.until(lambda: "tls-1.0" in host.standing(":14443"))
        filler = state / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        host.stop(14443)
        time.sleep(5)
        assert os.waitpid(host.pid, os.WNOHANG) == (0, 0)
        assert host.standing(":14443")
        filler.unlink()
        host.until(lambda: not host.standing(":14443"))
        host.end()
    finally:
        subprocess.run(["umount", "-l", str(state)], check=False)


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
    """A version that is served is drift where the published set-up does not allow it."""
    place = Setting("server", "", "/etc/nginx/sites-enabled/a", 3)
    strict, served = Version.TLS12, Version.TLS10
    configured = [
        Configured(
            Site(server="nginx", place=place, listens=(f"127.0.0.1:{port}",)),
            protocols=frozenset(one for one in Version if one >= least),
        )
        for port, least in ((14443, strict), (14444, served))
    ]
    folder = Path(host.told.state) / "watcher" / "published"
    folder.mkdir(parents=True)
    snapshot.write(folder / configuration.FILE, configuration.Published(1.0, tuple(configured)))
    host.serve(14443, *WEAK)
    host.serve(14444, *WEAK)
    host.start()
    host.until(lambda: "drift-config-not-loaded" in host.standing(":14443"))
    host.until(lambda: host.number("looks") == 2)
    assert "drift-config-not-loaded" not in host.standing(":14444")


WAIVER = """waivers:
  - {check: tls-1.0, path: "*:14443*", owner: team, reason: old phones, until: 2026-05-07}
"""


def test_a_waiver_ends_with_its_day(host: Host) -> None:
    """On the next day the finding is open again, while nothing changed, and no other one moved."""
    host.work_by(WAIVER)
    host.serve(14443, *WEAK)
    host.serve(14444, *WEAK)
    host.start()
    host.until(lambda: "tls-1.1" in host.standing(":14443"))
    host.until(lambda: "tls-1.0" in host.standing(":14444"))
    host.until(lambda: host.number("looks") == 2)
    assert "tls-1.0" not in host.standing(":14443")
    host.today.write_text("2026-05-08")
    host.until(lambda: "tls-1.0" in host.standing(":14443"))
    assert host.kinds("tls-1.0", ":14443") == [Kind.SUPPRESSED, Kind.OPENED]
    assert host.kinds("tls-1.0", ":14444") == [Kind.OPENED]
    host.end()
    assert host.number("looks") == 2


def test_another_policy_holds_at_once_and_after_a_restart(host: Host) -> None:
    """A check that is switched off is no finding any more, whether the prober ran or not."""
    host.serve(14443, *WEAK)
    host.start()
    host.until(lambda: "tls-1.0" in host.standing())
    host.work_by("tls: {disable: [tls-1.0]}")
    host.until(lambda: "tls-1.0" not in host.standing())
    host.end()
    host.work_by("tls: {disable: [tls-1.1]}")
    host.start()
    host.until(lambda: "tls-1.0" in host.standing() and "tls-1.1" not in host.standing())


def test_a_policy_that_cannot_be_used_changes_nothing(host: Host) -> None:
    """The one before holds on, which is said; the next good one is taken."""
    host.work_by("tls: {disable: [tls-1.0]}")
    host.serve(14443, *WEAK)
    host.start()
    host.until(lambda: "tls-1.1" in host.standing())
    host.work_by("tls: {disable: 7}")
    host.until(lambda: "policy refused, the one before holds on" in host.states())
    assert "tls-1.0" not in host.standing()
    host.work_by("name: better")
    host.until(lambda: "tls-1.0" in host.standing())


def test_known_attacks_are_tried_now_and_then(host: Host) -> None:
    """A server with Heartbleed is found by a confined prober; the fault stands until it is mended.

    Looks between two attempts neither see it nor close it; a sound server has no such finding.
    """
    bad = [VULNERABLE["heartbleed"]]

    def answer(count: int, kind: int, body: bytes) -> bytes | None:
        made: bytes | None = bad[-1](count, kind, body)
        return made

    host.work_by("tls: {deep: true}")
    host.serve(14443, "-tls1_2")
    relay = VULNERABLE["Relay"](14443, answer)
    with VULNERABLE["serving"](relay) as port:
        host.start(confined=True)
        host.until(lambda: HEARTBLEED in host.standing(f":{port}"))
        tried, looks = host.number("deep looks"), host.number("looks")
        host.work_by("tls: {deep: true, disable: [http-hsts-missing]}")
        host.until(lambda: host.number("looks") >= looks + 2)
        assert host.number("deep looks") in {tried, tried + 1}
        assert HEARTBLEED in host.standing(f":{port}")
        bad.append(VULNERABLE["sound"])
        host.until(lambda: HEARTBLEED not in host.standing())
    assert host.number("deep looks that failed") == 0
    assert host.kinds(HEARTBLEED, f":{port}") == [Kind.OPENED, Kind.RESOLVED]
    assert host.kinds(HEARTBLEED, ":14443") == []


def test_no_attack_is_tried_unless_the_policy_wants_it(host: Host) -> None:
    """The same server is looked at as a whole, again and again, and no more."""
    host.serve(14443, "-tls1_2")
    relay = VULNERABLE["Relay"](14443, VULNERABLE["heartbleed"])
    with VULNERABLE["serving"](relay) as port:
        host.start()
        host.until(lambda: "cert-self-signed" in host.standing(f":{port}"))
        host.until(lambda: host.number("looks") >= 2)
    assert host.number("deep looks") == 0
    assert HEARTBLEED not in host.standing()


def test_where_sslyze_is_not_there_that_is_said_once(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the policy is read; our own looks go on."""
    monkeypatch.setenv("HYGIENE_AGENT_DEEP", "/nonexistent/python")
    host.work_by("tls: {deep: true}")
    host.serve(14443, *WEAK)
    host.start()
    host.until(lambda: "tls-1.0" in host.standing())
    host.work_by("tls: {deep: true, disable: [tls-1.0]}")
    host.until(lambda: "tls-1.0" not in host.standing())
    assert host.states().count("no known attacks are tried") == 1


def test_the_end_does_not_wait_for_an_attempt(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is under way is given up, and nothing of it goes on."""
    script, note = tmp_path / "python", tmp_path / "note"
    script.write_text(f"#!/bin/sh\necho $$ > {note}.new\nmv {note}.new {note}\nexec sleep 600\n")
    script.chmod(0o755)
    monkeypatch.setenv("HYGIENE_AGENT_DEEP", str(script))
    host.work_by("tls: {deep: true, deep_seconds: 600}")
    host.serve(14443, *SOUND)
    host.start()
    host.until(note.exists)
    began = time.monotonic()
    host.end()
    assert time.monotonic() - began < 60
    assert not Path(f"/proc/{note.read_text().strip()}").exists()
