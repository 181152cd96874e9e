"""A certificate authority, hosts that speak over mutual TLS, and a receiver as its own process."""

from __future__ import annotations

import datetime
import gzip
import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent import ocsf
from agent.events import Digest, Event, Host, Kind
from agent.findings import Status, digest
from checks.model import Confidence, Evidence, Finding, Fingerprint, Location, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checks.model import Suppression

_DAY = datetime.timedelta(days=1)
STREAM = "0123456789abcdef" * 2


class Files(NamedTuple):
    """A certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """Makes certificates in a folder, which hold for some days before and after now."""

    def __init__(self, folder: Path, name: str, days: int = 1) -> None:
        self._folder, self._name = folder, name
        self._holds = days * _DAY
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name(name)
        made = self._built(self._subject, self._key.public_key(), authority=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def _built(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        authority: bool = False,
        names: tuple[str, ...] = (),
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        begin, end = now - self._holds, now + self._holds
        serial = x509.random_serial_number()
        built = x509.CertificateBuilder(self._subject, subject, key, serial, begin, end)
        built = built.add_extension(x509.BasicConstraints(authority, None), critical=True)
        if names:
            told = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            built = built.add_extension(told, critical=False)
        return built.sign(self._key, hashes.SHA256())

    def issue(self, name: str, *names: str) -> Files:
        """Make a certificate by a common name and DNS names."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._built(_name(name), key.public_key(), names=names)
        found = Files(*(self._folder / f"{self._name}-{name}.{end}" for end in ("crt", "key")))
        found.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        found.key.touch(0o600)
        found.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return found

    def revoke(self, files: Files) -> Path:
        """Give a list of revoked certificates with this one in it."""
        now = datetime.datetime.now(datetime.UTC)
        gone = x509.load_pem_x509_certificate(files.certificate.read_bytes()).serial_number
        entry = x509.RevokedCertificateBuilder().serial_number(gone).revocation_date(now - _DAY)
        built = x509.CertificateRevocationListBuilder().issuer_name(self._subject)
        built = built.last_update(now - _DAY).next_update(now + _DAY)
        built = built.add_revoked_certificate(entry.build())
        path = self._folder / "revoked.pem"
        made = built.sign(self._key, hashes.SHA256())
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        return path


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Said(NamedTuple):
    """An answer."""

    status: int
    body: Any
    headers: dict[str, str]


class Speaker:
    """A client with a certificate, over one connection that is kept."""

    def __init__(self, port: int, authority: Path, files: Files | None) -> None:
        self._port = port
        self._context = ssl.create_default_context(cafile=authority)
        if files:
            self._context.load_cert_chain(*files)
        self._link: http.client.HTTPSConnection | None = None

    def connection(self) -> http.client.HTTPSConnection:
        if self._link is None:
            self._link = http.client.HTTPSConnection(
                "localhost", self._port, timeout=30, context=self._context
            )
        return self._link

    def socket(self) -> ssl.SSLSocket:
        """Give a connection on which anything can be said."""
        raw = socket.create_connection(("localhost", self._port), timeout=30)
        return self._context.wrap_socket(raw, server_hostname="localhost")

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Said:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self.connection().request(method, path, body, told)
            response = self.connection().getresponse()
            data = response.read()
        except BaseException:
            self.close()
            raise
        kind = response.getheader("Content-Type", "")
        shown = json.loads(data) if kind == "application/json" else data.decode()
        return Said(response.status, shown, dict(response.getheaders()))

    def send(self, host: Host, events: Iterable[Event]) -> Said:
        body = gzip.compress(b"".join(ocsf.line(event, host) for event in events), 1)
        return self.ask("POST", "/v1/events", body, Content_Encoding="gzip")

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


