"""What is told to systemd arrives at a real socket, by path and by abstract name."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

from agent.sdnotify import Notifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    name = f"@hygiene-{os.getpid()}-{time.monotonic_ns()}"
    if request.param == "path":
        name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind("\0" + name[1:] if name.startswith("@") else name)
        server.settimeout(5)
        yield server, name


def test_everything_that_is_told(manager: tuple[socket.socket, str]) -> None:
    """Ready, status, signs of life, reload with its time, stopping: as sd_notify(3) has them."""
    server, name = manager
    with Notifier({"NOTIFY_SOCKET": name}) as notifier:
        notifier.ready("watching 3 roots")
        notifier.status("two\nlines")
        notifier.alive()
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        notifier.reloading()
        notifier.stopping()
        told = [server.recv(4096).decode() for _ in range(5)]
    assert told[0] == "READY=1\nSTATUS=watching 3 roots"
    assert told[1:3] == ["STATUS=two lines", "WATCHDOG=1"]
    assert told[4] == "STOPPING=1"
    word, number = told[3].split("\n")
    assert word == "RELOADING=1"
    assert before <= int(number.removeprefix("MONOTONIC_USEC=")) < before + 5_000_000


@pytest.mark.parametrize(
    "name", ["", "/nowhere/at/all", "relative", "@nobody-is-there", "vsock:1:2"]
)
def test_without_a_manager_nothing_is_told(name: str) -> None:
    """Where nobody listens every call does nothing, and no sign of life is wanted."""
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000"})
    notifier.ready()
    notifier.alive()
    notifier.close()
    assert not notifier.listening
    assert notifier.interval == 0


def test_a_manager_that_went_away_is_no_fault(manager: tuple[socket.socket, str]) -> None:
    """Words to a socket that was closed are lost, and nothing else happens."""
    server, name = manager
    notifier = Notifier({"NOTIFY_SOCKET": name})
    server.close()
    notifier.alive()
    assert notifier.listening
    notifier.close()


def test_a_manager_that_does_not_read_is_not_waited_for(
    manager: tuple[socket.socket, str],
) -> None:
    """Far more words than a socket holds are told without blocking."""
    _, name = manager
    with Notifier({"NOTIFY_SOCKET": name}) as notifier:
        began = time.monotonic()
        for _ in range(100_000):
            notifier.alive()
        assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    ("told", "whose", "seconds"),
    [
        ("30000000", "own", 15),
        ("30000000", "", 15),
        ("30000000", "another", 0),
        ("", "own", 0),
        ("0", "own", 0),
        ("-1", "own", 0),
        ("1e6", "own", 0),
        ("٣", "own", 0),
        ("", "", 0),
    ],
)
def test_how_often_a_sign_of_life_is_wanted(
    manager: tuple[socket.socket, str], told: str, whose: str, seconds: float
) -> None:
    """Half of what the manager waits for; never where it means another process or no number."""
    pid = {"own": str(os.getpid()), "another": "1", "": ""}[whose]
    environ = {"NOTIFY_SOCKET": manager[1], "WATCHDOG_USEC": told, "WATCHDOG_PID": pid}
    with Notifier(environ) as notifier:
        assert notifier.interval == seconds
