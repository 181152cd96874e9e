"""Real clients over mutual TLS: who may speak, who may look, and what hostile ones achieve."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import os
import random
import signal
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent import ocsf
from agent.events import Health, Kind
from agent.findings import Status
from agent.sinks import Batch, Delivered, Refused, Retry, https
from tests.agent.collector.world import Receiver, Role, Speaker, World, fault, host, leak, memory

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "<script>alert(1)</script>'; DROP TABLE hosts; --\u202e\"&\x1b[2J"


def health(role: Role) -> list:
    return [role.event(Kind.HEALTH, health=Health(component="watcher", state="up"))]


def is_well(world: World, role: Role, speaker: Speaker) -> None:
    """The receiver still takes what an honest host says."""
    said = speaker.send(host("web1"), health(role))
    assert (said.status, said.body) == (200, {"events": 1, "fresh": 1})
    assert "internal error" not in world.receiver.said


def test_what_is_acknowledged_is_shown(world: World) -> None:
    """Events come in, are kept once, and are shown on every way out."""
    role, speaker = Role(), world.speaker("web1")
    events = [
        *role.opened(leak("a" * 32), fault("b" * 32)),
        role.about(Kind.REMOVED, leak("a" * 32)),
    ]
    assert speaker.send(host("web1", image="img:1"), events).body == {"events": 3, "fresh": 3}
    assert speaker.send(host("web1", image="img:1"), events).body == {"events": 3, "fresh": 0}
    shown = world.receiver.shown()
    assert (shown["counts"]["open"], shown["counts"]["removed"]) == (1, 1)
    assert [(one["image"], one["check"]) for one in shown["images"]] == [
        ("img:1", "key-permissions")
    ]
    found = {one["identity"]: one["status"] for one in world.receiver.findings("web1")}
    assert found == {"a" * 32: "removed", "b" * 32: "open"}
    viewer = world.client(world.others.issue("eve"), view=True)
    assert viewer.ask("GET", "/api/view").body["counts"] == shown["counts"]
    assert viewer.ask("GET", "/api/hosts/web1").body["host"] == "web1"
    assert viewer.ask("GET", "/api/hosts/web2").status == 404
    page = viewer.ask("GET", "/")
    assert "removed but not rotated" in page.body
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src")


def test_our_own_sink_delivers_to_our_own_receiver(world: World, tmp_path: Path) -> None:
    """The HTTPS sink's batches are taken; a host that it may not speak for is tried again."""
    files = world.hosts.issue("web1")
    settings = https.Settings(
        url=f"https://localhost:{world.receiver.port}/v1/events",
        ca=str(tmp_path / "own.pem"),
        certificate=str(files.certificate),
        key=str(files.key),
    )
    sink = https.open(settings, "central", tmp_path)
    role = Role()
    many = role.opened(*(leak(f"{n:032x}", f"/srv/{n}\udcff") for n in range(700)))
    assert sink.deliver(Batch(host("web1"), tuple(many))) == Delivered()
    assert world.receiver.shown()["counts"]["open"] == 700
    assert isinstance(sink.deliver(Batch(host("web2"), tuple(many))), Retry)
    bad = msgspec.structs.replace(many[0], id="nonsense")
    assert isinstance(sink.deliver(Batch(host("web1"), (bad,))), Refused)
    sink.close()


def test_nobody_comes_in_without_a_certificate_of_ours(world: World) -> None:
    """No certificate, one of another authority, a viewer's among hosts and the other way round."""
    role = Role()
    event = health(role)
    strangers = [
        world.client(None),
        world.client(world.others.issue("web1")),
        world.client(world.hosts.issue("web1"), view=True),
        world.client(None, view=True),
    ]
    for stranger in strangers:
        with pytest.raises((ssl.SSLError, ConnectionError, OSError)):
            stranger.send(host("web1"), event)
    assert world.receiver.shown()["counts"]["hosts"] == 0
    is_well(world, role, world.speaker("web1"))


