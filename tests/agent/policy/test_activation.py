"""Activation: tried by all, proven for a while, else the one before; never the same fault twice."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.policy import activation
from agent.policy.activation import Effective, Held, Seen, State

PROBATION = 60.0


def policy(name: str, edition: int = 1) -> Effective:
    return Effective(name=name, sha256=name * 8, says={"name": name}, editions={"base": edition})


ONE, TWO, THREE = policy("a", 1), policy("b", 2), policy("c", 3)


def well(made: Effective) -> Seen:
    return Seen(tried=made.sha256, active=made.sha256)


def applied(made: Effective, before: Held | None = None) -> Held:
    """Give what is held after a policy went through."""
    held = activation.offer(before or Held(), made, 1.0)
    held = activation.judge(held, {"w": well(made)}, 0, PROBATION, 2.0)
    return activation.judge(held, {"w": well(made)}, PROBATION, PROBATION, 3.0)


def test_a_policy_that_all_stand_is_applied() -> None:
    """Not before every role tried it, and not before the probation is over."""
    held = activation.offer(Held(), ONE, 1.0)
    assert (held.state, held.active, held.tried) == (State.TRYING, None, ONE)
    halfway = {"w": well(ONE), "p": Seen()}
    assert activation.judge(held, halfway, 5, PROBATION, 6.0) == held
    held = activation.judge(held, {"w": well(ONE), "p": well(ONE)}, 6, PROBATION, 7.0)
    assert (held.state, held.active, held.tried, held.good) == (State.PROVING, ONE, None, None)
    roles = {"w": well(ONE), "p": well(ONE)}
    assert activation.judge(held, roles, PROBATION - 1, PROBATION, 8.0) == held
    held = activation.judge(held, roles, PROBATION, PROBATION, 9.0)
    assert (held.state, held.active, held.good) == (State.APPLIED, ONE, ONE)


@pytest.mark.parametrize(
    ("seen", "elapsed"),
    [
        (Seen(tried=TWO.sha256, refused="no such profile"), 1.0),
        (Seen(tried=TWO.sha256, active=TWO.sha256, starts=2), 1.0),
        (Seen(tried=TWO.sha256, active=TWO.sha256, alive=False), PROBATION),
        (Seen(tried=TWO.sha256, active=ONE.sha256), PROBATION),
    ],
)
def test_a_policy_under_which_a_role_is_unwell_is_taken_back(seen: Seen, elapsed: float) -> None:
    """The known good one was never overwritten, and holds again; the role is named."""
    held = activation.offer(applied(ONE), TWO, 4.0)
    held = activation.judge(held, {"w": well(TWO)}, 0, PROBATION, 5.0)
    assert held.active == TWO
    held = activation.judge(held, {"p": well(TWO), "w": seen}, elapsed, PROBATION, 6.0)
    assert (held.state, held.active, held.good) == (State.FAILED, ONE, ONE)
    assert held.why.startswith("w: ")


@pytest.mark.parametrize("seen", [Seen(active=ONE.sha256), Seen(starts=1), Seen(alive=False)])
def test_a_role_may_take_its_time_within_the_probation(seen: Seen) -> None:
    """One restart may be chance."""
    held = activation.offer(applied(ONE), TWO, 4.0)
    held = activation.judge(held, {"w": well(TWO)}, 0, PROBATION, 5.0)
    assert activation.judge(held, {"w": seen}, PROBATION - 1, PROBATION, 6.0) == held


def test_one_role_that_cannot_use_it_keeps_all_from_it() -> None:
    """It was never worked by."""
    held = activation.offer(applied(ONE), TWO, 4.0)
    roles = {"w": well(TWO), "p": Seen(tried=TWO.sha256, refused="bad rule")}
    held = activation.judge(held, roles, 1, PROBATION, 5.0)
    assert (held.state, held.active, held.why) == (State.FAILED, ONE, "p: bad rule")


def test_what_failed_is_not_tried_again_until_an_edition_changes() -> None:
    """However often the store offers it."""
    held = activation.offer(applied(ONE), TWO, 4.0)
    held = activation.judge(held, {"w": Seen(tried=TWO.sha256, refused="bad")}, 1, PROBATION, 5.0)
    assert activation.offer(held, TWO, 6.0) == held
    mended = msgspec.structs.replace(TWO, editions={"base": 7})
    assert activation.offer(held, mended, 7.0).tried == mended
    assert activation.offer(held, THREE, 7.0).tried == THREE


def test_a_role_that_says_nothing_is_waited_for_and_tried_again() -> None:
    """That it hangs need not be the policy's fault, so it is not remembered."""
    held = activation.offer(applied(ONE), TWO, 4.0)
    assert activation.judge(held, {"w": Seen()}, 59, PROBATION, 5.0) == held
    held = activation.judge(held, {"w": Seen()}, 61, PROBATION, 6.0)
    assert (held.state, held.active) == (State.FAILED, ONE)
    assert activation.offer(held, TWO, 7.0).tried == TWO


