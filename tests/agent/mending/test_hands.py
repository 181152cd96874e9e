"""The mender asks others by files, and takes what they say for what it is."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import powers, settings
from agent.mending import hands
from agent.mending.thing import MendError
from agent.requests import Inbox, Judge

if TYPE_CHECKING:
    from agent.settings import Settings


@pytest.fixture
def told(tmp_path: Path) -> Settings:
    made = settings.from_mapping({"version": 1, "state": str(tmp_path)})
    powers.prepare(made, powers.ROLES)
    return made


class Prober:
    """Answers one thing to everything."""

    def __init__(self, told: Settings, result: str, *, done: bool) -> None:
        folder = Path(powers.folder(told, "prober"))
        self._inbox = Inbox(folder, Path(powers.published(told, "prober")))
        self._says, self.asked = (result, done), list[Judge]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            for one in self._inbox.take(time.time()):
                assert isinstance(one.request, Judge)
                self.asked.append(one.request)
                self._inbox.answer(one, time.time(), self._says[0], done=self._says[1])

    def end(self) -> None:
        self._stop.set()
        self._thread.join()


def _judged(told: Settings, endpoint: str, result: str, *, done: bool = True) -> dict[str, int]:
    prober = Prober(told, result, done=done)
    beats: list[int] = []
    try:
        return hands.Asking(told, lambda: beats.append(1)).judged(endpoint)
    finally:
        prober.end()
        address, _, name = endpoint.partition("/")
        assert [(one.address, one.name) for one in prober.asked] == [(address, name)]
        assert beats == [1]


def test_what_an_endpoint_fails_is_asked_of_the_prober(told: Settings) -> None:
    """With the name to ask for, if there is one."""
    assert _judged(told, "127.0.0.1:443/a.example", '{"tls-weak":3}') == {"tls-weak": 3}
    assert _judged(told, "[::1]:443", "{}") == {}


@pytest.mark.parametrize("result", ["", "[]", '{"tls-weak":"x"}', "\0"])
def test_what_is_no_answer_is_an_error(told: Settings, result: str) -> None:
    """As is one that says that nothing answers there."""
    with pytest.raises(MendError, match="did not say what it saw"):
        _judged(told, "127.0.0.1:443", result)
    with pytest.raises(MendError, match="nothing listens"):
        _judged(told, "127.0.0.1:443", "nothing listens there", done=False)


def test_without_a_prober_that_is_said(told: Settings) -> None:
    """At once where it has no folder."""
    shutil.rmtree(powers.folder(told, "prober"))
    with pytest.raises(MendError, match="No such file"):
        hands.Asking(told, lambda: None).judged("127.0.0.1:443")


def test_only_what_the_bootstrap_file_allows_is_done(told: Settings) -> None:
    """Another name is not even asked for."""
    assert "not among the actions" in hands.Asking(told, lambda: None).act("rm")
