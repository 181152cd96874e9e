"""Layers: which a host has, and what they say together."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.policy import layers
from agent.policy.layers import Layer
from checks.errors import PolicyError

KEYS = st.text("abc", min_size=1, max_size=2)
PLAIN = st.integers(0, 9) | st.booleans() | st.lists(st.integers(0, 9), max_size=3)
TREES = st.recursive(PLAIN, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8)
MAPPINGS = st.dictionaries(KEYS, TREES, max_size=4)


def said(*mappings: dict[str, Any]) -> dict[str, object]:
    return layers.merge([Layer(f"l{i}", one) for i, one in enumerate(mappings)]).policy


def leaves(tree: object, place: str = "") -> set[str]:
    """Give the key paths of all values that are no mapping."""
    if not isinstance(tree, dict):
        return {place}
    inside = (leaves(value, f"{place}.{key}" if place else key) for key, value in tree.items())
    return set().union(*inside)


def test_a_host_has_base_groups_in_order_and_itself() -> None:
    """The weakest first."""
    names = layers.names({"role": "web", "site": "ams"}, "db1")
    assert names == ("base", "group/role/web", "group/site/ams", "host/db1")


@pytest.mark.parametrize("name", ["..", ".", "../../base", "a/b", "a%2Fb", "", "é", "x\0y"])
def test_no_name_reaches_into_another_layer(name: str) -> None:
    """Each part of a path is one label, value or host, whatever it is called."""
    [base, group, host] = layers.names({name: name}, name)
    assert (base, group.count("/"), host.count("/")) == ("base", 2, 1)
    parts = [*group.split("/"), *host.split("/")]
    assert not {".", ".."} & set(parts)
    assert all(part.isascii() for part in parts)


def test_two_labels_never_share_a_layer() -> None:
    """What is quoted can be told from what looks as if it were."""
    assert (
        len({layers.names({}, name) for name in ("a/b", "a%2Fb", "a%252Fb", "..", "%2E%2E")}) == 5
    )


@pytest.mark.parametrize(
    ("below", "above", "together"),
    [
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ({"a": [1]}, {"a+": [2]}, {"a": [1, 2]}),
        ({}, {"a+": [2]}, {"a": [2]}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": None}}, {"a": {"y": 2}}),
        ({"a": {"x": 1}}, {"a": None}, {}),
        ({"a": {"x": 1}}, {"a": [1]}, {"a": [1]}),
        ({"a": [1]}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({}, {"a": None}, {}),
        ({"a": 1}, {}, {"a": 1}),
    ],
)
def test_merging(below: dict[str, Any], above: dict[str, Any], together: dict[str, Any]) -> None:
    """Mappings join, the rest replaces, `+` appends, null takes away."""
    assert said(below, above) == together


@pytest.mark.parametrize(
    ("below", "above", "why"),
    [
        ({"a": 1}, {"a+": [2]}, "l1: a+: expected a list below"),
        ({}, {"a+": 1}, "l1: a+: expected a list"),
        ({}, {"a": [1], "a+": [2]}, "l1: a: expected a or a+, got both"),
        ({}, {"b": {"a+": {}}}, "l1: b.a+: expected a list"),
    ],
)
def test_what_cannot_be_merged(below: dict[str, Any], above: dict[str, Any], why: str) -> None:
    """It is said in which layer and where."""
    with pytest.raises(PolicyError, match=why.replace("+", r"\+")):
        said(below, above)


def test_origins_name_the_layers_of_each_value() -> None:
    """Of a list that was appended to, all of them."""
    merged = layers.merge(
        [
            Layer("base", {"a": {"x": 1, "y": 1}, "l": [1], "gone": {"z": 1}}),
            Layer("group/role/web", {"a": {"x": 2}, "l+": [2]}),
            Layer("host/db1", {"gone": None}),
        ]
    )
    assert merged.origins == {
        "a.x": ("group/role/web",),
        "a.y": ("base",),
        "l": ("base", "group/role/web"),
    }


@given(st.lists(MAPPINGS, max_size=4))
def test_every_value_has_an_origin(said_by: list[dict[str, Any]]) -> None:
    """And no origin is of something that is not there, but for mappings that became empty."""
    merged = layers.merge([Layer(f"l{i}", one) for i, one in enumerate(said_by)])
    assert set(merged.origins) == leaves(merged.policy) - {""}


@given(MAPPINGS, MAPPINGS, MAPPINGS)
def test_merging_is_stepwise(one: Any, two: Any, three: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """What the first two layers say can be put together before the third comes."""
    assert said(said(one, two), three) == said(one, two, three)


@given(MAPPINGS, MAPPINGS)
def test_no_layer_is_changed_by_merging(one: Any, two: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Each can be used again for another host."""
    before = repr((one, two))
    said(one, two, one)
    assert repr((one, two)) == before


def test_many_values_are_put_together_in_a_moment() -> None:
    """A mapping of tens of thousands over another, and then nothing of either."""
    many: dict[str, Any] = {f"k{i}": {"x": i} for i in range(50_000)}
    began = time.process_time()
    merged = layers.merge(
        [
            Layer("l0", {"a": many}),
            Layer("l1", {"a": dict.fromkeys(many, 1)}),
            Layer("l2", {"a": 1}),
        ]
    )
    assert time.process_time() - began < 5
    assert (merged.policy, merged.origins) == ({"a": 1}, {"a": ("l2",)})
