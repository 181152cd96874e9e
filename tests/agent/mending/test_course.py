"""Put back, tested, taken up, looked at; or as it was before: with real files."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

import pytest

from agent.mending import course, place
from agent.mending.course import Helpers, Outcome, Wish
from agent.mending.kept import Keeping
from agent.mending.thing import NOTHING, MendError, Thing
from checks.managed.wanted import Managed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

APPROVED = "approved\n"


class Service:
    """A service that reads files: hands of this test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.did = folder, list[str]()
        self.serves: dict[str, str] = {}
        self.refused = "broken"
        self.fails: dict[str, str] = {}
        self.on_test: Callable[[], object] = lambda: None
        self.act("reload")

    def act(self, action: str) -> str:
        self.did.append(action)
        if why := self.fails.get(action):
            return why
        if action == "test":
            self.on_test()
        texts = {one.name: one.read_text() for one in self.folder.glob("*.conf")}
        if action == "test":
            return "ended with status 1" if self.refused in "".join(texts.values()) else ""
        self.serves = texts
        return ""

    def judged(self, endpoint: str) -> Mapping[str, int]:
        if endpoint == "nobody":
            raise MendError("nothing listens there on this host")
        self.did.append("look")
        return {"tls-weak": 3} if "weak" in "".join(self.serves.values()) else {}


