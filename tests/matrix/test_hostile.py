"""The matrix's rows on what is no TLS server or a hostile one: an end in time, in little memory."""

from __future__ import annotations

import contextlib
import random
import runpy
import secrets
import socket
import struct
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Talk = Callable[[socket.socket], None]

    from tests.checks.tls.conftest import Issued
    from tests.checks.tls.peer13 import Peer
    from tests.matrix.hosting import Authority, Host, Told
    from tests.matrix.setups import Setups

NAME = "www.matrix.test"
SCRIPTED = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("scripted.py"))))
PEER13, listening = SCRIPTED.PEER13, SCRIPTED.listening
SECONDS = 3.0
"""What these looks may take by policy; start-up and judging come on top."""
SLACK = 3.0
MEMORY = 64 << 20
HELLO = b"\x16\x03\x03"


def asked(host: Host, port: int, *words: str) -> Told:
    """Run the program on a port of the test's own network, and check what it took."""
    policy = host.file("/policy.yaml", f"tls: {{seconds: {SECONDS}}}\n")
    told = host.tls(f"127.0.0.1:{port}", "--policy", str(host.root) + policy, *words, outside=True)
    assert told.seconds < SECONDS + SLACK
    assert told.memory < MEMORY
    return told


def test_what_is_no_tls_is_told_so(host: Host, ca: Authority, setups: Setups) -> None:
    """Row 22: SSH and plain HTTP are no TLS and left alone; a TLS port beside them is judged."""
    host.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/srv/key")
    host.run("mkdir", "-p", "/run/sshd")
    host.serve(
        "sshd",
        "-D",
        "-f",
        "/dev/null",
        "-h",
        "/srv/key",
        "-o",
        "ListenAddress=127.0.0.1:2022",
        ports=(2022,),
    )
    plain = "server { listen 8080; location / { return 200 ok; } }"
    setups.run("nginx", host.certify("a", ca.leaf(left=-3), ca.middle), end=plain)
    told = host.tls()
    assert told.serious == {"cert-expired"}
    assert told.report["inconclusive"] == []
    assert told.report["summary"]["not_applicable"] == {
        "listener without TLS (http)": 1,
        "listener without TLS (ssh)": 1,
    }
    assert told.seconds < 10
    for port in (2022, 8080):
        told = host.tls(f"127.0.0.1:{port}")
        assert told.serious == set()
        assert "no TLS" in told.unsettled(f"tls://127.0.0.1:{port}")
        assert told.status == 3
        assert told.seconds < 5


def say_nothing(link: socket.socket) -> None:
    link.recv(1 << 16)
    time.sleep(30)


def reset(link: socket.socket) -> None:
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_after_hello(link: socket.socket) -> None:
    link.recv(1 << 16)
    reset(link)


def greet(link: socket.socket) -> None:
    link.sendall(b"SSH-2.0-Other\r\n")
    link.recv(1 << 16)


def drip(link: socket.socket) -> None:
    """A byte a second, of a hello that never ends."""
    for byte in HELLO + b"\x40\x00\x02\x00\x3f\xfc\x03\x03" + bytes(60):
        link.send(bytes([byte]))
        time.sleep(1)


def drip_http(link: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" + bytes(60):
        link.send(bytes([byte]))
        time.sleep(1)


def endless_handshake(link: socket.socket) -> None:
    """Records without end of a message without end."""
    head = b"\x0b\xff\xff\xff"
    while True:
        link.sendall(HELLO + b"\x40\x00" + head + bytes(16380) + HELLO + b"\x40\x00" + bytes(16384))


def endless_messages(link: socket.socket) -> None:
    """One HelloRequest after the other."""
    while True:
        link.sendall((HELLO + b"\x00\x04\x00\x00\x00\x00") * 2000)


def endless_alerts(link: socket.socket) -> None:
    """Warnings that never end anything."""
    while True:
        link.sendall(b"\x15\x03\x03\x00\x02\x01\x5a" * 2000)


def endless_noise(link: socket.socket) -> None:
    while True:
        link.sendall(secrets.token_bytes(1 << 16))


def endless_empty_records(link: socket.socket) -> None:
    while True:
        link.sendall((HELLO + b"\x00\x00") * 4000)


def endless_text(link: socket.socket) -> None:
    while True:
        link.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 60000)


