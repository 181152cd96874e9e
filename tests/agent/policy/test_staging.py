"""Several people sign one after the other, each what the folder says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agent.policy.desk import DeskError
from agent.policy.repository import RepositoryError
from agent.policy.roots import RootError

if TYPE_CHECKING:
    from tests.agent.policy.team import Team

BOTH = {"root": 2, "targets": 2}


def _staged(team: Team, role: str) -> dict[str, object]:
    told: dict[str, object] = json.loads((team.folder / f"staged/{role}.json").read_bytes())
    return told


def test_it_takes_as_many_as_the_threshold_says(team: Team) -> None:
    """One signature of two is not enough, and whoever may give the other one is named."""
    team.begin(**BOTH)
    team.sign("alice")
    with pytest.raises(DeskError, match=r"root 1: 1 of 2 signatures, by alice .* can sign: bob"):
        team.publish()
    team.sign("bob")
    assert len(team.publish()) == 2
    assert team.host().editions()["base"].keys() == {1}


def test_the_same_person_twice_is_one(team: Team) -> None:
    """Signing again adds nothing."""
    team.begin(**BOTH)
    team.sign("alice")
    team.sign("alice")
    with pytest.raises(DeskError, match="1 of 2 signatures"):
        team.publish()


def test_nobody_signs_what_the_folder_does_not_say(team: Team) -> None:
    """A change after the first signature stops the second one, unless it begins anew."""
    team.begin(**BOTH)
    team.sign("alice")
    team.write("base.yaml", "version: 1\nname: changed\n")
    with pytest.raises(DeskError, match="the folder is not what was signed by alice"):
        team.sign("bob")
    team.sign("bob", anew=True)
    assert len(_staged(team, "targets")["signatures"]) == 1  # type: ignore[arg-type]  # what JSON says
    with pytest.raises(DeskError, match="1 of 2 signatures, by bob"):
        team.publish()


def test_a_change_after_the_last_signature_is_not_published(team: Team) -> None:
    """Signed is one thing, in the folder another: neither is served."""
    team.begin()
    team.sign("alice")
    team.write("base.yaml", "version: 1\nname: changed\n")
    with pytest.raises(DeskError, match="not signed as the folder is now"):
        team.publish()
    assert not team.store.exists()


def test_what_is_staged_cannot_be_slipped_in(team: Team) -> None:
    """Staged targets that say more than the folder are not signed by the next person."""
    team.begin(**BOTH)
    team.sign("alice")
    told = _staged(team, "targets")
    told["signed"]["targets"]["policy/host%2Fdb1/1.json"] = {  # type: ignore[index]  # what JSON says
        "length": 1,
        "hashes": {"sha256": "0" * 64},
    }
    (team.folder / "staged/targets.json").write_text(json.dumps(told))
    with pytest.raises(DeskError, match="the folder is not what was signed"):
        team.sign("bob")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"signed": {"_type": "root"}}', "[" * 9999])
def test_staged_files_may_be_anything(team: Team, content: str) -> None:
    """What came through git is hostile until it is read."""
    team.begin()
    (team.folder / "staged/targets.json").write_text(content)
    with pytest.raises(RepositoryError, match=r"targets\.json: not metadata"):
        team.sign("alice")


def test_a_key_without_anything_to_sign_is_told_so(team: Team) -> None:
    """The online key signs nothing that people sign."""
    team.begin()
    with pytest.raises(DeskError, match="key online: nothing waits"):
        team.sign("online")


def test_a_store_is_begun_once(team: Team) -> None:
    """A second root of trust would part hosts from their store."""
    team.begin()
    with pytest.raises(DeskError, match="has a root of trust already"):
        team.begin_again()
    team.serve()
    with pytest.raises(DeskError, match="has a root of trust already"):
        team.begin_again()


def test_a_lost_key_is_exchanged_without_it(team: Team) -> None:
    """Two of three root keys put a new one in the place of the third; hosts follow."""
    team.begin(root=2)
    team.serve("alice", "bob")
    host = team.host()
    host.editions()
    (team.base / "keys/carol.pem").unlink()
    team.add_key("dora")
    team.rotate("root", "carol", "dora")
    team.sign("alice")
    with pytest.raises(DeskError, match="root 2: 1 of 2 signatures"):
        team.publish()
    team.sign("dora")  # counts for the new root alone, not for the old one
    with pytest.raises(DeskError, match="root 2: 1 of 2 signatures, by alice"):
        team.publish()
    team.sign("bob")
    team.publish()
    assert host.editions()["base"].keys() == {1}
    assert (host.folder / "root_history/2.root.json").exists()


def test_a_lost_policy_key_is_exchanged(team: Team) -> None:
    """After the exchange the old key's signature counts no more, and the new one's does."""
    team.begin()
    team.serve()
    host = team.host()
    host.editions()
    team.add_key("dora")
    team.rotate("targets", "alice", "dora")
    team.rotate("targets", "bob", "", 1)
    team.sign("carol", "dora")
    team.publish()
    assert host.editions()["base"].keys() == {1}
    team.write("base.yaml", "version: 1\nname: changed\n")
    with pytest.raises(DeskError, match="key alice: nothing waits"):
        team.sign("alice")
    team.serve("dora")
    assert host.editions()["base"].keys() == {3}


def test_a_rotation_that_waits_does_not_stop_policy(team: Team) -> None:
    """While a new root collects signatures, policy is published by the old keys."""
    team.begin(root=2)
    team.serve("alice", "bob")
    team.add_key("dora")
    team.rotate("root", "carol", "dora")
    team.write("base.yaml", "version: 1\nname: changed\n")
    team.serve("alice")
    assert team.host().editions()["base"].keys() == {2}
    team.sign("bob")
    team.publish()
    assert team.desk.repository.published().root.signed.version == 2  # type: ignore[union-attr]  # it is there


def test_a_rotation_that_could_not_work_is_refused(team: Team) -> None:
    """Nobody can lock everybody out."""
    team.begin(root=3)
    with pytest.raises(RootError, match="3 signatures are needed of 2 keys"):
        team.rotate("root", "carol")
    team.rotate("root", "carol", "", 2)


def test_signatures_are_renewed_before_they_end(team: Team) -> None:
    """In the last third of its time the same policy and the same root may be signed anew."""
    team.begin()
    team.serve()
    with pytest.raises(DeskError, match="nothing waits"):
        team.sign("alice")
    team.later(days=61)
    team.sign("alice")
    assert [act.about.split(",")[0] for act in team.publish()] == ["targets 2"]
    team.later(days=200)
    team.sign("alice")
    assert [act.about.split(",")[0] for act in team.publish()] == ["root 2", "targets 3"]
