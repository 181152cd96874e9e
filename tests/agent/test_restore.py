"""`hygiene-agent restore` as it is asked, with no daemon to answer it."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from agent import powers, settings, snapshot
from agent.commands import restore
from agent.mending.kept import Listed, Published
from agent.requests import Inbox, Restore, Undo
from agent.roles import mender

if TYPE_CHECKING:
    from click.testing import Result

    from agent.settings import Settings


class World:
    """A bootstrap file, a policy and managed files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder / "managed", folder / "agent.yaml"
        self.folder.mkdir()
        self._policy = folder / "policy.yaml"
        told = {"version": 1, "state": str(folder / "state"), "policy": str(self._policy)}
        self.file.write_text(json.dumps(told | {"mend": {"folders": [str(self.folder)]}}))
        self.settings: Settings = settings.load(self.file)
        powers.prepare(self.settings, powers.ROLES)
        self.published = Path(powers.published(self.settings, mender.NAME))

    def manage(self, **managed: object) -> None:
        named = {str(self.folder / name): told for name, told in managed.items()}
        self._policy.write_text(json.dumps({"version": 1, "managed": named}))

    def ask(self, *words: str) -> Result:
        return CliRunner().invoke(restore.command, [*words, "--settings", str(self.file)])

    def answered(self, result: str, *words: str, done: bool) -> tuple[Result, object]:
        """Ask while somebody answers; gives what was asked too."""
        inbox = Inbox(Path(powers.folder(self.settings, mender.NAME)), self.published)
        taken = []

        def answer() -> None:
            end = time.monotonic() + 60
            while not taken and time.monotonic() < end:
                for one in inbox.take(time.time()):
                    taken.append(one.request)
                    inbox.answer(one, time.time(), result, done=done)
                time.sleep(0.02)

        thread = threading.Thread(target=answer)
        thread.start()
        said = self.ask(*words)
        thread.join()
        return said, taken[0]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_was_put_back_is_listed(world: World) -> None:
    """With hashes and when; what a name of a file holds does no harm to a terminal."""
    one = Listed(id="0" * 16, path="/etc/\x1b[2J", at=0.0, before="aa", after="bb")
    assert world.ask("list").exit_code == 3
    snapshot.write(world.published / mender.KEPT, Published((one,)))
    said = world.ask("list")
    assert said.exit_code == 0
    assert "0000000000000000  1970-01-01 00:00:00Z" in said.output
    assert "from aa" in said.output
    assert "\x1b" not in said.output


def test_the_mender_is_asked_and_its_answer_is_the_exit_status(world: World) -> None:
    """For an undo and for another try."""
    said, asked = world.answered("as it was", "undo", "0" * 16, done=True)
    assert (said.exit_code, said.output) == (0, "as it was\n")
    assert isinstance(asked, Undo)
    said, asked = world.answered("still differ: /a", "now", "/a", done=False)
    assert (said.exit_code, said.output) == (1, "still differ: /a\n")
    assert isinstance(asked, Restore)
    assert asked.paths == ("/a",)
    assert world.ask("undo", "../x").exit_code == 2


def test_what_would_be_done_is_said_without_a_daemon(world: World) -> None:
    """For what differs, by its answer; nothing is written."""
    text = {"content": "approved"}
    proof = {"test": "nginx-test", "action": "nginx", "endpoints": ["127.0.0.1:443"]}
    world.manage(
        same=text,
        told=text,
        back=text | {"answer": "restore"},
        proven=text | proof | {"answer": "prove"},
    )
    (world.folder / "same").write_text("approved")
    said = world.ask("now", "--dry-run", str(world.folder / "same"))
    assert (said.exit_code, said.output) == (0, "all are as approved\n")
    said = world.ask("now", "--dry-run")
    assert said.exit_code == 1
    assert "told: managed-missing" in said.output
    assert "is reported: policy says no more" in said.output
    assert (
        "would be put back, then nginx-test, then nginx, then a look at 127.0.0.1:443"
        in said.output
    )
    assert [one.name for one in world.folder.iterdir()] == ["same"]
    assert "not managed" in world.ask("now", "--dry-run", "/etc/passwd").output


def test_what_the_host_does_not_allow_is_only_told(world: World, tmp_path: Path) -> None:
    """Whatever policy wants."""
    elsewhere = str(tmp_path / "elsewhere")
    wanted = {"content": "x", "answer": "restore"}
    policy = {"version": 1, "managed": {elsewhere: wanted}}
    (tmp_path / "policy.yaml").write_text(json.dumps(policy))
    assert "(mend.folders)" in world.ask("now", "--dry-run").output
