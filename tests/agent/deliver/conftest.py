"""What is delivered, where to, and a search for it where it must not be."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.vault.material import Material
from tests.agent.vault.authority import issue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 60.0
_INSIDE = """
import os, subprocess, sys
sys.path[:0] = {path!r}
from agent.deliver import Deliveries, DeliveryError
from agent.keysettings import CredentialDelivery, FileDelivery, HaproxyDelivery
here = {here!r}
"""


def until(true: Callable[[], object], what: str) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def made(name: str = "www.example.net") -> Material:
    """Make a key with its certificate and an issuer."""
    root = issue("root")
    leaf = issue(name, root, names=[name])
    return Material(leaf.private, leaf.pem, [root.pem])


def unseen(key: bytes, *shown: object) -> None:
    """Assert that no line of a key's PEM is in a text, a representation or a traceback."""
    lines = key.decode().splitlines()[1:-1]
    assert lines
    for one in shown:
        text = f"{one}\n{one!r}"
        if isinstance(one, BaseException):
            text += "".join(traceback.format_exception(one))
        assert not [line for line in lines if line in text]


@contextlib.contextmanager
def beside(script: str, *words: Path) -> Iterator[subprocess.Popen[str]]:
    """Run Python beside a test, from its first line of output on until the block ends."""
    command = [sys.executable, "-c", script, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def memory() -> Iterator[Path]:
    """An empty folder on a real tmpfs, below one where everybody may make files."""
    folder = tempfile.mkdtemp(prefix="hygiene-", dir="/dev/shm")
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.fixture
def apart(tmp_path: Path) -> Callable[..., str]:
    """Give a function that runs Python in namespaces of its own, and gives what it printed.

    `here` is a folder for it, on a disk; what it mounts is gone with it.
    """
    if os.geteuid():
        pytest.skip("needs root for namespaces")

    def run(script: str, *more: str) -> str:
        begin = _INSIDE.format(path=sys.path, here=str(tmp_path))
        done = subprocess.run(
            [
                *("unshare", "--mount", "--propagation", "private", *more),
                *(sys.executable, "-c", begin + textwrap.dedent(script)),
            ],
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )
        assert not done.returncode, done.stderr
        return done.stdout.strip()

    return run
