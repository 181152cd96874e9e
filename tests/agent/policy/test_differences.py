"""A change is shown host by host, value by value, with the layer each comes from."""

from __future__ import annotations

from typing import Any

import pytest

from agent.output import policytext
from agent.policy import differences
from agent.policy.differences import Sample
from agent.policy.layers import Layer
from checks.errors import PolicyError

WEB = "group/role/web"
ANY = Sample("", {})


def _known(**said: dict[str, Any]) -> dict[str, Layer]:
    return {name: Layer(name, {"version": 1} | says) for name, says in said.items()}


def _lines(before: dict[str, Layer], after: dict[str, Layer], *hosts: Sample) -> list[str]:
    return list(policytext.differences(differences.groups(before, after, hosts), []))


def test_a_value_is_shown_with_its_layer() -> None:
    """What was, what comes, and which layer says so."""
    before = _known(base={"fail_on": "medium"})
    after = before | _known(**{WEB: {"fail_on": "low"}})
    lines = _lines(before, after, ANY, Sample("", {"role": "web"}))
    assert lines == [
        "role=web:",
        "  fail_on  medium -> low   (group/role/web)",
        "nothing changes for 1 sample host",
    ]


def test_lists_are_shown_by_what_comes_and_goes() -> None:
    """Items that stay are not repeated; an appended list comes from both layers."""
    before = _known(base={"secrets": {"disable": ["a", "b"]}})
    after = _known(base={"secrets": {"disable": ["b"]}}, **{WEB: {"secrets": {"disable+": ["c"]}}})
    assert _lines(before, after, Sample("w1", {"role": "web"})) == [
        "host w1 role=web:",
        "  secrets.disable  - a   (base, group/role/web)",
        "  secrets.disable  + c   (base, group/role/web)",
    ]


def test_what_changes_for_all_is_said_once() -> None:
    """Groups with the same changes stand together, others say only what is their own."""
    before = _known(base={}, **{WEB: {}}, **{"host/a": {}})
    after = _known(base={"name": "x"}, **{WEB: {"fail_on": "low"}}, **{"host/a": {}})
    assert _lines(before, after, *differences.samples(sorted(after))) == [
        "any host, host a:",
        "  name  unset -> x   (base)",
        "role=web: as any host, and",
        "  fail_on  unset -> low   (group/role/web)",
    ]


def test_a_removed_value_is_shown() -> None:
    """Where null takes a value away, the layer that had it is named."""
    before, after = _known(base={"name": "x"}), _known(base={"name": None})
    assert "  name  x -> unset   (base)" in _lines(before, after, ANY)


def test_long_values_are_named_by_title_and_hash() -> None:
    """A profile that is written out is shown by its id; another content has another hash."""
    one = differences.shown({"id": "ours", "rules": [{"id": "x" * 100}]})
    two = differences.shown({"id": "ours", "rules": [{"id": "y" * 100}]})
    assert one.startswith("id ours (sha256 ")
    assert one != two


def test_layers_that_cannot_be_together_are_refused() -> None:
    """A sample host whose layers do not fit is an error with the place."""
    after = _known(base={}, **{WEB: {"secrets": {"disable": "x"}}})
    with pytest.raises(PolicyError, match=r"secrets\.disable: expected array"):
        differences.groups({}, after, [Sample("", {"role": "web"})])
    assert differences.groups({}, after, [ANY])


def test_no_control_character_reaches_the_terminal() -> None:
    """Values come from files that others wrote."""
    after = _known(base={"name": "x\x1b[2J\u202e"})
    assert all(line.isprintable() for line in _lines({}, after, ANY))
