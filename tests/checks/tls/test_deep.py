"""A real sslyze against real servers, vulnerable ones in front of them, and ones that never end."""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from checks.tls import deep, deepenv, deepfacts
from checks.tls.checks import vulnerabilities
from checks.tls.deepenv import Interpreter
from checks.tls.deepfacts import DeepError
from checks.tls.facts import EndpointFacts, Target
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from checks.tls.deepfacts import Deep
    from tests.checks.tls.conftest import Maker
    from tests.checks.tls.serving import Made

    Handler = Callable[[socket.socket], object]
    Serve = Callable[..., AbstractContextManager[int]]

_SERVING = runpy.run_path(str(Path(__file__).with_name("serving.py")))
made, s_server = _SERVING["made"], _SERVING["s_server"]
_VULNERABLE = runpy.run_path(str(Path(__file__).with_name("vulnerable.py")))
TLS12_RSA = ("-tls1_2", "-cipher", "AES128-GCM-SHA256:AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256")


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Start servers of one handler; gives their ports."""
    with contextlib.ExitStack() as stack:
        yield lambda *words: stack.enter_context(_VULNERABLE["serving"](*words))


def look(port: int, sslyze: Interpreter, seconds: int = 40, host: str = "127.0.0.1") -> Deep:
    """Look at a server that can be looked at."""
    return deep.look(Target(host, port), sslyze, seconds=seconds)


def faults(found: Deep, maker: Maker) -> list[str]:
    """Name the faults."""
    facts = deepfacts.folded(EndpointFacts(target=found.target, versions={}), found)
    return [fault.check for fault in vulnerabilities.judge(facts, maker.context())]


def refusal(target: Target, sslyze: Interpreter, **options: int) -> str:
    """Say why a look came to nothing."""
    with pytest.raises(DeepError) as refused:
        deep.look(target, sslyze, **options)
    return str(refused.value)


def test_a_sound_server_has_no_fault(s_server: Serve, sslyze: Interpreter, maker: Maker) -> None:
    """Everything is told of a present-day server, and none of it is a fault."""
    with s_server("-www") as port:
        found = look(port, sslyze)
    assert faults(found, maker) == []
    assert found.unseen == {}
    assert (found.heartbleed, found.early_ccs, found.robot) == (False, False, "none")
    assert (found.compression, found.secure_renegotiation) == (False, True)
    assert found.client_renegotiation is False
    assert found.versions == (Version.TLS12, Version.TLS13)
    assert "TLS_AES_128_GCM_SHA256" in found.agreed[Version.TLS13]


def test_renegotiation_for_clients_is_found(s_server: Serve, sslyze: Interpreter) -> None:
    """A server that lets clients begin new handshakes is seen to."""
    with s_server("-www", "-client_renegotiation") as port:
        assert look(port, sslyze).client_renegotiation is True


def test_an_ipv6_server_is_looked_at(
    s_server: Serve, serve: Callable[..., int], sslyze: Interpreter
) -> None:
    """A server of ::1 is reached there."""
    with s_server("-tls1_3", "-www") as behind:
        port = serve(_VULNERABLE["Relay"](behind, _VULNERABLE["sound"]), "::1")
        found = look(port, sslyze, host="::1")
    assert found.versions == (Version.TLS13,)


@pytest.mark.parametrize("check", ["vuln-heartbleed", "vuln-ccs", "vuln-robot", None])
def test_a_vulnerable_server_is_found(  # noqa: PLR0917 - a case has as many parts
    check: str | None,
    s_server: Serve,
    serve: Callable[..., int],
    sslyze: Interpreter,
    made: Callable[[str], Made],
    maker: Maker,
) -> None:
    """Each weakness is found alone, and none at the same server without it."""
    bad: dict[str | None, Any] = {
        "vuln-heartbleed": _VULNERABLE["heartbleed"],
        "vuln-ccs": _VULNERABLE["early_ccs"],
        "vuln-robot": _VULNERABLE["oracle"](made("rsa").key),
        None: _VULNERABLE["sound"],
    }
    with s_server("-www", *TLS12_RSA) as behind:
        found = look(serve(_VULNERABLE["Relay"](behind, bad[check])), sslyze)
    assert faults(found, maker) == ([check] if check else [])
    assert found.unseen == {}


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
    handler: Handler, serve: Callable[..., int], sslyze: Interpreter
) -> None:
    """Silence, drops and endless requests end by the deadline, and are never clean."""
    begun = time.monotonic()
    told = refusal(Target("127.0.0.1", serve(handler)), sslyze, seconds=5)
    assert told.startswith("sslyze: ")
    assert time.monotonic() - begun < 7


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_mutual_tls_ends_in_time(version: str, s_server: Serve, sslyze: Interpreter) -> None:
    """Who asks for our certificate is left by the deadline; what could not be told is named."""
    begun = time.monotonic()
    options = ("-Verify", "1", "-cipher", "AES128-SHA")
    with s_server(version, *options) as port, contextlib.suppress(DeepError):
        found = look(port, sslyze, seconds=8)
        # Without RSA key exchange, as in TLS 1.3, there is nothing to ask.
        assert (found.robot, "robot" in found.unseen) == (
            (None, True) if version == "-tls1_2" else ("none", False)
        )
    assert time.monotonic() - begun < 10


def test_nobody_listening_is_inconclusive(sslyze: Interpreter) -> None:
    """A port that refuses is no clean server."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    told = refusal(Target("127.0.0.1", port), sslyze, seconds=20)
    assert told == "sslyze: error no connectivity"


