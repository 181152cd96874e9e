"""A command asks a role, and ends by what it answers; that nobody answers is said."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from agent import asking, powers, rolestatus, settings, snapshot
from agent.requests import Answer, Inbox, Restore, Rotate
from agent.rolestatus import RoleStatus

if TYPE_CHECKING:
    from agent.settings import Settings

_ROLE = "keeper"
_LONG = 60.0


@pytest.fixture
def told(tmp_path: Path) -> Settings:
    made = settings.from_mapping({"version": 1, "state": str(tmp_path)})
    powers.prepare(made)
    return made


def _answer(told: Settings, after: float = 0) -> threading.Thread:
    """Begin to answer the next request, as the role does."""
    published = Path(powers.published(told, _ROLE))
    inbox = Inbox(Path(powers.folder(told, _ROLE)), published)

    def run() -> None:
        end = time.monotonic() + _LONG
        while time.monotonic() < end:
            for one in inbox.take(time.time()):
                time.sleep(after)
                inbox.answer(one, time.time(), "as asked", done=True)
                return
            time.sleep(0.02)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _show(told: Settings, *, stopped: bool) -> None:
    """Publish that the role runs, or has ended."""
    at = time.time() + _LONG  # however slow this machine is, the role runs
    status = RoleStatus(role=_ROLE, pid=1, started=0.0, at=at, stopped=stopped)
    snapshot.write(Path(powers.published(told, _ROLE)) / rolestatus.STATUS, status)


def test_an_answer_is_given_as_soon_as_it_comes(
    told: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is said meanwhile."""
    thread = _answer(told)
    answer = asking.ask(told, _ROLE, Rotate(key="web"), _LONG)
    thread.join()
    assert answer is not None
    assert (answer.done, answer.result) == (True, "as asked")
    assert capsys.readouterr().err == ""


def test_a_role_that_runs_is_waited_for_and_one_that_ended_is_not(
    told: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who does not look whether it runs waits for it all the same."""
    for stopped, look in ((False, 0.1), (True, _LONG)):
        _show(told, stopped=stopped)
        thread = _answer(told, after=1.0)
        assert asking.ask(told, _ROLE, Rotate(key="web"), _LONG, look=look) is not None
        thread.join()
    assert capsys.readouterr().err == ""
    began = time.monotonic()
    assert asking.ask(told, _ROLE, Rotate(key="web"), 10 * _LONG, look=0.1) is None
    assert time.monotonic() - began < _LONG
    said = "rotate web: keeper does not answer; it will when it runs\n"
    assert capsys.readouterr().err == said


def test_a_role_that_cannot_be_asked_is_not_waited_for(
    told: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is said of it does no harm to a terminal."""
    shutil.rmtree(powers.folder(told, _ROLE))
    assert asking.ask(told, _ROLE, Restore(paths=("/etc/\x1b[2J",)), _LONG) is None
    said = capsys.readouterr().err
    assert said.startswith(r"restore /etc/\x1b[2J: keeper cannot be asked: ")


@pytest.mark.parametrize(("done", "status"), [(True, 0), (False, 1), (None, 3)])
def test_the_exit_status_says_what_came_of_it(
    capsys: pytest.CaptureFixture[str], *, done: bool | None, status: int
) -> None:
    """An answer is shown behind what it is about, as far as that is given."""
    answer = None if done is None else Answer(id="0" * 32, at=0.0, done=done, result="so\x1b")
    for about, shown in (("web", "web: so\\x1b\n"), ("", "so\\x1b\n")):
        with pytest.raises(click.exceptions.Exit) as ended:
            asking.end(answer, about)
        assert ended.value.exit_code == status
        assert capsys.readouterr().out == ("" if answer is None else shown)
