"""Requests to a role: taken once and answered, and nothing but requests by who may ask."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import audit, powers, requests, settings, snapshot
from agent.events import Kind
from agent.findings import Look, Status
from agent.ledger import told
from agent.requests import Answers, Do, Inbox, Prove, RequestError, Rotate, Rotated
from agent.roles.base import Base
from checks.model import Confidence, Evidence, Finding, Fingerprint, Location, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from agent.settings import Settings

IDENTITY = "0123456789abcdef" * 2
OTHER = "f" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (powers.PUBLISHED, powers.JOURNAL):
        (tmp_path / "watcher" / name).mkdir(parents=True)
    return tmp_path / "watcher"


@pytest.fixture
def inbox(folder: Path) -> Inbox:
    return Inbox(folder, folder / powers.PUBLISHED)


@pytest.fixture
def spool(folder: Path) -> Path:
    return folder / powers.REQUESTS


def published(folder: Path) -> list[tuple[str, bool]]:
    given = snapshot.read(folder / powers.PUBLISHED / requests.ANSWERS, Answers)
    return [(one.id, one.done) for one in given.answers] if given else []


def test_a_request_is_taken_once_and_answered(inbox: Inbox, folder: Path, spool: Path) -> None:
    """Who asked finds the answer by the id, and the file is gone."""
    made = requests.put(folder, Rotated(identity=IDENTITY))
    [asked] = inbox.take(time.time())
    assert (asked.request, asked.owner, asked.role) == (made, os.geteuid(), "")
    inbox.answer(asked, 5.0, "well", done=True)
    assert list(inbox.take(time.time())) == []
    assert list(spool.iterdir()) == []
    answer = requests.wait(folder / powers.PUBLISHED, made, 0)
    assert answer is not None
    assert (answer.result, answer.done, answer.at) == ("well", True, 5.0)
    again = Inbox(folder, folder / powers.PUBLISHED)
    other = requests.put(folder, Rotated(identity=OTHER))
    [asked] = again.take(time.time())
    again.answer(asked, 6.0, "no", done=False)
    assert published(folder) == [(made.id, True), (other.id, False)]


def test_only_the_group_can_ask_and_nobody_can_delete_what_others_asked(
    inbox: Inbox, folder: Path, spool: Path
) -> None:
    """Whatever the mask, the spool folder is sticky and closed to others."""
    assert spool.stat().st_mode & 0o7777 == 0o1770
    old = os.umask(0o077)
    try:
        made = requests.put(folder, Rotated(identity=IDENTITY))
    finally:
        os.umask(old)
    assert (spool / made.id).stat().st_mode & 0o777 == 0o640
    assert [one.request for one in inbox.take(0)] == [made]


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users")
def test_another_role_must_not_ask(inbox: Inbox, folder: Path, spool: Path) -> None:
    """It shares the group; a person of the group may."""
    (folder.parent / "prober").mkdir()
    os.chown(folder.parent / "prober", 54_321, -1)
    for user in (54_321, 54_322):
        made = requests.put(folder, Rotated(identity=IDENTITY))
        os.chown(spool / made.id, user, -1)
    found = {one.owner: one.role for one in inbox.take(0)}
    assert found == {54_321: "prober", 54_322: ""}


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"version": 2},
        {"act": "run"},
        {"id": "../../etc/passwd"},
        {"identity": "0" * 31},
        {"identity": ["0" * 32]},
        {"command": "id"},
    ],
)
def test_what_is_no_request_is_none(inbox: Inbox, spool: Path, raw: dict[str, object]) -> None:
    """Another version, act, id or identity, or anything beside them."""
    right = {"version": 1, "id": OTHER, "act": "rotated", "identity": IDENTITY}
    made = {**right, **raw} if raw else {}
    (spool / "x").write_bytes(msgspec.json.encode(made))
    (spool / "y").write_bytes(msgspec.json.encode(right))
    assert {one.name: bool(one.request) for one in inbox.take(0)} == {"x": False, "y": True}


@given(st.binary(max_size=300))
def test_any_content_is_taken_in_peace(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    """Nothing but a request is one."""
    folder = tmp_path_factory.mktemp("spool")
    inbox = Inbox(folder, folder)
    (folder / powers.REQUESTS / "x").write_bytes(data)
    [asked] = inbox.take(0)
    assert asked.request is None
    inbox.answer(asked, 1, "refused", done=False)
    assert list(inbox.take(0)) == []


def test_what_is_no_file_is_none_and_goes(
    inbox: Inbox, folder: Path, spool: Path, tmp_path: Path
) -> None:
    """Links, further names of another file, pipes, folders, what is too long."""
    outside = tmp_path / "outside"
    request = Rotated(id=OTHER, identity=IDENTITY)
    outside.write_bytes(msgspec.json.encode(request))
    (spool / "link").symlink_to(outside)
    os.link(outside, spool / "name")
    os.mkfifo(spool / "fifo")
    (spool / "folder").mkdir()
    (spool / "long").write_bytes(msgspec.json.encode(request) + b" " * 5000)
    found = list(inbox.take(0))
    assert len(found) == 5
    for asked in found:
        assert asked.request is None
        inbox.answer(asked, 1, "refused", done=False)
    assert list(spool.iterdir()) == []
    assert outside.exists()
    assert published(folder) == []


def test_what_cannot_be_deleted_is_taken_once(inbox: Inbox, spool: Path) -> None:
    """A folder that is not empty, say."""
    (spool / "folder" / "in it").mkdir(parents=True)
    [asked] = inbox.take(0)
    inbox.answer(asked, 1, "refused", done=False)
    assert list(inbox.take(0)) == []


def test_what_was_never_wholly_written_is_cleared_after_a_while(inbox: Inbox, spool: Path) -> None:
    """Until then it may still be written."""
    (spool / ".half").touch()
    now = time.time()
    assert list(inbox.take(now)) == []
    assert (spool / ".half").exists()
    assert list(inbox.take(now + 7200)) == []
    assert not (spool / ".half").exists()


def test_a_folder_that_is_a_link_is_not_used(tmp_path: Path) -> None:
    """It would give another folder's mode away."""
    (tmp_path / "other").mkdir()
    (tmp_path / powers.REQUESTS).symlink_to(tmp_path / "other")
    with pytest.raises(RequestError):
        Inbox(tmp_path, tmp_path)