def test_a_host_speaks_for_itself_only(world: World) -> None:
    """Another host's id is refused and nothing of the batch is kept; its own is taken."""
    role = Role()
    speaker = world.speaker("web1")
    said = speaker.send(host("web2"), role.opened(leak("a" * 32)))
    assert said.status == 403
    mixed = b"".join(
        ocsf.line(one, host(name)) for name in ("web1", "web2") for one in health(role)
    )
    assert speaker.ask("POST", "/v1/events", mixed).status == 400
    assert world.receiver.shown()["counts"]["hosts"] == 0
    named = world.client(world.hosts.issue("some name", "web2.example", "web2"))
    assert named.send(host("web2"), health(role)).status == 200
    is_well(world, role, speaker)


def test_a_viewer_changes_nothing(world: World) -> None:
    """Viewers may GET; hosts may POST events; everything else is refused."""
    viewer = world.client(world.others.issue("eve"), view=True)
    assert viewer.send(host("eve"), health(Role())).status == 405
    assert viewer.ask("GET", "/../../etc/passwd").status == 404
    assert viewer.ask("GET", "/api/hosts/%00%ff'--").status == 404
    speaker = world.speaker("web1")
    assert speaker.ask("GET", "/v1/events").status == 405
    assert speaker.ask("POST", "/api/view", b"x").status == 404
    assert world.receiver.shown()["counts"]["hosts"] == 0


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"garbage", "", 400),
        (b"", "", 400),
        (b"[" * 10**6, "", 400),
        (gzip.compress(b"[" * 10**6), "gzip", 400),
        (gzip.compress(b"\n" * (64 << 20)), "gzip", 413),
        (b"\x1f\x8b" + b"\xff" * 1000, "gzip", 400),
        (b"x", "br", 415),
        (b" " * (5 << 20), "", 413),
    ],
    ids=["garbage", "empty", "deep", "deep-gzip", "bomb", "broken-gzip", "brotli", "large"],
)
def test_hostile_bodies_are_refused(world: World, body: bytes, encoding: str, status: int) -> None:
    """Each gets its status, nothing is kept, and the next honest batch is taken."""
    speaker = world.speaker("web1")
    fields = {"Content_Encoding": encoding} if encoding else {}
    assert speaker.ask("POST", "/v1/events", body, **fields).status == status
    is_well(world, Role(), speaker)
    assert world.receiver.process
    assert memory(world.receiver.process.pid) < 200 << 20


@pytest.mark.parametrize(
    "words",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: 9999999999999\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"A" * 40_000,
        b"POST /v1/events HTTP/1.1\r\n" + b"A: 1\r\n" * 5000 + b"\r\n",
        b"\r\n\r\n\r\n\r\n",
    ],
)
def test_what_is_not_http_ends_the_connection(world: World, words: bytes) -> None:
    """It is answered with a refusal or nothing, and the connection ends."""
    wire = world.speaker("web1").socket()
    said = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError), wire:
        wire.sendall(words)
        while piece := wire.recv(10_000):
            said += piece
    assert not said or said.startswith(b"HTTP/1.1 4")
    is_well(world, Role(), world.speaker("web1"))


def test_slow_and_endless_clients_disturb_nobody(world: World) -> None:
    """Handshakes that stop, heads a byte at a time, bodies that never end: others go on."""
    ends = time.monotonic() + 13
    slow = [socket.create_connection(("localhost", world.receiver.port)) for _ in range(200)]
    heads = [world.speaker(f"slow{n}").socket() for n in range(10)]
    bodies = [world.speaker(f"body{n}").socket() for n in range(10)]
    for wire in bodies:
        wire.sendall(b"POST /v1/events HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n")
    role, speaker = Role(), world.speaker("web1")
    worst = 0.0
    ended = 0
    while time.monotonic() < ends:
        for wire in heads + bodies:
            with contextlib.suppress(OSError):
                wire.sendall(b"P")
        start = time.monotonic()
        is_well(world, role, speaker)
        worst = max(worst, time.monotonic() - start)
        time.sleep(0.5)
    for wire in heads:
        wire.settimeout(5)
        with contextlib.suppress(OSError):
            ended += not wire.recv(1)
    assert worst < 2
    assert ended == len(heads), "a head that takes over ten seconds ends its connection"
    for raw in slow:
        raw.settimeout(5)
        assert raw.recv(1) == b""
        raw.close()
    for wire in heads + bodies:
        wire.close()


