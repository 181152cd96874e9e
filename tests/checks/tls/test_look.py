"""Looking at real servers: what they agree to is seen, what they refuse is not claimed."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from checks.tls import look, suites
from checks.tls.facts import Target
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from checks.tls.facts import EndpointFacts

    Serve = Callable[..., AbstractContextManager[Target]]

NAME = "localhost"
WEAK = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-min_protocol", "TLSv1")


def _certificate(folder: Path, kind: str) -> tuple[str, str]:
    """Make a key and a certificate; give their files."""
    key = (
        ec.generate_private_key(ec.SECP256R1())
        if kind == "ec"
        else rsa.generate_private_key(65537, 2048)
    )
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / f"{kind}.crt", folder / f"{kind}.key"
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(certificate), str(private)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    folder = tmp_path_factory.mktemp("certificates")
    return {kind: _certificate(folder, kind) for kind in ("ec", "rsa")}


@pytest.fixture
def serve(files: dict[str, tuple[str, str]]) -> Serve:
    """Run OpenSSL's server with options of its own; stopped by its process."""

    @contextmanager
    def served(*options: str, kind: str = "rsa") -> Iterator[Target]:
        port = _free_port()
        certificate, key = files[kind]
        words = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificate]
        with subprocess.Popen(
            [*words, "-key", key, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as server:
            try:
                _wait(port)
                yield Target("127.0.0.1", port, NAME)
            finally:
                server.kill()

    return served


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("the server did not begin to listen")


def names(facts: EndpointFacts, version: Version) -> set[str]:
    return {suites.of(one.suite).name for one in facts.suites if one.version == version}


def spoken(facts: EndpointFacts) -> set[str]:
    return {version.label for version, yes in facts.versions.items() if yes}


def test_a_modern_server_is_seen_as_it_is(serve: Serve) -> None:
    """Versions, groups, both certificates' proof, tickets and HTTP, by few connections."""
    with serve("-www", "-groups", "P-384:X25519") as target:
        facts = look.observe(target)
    assert spoken(facts) == {"TLS 1.3", "TLS 1.2"}
    assert set(facts.groups) == {24, 29}
    assert set(facts.curves) == {24, 29}
    assert [chain.proved for chain in facts.chains] == [True]
    assert facts.tickets
    assert facts.http is not None
    assert facts.http.status == 200
    assert (facts.compression, facts.fallback_scsv, facts.early_data) == (False, None, 0)
    assert facts.unseen == ()
    assert facts.connections <= 64


def test_both_certificates_of_a_pair_are_seen(
    serve: Serve, files: dict[str, tuple[str, str]]
) -> None:
    """A server with an RSA and an ECDSA certificate shows each to who asks for its kind."""
    certificate, key = files["ec"]
    with serve("-dcert", certificate, "-dkey", key) as target:
        assert len(look.observe(target).chains) == 2
    with serve("-dcert", certificate, "-dkey", key, "-no_tls1_3") as target:
        assert len(look.observe(target).chains) == 2
    with serve() as target:
        assert len(look.observe(target).chains) == 1


def test_weak_suites_and_versions_are_found_by_class(serve: Serve) -> None:
    """NULL, anonymous and static suites and TLS 1.0 are seen where they are, and only there."""
    with serve(*WEAK) as target:
        weak = look.observe(target)
    assert {"TLS 1.0", "TLS 1.1"} <= spoken(weak)
    accepted = [suites.of(one.suite) for one in weak.suites]
    assert any(one.bits == 0 for one in accepted)
    assert any(one.is_anonymous for one in accepted)
    assert any(one.exchange == "RSA" for one in accepted)
    assert weak.fallback_scsv is True
    with serve("-cipher", "ECDHE+AESGCM") as target:
        sound = look.observe(target)
    assert all(suites.of(one.suite).has_forward_secrecy for one in sound.suites)
    assert "TLS 1.0" not in spoken(sound)


def test_all_suites_are_listed_when_asked_for(serve: Serve) -> None:
    """The list is the server's own, to the suite."""
    wanted = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA384:AES128-SHA:DHE-RSA-AES256-SHA256"
    with serve("-cipher", wanted, "-no_tls1_3") as target:
        facts = look.observe(target, all_suites=True)
    assert names(facts, Version.TLS12) == {
        suites.by_openssl_name()[name].name for name in wanted.split(":")
    }
    assert facts.complete


@pytest.mark.parametrize(("option", "expected"), [((), False), (("-serverpref",), True)])
def test_whose_order_counts_is_seen(
    serve: Serve,
    option: tuple[str, ...],
    expected: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """The server's own order is told from the client's."""
    with serve("-no_tls1_3", *option) as target:
        assert look.observe(target).server_order is expected


def test_early_data_is_seen_where_it_is_allowed(serve: Serve) -> None:
    """The ticket says how much; without the option it says nothing."""
    with serve("-early_data", "-max_early_data", "4096") as target:
        assert look.observe(target).early_data == 4096
    with serve() as target:
        assert look.observe(target).early_data == 0


@contextmanager
def _peer(talk: Callable[[socket.socket], None]) -> Iterator[Target]:
    """Listen and do to each connection what TALK does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stopped = threading.Event()

        def run() -> None:
            while not stopped.is_set():
                try:
                    link, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=_guarded, args=(talk, link), daemon=True).start()

        threading.Thread(target=run, daemon=True).start()
        try:
            yield Target("127.0.0.1", listener.getsockname()[1])
        finally:
            stopped.set()


def _guarded(talk: Callable[[socket.socket], None], link: socket.socket) -> None:
    with link:
        try:
            talk(link)
        except OSError:
            return


def _drip(link: socket.socket) -> None:
    for byte in b"\x16\x03\x03\x40\x00" + bytes(60):
        link.send(bytes([byte]))
        time.sleep(0.5)


def _flood(link: socket.socket) -> None:
    while True:
        link.sendall(b"\x16\x03\x03\x40\x00" + b"\x0b\x7f\xff\xff" + bytes(16380))


def _ssh(link: socket.socket) -> None:
    link.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    link.recv(1024)


@pytest.mark.parametrize("talk", [_drip, _flood, _ssh, lambda link: time.sleep(30)])
def test_a_peer_that_does_not_play_along_ends_in_time(
    talk: Callable[[socket.socket], None],
) -> None:
    """Whatever it sends, the look ends within its deadline and claims nothing."""
    with _peer(talk) as target:
        started = time.monotonic()
        facts = look.observe(target, seconds=2.0)
        assert time.monotonic() - started < 3.0
    assert not facts.speaks_tls
    assert facts.unseen
