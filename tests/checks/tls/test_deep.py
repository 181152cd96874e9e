"""A real sslyze against real servers, vulnerable ones in front of them, and ones that never end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from checks.model import Inconclusive
from checks.tls import deep, deepfacts
from checks.tls.deepfacts import Deep
from checks.tls.facts import Target
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Handler = Callable[[socket.socket], object]
    Bad = Callable[[int, int, bytes], tuple[float, bytes] | None]

SSLYZE = "sslyze==6.3.1"
TLS12_RSA = ("-tls1_2", "-cipher", "AES128-GCM-SHA256:AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256")


@pytest.fixture(scope="session")
def python() -> str:
    """The interpreter of an environment that has sslyze, made once and kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    folder = cache / "hygiene-agent-tests" / f"{SSLYZE}-{sys.version_info.minor}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            new = Path(made, "new")
            subprocess.run([sys.executable, "-m", "venv", new], check=True, capture_output=True)
            install = [new / "bin" / "python", "-m", "pip", "install", "-q", SSLYZE]
            subprocess.run(install, check=True, capture_output=True)
            with contextlib.suppress(OSError):  # another process was quicker
                new.rename(folder)
    return str(folder / "bin" / "python")


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An RSA key and its certificate in one file."""
    path = tmp_path_factory.mktemp("pem") / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"),
            *("-keyout", path, "-out", f"{path}.crt"),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.fixture
def s_server(pem: Path) -> Iterator[Callable[..., int]]:
    """Start openssl's servers; gives their ports."""
    with contextlib.ExitStack() as stack:

        def start(*words: str, host: str = "127.0.0.1") -> int:
            with socket.create_server(("127.0.0.1", 0)) as one:
                port: int = one.getsockname()[1]
            process = subprocess.Popen(
                [
                    *("openssl", "s_server", "-quiet", "-cert", str(pem), *words),
                    *("-accept", f"{host}:{port}"),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            stack.enter_context(contextlib.closing(process.stdin or sys.stdin))
            _await(host.strip("[]"), port)
            return port

        yield start


def _await(host: str, port: int) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((host, port), 1).close()
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], int]]:
    """Start servers of one handler; gives their ports."""
    with contextlib.ExitStack() as stack:

        def start(handler: Handler) -> int:
            one = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            threading.Thread(target=_accept, args=(one, handler), daemon=True).start()
            port: int = one.getsockname()[1]
            return port

        yield start


def _accept(one: socket.socket, handler: Handler) -> None:
    with contextlib.suppress(OSError):
        while True:
            link, _ = one.accept()
            threading.Thread(target=_handle, args=(handler, link), daemon=True).start()


def _handle(handler: Handler, link: socket.socket) -> None:
    with link, contextlib.suppress(OSError):
        handler(link)


