"""What a host lets a policy have put back."""

from __future__ import annotations

import pytest

from agent.mending import plan
from agent.settings import MendSettings
from checks.managed.wanted import Managed

RESTORE = Managed(content="x", answer="restore")


@pytest.mark.parametrize(
    ("path", "told", "mine"),
    [
        ("/etc/nginx/a.conf", RESTORE, True),
        ("/etc/nginx/sub/a.conf", RESTORE, True),
        ("/etc/nginx-other/a.conf", RESTORE, False),
        ("/etc/nginx", RESTORE, False),
        ("/etc/nginx", Managed(only=True, answer="restore"), True),
        ("/etc/passwd", RESTORE, False),
        ("/etc/nginx/a.conf", Managed(content="x"), False),
    ],
)
@pytest.mark.parametrize("folder", ["/etc/nginx", "/etc/nginx/"])
def test_only_what_is_below_the_folders_is_put_back(
    path: str,
    told: Managed,
    mine: bool,  # noqa: FBT001 - a parameter of the test
    folder: str,
) -> None:
    """And of that what policy wants put back; without a folder nothing is."""
    assert bool(plan.plan({path: told}, MendSettings(folders=(folder,))).mine) == mine
    assert plan.plan({path: told}, MendSettings()).mine == {}


def test_what_one_service_reads_belongs_together() -> None:
    """What nothing takes up is alone."""
    one = Managed(content="x", answer="prove", action="nginx")
    other = Managed(content="x", answer="prove", action="apache")
    due = {"/a": one, "/b": RESTORE, "/c": one, "/d": other, "/e": RESTORE}
    assert [sorted(group) for group in plan.groups(due)] == [["/a", "/c"], ["/b"], ["/e"], ["/d"]]
    made = plan.Plan(due, due)
    assert made.companions(one, ["/a"]).keys() == {"/c"}
    assert made.companions(RESTORE, ["/b"]) == {}


def test_a_file_in_a_folder_belongs_to_it() -> None:
    """If only managed files may be there."""
    mine = {"/x/only": Managed(only=True, answer="restore"), "/x/plain/a": RESTORE}
    made = plan.Plan(mine, mine)
    assert made.owner("/x/only/extra") == "/x/only"
    assert made.owner("/x/plain/a") == "/x/plain/a"
    assert (
        made.owner("/x/plain/b") == made.owner("/x/only/sub/b") == made.owner("/etc/passwd") == ""
    )


def test_another_wish_has_another_digest() -> None:
    """The same one the same."""
    assert plan.digest(RESTORE) == plan.digest(Managed(content="x", answer="restore"))
    assert plan.digest(RESTORE) != plan.digest(Managed(content="x", mode="0600", answer="restore"))
