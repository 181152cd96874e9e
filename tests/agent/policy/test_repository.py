"""Publishing is all or nothing at any moment, alone, and never built on what is not signed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tuf.api.exceptions import RepositoryError as TufError

from agent.policy import durable
from agent.policy.repository import RepositoryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.agent.policy.team import Team

_WRITES = os.O_WRONLY | os.O_RDWR
_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.truncate", "os.link"}


def _die_at(number: int, folder: Path) -> None:
    """Kill this process before the so-manieth change of anything in a folder."""
    left = number

    def hook(event: str, told: tuple[Any, ...]) -> None:
        nonlocal left
        changes = event in _CHANGES or (event == "open" and (told[2] or 0) & _WRITES)
        if changes and str(told[0]).startswith(str(folder)):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _killed(act: Callable[[], object], number: int, folder: Path) -> bool:
    """Do something in a process that dies on the way; say whether it did."""
    child = os.fork()
    if child == 0:
        _die_at(number, folder)
        try:
            act()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _each_crash(team: Team, act: Callable[[], object]) -> list[int]:
    """Let it die at every change, from the same beginning each time; leaves it undone."""
    before = team.base / "before"
    shutil.copytree(team.folder, before)
    crashes = []
    for number in range(1, 100):
        if not _killed(act, number, team.folder):
            return crashes
        crashes.append(number)
        shutil.copytree(team.folder, team.base / f"crash{number}")
        shutil.rmtree(team.folder)
        shutil.copytree(before, team.folder)
    raise AssertionError("it never ends")


def test_a_host_sees_the_old_or_the_new_wherever_publishing_dies(team: Team) -> None:
    """After a crash at any write, hosts old and new get a whole policy, and a new run completes."""
    team.begin()
    team.serve()
    old = team.host().editions()
    team.write("base.yaml", "version: 1\nname: second\n")
    team.write("host/db1.yaml", "fail_on: low\n")
    team.sign("alice")
    crashes = _each_crash(team, team.publish)
    assert len(crashes) >= 10
    seen = set()
    for number in crashes:
        shutil.rmtree(team.folder)
        shutil.copytree(team.base / f"crash{number}", team.folder)
        host = team.host(f"host{number}")
        found = host.editions()
        new = found.keys() == {"base", "host/db1"}
        seen.add(new)
        assert new or found == old
        team.publish()
        assert host.editions()["base"].keys() == {2}
        assert team.desk.repository.published().targets.signed.version == 2  # type: ignore[union-attr]  # it is there
        assert not list((team.folder / "staged").glob("*.json"))
    assert seen == {False, True}


def test_the_first_publication_is_completed_wherever_it_dies(team: Team) -> None:
    """Before the first timestamp there is no store for hosts; a new run makes it."""
    team.begin()
    team.sign("alice")
    crashes = _each_crash(team, team.publish)
    assert len(crashes) >= 10
    for number in crashes:
        shutil.rmtree(team.folder)
        shutil.copytree(team.base / f"crash{number}", team.folder)
        team.publish()
        assert team.host(f"host{number}").editions()["base"].keys() == {1}


def test_a_rotation_is_completed_wherever_it_dies(team: Team) -> None:
    """A crash while the online key is exchanged is mended by publishing again."""
    team.begin()
    team.serve()
    team.add_key("online2")
    team.rotate("timestamp", "online", "online2")
    team.rotate("snapshot", "online", "online2")
    team.sign("alice")
    crashes = _each_crash(team, team.publish)
    assert len(crashes) >= 5
    refused = 0
    for number in crashes:
        shutil.rmtree(team.folder)
        shutil.copytree(team.base / f"crash{number}", team.folder)
        host = team.host(f"host{number}")
        try:
            host.editions()
        except TufError:  # the new root is there, the new timestamp is not
            refused += 1
        team.publish() or team.refresh()
        assert host.editions()["base"].keys() == {1}
        assert team.desk.repository.published().root.signed.version == 2  # type: ignore[union-attr]  # it is there
    assert 0 < refused < len(crashes)


def test_refreshing_dies_without_harm(team: Team) -> None:
    """A timestamp is replaced whole."""
    team.begin()
    team.serve()
    for number in _each_crash(team, team.refresh):
        shutil.rmtree(team.folder)
        shutil.copytree(team.base / f"crash{number}", team.folder)
        assert team.host(f"host{number}").editions()["base"].keys() == {1}
        team.refresh()


def test_several_at_once_do_not_meet(team: Team) -> None:
    """Each of twenty refreshes in four processes signs a version of its own."""
    team.begin()
    team.serve()
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for _ in range(5):
                    team.refresh()
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert team.desk.repository.published().timestamp.signed.version == 21  # type: ignore[union-attr]  # it is there


def test_a_folder_that_another_one_holds_is_not_waited_for_in_vain(tmp_path: Path) -> None:
    """The lock says whether it was had, and is free afterwards."""
    with durable.alone(tmp_path, 0) as first:
        assert first
        child = os.fork()
        if child == 0:
            with durable.alone(tmp_path, 0) as second:
                os._exit(int(second))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with durable.alone(tmp_path, 0) as again:
        assert again


def _served(team: Team, name: str) -> Path:
    return team.store / "metadata" / name


@pytest.mark.parametrize(
    "name", ["1.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]
)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"signed":{}}',
        b"[" * 100_000,
        b'{"signatures":[],"signed":{"_type":"root","version":"x"}}',
    ],
)
def test_damaged_metadata_is_our_own_error(team: Team, name: str, content: bytes) -> None:
    """Whatever lies in the store, nothing but a RepositoryError comes of it."""
    team.begin()
    team.serve()
    _served(team, name).write_bytes(content)
    with pytest.raises(RepositoryError, match=name.replace(".", r"\.")):
        team.refresh()


@pytest.mark.parametrize("name", ["timestamp.json", "1.snapshot.json", "1.targets.json"])
def test_what_is_not_signed_is_not_built_on(team: Team, name: str) -> None:
    """Who can write the store but has no key cannot have something signed."""
    team.begin()
    team.serve()
    told = json.loads(_served(team, name).read_bytes())
    told["signed"]["version"] = 7
    _served(team, name).write_text(json.dumps(told))
    with pytest.raises(RepositoryError):
        team.refresh()


def test_a_root_of_trust_without_signatures_is_not_believed(team: Team) -> None:
    """A root that somebody put behind the last one is refused, and so is a gap."""
    team.begin()
    team.serve()
    told = json.loads(_served(team, "1.root.json").read_bytes())
    told["signed"]["version"] = 2
    _served(team, "2.root.json").write_text(json.dumps(told))
    with pytest.raises(RepositoryError, match=r"2\.root\.json: not signed"):
        team.refresh()
    _served(team, "2.root.json").rename(_served(team, "3.root.json"))
    with pytest.raises(RepositoryError, match=r"3\.root\.json: expected the root of trust 2"):
        team.refresh()
    _served(team, "3.root.json").unlink()
    assert team.refresh()


def test_a_target_that_is_gone_or_changed_is_noticed(team: Team) -> None:
    """Nothing is published that refers to a file that hosts would not get."""
    team.begin()
    team.serve()
    (target,) = (team.store / "targets/policy/base").iterdir()
    data = target.read_bytes()
    target.write_bytes(data[:-1] + b" ")
    with pytest.raises(RepositoryError, match="is not what was signed"):
        team.refresh()
    target.unlink()
    with pytest.raises(RepositoryError, match="No such file"):
        team.refresh()
    target.write_bytes(data)
    assert team.refresh()