def test_a_protocol_that_sslyze_does_not_know_is_inconclusive() -> None:
    """MySQL's way into TLS is not sslyze's."""
    told = refusal(Target("127.0.0.1", 1, starttls="mysql"), Interpreter("/nonexistent"))
    assert told == "sslyze: cannot begin TLS in mysql"


@pytest.fixture
def impostor(tmp_path: Path) -> Callable[[str], Interpreter]:
    """Write a program that stands for the interpreter."""

    def write(script: str) -> Interpreter:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return deepenv.believed(str(path))

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
def test_a_broken_child_is_told_as_such(
    script: str, reason: str, impostor: Callable[[str], Interpreter]
) -> None:
    """A child that dies, babbles or hangs is told as such."""
    begun = time.monotonic()
    assert refusal(TARGET, impostor(script), seconds=2) == reason
    assert time.monotonic() - begun < 4


def test_the_whole_group_ends_with_the_deadline(
    impostor: Callable[[str], Interpreter], tmp_path: Path
) -> None:
    """What the child has started dies with it."""
    note = tmp_path / "pid"
    refusal(TARGET, impostor(f"sleep 60 & echo $! > {note}; wait"), seconds=1)
    pid = int(note.read_text())
    until = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and "\tZ" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_nothing_of_ours_is_inherited(
    impostor: Callable[[str], Interpreter], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the environment nor an open file nor the folder reaches the child."""
    monkeypatch.setenv("PLANTED", "here")
    note = tmp_path / "note"
    with open(tmp_path / "open", "w") as planted:
        os.set_inheritable(planted.fileno(), True)  # noqa: FBT003 - takes no name
        refusal(TARGET, impostor(f"(env; pwd; ls -l /proc/self/fd) > {note}"), seconds=5)
    said = note.read_text()
    assert "LC_ALL=C.UTF-8" in said
    assert "\n/\n" in said
    assert "PLANTED" not in said
    assert str(tmp_path / "open") not in said


def test_an_interpreter_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    """What is no program is a reason like any other."""
    path = tmp_path / "python"
    path.write_text("")
    path.chmod(0o755)
    assert refusal(TARGET, Interpreter(str(path))) == "sslyze: cannot be started: Exec format error"


def test_an_environment_without_sslyze_is_told(tmp_path: Path) -> None:
    """A Python that has no sslyze says so itself."""
    words = [sys.executable, "-I", "-m", "venv", "--without-pip", str(tmp_path / "empty")]
    subprocess.run(words, check=True, capture_output=True)
    python = deepenv.believed(str(tmp_path / "empty" / "bin" / "python"))
    assert refusal(TARGET, python) == "sslyze: not installed"


def test_a_name_goes_as_it_is_written_in_a_hello(impostor: Callable[[str], Interpreter]) -> None:
    """What cannot be a host name is not handed on."""
    answer = """case "$(cat)" in *'"server_name": "{}"'*) exit 7; esac; exit 8"""
    for name, sent in (("münchen.example", "xn--mnchen-3ya.example"), ("\udcff a", "")):
        python = impostor(answer.format(sent))
        assert refusal(Target("127.0.0.1", 1, name), python) == "sslyze: ended with status 7"


def test_a_planted_module_is_not_imported(
    sslyze: Interpreter, s_server: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The child is isolated: neither the working folder nor its own is searched for modules."""
    (tmp_path / "sslyze.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    plain = subprocess.run([sys.executable, "-c", "import sslyze"], check=False)
    assert plain.returncode == 9
    with s_server("-www", "-tls1_3") as port:
        assert look(port, sslyze).versions == (Version.TLS13,)
