"""A rule's proof finds what is wrong with the rule."""

from __future__ import annotations

import pytest

from checks.errors import RuleError
from checks.secrets import prove
from checks.secrets.rules import Rule

GOOD = Rule(
    id="example-token",
    title="Example token",
    severity="high",
    trigger="exd_",
    pattern="exd_[0-9a-z]{32}",
    fix="Revoke it.",
    examples=("exd_{{loweralnum 32}}", 'token: "exd_{{loweralnum 32}}"'),
    counterexamples=("exd_{{loweralnum 12}}", "xexd_{{loweralnum 32}}"),
)


def problems(**fields: object) -> list[str]:
    """Prove the good rule with other fields."""
    given = {name: getattr(GOOD, name) for name in GOOD.__struct_fields__} | fields
    return list(prove.problems(Rule(**given)))


def test_a_good_rule_has_no_problems() -> None:
    """Examples fire and counterexamples do not."""
    assert problems() == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"examples": ("nothing",)}, ["example-token: example 1 does not match"]),
        (
            {"pattern": "exd_[0-9]{32}"},
            [f"example-token: example {n} does not match" for n in (1, 2)],
        ),
        ({"trigger": "dxe_"}, [f"example-token: example {n} does not match" for n in (1, 2)]),
        ({"counterexamples": (GOOD.examples[0],)}, ["example-token: counterexample 1 matches"]),
        ({"entropy": 7.0}, [f"example-token: example {n} does not match" for n in (1, 2)]),
        ({"proof": "crc32-base62"}, [f"example-token: example {n} does not match" for n in (1, 2)]),
    ],
)
def test_a_bad_rule_is_told_by_its_example(fields: dict[str, object], expected: list[str]) -> None:
    """The problem names the rule and the number of the example, never its text."""
    assert problems(**fields) == expected


@pytest.mark.parametrize("trigger", ["(?<!x)exd_", "exd_(", "a*"])
def test_a_trigger_that_hyperscan_refuses_is_a_problem(trigger: str) -> None:
    """Look-around, broken syntax and what matches the empty text are refused."""
    [problem] = problems(trigger=trigger)
    assert problem.startswith("example-token: trigger: Hyperscan refuses it")


def test_an_unknown_placeholder_is_a_rule_error() -> None:
    """A template that cannot be rendered proves nothing."""
    with pytest.raises(RuleError, match="placeholder nosuch"):
        problems(examples=("exd_{{nosuch 4}}",))


def test_examples_may_hold_any_letters() -> None:
    """A pattern that takes bytes beyond ASCII is proved without a fault."""
    odd = {"trigger": "key", "pattern": 'key="[^"]{3}', "examples": ('key="ключ',)}
    assert problems(**odd, counterexamples=('key="é"',)) == []
    assert problems(**odd, counterexamples=('key="éé"',)) == [
        "example-token: counterexample 1 matches"
    ]