UNFRIENDLY = (
    say_nothing,
    reset,
    reset_after_hello,
    greet,
    drip,
    drip_http,
    endless_handshake,
    endless_messages,
    endless_alerts,
    endless_noise,
    endless_empty_records,
    endless_text,
)


@pytest.mark.parametrize("talk", UNFRIENDLY)
def test_peers_that_do_not_play_along(host: Host, talk: Talk) -> None:
    """Rows 22 and 29: nothing is claimed of them but that nothing is known."""
    with listening(talk) as port:
        told = asked(host, port)
    assert told.serious == set()
    assert told.unsettled(f"tls://127.0.0.1:{port}")
    assert told.status == 3


def alike(leaf: Issued, *chain: bytes, then: Callable[[Peer], Iterator[bytes]]) -> Talk:
    """Shake hands in TLS 1.3 as far as the flight, then say what THEN gives."""

    def talk(link: socket.socket) -> None:
        if peer := SCRIPTED.begun(link, leaf, *chain):
            for said in then(peer):
                link.sendall(said)

    return talk


def flood(peer: Peer, kind: int, content: bytes) -> Iterator[bytes]:
    while True:
        yield b"".join(peer.seal(kind, content) for _ in range(16))


def after_flight(kind: int, content: bytes) -> Callable[[Peer], Iterator[bytes]]:
    def said(peer: Peer) -> Iterator[bytes]:
        yield peer.flight()
        yield from flood(peer, kind, content)

    return said


def at_once(kind: int, content: bytes) -> Callable[[Peer], Iterator[bytes]]:
    return lambda peer: flood(peer, kind, content)


ALERT, HANDSHAKE, DATA = PEER13.ALERT, PEER13.HANDSHAKE, PEER13.DATA
HEAD = b"HTTP/1.1 200 OK\r\nX-Endless: "
SEALED = {
    "endless extensions": at_once(HANDSHAKE, b"\x08\xff\xff\xff" + bytes(16000)),
    "endless certificate": at_once(HANDSHAKE, b"\x0b\xff\xff\xff" + bytes(16000)),
    "empty records": at_once(HANDSHAKE, b""),
    "warnings": at_once(ALERT, b"\x01\x5a"),
    "data too early": at_once(DATA, bytes(1000)),
    "tickets": after_flight(HANDSHAKE, PEER13.ticket()),
    "updates": after_flight(HANDSHAKE, PEER13.ASKED_UPDATE),
    "an endless head": after_flight(DATA, HEAD + b"y" * 16000),
    "an endless page": after_flight(DATA, HEAD + b"y\r\n\r\n" + b"y" * 16000),
    "empty data": after_flight(DATA, b""),
}


@pytest.mark.parametrize("case", SEALED)
def test_floods_behind_encryption(host: Host, ca: Authority, case: str) -> None:
    """Row 29: what comes sealed is bounded as what comes in clear is."""
    with listening(alike(ca.leaf(), ca.middle.der, then=SEALED[case])) as port:
        told = asked(host, port, "-n", NAME)
    assert told.serious <= {"cert-untrusted"}  # this host's own store has not the test's root


def big(ca: Authority, size: int) -> Issued:
    """Make a certificate of so many bytes."""
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), secrets.token_bytes(size))
    return ca.leaf(extra=(odd,))