class Receiver:
    """`hygiene-agent collect` as a process."""

    def __init__(self, folder: Path, own: Files, hosts: Path, viewers: Path | None = None) -> None:
        self.state = folder / "collector"
        self._errors = folder / "stderr"
        self._words: list[str] = [
            *("--certificate", str(own.certificate), "--key", str(own.key)),
            *("--client-ca", str(hosts), "--state", str(self.state)),
        ]
        self._viewers = viewers
        self.port = self.view_port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> None:
        """Begin to serve, on the same ports as before."""
        told = [*self._words, "--listen", f"localhost:{self.port}", *words]
        if self._viewers:
            told += ["--view", f"localhost:{self.view_port}", "--viewer-ca", str(self._viewers)]
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-m", "agent", "collect", *told], stderr=errors
            )
        wanted = 2 if self._viewers else 1
        end = time.monotonic() + 30
        while len(ports := self._listening()) < wanted:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < end, self.said
            time.sleep(0.02)
        self.port, self.view_port = (*ports, 0)[:2]

    def _listening(self) -> list[int]:
        lines = [line for line in self.said.splitlines(keepends=True) if line.endswith("\n")]
        return [int(line.rpartition(":")[2]) for line in lines if "listening on" in line]

    @property
    def said(self) -> str:
        return self._errors.read_text()

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process
        self.process.terminate()
        return self.process.wait(30)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another command on the same state."""
        command = [sys.executable, "-I", "-m", "agent", "collect", *words, "--state"]
        told = [*command, self.state]
        return subprocess.run(told, capture_output=True, text=True, timeout=60, check=False)

    def shown(self) -> dict[str, Any]:
        done = self.run("show")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def findings(self, host: str, *words: str) -> list[dict[str, Any]]:
        done = self.run("show", "--host", host, *words)
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
        return found


class World:
    """Certificates, a receiver and those who speak to it."""

    def __init__(self, folder: Path, *, viewers: bool = False) -> None:
        self.hosts = Authority(folder, "hosts")
        self.others = Authority(folder, "others")
        own = Authority(folder, "own")
        self._own = own.file
        self.receiver = Receiver(
            folder,
            own.issue("localhost", "localhost"),
            self.hosts.file,
            self.others.file if viewers else None,
        )
        self._speakers: list[Speaker] = []

    def speaker(self, name: str) -> Speaker:
        """Give a host's client."""
        return self.client(self.hosts.issue(name))

    def client(self, files: Files | None, *, view: bool = False) -> Speaker:
        port = self.receiver.view_port if view else self.receiver.port
        made = Speaker(port, self._own, files)
        self._speakers.append(made)
        return made

    def end(self) -> None:
        for one in self._speakers:
            one.close()
        if self.receiver.process and self.receiver.process.poll() is None:
            self.receiver.stop()


def host(name: str, **fields: Any) -> Host:  # noqa: ANN401 - Host's own
    return Host(id=name, name=f"{name}.example", version="1.2.3", **fields)


def leak(identity: str, path: str = "/etc/app.yml", severity: Severity = Severity.HIGH) -> Finding:
    """Give a finding of a readable value."""
    return Finding(
        "embedded-password",
        severity,
        Confidence.HIGH,
        Location(path, 3, key_path="db.password"),
        "a password stands here",
        "Move it.",
        evidence=Evidence("••••••••", 12, (Fingerprint("k1", identity * 2),)),
        identity=identity,
    )


def fault(identity: str, path: str = "/etc/a.key") -> Finding:
    """Give a finding that is no leak."""
    where = Location(path, 0)
    message = "others can read the key"
    return Finding(
        "key-permissions", Severity.MEDIUM, Confidence.HIGH, where, message, "f", identity=identity
    )


class Role:
    """Numbers events as a role's stream does."""

    def __init__(self, stream: str = STREAM, role: str = "watcher") -> None:
        self.stream, self.role = stream, role
        self.last = 0
        self.at = time.time() - 3600

    def event(self, kind: Kind, **fields: Any) -> Event:  # noqa: ANN401 - Event's own
        self.last += 1
        self.at += 0.001
        fields.setdefault("role", self.role)
        return Event(id=f"{self.stream}-{self.last}", at=self.at, kind=kind, **fields)

    def about(self, kind: Kind, finding: Finding, suppression: Suppression | None = None) -> Event:
        return self.event(
            kind,
            finding=finding,
            first_seen=self.at,
            last_seen=self.at,
            suppression=suppression,
        )

    def opened(self, *findings: Finding) -> list[Event]:
        return [self.about(Kind.OPENED, one) for one in findings]

    def digest(self, known: dict[str, Status]) -> Event:
        told = {one: status for one, status in known.items() if status is not Status.SUPPRESSED}
        states = list(told.values())
        made = Digest(
            open=states.count(Status.OPEN),
            removed=states.count(Status.REMOVED),
            sha256=digest(told.items()),
        )
        return self.event(Kind.DIGEST, digest=made)


def memory(pid: int) -> int:
    """Give a process's peak of memory in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024
