"""A desk for jobs among those who may, those who may not, and servers that lie."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import jobdesk
from agent.credentialdesk import MOST
from agent.deliver import Deliveries, DeliveryError
from agent.jobdesk import NAME, JobError
from agent.keysettings import ExecDelivery
from tests.conftest import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

_AS_NOBODY = """
import json, os, sys
from agent import jobdesk
from agent.jobdesk import JobError
os.setgroups([]); os.setgid({nobody}); os.setuid({nobody})
told = []
for key in {keys!r}:
    try:
        told.append(jobdesk.fetch({path!r}, key).decode())
    except JobError as error:
        told.append(str(error))
print(json.dumps(told))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A keeper's folder: nobody else's, with a name that a socket may have."""
    with tempfile.TemporaryDirectory(prefix="jobs-") as name:
        made = Path(name, "keeper")
        made.mkdir(mode=0o700)
        Path(name).chmod(0o755)
        yield made


@pytest.fixture
def deliveries(folder: Path) -> Iterator[Deliveries]:
    with Deliveries(str(folder)) as made:
        yield made


def test_a_job_gets_what_was_published_last(deliveries: Deliveries, folder: Path) -> None:
    """Up to the longest; what was withdrawn or is unknown nobody gets."""
    one = deliveries.make(ExecDelivery(), "db")
    path = str(folder / NAME)
    for data in (b"first", os.urandom(MOST)):
        one.publish(data)
        assert not one.lost()
        assert jobdesk.fetch(path, "db") == data
    with pytest.raises(DeliveryError, match="longer than"):
        one.publish(bytes(MOST + 1))
    with pytest.raises(JobError, match="gives it not"):
        jobdesk.fetch(path, "other")
    one.withdraw()
    with pytest.raises(JobError, match="gives it not"):
        jobdesk.fetch(path, "db")
    with pytest.raises(DeliveryError, match="key/db: delivered twice"):
        deliveries.make(ExecDelivery(), "db")
    with pytest.raises(DeliveryError, match="no user nobody-at-all"):
        deliveries.make(ExecDelivery(users=("nobody-at-all",)), "x")


def test_only_users_who_are_named_get_it(deliveries: Deliveries, folder: Path) -> None:
    """Others may come to the socket, and see nothing else of the folder."""
    if os.geteuid():
        pytest.skip("needs root to be another user")
    ours = deliveries.make(ExecDelivery(users=("nobody",)), "ours")
    roots = deliveries.make(ExecDelivery(), "root")
    for one in (ours, roots):
        one.publish(b"secret")
    words = {"nobody": NOBODY, "keys": ["ours", "root"], "path": str(folder / NAME)}
    command = [sys.executable, "-c", _AS_NOBODY.format(**words)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    first, second = json.loads(done.stdout)
    assert first == "secret"
    assert "not to this user" in second
    assert ours.warnings() == []
    assert roots.warnings() == [f"key/root: refused 1 times, last to user {NOBODY}"]
    assert folder.stat().st_mode & 0o777 == 0o711


@pytest.mark.parametrize(
    "said", [b"10\nhalf", b"secret", b"0\n", b"-1\nx", b"4\nlonger", b"9" * 300_000, b"06\nsecret"]
)
def test_an_answer_that_is_not_whole_is_none(folder: Path, said: bytes) -> None:
    """Whoever listens there, what does not have the length that it says is not handed on."""
    path = str(folder / NAME)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def answer() -> None:
            with listener.accept()[0] as line:
                line.settimeout(60)
                try:
                    line.sendall(said)
                except OSError:
                    return

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(JobError, match="broke off") as caught:
            jobdesk.fetch(path, "db")
        thread.join()
    assert "secret" not in str(caught.value)


def test_who_says_nothing_is_not_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a listener that never answers nor one that is not there."""
    monkeypatch.setattr(jobdesk, "_PATIENCE", 0.2)
    path = str(folder / NAME)
    with pytest.raises(JobError, match="No such file"):
        jobdesk.fetch(path, "db")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        with pytest.raises(JobError, match="does the keeper run"):
            jobdesk.fetch(path, "db")
    with pytest.raises(JobError):
        jobdesk.fetch(f"/{'x' * 200}", "db")
