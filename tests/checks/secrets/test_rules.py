"""Rules are data that prove themselves; a bad file is refused by name and field."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import catalog
from checks.errors import RuleError
from checks.model import Severity
from checks.secrets import prove, rules
from checks.secrets.rules import entropy

FILES = dict(catalog.rule_files())
GOOD = """
provider: Example
rules:
  - id: example-token
    title: Example token
    severity: high
    trigger: 'exd_'
    pattern: 'exd_[0-9a-z]{32}'
    fix: Revoke it.
    examples: ['exd_{{loweralnum 32}}']
"""


@pytest.mark.parametrize("name", FILES)
def test_a_built_in_file_proves_itself(name: str) -> None:
    """Every example is found and no counterexample is; ids, words and fixes are well formed."""
    found = rules.parse(name, FILES[name])
    assert found
    for rule in found:
        assert list(prove.problems(rule)) == []
        assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)+", rule.id)
        assert not rule.title.endswith(".")
        assert len(rule.fix) > 10
        assert all(reference.startswith("https://") for reference in rule.references)
        assert Severity.named(rule.severity) >= Severity.LOW


@pytest.mark.parametrize("name", FILES)
def test_a_built_in_file_stores_no_token(name: str) -> None:
    """No example is a literal that would itself be found."""
    for rule in rules.parse(name, FILES[name]):
        for template in (*rule.examples, *rule.counterexamples):
            plain = re.sub(r"\{\{.*?\}\}", "", template)
            match = rule.confirm.search(plain.encode())
            value = match["secret" if "secret" in match.re.groupindex else 0] if match else b""
            assert not (match and rule.accepts(value.decode("latin-1"))), rule.id


def test_ids_are_unique_and_sorted() -> None:
    """No id of a rule is taken twice, in one file or in two."""
    found = rules.load(FILES.items())
    ids = [rule.id for rule in found]
    assert ids == sorted(set(ids))
    again = GOOD.replace("Example token", "Another")
    with pytest.raises(RuleError, match="rule example-token: defined twice"):
        rules.load([("a.yaml", GOOD), ("b.yaml", again)])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("provider: Example\n", "", "missing required field `provider`"),
        ("    title: Example token\n", "", r"missing required field `title` - at `\$.rules\[0\]`"),
        ("    examples: ['exd_{{loweralnum 32}}']\n", "", "missing required field `examples`"),
        ("['exd_{{loweralnum 32}}']", "[]", "rule example-token: expected an example"),
        ("['exd_{{loweralnum 32}}']", "x", r"got `str` - at `\$.rules\[0\].examples`"),
        ("fix:", "fixx:", "unknown field `fixx`"),
        ("severity: high", "severity: hihg", "rule example-token: severity or confidence"),
        ("severity: high", "severity: HIGH", "rule example-token: severity or confidence"),
        ("fix:", "confidence: sure\n    fix:", "rule example-token: severity or confidence"),
        ("fix:", "proof: none-such\n    fix:", "rule example-token: proof: expected one of"),
        ("fix:", "context: x\n    fix:", "expected either trigger or context"),
        ("    trigger: 'exd_'\n", "", "expected either trigger or context"),
        ("{32}'", "{32'", None),
        ("[0-9a-z]{32}", "[0-9a-z", "rule example-token: pattern: unterminated"),
        ("[0-9a-z]{32}", "(?P<secret>a", "rule example-token: pattern: missing"),
        ("[0-9a-z]{32}", "a{99999999999}", "rule example-token: pattern: "),
        ("[0-9a-z]{32}", "(" * 5000 + ")" * 5000, "rule example-token: pattern: "),
        ("rules:", "rules: [", "not YAML, line"),
        ("fix: Revoke it.", "fix: 2027-99-99", "not YAML: ValueError"),
        ("fix: Revoke it.", "fix: 2027-01-01", r"got `date` - at `\$.rules\[0\].fix`"),
        ("fix: Revoke it.", "fix: " + "[" * 3000, "not YAML"),
        ("fix: Revoke it.", "fix: !!python/object:os.system x", "not YAML, line"),
        (GOOD, "", "got `null`"),
        (GOOD, "[]", "got `array`"),
        (GOOD, "a: &a [*a]", "unknown field `a`|missing required"),
        (GOOD, "\x00", "not YAML"),
    ],
)
def test_a_bad_file_is_refused_by_name_and_field(old: str, new: str, message: str | None) -> None:
    """The error names the file and what is wrong in it; a good file is read."""
    assert old in GOOD
    assert [rule.id for rule in rules.parse("good.yaml", GOOD)] == ["example-token"]
    text = GOOD.replace(old, new)
    if message is None:  # Python takes an open brace as itself; the proof shows it
        [rule] = rules.parse("ours.yaml", text)
        assert list(prove.problems(rule))
        return
    with pytest.raises(RuleError, match=message) as caught:
        rules.parse("ours.yaml", text)
    assert str(caught.value).startswith("ours.yaml: ")


@given(st.text(max_size=200))
def test_any_text_is_rules_or_a_rule_error(text: str) -> None:
    """No text fails otherwise."""
    found: object = None
    try:
        found = rules.parse("x.yaml", text)
    except RuleError as error:
        found = str(error)
    assert found


def test_a_context_rule_names_keys_and_values() -> None:
    """Its two expressions are there for parsed entries; a rule with a trigger has none."""
    text = GOOD.replace("trigger: 'exd_'", "context: 'exd[_.]token'").replace("exd_[0", "[0")
    [rule] = rules.parse("x.yaml", text.replace("['exd_{{", "['exd_token: {{"))
    assert rule.named is not None
    assert rule.named[0].search("prod.EXD_token")
    assert rule.named[1].fullmatch("a" * 32)
    assert rule.hyperscan == "(?i)(?:exd[_.]token)"
    assert list(prove.problems(rule)) == []
    [other] = rules.parse("x.yaml", GOOD)
    assert (other.named, other.hyperscan) == (None, "exd_")


def test_entropy_is_bits_a_character() -> None:
    """Nothing has none, one letter none, two in equal number one, sixteen four."""
    assert [entropy(text) for text in ("", "aaaa", "abab", "0123456789abcdef")] == [0, 0, 1, 4]


def test_entropy_and_proof_refuse_what_only_looks_right() -> None:
    """A value of the right shape counts only when it is random and carries its issuer's proof."""
    [plain] = rules.parse("x.yaml", GOOD)
    [strict] = rules.parse("x.yaml", GOOD.replace("fix:", "entropy: 3.0\n    fix:"))
    assert plain.accepts("exd_" + "a" * 32)
    assert not strict.accepts("exd_" + "a" * 32)
    assert strict.accepts("exd_" + "abcdefghijklmnop0123456789qrstuv")
    [proved] = rules.parse("x.yaml", GOOD.replace("fix:", "proof: crc32-base62\n    fix:"))
    assert not proved.accepts("exd_" + "a" * 32)