def test_where_nobody_can_write_the_request_is_refused(tmp_path: Path) -> None:
    """The error names the folder."""
    with pytest.raises(RequestError, match="requests: No such file"):
        requests.put(tmp_path, Rotated(identity=IDENTITY))


# What a role does with them


@pytest.fixture
def bootstrap(tmp_path: Path) -> Settings:
    return settings.from_mapping({"version": 1, "state": str(tmp_path)})


@pytest.fixture
def base(bootstrap: Settings) -> Base:
    powers.prepare(bootstrap, powers.ROLES)
    return Base("watcher", bootstrap)


def leak(identity: str) -> Finding:
    return Finding(
        check="embedded-password",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        location=Location("/etc/a.yml", 3),
        message="m",
        fix="f",
        evidence=Evidence("••••", 12, (Fingerprint("k", identity),)),
        identity=identity,
    )


def ask(base: Base, identity: str) -> tuple[str, bool]:
    made = requests.put(base.folder, Rotated(identity=identity))
    base.answering.turn()
    answer = requests.wait(base.published, made, 0)
    assert answer is not None
    return answer.result, answer.done


def test_a_removed_leak_whose_value_was_changed_is_resolved(base: Base) -> None:
    """That is reported, and noted with who asked."""
    base.ledger.observe("/etc/a.yml", Look((leak(IDENTITY),)), 1)
    base.ledger.observe("/etc/a.yml", Look(), 2)
    result, done = ask(base, IDENTITY)
    assert done, result
    assert base.ledger.statuses(IDENTITY) == []
    assert [one.kind for one in told(base.ledger.waiting())][-1] is Kind.RESOLVED
    noted = list(audit.entries(base.published / audit.NAME))[-1]
    assert (noted.act, noted.subject) == ("rotated", IDENTITY)
    assert noted.result.startswith(f"asked by user id {os.geteuid()}: resolved")
    assert ask(base, IDENTITY) == ("no such finding", False)


