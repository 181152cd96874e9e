"""Rules for tokens that name their issuer: data in, checked values out.

A file is one provider:

    provider: GitHub
    rules:
      - id: github-personal-access-token        # the check id of its findings
        title: GitHub personal access token     # a noun phrase; the message is built from it
        severity: critical
        trigger: 'ghp_[0-9A-Za-z]{4}'           # Hyperscan; short, literal where it can be
        pattern: 'ghp_[0-9A-Za-z]{36}'          # Python re; a group named `secret` is the value
        proof: crc32-base62                     # optional, see proofs.py
        entropy: 3.0                            # optional, least Shannon bits per character
        fix: Revoke it at https://github.com/settings/tokens and issue a new one from Vault.
        references: [https://docs.github.com/...]
        examples: ['GITHUB_TOKEN={{crc32-base62 ghp_}}']
        counterexamples: ['ghp_{{alnum 12}}']

Where a value has no prefix of its own, `context` (a caseless expression for the name in front of
it) takes the place of `trigger`, and `pattern` describes the value alone; the rule then fires on
`NAME = VALUE` in every notation and names the issuer of a parsed entry whose key path it matches.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec

from checks.errors import RuleError
from checks.lazy import pattern, regex
from checks.model import Confidence, Severity
from checks.secrets import proofs

if TYPE_CHECKING:
    from collections.abc import Iterable

ASSIGN: Final = r"""[\w.\-]{0,30}["'`\])]{0,3}[ \t]{0,8}(?:=>|:=|[=:,>])[ \t]{0,8}["'`]?"""
"""What stands between a name and its value in the notations of files: `NAME" : "VALUE`."""

_BEFORE: Final = r"(?:(?<![0-9A-Za-z])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))"
"""A token starts where no word runs on; an escape such as %3D or \\n is no word."""
_AFTER: Final = r"(?![0-9A-Za-z])"


_LONG: Final = regex(r"[*+]|,\}|\d{3}")
"""An expression that repeats without end or a hundred times."""
_CLASS: Final = regex(r"\[[^\]]*\]")
_LONGEST: Final = 4096
_SHORT: Final = 512


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, dict=True):
    """One kind of token; see the module's text for the fields."""

    id: str
    title: str
    severity: str
    pattern: str
    fix: str
    examples: tuple[str, ...]
    trigger: str = ""
    context: str = ""
    confidence: str = "high"
    proof: str = ""
    entropy: float = 0.0
    references: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()
    provider: str = ""

    @property
    def hyperscan(self) -> str:
        """The expression that Hyperscan looks for, cheap and wider than the pattern."""
        return f"(?i)(?:{self.context})" if self.context else self.trigger

    @cached_property
    def confirm(self) -> re.Pattern[bytes]:
        """The expression that finds the value around a hit: group `secret`, or the whole."""
        return pattern(self.confirming)

    @property
    def confirming(self) -> bytes:
        """The source of that expression."""
        body = self.pattern
        if self.context:
            body = f"(?i:{self.context}){ASSIGN}(?P<secret>{body})"
        return f"{_BEFORE}(?:{body}){_AFTER}".encode()

    @cached_property
    def longest(self) -> int:
        """No match, from the start of its trigger or context to its end, has more bytes."""
        return _LONGEST if _LONG.search(_CLASS.sub("", self.pattern)) else _SHORT

    @cached_property
    def named(self) -> tuple[re.Pattern[str], re.Pattern[str]] | None:
        """For a context rule the expressions for a key path and for its whole value."""
        if not self.context:
            return None
        return re.compile(self.context, re.IGNORECASE), re.compile(self.pattern)

    def accepts(self, value: str) -> bool:
        """Say whether a value of the right shape looks random and carries the issuer's proof."""
        if self.entropy and entropy(value) < self.entropy:
            return False
        return not self.proof or proofs.PROOFS[self.proof].holds(value)


class _RuleFile(msgspec.Struct, forbid_unknown_fields=True):
    provider: str
    rules: list[Rule]


def entropy(value: str) -> float:
    """Give the Shannon entropy of a text in bits per character."""
    if not value:
        return 0.0
    total = len(value)
    return -sum(n / total * math.log2(n / total) for n in Counter(value).values())


def parse(name: str, text: str) -> list[Rule]:
    """Read one rule file; raises RuleError with the file's name and the path of what is wrong."""
    import yaml

    try:
        raw = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - it is the safe loader, in C
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = f"{name}: not YAML, line {mark.line + 1 if mark else '?'}"
        raise RuleError(message) from error
    except (ValueError, RecursionError) as error:  # a date that is none, nesting without end
        message = f"{name}: not YAML: {type(error).__name__}"
        raise RuleError(message) from error
    try:
        parsed = msgspec.convert(raw, _RuleFile)
    except msgspec.ValidationError as error:
        message = f"{name}: {error}"
        raise RuleError(message) from error
    return [
        _checked(name, msgspec.structs.replace(r, provider=parsed.provider)) for r in parsed.rules
    ]


def _checked(name: str, rule: Rule) -> Rule:
    where = f"{name}: rule {rule.id}"
    if bool(rule.trigger) == bool(rule.context):
        message = f"{where}: expected either trigger or context"
        raise RuleError(message)
    if rule.proof and rule.proof not in proofs.PROOFS:
        message = f"{where}: proof: expected one of {', '.join(sorted(proofs.PROOFS))}"
        raise RuleError(message)
    if not rule.examples:
        message = f"{where}: expected an example"
        raise RuleError(message)
    try:
        Severity.named(rule.severity)
        Confidence[rule.confidence.upper()]
    except KeyError as error:
        message = f"{where}: severity or confidence: not a known word"
        raise RuleError(message) from error
    try:
        _ = re.compile(rule.pattern), rule.confirm, rule.named
    except (re.error, OverflowError, RecursionError) as error:
        message = f"{where}: pattern: {error}"
        raise RuleError(message) from error
    return rule


def load(files: Iterable[tuple[str, str]]) -> list[Rule]:
    """Read rule files given as (name, text), sorted by id; ids must be unique."""
    rules = [rule for name, text in files for rule in parse(name, text)]
    rules.sort(key=lambda rule: rule.id)
    for one, two in pairwise(rules):
        if one.id == two.id:
            message = f"rule {one.id}: defined twice"
            raise RuleError(message)
    return rules