def test_a_publisher_takes_a_policy_back_while_it_is_tried() -> None:
    """The known good one is applied at once."""
    held = activation.offer(applied(ONE), TWO, 4.0)
    back = activation.offer(held, ONE, 5.0)
    assert (back.state, back.active, back.tried) == (State.APPLIED, ONE, None)


def test_an_edition_that_says_the_same_changes_nothing_but_its_number() -> None:
    """No role has to do anything."""
    again = msgspec.structs.replace(ONE, editions={"base": 9})
    held = activation.offer(applied(ONE), again, 4.0)
    assert (held.state, held.active, held.tried) == (State.APPLIED, again, None)


def test_what_is_no_policy_is_refused_once() -> None:
    """And nothing changes of what holds."""
    held = activation.refuse(applied(ONE), {"base": 2}, "no policy", 4.0)
    assert (held.state, held.active, held.why) == (State.FAILED, ONE, "no policy")
    assert activation.refuse(held, {"base": 2}, "no policy", 5.0) == held


def test_a_store_that_has_nothing_for_a_host_says_so_once() -> None:
    """Also without an edition by which it could be known; another reason is another failure."""
    held = activation.refuse(Held(), {}, "nothing", 4.0)
    assert activation.refuse(held, {}, "nothing", 5.0) == held
    assert activation.refuse(held, {}, "not a rollout", 6.0).why == "not a rollout"
    bad = activation.refuse(held, {"base": 1}, "nothing", 7.0)
    assert activation.refuse(bad, {"base": 2}, "nothing", 8.0).since == 8.0


def test_the_same_edition_of_another_store_is_another_policy() -> None:
    """Numbers begin anew where a store does; what failed is known by what it says too."""
    held = activation.offer(applied(ONE), TWO, 4.0)
    held = activation.judge(held, {"w": Seen(TWO.sha256, "bad")}, 1, PROBATION, 5.0)
    assert activation.offer(held, TWO, 6.0) == held
    other = msgspec.structs.replace(THREE, editions=TWO.editions)
    assert activation.offer(held, other, 6.0).tried == other


def test_a_role_that_does_not_outlive_the_trial_is_asked_no_more() -> None:
    """No role has switched by then; one that ended once may have had another reason."""
    held = activation.offer(applied(ONE), TWO, 4.0)
    once, twice = Seen(starts=1), Seen(starts=2)
    assert activation.judge(held, {"w": once}, 1, PROBATION, 5.0) == held
    held = activation.judge(held, {"w": twice}, 1, PROBATION, 5.0)
    assert (held.state, held.active) == (State.FAILED, ONE)
    assert activation.offer(held, TWO, 6.0) == held


SEEN = st.builds(
    Seen,
    tried=st.sampled_from(["", ONE.sha256, TWO.sha256]),
    refused=st.sampled_from(["", "bad"]),
    active=st.sampled_from(["", ONE.sha256, TWO.sha256]),
    starts=st.integers(0, 3),
    alive=st.booleans(),
)


class Look(NamedTuple):
    """How the roles were at some moment of a state."""

    roles: dict[str, Seen]
    elapsed: float


LOOKS = st.builds(Look, st.dictionaries(st.sampled_from("wp"), SEEN, max_size=2), st.floats(0, 90))
STEPS = st.lists(st.sampled_from([ONE, TWO, THREE]) | LOOKS, max_size=12)


@given(STEPS)
def test_what_holds_was_tried_by_all_or_known_to_be_good(steps: list[Effective | Look]) -> None:
    """Whatever comes in whatever order, and what failed is never offered again."""
    held = Held()
    for now, step in enumerate(steps):
        before = held
        if isinstance(step, Effective):
            held = activation.offer(held, step, now)
            assert held.active in (before.active, before.good, step)
        else:
            held = activation.judge(held, step.roles, step.elapsed, PROBATION, now)
            if held.state is State.PROVING and before.tried is not None:
                alive = [one.tried for one in step.roles.values() if one.alive]
                assert set(alive) <= {before.tried.sha256}
        assert held.tried is None or all(
            one.editions != held.tried.editions for one in held.failures
        )
        assert (held.candidate is not None) == (held.state in {State.TRYING, State.PROVING})
