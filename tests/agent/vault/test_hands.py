"""What the keeper asks of others: only what is allowed, and each way to fail is told in words."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import powers, settings
from agent.keysettings import Prove
from agent.requests import Do, Inbox
from agent.requests import Prove as Proof
from agent.vault import hands
from agent.vault.hands import Asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.requests import Asked
    from agent.settings import Settings

    Role = Callable[[str, Callable[[Asked], tuple[str, bool]]], None]

SHA256 = "ab" * 32
PROVE = Prove(address="127.0.0.1:443", name="www.example.net")


@pytest.fixture
def told(tmp_path: Path) -> Settings:
    actions = {
        "own": {"command": ["/bin/true"]},
        "nginx": {"unit": "nginx.service"},
        "app": {"unit": "app.service", "restart": True},
        "empty": {},
    }
    vault = {"folder": str(tmp_path / "run" / "keeper")}
    raw = {"version": 1, "state": str(tmp_path / "state"), "actions": actions, "vault": vault}
    made = settings.from_mapping(raw)
    powers.prepare(made)
    for folder in powers.acting(made):
        Path(folder).mkdir(parents=True)
    (tmp_path / "state" / powers.SUPERVISOR / powers.PUBLISHED).mkdir(parents=True, exist_ok=True)
    return made


@pytest.fixture
def role(told: Settings) -> Iterator[Role]:
    """Starts what answers the requests to a role, by its real inbox."""
    over, threads = threading.Event(), []

    def start(name: str, answer: Callable[[Asked], tuple[str, bool]]) -> None:
        inbox = Inbox(Path(powers.folder(told, name)), Path(powers.published(told, name)))
        threads.append(threading.Thread(target=_answer, args=(inbox, answer, over)))
        threads[-1].start()

    yield start
    over.set()
    for one in threads:
        one.join()


def _answer(
    inbox: Inbox, answer: Callable[[Asked], tuple[str, bool]], over: threading.Event
) -> None:
    while not over.wait(0.02):
        for asked in inbox.take(time.time()):
            result, done = answer(asked)
            inbox.answer(asked, time.time(), result, done=done)


@contextlib.contextmanager
def unit(told: Settings, name: str, word: str) -> Iterator[None]:
    """Do what a path unit's service does with each file that is there."""
    asked, result = (Path(one) / name for one in powers.acting(told))
    over = threading.Event()

    def serve() -> None:
        while not over.wait(0.02):
            if asked.exists():
                result.unlink(missing_ok=True)
                asked.unlink()
                time.sleep(0.1)
                result.write_text(word)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_command_is_asked_of_the_supervisor_by_its_name(told: Settings, role: Role) -> None:
    """Nothing but the name goes there; what came of it comes back."""
    heard: list[object] = []

    def answer(asked: Asked) -> tuple[str, bool]:
        heard.append(asked.request)
        return ("done", True) if len(heard) == 1 else ("ended with status 1", False)

    role(powers.SUPERVISOR, answer)
    assert Asking(told).act("own") == ""
    assert Asking(told).act("own") == "ended with status 1"
    assert [one.action for one in heard if isinstance(one, Do)] == ["own", "own"]


@pytest.mark.parametrize("action", ["", "other", "../own", "own\0", "own "])
def test_what_is_not_allowed_is_asked_of_nobody(told: Settings, action: str) -> None:
    """The bootstrap file names all that there is."""
    assert Asking(told).act(action) == "not among the actions of the bootstrap file"
    assert list(Path(told.state).glob("*/requests/*")) == []
    assert [path for one in powers.acting(told) for path in Path(one).iterdir()] == []


def test_an_action_of_nothing_is_told(told: Settings) -> None:
    """Neither a command nor a unit."""
    assert "unit" in Asking(told).act("empty")


@pytest.mark.parametrize(("action", "name"), [("nginx", "reload-nginx"), ("app", "restart-app")])
def test_a_unit_is_asked_by_a_file(told: Settings, action: str, name: str) -> None:
    """It is done once the file is gone and a good word is there; another word is told."""
    with unit(told, name, "success\n"):
        assert Asking(told).act(action) == ""
        assert Asking(told).act(action) == ""
    with unit(told, name, "exit-code\n"):
        assert Asking(told).act(action).endswith("exit-code")


def test_who_does_nothing_is_told(
    told: Settings, role: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No path unit, no supervisor, no prober: nothing is waited for without end, or left behind."""
    for name in ("_TAKING", "_DOING", "_PROVING"):
        monkeypatch.setattr(hands, name, 0.3)
    assert Asking(told).act("nginx").startswith("nobody does it")
    assert list(Path(powers.acting(told)[0]).iterdir()) == []
    assert "requests: No such file" in Asking(told).act("own")
    role(powers.SUPERVISOR, lambda _: time.sleep(1) or ("done", True))
    assert Asking(told).act("own") == "supervisor did not answer"
    Inbox(Path(powers.folder(told, "prober")), Path(powers.published(told, "prober")))
    assert Asking(told).served(PROVE, SHA256) == "prober did not answer"


def test_it_waits_until_that_certificate_is_served(told: Settings, role: Role) -> None:
    """A server may take a moment; each look is a new one, of that address and name."""
    answers = iter([("no handshake", False), ("cd" * 32, True), (f"{SHA256}, until then", True)])
    heard: list[object] = []

    def answer(asked: Asked) -> tuple[str, bool]:
        heard.append(asked.request)
        return next(answers)

    role("prober", answer)
    assert Asking(told).served(PROVE, SHA256) == ""
    looks = [(one.address, one.name) for one in heard if isinstance(one, Proof)]
    assert looks == [(PROVE.address, PROVE.name)] * 3


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (("cd" * 32, True), f"another certificate is served, {'cd' * 8}"),
        (("127.0.0.1:443: no handshake: no answer", False), "no handshake: no answer"),
        ((SHA256, False), SHA256),
    ],
)
def test_what_is_not_served_in_time_is_told(
    told: Settings,
    role: Role,
    monkeypatch: pytest.MonkeyPatch,
    answer: tuple[str, bool],
    why: str,
) -> None:
    """Another certificate, and no handshake at all."""
    monkeypatch.setattr(hands, "_PROVING", 1.0)
    role("prober", lambda _: answer)
    assert Asking(told).served(PROVE, SHA256).endswith(why)


def test_who_is_told_to_stop_waits_for_nothing(told: Settings, role: Role) -> None:
    """What was asked for may still be done, without us."""
    stopping = threading.Event()
    stopping.set()
    began = time.monotonic()
    role("prober", lambda _: ("cd" * 32, True))
    role(powers.SUPERVISOR, lambda _: time.sleep(5) or ("done", True))
    one = Asking(told, stopping)
    assert one.act("own") == one.act("nginx") == "the keeper was told to stop"
    assert one.served(PROVE, SHA256)
    assert time.monotonic() - began < 5
    assert [path.name for path in Path(powers.acting(told)[0]).iterdir()] == ["reload-nginx"]
