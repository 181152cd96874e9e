"""Keys in haproxy's memory: a real one serves them after the commit, and again after a reload."""

from __future__ import annotations

import hashlib
import os
import re
import runpy
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.deliver import Deliveries, Delivery, DeliveryError, haproxy
from agent.keysettings import HaproxyDelivery
from agent.vault.material import Material
from tests.agent.deliver.conftest import PATIENCE, beside, made, unseen, until
from tests.agent.vault.authority import issue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SERVING = runpy.run_path(str(Path(__file__).parents[2] / "checks/tls/serving.py"))
_CONFIGURATION = """
global
 stats socket {folder}/admin.sock mode 600 level {level}
defaults
 mode http
 timeout client 5s
 timeout connect 5s
 timeout server 5s
frontend f
 bind 127.0.0.1:{port} ssl crt {folder}/site.pem
"""


def _delivery(path: Path | str, certificate: Path | str) -> Delivery:
    settings = HaproxyDelivery(socket=str(path), certificate=str(certificate))
    return Deliveries("/nowhere").make(settings)


class Haproxy:
    """A running one that began with a placeholder. folder: of its socket and its files."""

    def __init__(self, folder: Path, level: str = "admin") -> None:
        program = shutil.which("haproxy", path=_SERVING["PROGRAMS"])
        assert program, "packaging/test installs it"
        self.folder, self.placeholder = folder, made("placeholder.example.net")
        (folder / "site.pem").write_bytes(self.placeholder.pem)
        self.port = _SERVING["free_port"]()
        told = _CONFIGURATION.format(folder=folder, port=self.port, level=level)
        (folder / "haproxy.cfg").write_text(told)
        with open(folder / "log", "wb") as log:
            command = [program, "-W", "-db", "-f", folder / "haproxy.cfg"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.delivery = _delivery(folder / "admin.sock", folder / "site.pem")
        until(self.served, "haproxy does not serve")
        until(self._heeds, "haproxy does not wait for signals")

    def _heeds(self) -> bool:
        """Say whether the master catches the signal to reload; what comes earlier is lost."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        masks = {name: value for name, _, value in (line.partition(":") for line in lines)}
        caught, blocked = (int(masks[name], 16) for name in ("SigCgt", "SigBlk"))
        return bool(caught & ~blocked & 1 << signal.SIGUSR2 - 1)

    def served(self) -> str:
        """Give the SHA-256 of the certificate in a handshake, "" where there is none."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as plain,
                context.wrap_socket(plain) as line,
            ):
                return hashlib.sha256(line.getpeercert(binary_form=True) or b"").hexdigest()
        except OSError:
            return ""

    def ask(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.folder / "admin.sock"))
            line.sendall(command.encode() + b"\n")
            return line.makefile().read()

    def worker(self) -> str:
        """Give the process that answers now, "" while none does."""
        try:
            found = re.search(r"^Pid: (\d+)$", self.ask("show info"), re.MULTILINE)
        except OSError:
            return ""
        return found[1] if found else ""

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)


@pytest.fixture
def running(memory: Path) -> Iterator[Haproxy]:
    """A real haproxy."""
    one = Haproxy(memory)
    yield one
    one.stop()


def test_it_serves_what_was_committed(running: Haproxy) -> None:
    """The next handshake after the publication, and not one before, has the new certificate."""
    what = made()
    assert running.served() == running.placeholder.sha256
    running.delivery.publish(what)
    assert running.served() == what.sha256
    assert not running.delivery.lost()
    second = made()
    running.delivery.publish(second)
    assert running.served() == second.sha256


def test_it_is_repeated_after_a_reload(running: Haproxy) -> None:
    """A reload brings the placeholder back: that shows, and publishing again helps."""
    what, worker = made(), running.worker()
    running.delivery.publish(what)
    running.process.send_signal(signal.SIGUSR2)
    until(lambda: running.worker() not in {"", worker}, "haproxy did not reload")
    until(lambda: running.served() == running.placeholder.sha256, "it has no placeholder")
    assert running.delivery.lost()
    running.delivery.publish(what)
    assert running.served() == what.sha256
    assert not running.delivery.lost()


