"""Templates make the same sample every time and store nothing secret-shaped."""

from __future__ import annotations

import base64
import random
import string
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import RuleError
from checks.secrets import proofs
from checks.secrets.templates import ALPHABETS, render


def test_the_same_seed_gives_the_same_text() -> None:
    """Another seed gives another text."""
    template = "a {{alnum 20}} b {{uuid}}"
    assert render(template, "one") == render(template, "one") != render(template, "two")


@pytest.mark.parametrize("name", ALPHABETS)
@pytest.mark.parametrize("length", [0, 1, 7, 8, 64])
def test_an_alphabet_gives_its_characters(name: str, length: int) -> None:
    """The length is exact; eight or more characters have a digit and a letter where they can."""
    text = render(f"<{{{{{name} {length}}}}}>", name)[1:-1]
    assert len(text) == length
    assert set(text) <= set(ALPHABETS[name])
    if length >= 8 and set(ALPHABETS[name]) & set(string.digits):
        assert any(c.isdigit() for c in text)
        assert any(c.isalpha() for c in text) or name == "digits"


def test_the_other_placeholders() -> None:
    """A UUID, a choice, and base64 of a template with placeholders of its own."""
    assert uuid.UUID(render("{{uuid}}", "s")).version == 4
    assert {render("{{choice red green}}", str(n)) for n in range(40)} == {"red", "green"}
    inner = base64.b64decode(render("{{base64 user:[[hex 8]]}}", "s")).decode()
    assert inner.startswith("user:")
    assert len(inner) == 13
    assert render("no placeholder { {x} }", "s") == "no placeholder { {x} }"


def test_a_sample_with_a_proof_holds_it() -> None:
    """What a proof makes, it accepts, and not with a changed character."""
    made = [render("{{crc32-base62 ghp_}}", str(n)) for n in range(20)]
    assert all(proofs.PROOFS["crc32-base62"].holds(value) for value in made)
    changed = [value[:-1] + ("x" if value[-1] != "x" else "y") for value in made]
    assert not any(proofs.PROOFS["crc32-base62"].holds(value) for value in changed)


@pytest.mark.parametrize(
    "template",
    ["{{nosuch}}", "{{alnum}}", "{{alnum x}}", "{{alnum 3 4}}", "{{uuid 4}}", "{{choice}}", "{{}}",
     "{{base64}}", "{{alnum -1}}", "{{alnum ²}}", "{{alnum 999999999}}", "{{crc32-base62 a b c}}",
     "{{crc32-base62 a x}}"],
)  # fmt: skip
def test_an_unknown_placeholder_is_refused(template: str) -> None:
    """The error names the placeholder."""
    with pytest.raises(RuleError, match="placeholder"):
        render(template, "s")


@given(st.text(alphabet="{}[] alnumhex8base64uid", max_size=60))
def test_any_template_is_text_or_a_rule_error(template: str) -> None:
    """No template fails otherwise."""
    found = ""
    try:
        found = render(template, "s")
    except RuleError as error:
        found = str(error)
    assert isinstance(found, str)


def test_templates_hold_no_hidden_state() -> None:
    """Rendering does not touch the generator that others use."""
    random.seed(1)
    before = random.getstate()
    render("{{alnum 40}}", "s")
    assert random.getstate() == before
