"""Editions come when content changes, and go when a newer one is for all."""

from __future__ import annotations

import datetime

import pytest

from agent.policy import editions
from agent.policy.rollout import Rollout

SOME = Rollout(share=10)
CONTENT = b"{}\n"


def _next(known: dict, version: int, **layers: tuple[bytes, Rollout]) -> dict:  # type: ignore[type-arg]  # of several kinds
    contents = {name: content for name, (content, _) in layers.items()}
    rollouts = {name: told for name, (_, told) in layers.items() if told != Rollout()}
    return editions.following(known, contents, rollouts, version)


def _numbers(targets: dict) -> dict[str, list[int]]:  # type: ignore[type-arg]  # of several kinds
    return {
        layer: [offer.number for offer in offers] for layer, offers in editions.of(targets).items()
    }


def test_the_same_content_is_the_same_edition() -> None:
    """Publishing again without a change keeps the number."""
    one = _next({}, 1, base=(CONTENT, Rollout()))
    assert _numbers(one) == {"base": [1]}
    assert _next(one, 2, base=(CONTENT, Rollout())) == one


def test_new_content_for_all_takes_the_place_of_the_old() -> None:
    """Nobody needs the old edition any more."""
    one = _next({}, 1, base=(CONTENT, Rollout()))
    assert _numbers(_next(one, 2, base=(b"{1}", Rollout()))) == {"base": [2]}


def test_old_editions_stay_until_the_newest_is_for_all() -> None:
    """Hosts that are not asked yet keep what they have; then all older ones go at once."""
    one = _next({}, 1, base=(CONTENT, Rollout()))
    two = _next(one, 2, base=(b"{1}", SOME))
    three = _next(two, 3, base=(b"{2}", SOME))
    assert _numbers(three) == {"base": [3, 2, 1]}
    assert [one.rollout for one in editions.of(three)["base"]] == [SOME, SOME, Rollout()]
    assert _numbers(_next(three, 4, base=(b"{2}", Rollout()))) == {"base": [3]}


@pytest.mark.parametrize(
    "told",
    [
        Rollout(labels={"env": "prod"}),
        Rollout(share=99),
        Rollout(from_=datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)),
        Rollout(paused=True),
    ],
)
def test_only_the_rollout_changes(told: Rollout) -> None:
    """Where the content is the same only for whom it is changes, as hosts read it back."""
    one = _next({}, 1, base=(CONTENT, Rollout()))
    two = _next(one, 2, base=(CONTENT, told))
    (offer,) = editions.of(two)["base"]
    assert (offer.number, offer.rollout) == (1, told)


def test_a_layer_that_comes_back_has_a_higher_number() -> None:
    """A host that remembers the old edition 1 never takes another one for it."""
    one = _next({}, 1, base=(CONTENT, Rollout()), extra=(CONTENT, Rollout()))
    two = _next(one, 2, base=(CONTENT, Rollout()))
    assert _numbers(two) == {"base": [1]}
    three = _next(two, 3, base=(CONTENT, Rollout()), extra=(CONTENT, Rollout()))
    assert _numbers(three) == {"base": [1], "extra": [3]}


def test_other_targets_stay() -> None:
    """Targets that are no policy are not touched."""
    (target,) = _next({}, 1, base=(CONTENT, Rollout())).values()
    two = _next({"files/x": target}, 2, base=(CONTENT, Rollout()))
    assert two.keys() == {"files/x", "policy/base/2.json"}