def test_what_was_never_published_or_withdrawn_is_not_lost(running: Haproxy) -> None:
    """Only what was published here, and is to stay, can be lost."""
    assert not running.delivery.lost()
    running.delivery.publish(what := made())
    running.delivery.withdraw()
    assert running.served() == what.sha256
    running.ask(f"set ssl cert {running.folder}/site.pem <<\n{running.placeholder.pem.decode()}")
    running.ask(f"commit ssl cert {running.folder}/site.pem")
    assert running.served() == running.placeholder.sha256
    assert not running.delivery.lost()


def test_another_key_is_refused_and_forgotten(running: Haproxy) -> None:
    """Of a pair that does not match nothing is served, and no transaction stays open."""
    one, other = made(), made()
    wrong = Material(one.key.decode(), other.certificates.decode())
    with pytest.raises(DeliveryError, match="the key is not the one of the certificate") as caught:
        running.delivery.publish(wrong)
    unseen(wrong.key, caught.value, running.delivery)
    assert running.served() == running.placeholder.sha256
    assert "*" not in running.ask("show ssl cert")
    running.delivery.publish(one)
    assert running.served() == one.sha256


def test_a_name_that_it_does_not_know_is_told(running: Haproxy) -> None:
    """A certificate that its configuration does not name is refused in words."""
    one = _delivery(running.folder / "admin.sock", "/etc/other.pem")
    with pytest.raises(DeliveryError, match="its configuration does not name this certificate"):
        one.publish(made())


def test_a_change_under_way_is_left_alone(running: Haproxy) -> None:
    """Another's transaction for another certificate is not aborted by ours that is refused."""
    other = running.folder / "other.pem"
    other.write_bytes(running.placeholder.pem)
    running.ask(f"new ssl cert {other}")
    running.ask(f"set ssl cert {other} <<\n{running.placeholder.pem.decode()}")
    with pytest.raises(DeliveryError, match="another change is under way"):
        running.delivery.publish(made())
    assert f"*{other}" in running.ask("show ssl cert")


def test_a_socket_that_may_not_is_told(memory: Path) -> None:
    """At a socket of a lower level nothing changes, and the reason is told."""
    one = Haproxy(memory, level="operator")
    try:
        with pytest.raises(DeliveryError, match="not of level admin"):
            one.delivery.publish(made())
        assert one.served() == one.placeholder.sha256
    finally:
        one.stop()


def test_one_that_is_away_is_told(running: Haproxy) -> None:
    """Stopped, it is neither lost nor served to: both are errors with a reason."""
    running.delivery.publish(made())
    running.stop()
    for ask in (running.delivery.lost, lambda: running.delivery.publish(made())):
        with pytest.raises(DeliveryError, match=r"No such file|Connection refused"):
            ask()


def test_what_is_too_long_is_refused_whole(running: Haproxy) -> None:
    """What does not fit into haproxy's buffer changes nothing, and the reason is told."""

    def wide(count: int) -> Material:
        names = [f"{'n' * 50}{number}.example.net" for number in range(count)]
        one = issue("wide", names=names)
        return Material(one.private, one.pem)

    most, longer = wide(150), wide(200)
    assert haproxy._BUFFER * 0.8 < len(most.pem) < haproxy._BUFFER < len(longer.pem)
    running.delivery.publish(most)
    assert running.served() == most.sha256
    with pytest.raises(DeliveryError, match=r"longer than its tune\.bufsize"):
        running.delivery.publish(longer)
    assert running.served() == most.sha256


@pytest.mark.parametrize(
    "name", ["/a b", "/a;show env", "/a\nshow env", "/a\\", "/a\n", "/é", "/a<<", "/a#"]
)
def test_a_name_that_says_more_than_a_name_is_refused(name: str) -> None:
    """What haproxy would take for a second command, a payload or a comment is never sent."""
    with pytest.raises(DeliveryError, match="has signs"):
        _delivery("/run/x.sock", name)


def test_a_plain_content_is_refused() -> None:
    """Values are nothing that haproxy could serve; they are not repeated."""
    with pytest.raises(DeliveryError, match="expected a key with its certificate") as caught:
        _delivery("/run/x.sock", "/a.pem").publish(b"value")
    assert "value" not in str(caught.value)