@pytest.mark.parametrize("version", ["tls1_2", "tls1_3"])
def test_a_certificate_of_ten_megabytes(host: Host, ca: Authority, version: str) -> None:
    """Row 29: sent by OpenSSL itself; one of sixty kilobytes is read all the same."""
    for port, size in ((4431, 10 << 20), (4432, 60_000)):
        files = host.certify(str(port), big(ca, size), ca.middle)
        host.serve(
            *("openssl", "s_server", "-quiet", "-www", "-accept", str(port), f"-{version}"),
            *("-cert", files.chain, "-key", files.key, "-cert_chain", files.chain),
            *("-cipher", "ECDHE+AESGCM"),
            ports=(port,),
        )
    policy = host.file("/policy.yaml", f"tls: {{seconds: {SECONDS}}}\n")
    for port, expected in ((4431, "certificate"), (4432, "")):
        told = host.tls(f"127.0.0.1:{port}", "-n", NAME, "--policy", str(host.root) + policy)
        assert told.memory < MEMORY
        assert told.seconds < SECONDS + SLACK
        assert told.serious == set()
        assert bool(told.report["inconclusive"]) == bool(expected)


def test_a_chain_of_ten_megabytes(host: Host, ca: Authority, setups: Setups) -> None:
    """Row 29: many certificates of a size that each alone could be read in."""
    setups.run("nginx", host.certify("a", ca.leaf(), ca.middle, *[big(ca, 60_000)] * 170))
    policy = host.file("/policy.yaml", f"tls: {{seconds: {SECONDS}}}\n")
    told = host.tls("127.0.0.1:443", "-n", NAME, "--policy", str(host.root) + policy)
    assert told.memory < MEMORY
    assert told.seconds < SECONDS + SLACK
    assert told.serious == set()
    assert told.unsettled(f"tls://127.0.0.1:443/{NAME}")


@contextlib.contextmanager
def spoiled(port: int, rng: random.Random) -> Iterator[int]:
    """Stand between: pass on a prefix of what the server says, of another length each time."""
    lengths = [*range(12), *(rng.randrange(12, 3000) for _ in range(500))]

    def talk(link: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port), 5) as server:
            back = threading.Thread(target=_spoil, args=(server, link, lengths.pop(), rng))
            back.start()
            while data := link.recv(1 << 16):
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)
            back.join()

    rng.shuffle(lengths)
    with listening(talk) as own:
        yield own


def _spoil(server: socket.socket, link: socket.socket, length: int, rng: random.Random) -> None:
    with contextlib.suppress(OSError):
        while length > 0 and (data := server.recv(length)):
            link.sendall(data)
            length -= len(data)
        link.sendall(rng.randbytes(40_000))


@pytest.mark.parametrize("options", [("-tls1_2",), ("-tls1_3",), ()])
def test_noise_behind_any_prefix_of_a_handshake(
    host: Host, s_server: Callable[..., AbstractContextManager[int]], options: tuple[str, ...]
) -> None:
    """Row 29: wherever a handshake turns into noise, the look ends and claims nothing wrong."""
    seed = secrets.randbits(32)
    print("seed", seed)
    with s_server(*options, "-www", kind="p256") as real:
        sound = asked(host, real).serious
        for number in range(2):
            with spoiled(real, random.Random(seed + number)) as port:
                assert asked(host, port).serious <= sound


def test_a_port_that_takes_ten_connections_a_second(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """Row 22: what it has is found all the same, in time; nothing is made up of what it refuses."""
    setups.write("haproxy", host.certify("a", ca.leaf(left=-3), ca.middle))
    limit = (
        " stick-table type ip size 1k expire 10s store conn_rate(1s)\n"
        " tcp-request connection track-sc0 src\n"
        " tcp-request connection reject if { sc_conn_rate(0) gt 10 }\n"
    )
    host.edit("/etc/haproxy/haproxy.cfg", "frontend f\n", f"frontend f\n{limit}")
    setups.start("haproxy")
    policy = host.file("/policy.yaml", "tls: {seconds: 5}\n")
    told = host.tls("127.0.0.1:443", "--policy", str(host.root) + policy)
    assert told.serious == {"cert-expired"}
    assert told.seconds < 5 + SLACK
