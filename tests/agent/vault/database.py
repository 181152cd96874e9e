"""A PostgreSQL for a test, in memory as far as that goes, on loopback with a password."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60.0


def programs() -> Path | None:
    """Give the folder of the newest server on this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


def _user() -> str | None:
    """Root may not run it."""
    if os.geteuid():
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """Have a server; gives its address with the root's name and password."""
    place, user = programs(), _user()
    assert place
    password, data = secrets.token_hex(12), folder / "data"
    given = folder / "password"
    given.write_text(password)
    if user:
        shutil.chown(folder, user)
        shutil.chown(given, user)
    words = ["initdb", "-D", data, "-U", "root", "-A", "scram-sha-256", "--pwfile", given, "-N"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run([place / words[0], *words[1:]], check=True, user=user, **quiet)  # type: ignore[call-overload]  # what both take
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(  # type: ignore[call-overload]  # what both take
        [place / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F"],
        user=user,
        **quiet,
    )
    try:
        _wait(port)
        yield f"postgresql://root:{password}@127.0.0.1:{port}/postgres?sslmode=disable"
    finally:
        server.send_signal(signal.SIGINT)  # its fast way: others are still connected
        server.wait(PATIENCE)


def _wait(port: int) -> None:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)
    raise AssertionError("PostgreSQL did not start")