def test_hostile_names_are_shown_as_text(world: World) -> None:
    """SQL and HTML in every text: nothing breaks, and the page has no element of theirs."""
    role, speaker = Role(), world.speaker("web1")
    told = host("web1", image=HOSTILE, labels={HOSTILE: HOSTILE}, policy=HOSTILE)
    told = msgspec.structs.replace(told, name=HOSTILE, version=HOSTILE)
    bad = msgspec.structs.replace(leak("a" * 32, "/" + HOSTILE), message=HOSTILE, fix=HOSTILE)
    events = [
        *role.opened(bad),
        role.about(Kind.REMOVED, msgspec.structs.replace(bad, identity="b" * 32)),
        role.event(Kind.HEALTH, health=Health(component=HOSTILE, state=HOSTILE, detail=HOSTILE)),
    ]
    assert speaker.send(told, events).status == 200
    shown = world.receiver.shown()
    assert shown["hosts"][0]["name"] == HOSTILE
    page = world.client(world.others.issue("eve"), view=True).ask("GET", "/").body
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "DROP TABLE" in page
    listed = world.receiver.run("hosts")
    assert "\x1b" not in listed.stdout
    assert world.receiver.run("retire", "'; DROP TABLE hosts; --").returncode == 2
    assert world.receiver.shown()["counts"]["hosts"] == 1


def test_a_host_that_sends_too_much_is_told_to_wait(world: World) -> None:
    """It gets 429 with Retry-After; another host is served at once."""
    speaker = world.speaker("web1")
    bomb = gzip.compress(b"x" * (64 << 20))
    statuses = [speaker.ask("POST", "/v1/events", bomb, Content_Encoding="gzip") for _ in range(6)]
    assert [one.status for one in statuses[:4]] == [413] * 4
    assert statuses[-1].status == 429
    assert int(statuses[-1].headers["Retry-After"]) >= 1
    assert world.speaker("web2").send(host("web2"), health(Role())).status == 200


def test_one_certificate_has_few_connections(world: World) -> None:
    """A fifth connection of one name is closed; of another it is not."""
    files = world.hosts.issue("web1")
    clients = [world.client(files) for _ in range(4)]
    for client in clients:
        assert client.send(host("web1"), health(Role())).status == 200
    with pytest.raises((ConnectionError, ssl.SSLError)):
        world.client(files).send(host("web1"), health(Role()))
    assert world.speaker("web2").send(host("web2"), health(Role())).status == 200


def test_a_revoked_certificate_is_refused_after_a_reload(tmp_path: Path) -> None:
    """SIGHUP takes the list anew; a certificate that is not on it goes on."""
    world = World(tmp_path)
    try:
        revoked = world.hosts.revoke(world.hosts.issue("nobody"))
        world.receiver.start("--crl", str(revoked))
        gone = world.hosts.issue("gone")
        assert world.client(gone).send(host("gone"), health(Role())).status == 200
        world.hosts.revoke(gone)
        assert world.receiver.process
        world.receiver.process.send_signal(signal.SIGHUP)
        while "reloaded" not in world.receiver.said:
            time.sleep(0.01)
        with pytest.raises((ConnectionError, ssl.SSLError)):
            world.client(gone).send(host("gone"), health(Role()))
        assert world.speaker("web1").send(host("web1"), health(Role())).status == 200
    finally:
        world.end()