class Scripted:
    """A peer on a runtime socket that answers as it is told; heard: the commands."""

    def __init__(self, path: Path, answer: Callable[[str], bytes], tail: bytes = b"") -> None:
        self.heard: list[str] = []
        self._answer, self._tail = answer, tail
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line:
                command = line.recv(65_536).decode()
                self.heard.append(command)
                try:
                    line.sendall(self._answer(command))
                    while self._tail and not self._done.is_set():
                        line.sendall(self._tail)
                        time.sleep(0.005)
                except OSError:
                    continue

    def stop(self) -> None:
        self._done.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()


def _said(told: dict[str, str]) -> Callable[[str], bytes]:
    return lambda command: next(a for word, a in told.items() if command.startswith(word)).encode()


_GOOD = {"set": "Transaction created!\n\n", "commit": "Success!\n\n", "abort": "\n"}


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"show": "SHA1 FingerPrint: " + "0" * 40 + "\n"}, "took the certificate and does not"),
        ({"show": "Status: Used\n"}, "does not say which certificate it has"),
        ({"set": ""}, "no known reason"),
        ({"set": "Can't update\n"}, "no known reason"),
        ({"commit": "Committing..."}, "no known reason"),
    ],
)
def test_what_it_answers_is_believed_only_if_it_fits(
    memory: Path, told: dict[str, str], reason: str
) -> None:
    """Cut off, odd and wrong answers are errors; what was not committed is aborted."""
    peer = Scripted(memory / "s", _said({**_GOOD, **told}))
    try:
        with pytest.raises(DeliveryError, match=reason):
            _delivery(memory / "s", "/a.pem").publish(made())
    finally:
        peer.stop()
    aborted = [command for command in peer.heard if command.startswith("abort ssl cert /a.pem")]
    assert len(aborted) == (0 if "show" in told else 1)


def test_what_it_quotes_is_not_repeated(memory: Path) -> None:
    """An answer that quotes the key does not get into an error."""
    peer = Scripted(memory / "s", lambda command: f"Unknown command: {command}".encode())
    what, one = made(), _delivery(memory / "s", "/a.pem")
    try:
        with pytest.raises(DeliveryError, match="it is too old") as caught:
            one.publish(what)
    finally:
        peer.stop()
    unseen(what.key, caught.value, one)
    with pytest.raises(AssertionError):
        unseen(what.key, peer.heard[0])


@pytest.mark.parametrize("tail", [b".", b"." * 65_536], ids=["slow", "endless"])
def test_one_that_does_not_end_is_given_up(
    memory: Path, monkeypatch: pytest.MonkeyPatch, tail: bytes
) -> None:
    """Neither drops that never stop nor a flood hold it up longer than its patience."""
    monkeypatch.setattr(haproxy, "_PATIENCE", 0.5)
    peer = Scripted(memory / "s", lambda _: b"", tail)
    began = time.monotonic()
    try:
        with pytest.raises(DeliveryError, match="no whole answer"):
            _delivery(memory / "s", "/a.pem").publish(made())
        assert time.monotonic() - began < PATIENCE
    finally:
        peer.stop()


def test_one_that_says_nothing_is_given_up_sooner(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that a reload replaces, which has the line and does not look at it any more."""
    monkeypatch.setattr(haproxy, "_SILENCE", 0.2)
    one = _delivery(memory / "s", "/a.pem")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(memory / "s"))
        listener.listen()
        began = time.monotonic()
        with pytest.raises(DeliveryError, match="no whole answer within 0 s"):
            one.publish(made())
        assert time.monotonic() - began < haproxy._PATIENCE / 2


_IMPOSTOR = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
listener.listen()
print("ready", flush=True)
line, _ = listener.accept()
print(line.recv(1), flush=True)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to act as other users")
def test_an_impostor_is_told_nothing(memory: Path) -> None:
    """A user who listens in haproxy's place hears not one byte."""
    memory.chmod(0o1777)
    with beside(_IMPOSTOR, memory / "s") as impostor:
        with pytest.raises(DeliveryError, match="user 65534 listens there, not haproxy"):
            _delivery(memory / "s", "/a.pem").publish(made())
        assert impostor.stdout
        assert impostor.stdout.read() == "b''\n"
