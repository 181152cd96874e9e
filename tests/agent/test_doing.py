"""What may be done by name: those commands, with nothing of ours, and nothing else."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from agent import doing
from agent.keysettings import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.doing import Doer

    Begin = Callable[..., Doer]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Starts one for commands by name, and ends it as its parent's end does."""
    begun: list[Doer] = []

    def start(**commands: tuple[str, ...]) -> Doer:
        made = doing.begin({name: Action(command=words) for name, words in commands.items()})
        assert made is not None
        begun.append(made)
        return made

    yield start
    for one in begun:
        os.close(one.ask)
        os.close(one.told)
        assert os.waitstatus_to_exitcode(os.waitpid(one.pid, 0)[1]) in {0, -signal.SIGKILL}


def python(text: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-c", text)


def test_an_action_is_done_and_its_end_told(begin: Begin, tmp_path: Path) -> None:
    """Each by its name, again and again; one that fails says with which status."""
    made = begin(
        touch=("/usr/bin/touch", str(tmp_path / "done")),
        fail=python("raise SystemExit(3)"),
        none=("/nowhere/nothing",),
    )
    assert made.do("touch") == ""
    assert (tmp_path / "done").exists()
    assert made.do("fail") == "ended with status 3"
    assert made.do("none") == "ended with status 255"
    (tmp_path / "done").unlink()
    assert made.do("touch") == ""
    assert (tmp_path / "done").exists()


@pytest.mark.parametrize("name", ["", "touch ", "../touch", "touch\0", "other"])
def test_what_is_not_allowed_is_not_done(begin: Begin, tmp_path: Path, name: str) -> None:
    """A name is looked up, never run."""
    made = begin(touch=("/usr/bin/touch", str(tmp_path / "done")))
    assert made.do(name) == "no command of the bootstrap file"
    assert not (tmp_path / "done").exists()


def test_a_command_gets_nothing_of_ours(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No variable, no open file, no folder, and no ignored signal."""
    monkeypatch.setenv("VAULT_TOKEN", "mine")
    held = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(held, True)  # noqa: FBT003 - the library's signature
    told = tmp_path / "told"
    said = (
        "import os, signal; print(sorted(os.environ), sorted(os.listdir('/proc/self/fd'))[3:4],"
        " os.getcwd(), signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,"
        f" file=open({str(told)!r}, 'w'))"
    )
    assert begin(say=python(said)).do("say") == ""
    os.close(held)
    environ, *_ = told.read_text().partition("]")
    assert "VAULT_TOKEN" not in environ
    assert str(held) not in told.read_text().split("]")[1]
    assert "/ True" in told.read_text()


def test_it_ends_with_whom_it_serves(begin: Begin) -> None:
    """Not by the signals that end its parent, which may still want something."""
    made = begin(true=("/bin/true",))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(made.pid, number)
    assert made.do("true") == ""


def test_where_nothing_is_a_command_there_is_no_process() -> None:
    """systemd does the rest."""
    assert doing.begin({"nginx": Action(unit="nginx.service")}) is None


def test_an_answer_that_comes_late_is_nobody_else_s(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waited too long for one action is told the end of the next one by its own command."""
    go = tmp_path / "go"
    made = begin(
        slow=("/bin/sh", "-c", f"until [ -e {go} ]; do sleep 0.05; done; exit 7"),
        true=("/bin/true",),
    )
    monkeypatch.setattr(doing, "_PATIENCE", 0.2)
    assert made.do("slow") == "took too long"
    go.touch()
    monkeypatch.setattr(doing, "_PATIENCE", 60.0)
    assert made.do("true") == ""
    assert made.do("slow") == "ended with status 7"


def test_a_command_that_hangs_is_ended(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is bounded, and the next one is done."""
    monkeypatch.setattr(doing, "_SECONDS", 0.5)
    made = begin(hang=("/bin/sleep", "600"), true=("/bin/true",))
    assert made.do("hang") == "ended with status 255"
    assert made.do("true") == ""


def test_a_command_that_is_killed_has_not_gone_well(begin: Begin) -> None:
    """The number of its signal is its status."""
    assert begin(die=("/bin/sh", "-c", "kill -9 $$")).do("die") == "ended with status 9"


def test_where_the_process_is_gone_that_is_said(begin: Begin) -> None:
    """Nobody waits for an answer that cannot come."""
    made = begin(true=("/bin/true",))
    assert made.do("true") == ""
    os.kill(made.pid, signal.SIGKILL)
    os.waitid(os.P_PID, made.pid, os.WEXITED | os.WNOWAIT)
    assert made.do("true") in {"the process that does it ended", "cannot be asked for: Broken pipe"}