def test_it_says_what_is_wrong_and_does_not_serve(world: World, tmp_path: Path) -> None:
    """A second receiver, no authority, a key that all can read, what is no address: status 2."""
    files = world.hosts.issue("some")
    told = ["--certificate", str(files.certificate), "--key", str(files.key)]
    good = [*told, "--client-ca", str(tmp_path / "hosts.pem"), "--listen", "127.0.0.1:0"]
    other = Receiver(tmp_path / "other", files, tmp_path / "hosts.pem")

    def refused(receiver: Receiver, *words: str) -> str:
        done = receiver.run(*words)
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    assert "another receiver serves" in refused(world.receiver, *good)
    nobody = ["--client-ca", str(files.certificate)]
    assert "no certificate authority" in refused(other, *good, *nobody)
    assert "expected ADDRESS:PORT" in refused(other, *good, "--listen", "nonsense")
    assert "expected both or none" in refused(other, *good, "--view", "127.0.0.1:0")
    taken = f"localhost:{world.receiver.port}"
    assert "in use" in refused(other, *good, "--listen", taken)
    files.key.chmod(0o644)
    assert "every user can read it" in refused(other, *good)


class Sender(threading.Thread):
    """A host that repeats what was not acknowledged, until all of it was."""

    def __init__(self, world: World, name: str, batches: list[list]) -> None:
        super().__init__(daemon=True)
        self._client = world.client(world.hosts.issue(name))
        self._host, self._batches = host(name), batches
        self.repeated = 0

    def run(self) -> None:
        for batch in self._batches:
            while not self._acknowledged(batch):
                self.repeated += 1
                time.sleep(0.01)

    def _acknowledged(self, batch: list) -> bool:
        try:
            return self._client.send(self._host, batch).status == 200
        except (OSError, ValueError, http.client.HTTPException):
            return False


KILLS = int(os.environ.get("HYGIENE_COLLECT_KILLS", "8"))


def history(seed: int) -> tuple[list[list], dict[str, str], int]:
    """Give a host's batches, what is live at their end, and how many events they are."""
    rng = random.Random(seed)
    role = Role(f"{rng.getrandbits(128):032x}")
    live: dict[str, Status] = {}
    batches = []
    for _ in range(max(60, 8 * KILLS)):
        batch = []
        for _ in range(rng.randint(1, 30)):
            identity = f"{rng.randrange(200):032x}"
            kind = rng.choice((Kind.OPENED, Kind.REMOVED, Kind.RESOLVED))
            batch.append(role.about(kind, leak(identity)))
            live.pop(identity, None)
            if kind is not Kind.RESOLVED:
                live[identity] = Status.OPEN if kind is Kind.OPENED else Status.REMOVED
        batches.append([*batch, role.digest(live)])
    return batches, {one: status.value for one, status in live.items()}, role.last


def test_killed_at_any_moment_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    """kill -9 while batches arrive, again and again; hosts repeat what was not acknowledged."""
    world = World(tmp_path)
    rng = random.Random(7)
    try:
        world.receiver.start()
        histories = {f"web{n}": history(n) for n in range(6)}
        senders = [Sender(world, name, made[0]) for name, made in histories.items()]
        for sender in senders:
            sender.start()
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.05, 0.5))
            world.receiver.kill()
            world.receiver.start()
        for sender in senders:
            sender.join(120)
            assert not sender.is_alive()
        rows = {row["id"]: row for row in world.receiver.shown()["hosts"]}
        for name, (_, live, events) in histories.items():
            found = world.receiver.findings(name)
            assert {one["identity"]: one["status"] for one in found} == live
            row = rows[name]
            assert (row["events"], row["missing"], row["out_of_step"]) == (events, 0, 0)
        assert sum(sender.repeated for sender in senders) > 0, "no kill hit a batch"
    finally:
        world.end()


def test_stopped_it_gives_its_last_answers(world: World) -> None:
    """SIGTERM ends it with status 0; what was acknowledged is there."""
    role, speaker = Role(), world.speaker("web1")
    assert speaker.send(host("web1"), role.opened(leak("a" * 32))).status == 200
    assert world.receiver.stop() == 0
    assert world.receiver.shown()["counts"]["open"] == 1
    assert "error" not in world.receiver.said