def test_a_leak_that_still_stands_there_is_not_closed(base: Base) -> None:
    """Nobody can hide what is to be seen."""
    base.ledger.observe("/etc/a.yml", Look((leak(IDENTITY),)), 1)
    result, done = ask(base, IDENTITY)
    assert (done, "still stands" in result) == (False, True)
    assert base.ledger.statuses(IDENTITY) == [Status.OPEN]


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users")
@pytest.mark.parametrize(
    ("role", "done"), [("keeper", True), ("prober", False), ("courier", False)]
)
def test_of_the_roles_only_the_keeper_may_say_that_a_value_was_changed(
    base: Base, tmp_path: Path, role: str, *, done: bool
) -> None:
    """It reads that from Vault, and says how it knows; nor can it close a leak that stands."""
    os.chown(tmp_path / role, 54_321, -1)
    base.ledger.observe("/etc/a.yml", Look((leak(IDENTITY), leak(OTHER))), 1)
    base.ledger.observe("/etc/a.yml", Look((leak(OTHER),)), 2)
    answers = []
    for identity in (IDENTITY, OTHER):
        made = Rotated(identity=identity, why="Vault holds another one\n")
        requests.put(base.folder, made)
        os.chown(base.folder / powers.REQUESTS / made.id, 54_321, -1)
        base.answering.turn()
        answer = requests.wait(base.published, made, 0)
        assert answer is not None
        answers.append(answer)
    assert [one.done for one in answers] == [done, False]
    assert base.ledger.statuses(OTHER) == [Status.OPEN]
    if done:
        assert answers[0].result == r"resolved, since Vault holds another one\n"
    else:
        assert answers[0].result == "refused, another role must not ask"


def test_nonsense_is_noted_and_no_more(base: Base) -> None:
    """The role goes on."""
    spool = base.folder / powers.REQUESTS
    (spool / "x").write_bytes(b"{")
    base.answering.turn()
    assert list(spool.iterdir()) == []
    noted = list(audit.entries(base.published / audit.NAME))[-1]
    assert noted.result.endswith("refused, not a request")
    assert base.faults == {}


# The command


def rotated(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    file = state / "agent.yaml"
    file.write_text(f"version: 1\nstate: {state}\n")
    command = [sys.executable, "-I", "-m", "agent", "rotated", *words, "--settings", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_command_asks_the_role_that_keeps_the_finding(base: Base, tmp_path: Path) -> None:
    """By the beginning of an identity that is published; nobody answers here, so it waits."""
    base.ledger.observe("/etc/a.yml", Look((leak(IDENTITY), leak(OTHER))), 1)
    base.ledger.observe("/etc/a.yml", Look(), 2)
    base.publish({})
    done = rotated(tmp_path, IDENTITY[:10])
    assert (done.returncode, IDENTITY in done.stderr) == (3, True)
    base.answering.turn()
    assert base.ledger.statuses(IDENTITY) == []
    assert base.ledger.statuses(OTHER) == [Status.REMOVED]
    [noted] = audit.entries(tmp_path / "audit" / f"cli-{os.geteuid()}.log")
    assert (noted.act, noted.subject) == ("rotated", IDENTITY)


@pytest.mark.parametrize("identity", ["", "0123", "nonsense", "0" * 33, "../../etc", "e" * 32])
def test_the_command_refuses_what_no_finding_is_known_by(
    base: Base, tmp_path: Path, identity: str
) -> None:
    """With a hint, and nothing is asked."""
    base.publish({})
    done = rotated(tmp_path, "--", identity)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert list((base.folder / powers.REQUESTS).iterdir()) == []


@pytest.mark.parametrize("request_", [Do(action="nginx"), Prove(address="127.0.0.1:443")])
def test_a_role_does_only_what_is_its_own(base: Base, request_: Do | Prove) -> None:
    """Another kind of request is refused, not passed over; its own is answered with what came."""
    base.answering.turn()
    requests.put(base.folder, request_)
    base.answering.turn()
    answer = requests.wait(base.published, request_, 0)
    assert answer is not None
    assert (answer.done, answer.result) == (False, "refused, not what this role does")
    asked = []
    base.answering.does[request_.act] = lambda one: (asked.append(one) or "as asked", True)
    again = requests.put(
        base.folder, type(request_)(**{**msgspec.structs.asdict(request_), "id": OTHER})
    )
    base.answering.turn()
    answer = requests.wait(base.published, again, 0)
    assert asked == [again]
    assert answer is not None
    assert answer.result == "as asked"


def test_what_takes_longer_is_asked_again_until_it_is_done(base: Base) -> None:
    """The request stays where it is, is noted once, and only its masters may put it."""
    said: list[tuple[str, bool] | None] = [None, None, ("done now", True)]
    base.answering.does["rotate"] = lambda _: said.pop(0)
    made = requests.put(base.folder, Rotate(key="web"))
    for _ in range(2):
        base.answering.turn()
        assert requests.wait(base.published, made, 0) is None
    base.answering.turn()
    base.answering.turn()
    answer = requests.wait(base.published, made, 0)
    assert answer is not None
    assert (answer.result, answer.done) == ("done now", True)
    noted = list(audit.entries(base.published / audit.NAME))
    asked = [one for one in noted if getattr(one, "act", "") == "rotate"]
    assert [one.subject for one in asked] == ["web"]