class World:
    """Managed files of one service."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "managed"
        self.folder.mkdir(mode=0o755)
        self.keeping = Keeping(tmp_path)
        self.service = Service(self.folder)
        self.more: dict[str, Managed] = {}

    def path(self, name: str = "a.conf", text: str | None = None) -> Path:
        made = self.folder / name
        if text is not None:
            made.write_text(text)
        return made

    def wanted(self, content: str = APPROVED, **more: object) -> Managed:
        told = {"test": "test", "action": "reload", "endpoints": ("a",), **more}
        return Managed(content=content, answer="prove", **told)  # type: ignore[arg-type] # of tests

    def restore(
        self, paths: Mapping[str, Managed], begun: Mapping[str, float] | None = None
    ) -> Outcome:
        def more() -> dict[str, Managed]:
            taken, self.more = self.more, {}
            return taken

        wish = Wish(paths, {**paths, **self.more}, begun or {}, more)
        return course.restore(wish, Helpers(self.service, self.keeping, patience=0))

    @property
    def left(self) -> list[str]:
        return sorted(one.name for one in self.folder.iterdir())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_drifted_is_put_back_taken_up_and_proven(world: World) -> None:
    """In this order, and what was there is kept."""
    path = world.path(text="weak")
    world.service.act("reload")
    world.service.did.clear()
    outcome = world.restore({str(path): world.wanted()})
    assert world.service.did == ["look", "test", "reload", "look"]
    assert (path.read_text(), world.service.serves) == (APPROVED, {"a.conf": APPROVED})
    assert (outcome.failed, outcome.done[str(path)].thing.content) == ({}, b"weak")
    assert [one.id for one in world.keeping.listed()] == [outcome.done[str(path)].id]


def test_without_test_and_action_it_is_only_put_back(world: World) -> None:
    """Nothing is asked of anybody."""
    path = world.path(text="weak")
    world.service.did.clear()
    world.restore({str(path): Managed(content=APPROVED, answer="restore")})
    assert (path.read_text(), world.service.did) == (APPROVED, [])


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"content": "broken"}, "test: ended with status 1"),
        ({"action": "never"}, "never: not allowed"),
        ({"content": "weak"}, "a: would be worse for it: tls-weak"),
        ({"endpoints": ("nobody",)}, "nothing listens"),
    ],
)
def test_what_is_not_proven_is_as_it_was(world: World, fault: dict[str, object], why: str) -> None:
    """The file and what is served, and nothing is left beside it; the reason is told."""
    path = world.path(text="drifted")
    path.chmod(0o600)
    world.service.act("reload")
    world.service.fails["never"] = "not allowed"
    with pytest.raises(MendError, match=why):
        world.restore({str(path): world.wanted(**fault)})  # type: ignore[arg-type] # of tests
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("drifted", 0o600)
    assert world.service.serves == {"a.conf": "drifted"}
    assert world.left == ["a.conf"]
    assert world.restore({str(path): world.wanted()}).done


def test_what_was_weak_before_may_stay_weak(world: World) -> None:
    """No worse is enough; what does not answer before may begin to."""
    path = world.path(text="weak, drifted")
    world.service.act("reload")
    assert world.restore({str(path): world.wanted("weak, approved")}).done
    assert path.read_text() == "weak, approved"


def test_what_needs_another_file_gets_it(world: World) -> None:
    """A test that fails for one that drifted meanwhile too is passed with both put back."""
    one, other = world.path("a.conf", "x"), world.path("b.conf", "broken")
    world.more = {str(other): world.wanted()}
    outcome = world.restore({str(one): world.wanted()})
    assert outcome.done.keys() == {str(one), str(other)}
    assert world.service.serves == {"a.conf": APPROVED, "b.conf": APPROVED}


def test_one_of_several_that_cannot_be_put_back_stops_no_other(world: World) -> None:
    """It is told by its own reason."""
    one, other = world.path("a.conf", "x"), world.path("b.conf")
    other.mkdir()
    world.service.folder = world.folder / "none"
    outcome = world.restore({str(one): world.wanted(), str(other): world.wanted()})
    assert outcome.done.keys() == {str(one)}
    assert "a person has to look" in outcome.failed[str(other)]
    outcome = world.restore({str(one): world.wanted("y", owner="nobody-of-that-name")})
    assert outcome.failed == {str(one): "owner: no user nobody-of-that-name"}


def test_an_edit_during_the_proof_is_kept(world: World) -> None:
    """Even where all is put back to what was before the proof."""
    path = world.path(text="drifted")

    def edit() -> None:
        if path.read_text() == APPROVED:
            path.write_text("an edit, broken")

    world.service.on_test = edit
    with pytest.raises(MendError):
        world.restore({str(path): world.wanted()})
    assert path.read_text() == "drifted"
    kept = [world.keeping.get(one.id).thing.content for one in world.keeping.listed()]
    assert b"an edit, broken" in kept


def test_what_cannot_even_be_as_it_was_is_told_and_the_rest_is(world: World) -> None:
    """One file stops no other."""
    one, other = world.path("a.conf", "1"), world.path("b.conf", "2")

    def block() -> None:
        if one.is_file():
            one.unlink()
            one.mkdir()

    world.service.on_test = block
    world.service.fails["reload"] = "ended with status 1"
    world.service.folder = world.folder / "none"
    with pytest.raises(MendError, match=r"cannot be as it was: .*a\.conf"):
        world.restore({str(one): world.wanted(), str(other): world.wanted()})
    assert other.read_text() == "2"


def test_in_a_folder_nothing_but_what_is_managed_stays(world: World) -> None:
    """What is taken away is kept, and can come back; a name that is not UTF-8 too."""
    world.path("a.conf", APPROVED)
    world.path("extra.conf", "extra")
    world.path("\udcff.conf", "odd")
    told = Managed(only=True, answer="restore")
    path = str(world.folder)
    wish = Wish({path: told}, {path, f"{path}/a.conf"}, {}, dict)
    outcome = course.restore(wish, Helpers(world.service, world.keeping))
    assert world.left == ["a.conf"]
    assert {one.thing.content for one in outcome.done.values()} == {b"extra", b"odd"}
    kept = outcome.done[f"{path}/extra.conf"]
    was, why = course.undo(told, kept, Helpers(world.service, world.keeping))
    assert (was.thing, why, world.left) == (NOTHING, "", ["a.conf", "extra.conf"])


def test_what_a_killed_run_left_in_a_folder_is_no_file_of_others(world: World) -> None:
    """It is kept under the name that it had."""
    world.path(place.beside("b.conf"), "moved away")
    told, path = Managed(only=True, answer="restore"), str(world.folder)
    course.restore(Wish({path: told}, {path}, {}, dict), Helpers(world.service, world.keeping))
    assert world.left == []
    [kept] = world.keeping.listed()
    assert kept.path == f"{path}/b.conf"


def test_what_a_killed_run_put_back_is_proven_now(world: World) -> None:
    """It is taken up, and told with what stood there; nothing is put back twice."""
    path = world.path(text="drifted")
    course.put(str(path), Thing(kind="file", content=APPROVED.encode()), world.keeping)
    world.service.serves = {"a.conf": "drifted"}
    outcome = world.restore({str(path): world.wanted()}, {str(path): 0.0})
    assert world.service.serves == {"a.conf": APPROVED}
    assert outcome.done[str(path)].thing.content == b"drifted"
    assert len(world.keeping.listed()) == 1


def test_what_a_killed_run_put_back_goes_if_it_is_not_proven(world: World) -> None:
    """As it does in one run."""
    path = world.path(text="drifted")
    course.put(str(path), Thing(kind="file", content=b"broken"), world.keeping)
    with pytest.raises(MendError, match="status 1"):
        world.restore({str(path): world.wanted("broken")}, {str(path): 0.0})
    assert (path.read_text(), world.service.serves) == ("drifted", {"a.conf": "drifted"})


def test_what_is_left_beside_a_path_is_kept(world: World) -> None:
    """Unless it is a part of what was to come."""
    path, beside = world.path(text=APPROVED), world.path(place.beside("a.conf"))
    beside.write_text(APPROVED[:3])
    course.recover(str(path), world.wanted(), world.keeping)
    assert (world.left, world.keeping.listed()) == (["a.conf"], ())
    beside.write_text("drifted")
    course.recover(str(path), world.wanted(), world.keeping)
    assert world.left == ["a.conf"]
    assert len(world.keeping.listed()) == 1


def test_undoing_says_where_it_is_not_taken_up(world: World) -> None:
    """The file is as the person wants it."""
    path = world.path(text="broken")
    kept = course.put(str(path), Thing(kind="file", content=b"x"), world.keeping)
    _was, why = course.undo(world.wanted(), kept, Helpers(world.service, world.keeping))
    assert (path.read_text(), why) == ("broken", "test: ended with status 1")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_mode_and_owner_alone_come_back(world: World) -> None:
    """Of a file of whose content nothing is said; names are this host's."""
    path = world.path(text="whatever")
    path.chmod(0o666)
    os.chown(path, 65534, 65534)
    user = pwd.getpwuid(0).pw_name
    told = Managed(owner=user, group="0", mode="0640", answer="restore")
    world.restore({str(path): told})
    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (0, 0, 0o640)
    assert path.read_text() == "whatever"