class Relay:
    """Stands in front of a real server and behaves badly where a client's record asks for it."""

    def __init__(self, port: int, bad: Bad) -> None:
        self._port = port
        self._bad = bad

    def __call__(self, link: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._port)) as behind:
            back = threading.Thread(target=self._back, args=(behind, link), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                self._forth(link, behind)
            with contextlib.suppress(OSError):  # a close alone would wait for the other thread
                behind.shutdown(socket.SHUT_RDWR)
            back.join()

    def _forth(self, link: socket.socket, behind: socket.socket) -> None:
        count = 0
        while record := self._record(link):
            if answer := self._bad(count, record[0], record[5:]):
                time.sleep(answer[0])
                link.sendall(answer[1])
                return
            behind.sendall(record)
            count += 1

    @staticmethod
    def _back(behind: socket.socket, link: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := behind.recv(65536):
                link.sendall(data)
            link.shutdown(socket.SHUT_WR)

    @staticmethod
    def _record(link: socket.socket) -> bytes:
        head = link.recv(5, socket.MSG_WAITALL)
        if head[:1] >= b"\x80":  # SSL 2
            return b""
        size = int.from_bytes(head[3:5], "big")
        return head + link.recv(size, socket.MSG_WAITALL) if len(head) == 5 else b""


def _alert(description: int) -> bytes:
    return bytes([21, 3, 3, 0, 2, 2, description])


def heartbleed(count: int, kind: int, body: bytes) -> tuple[float, bytes] | None:
    """Answer a heartbeat with what it never sent, once the server's hello is through."""
    return (0.2, b"\x18\x03\x03\x00\x23\x02\x40\x00" + b"\x01" * 32) if kind == 24 else None


def early_ccs(count: int, kind: int, body: bytes) -> tuple[float, bytes] | None:
    """Take a ChangeCipherSpec right after the hello: what comes next cannot be decrypted."""
    return (0, _alert(20)) if kind == 20 and count == 1 else None


def oracle(key: RSAPrivateKey) -> Bad:
    """Tell by another alert whether a key exchange begins as PKCS #1 wants it."""
    numbers = key.private_numbers()
    modulus = numbers.public_numbers.n

    def bad(count: int, kind: int, body: bytes) -> tuple[float, bytes] | None:
        if kind != 22 or count != 1 or body[:1] != b"\x10" or len(body) != 262:
            return None
        plain = pow(int.from_bytes(body[6:], "big"), numbers.d, modulus).to_bytes(256, "big")
        return None if plain.startswith(b"\0\x02") else (0, _alert(51))

    return bad


def look(port: int, python: str, seconds: int = 40, host: str = "127.0.0.1") -> Deep:
    """Look at a server that can be looked at."""
    found = deep.look(Target(host, port), python, seconds=seconds)
    assert isinstance(found, Deep), found
    return found


def faults(found: Deep) -> list[str]:
    """Name the faults."""
    return [fault.check for fault in deepfacts.judge(found)]


def test_a_sound_server_has_no_fault(s_server: Callable[..., int], python: str) -> None:
    """Everything is told of a present-day server, and none of it is a fault."""
    found = look(s_server(), python)
    assert faults(found) == []
    assert found.unseen == ()
    assert (found.heartbleed, found.ccs, found.robot) == (False, False, "none")
    assert (found.compression, found.secure_renegotiation) == (False, True)
    assert found.versions == (Version.TLS12, Version.TLS13)
    assert "TLS_AES_128_GCM_SHA256" in found.agreed[Version.TLS13]


def test_an_ipv6_server_is_looked_at(s_server: Callable[..., int], python: str) -> None:
    """A server of ::1 is reached there."""
    found = look(s_server("-tls1_3", host="[::1]"), python, host="::1")
    assert found.versions == (Version.TLS13,)


@pytest.mark.parametrize("check", ["vuln-heartbleed", "vuln-ccs", "vuln-robot", None])
def test_a_vulnerable_server_is_found(
    check: str | None,
    s_server: Callable[..., int],
    serve: Callable[[Handler], int],
    python: str,
    pem: Path,
) -> None:
    """Each weakness is found alone, and none at the same server without it."""
    key = load_pem_private_key(pem.read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    bad = {"vuln-heartbleed": heartbleed, "vuln-ccs": early_ccs, "vuln-robot": oracle(key)}
    behind = s_server(*TLS12_RSA)
    port = serve(Relay(behind, bad.get(check or "", lambda count, kind, body: None)))
    found = look(port, python)
    assert faults(found) == ([check] if check else [])
    assert found.unseen == ()


def silent(link: socket.socket) -> None:
    """Take all and say nothing."""
    while link.recv(65536):
        pass


def drips(link: socket.socket) -> None:
    """Begin a record and go on with one byte a second."""
    for byte in b"\x16\x03\x03\x40\x00\x02" + bytes(60):
        link.sendall(bytes([byte]))
        time.sleep(1)


def requests(link: socket.socket) -> None:
    """Send HelloRequests without end."""
    link.recv(65536)
    while True:
        link.sendall(b"\x16\x03\x03\x00\x04\x00\x00\x00\x00")
        time.sleep(0.001)


@pytest.mark.parametrize("handler", [silent, drips, requests])
def test_a_server_that_never_ends_is_inconclusive_in_time(
    handler: Handler, serve: Callable[[Handler], int], python: str
) -> None:
    """Silence, drops and endless requests end by the deadline, and are never clean."""
    begun = time.monotonic()
    found = deep.look(Target("127.0.0.1", serve(handler)), python, seconds=5)
    assert isinstance(found, Inconclusive)
    assert found.reason.startswith("sslyze: ")
    assert time.monotonic() - begun < 7


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_mutual_tls_ends_in_time(version: str, s_server: Callable[..., int], python: str) -> None:
    """Who asks for our certificate is left by the deadline; what could not be told is named."""
    begun = time.monotonic()
    port = s_server(version, "-Verify", "1", "-cipher", "AES128-SHA")
    found = deep.look(Target("127.0.0.1", port), python, seconds=8)
    assert time.monotonic() - begun < 10
    if version == "-tls1_2" and isinstance(found, Deep):
        assert found.robot is None
        assert any(words.startswith("robot") for words in found.unseen)


def test_nobody_listening_is_inconclusive(python: str) -> None:
    """A port that refuses is no clean server."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    found = deep.look(Target("127.0.0.1", port), python, seconds=20)
    assert isinstance(found, Inconclusive)
    assert found.reason == "sslyze: error no connectivity"


def test_a_protocol_that_sslyze_does_not_know_is_inconclusive() -> None:
    """MySQL's way into TLS is not sslyze's."""
    found = deep.look(Target("127.0.0.1", 1, starttls="mysql"), "/usr/bin/python3")
    assert isinstance(found, Inconclusive)


@pytest.fixture
def impostor(tmp_path: Path) -> Callable[[str], str]:
    """Write a program that stands for the interpreter; gives its path."""

    def write(script: str) -> str:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return write


TARGET = Target("127.0.0.1", 1)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "sslyze: ended with status 3"),
        ("kill -SEGV $$", f"sslyze: ended by signal {int(signal.SIGSEGV)}"),
        ("echo no", "sslyze: its answer is cut off or malformed"),
        ("printf '{\"heartbleed\": fal'", "sslyze: its answer is cut off or malformed"),
        ("exec yes", "sslyze: says more than an answer holds"),
        ("sleep 60 & sleep 60", "sslyze: timed out after 2 s"),
        ('echo \'{"error": "ERROR_NO_CONNECTIVITY"}\'', "sslyze: error no connectivity"),
    ],
)
def test_a_broken_child_is_inconclusive(
    script: str, reason: str, impostor: Callable[[str], str]
) -> None:
    """A child that dies, babbles or hangs is told as such."""
    begun = time.monotonic()
    found = deep.look(TARGET, impostor(script), seconds=2)
    assert found == Inconclusive(str(TARGET), reason)
    assert time.monotonic() - begun < 4


def test_the_whole_group_ends_with_the_deadline(
    impostor: Callable[[str], str], tmp_path: Path
) -> None:
    """What the child has started dies with it."""
    note = tmp_path / "pid"
    deep.look(TARGET, impostor(f"sleep 60 & echo $! > {note}; wait"), seconds=1)
    pid = int(note.read_text())
    until = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and "\tZ" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_nothing_of_ours_is_inherited(
    impostor: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the environment nor an open file nor the folder reaches the child."""
    monkeypatch.setenv("PLANTED", "here")
    note = tmp_path / "note"
    with open(tmp_path / "open", "w") as planted:
        os.set_inheritable(planted.fileno(), True)  # noqa: FBT003 - takes no name
        deep.look(TARGET, impostor(f"(env; pwd; ls -l /proc/self/fd) > {note}"), seconds=5)
    said = note.read_text()
    assert "LC_ALL=C.UTF-8" in said
    assert "\n/\n" in said
    assert "PLANTED" not in said
    assert str(tmp_path / "open") not in said


def test_an_interpreter_that_others_can_replace_is_refused(
    impostor: Callable[[str], str],
) -> None:
    """A file that everybody may write, one that is missing and a relative path are not started."""
    path = impostor("echo started >&2")
    Path(path).chmod(0o777)
    for python in (path, "python3"):
        found = deep.look(TARGET, python)
        assert isinstance(found, Inconclusive)
        assert "started" not in found.reason
    missing = deep.look(TARGET, "/nonexistent/python")
    assert isinstance(missing, Inconclusive)
    assert missing.reason.startswith("sslyze: cannot be started")


def test_a_planted_module_is_not_imported(
    python: str, s_server: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The child is isolated: neither the working folder nor its own is searched for modules."""
    (tmp_path / "sslyze.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert shutil.which("openssl")
    look(s_server("-tls1_3"), python)
