"""The status says in words what is served, what waits for whom, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.output import policytext
from agent.policy import standing

if TYPE_CHECKING:
    from tests.agent.policy.team import Team


def _lines(team: Team) -> list[str]:
    return list(policytext.standing(standing.of(team.desk)))


def test_a_fresh_store_has_nothing_to_do(team: Team) -> None:
    """Versions, ends, keys and layers; and that all is well."""
    team.begin()
    team.serve()
    lines = _lines(team)
    assert lines[-1] == "all is published and fresh"
    assert "targets    version 1      90 days left       1 of 2: alice" in lines[1]
    assert lines[4].split() == ["base", "edition", "1", "all", "hosts"]
    assert standing.of(team.desk).wrong == ()


def test_missing_signatures_are_named_with_those_who_can_give_them(team: Team) -> None:
    """Who has signed, who still can, and what they would sign."""
    team.begin(targets=2)
    team.sign("alice")
    text = "\n".join(_lines(team))
    assert "waiting: targets 1\n  base: edition 1 for all hosts\n  1 of 2 signatures, by a" in text
    assert "; can sign: bob (" in text
    assert "to do: targets 1 waits: policy sign --key NAME" in text
    team.sign("bob")
    assert "to do: targets 1 waits: policy publish" in _lines(team)


def test_a_rotation_that_waits_is_described(team: Team) -> None:
    """Root holders read what they are asked to sign."""
    team.begin()
    team.serve()
    team.add_key("dora")
    team.rotate("targets", "alice", "dora", 2)
    (root,) = standing.of(team.desk).waiting
    assert [change.partition(" (")[0] for change in root.changes] == [
        "targets: - alice",
        "targets: + dora",
        "targets: 2 of 2 keys have to sign",
    ]


def test_what_has_ended_is_wrong(team: Team) -> None:
    """A timestamp of yesterday stops every host; what ends soon is to do."""
    team.begin()
    team.serve()
    team.later(hours=17)
    told = standing.of(team.desk)
    assert told.wrong == ()
    assert "timestamp: 7 hours left: policy refresh" in told.todo
    team.later(hours=9)
    told = standing.of(team.desk)
    assert told.wrong == ("timestamp 1 ended 2 hours ago: hosts take nothing new",)
    team.refresh()
    assert standing.of(team.desk).wrong == ()


def test_a_folder_that_differs_is_noticed(team: Team) -> None:
    """What was changed and not signed is said, and so is what cannot be published."""
    team.begin()
    team.serve()
    team.write("base.yaml", "version: 1\nname: x\n")
    assert "to do: the folder is not what is published: policy diff, then policy sign" in _lines(
        team
    )
    team.write("base.yaml", "versio: 1\n")
    assert any("cannot be published: " in line for line in _lines(team))


def test_a_root_that_cannot_lose_a_key_is_a_risk(team: Team) -> None:
    """Where all root keys have to sign, one lost key ends everything."""
    team.begin(root=3)
    team.serve("alice", "bob", "carol")
    assert any("no key of it may be lost" in line for line in _lines(team))
