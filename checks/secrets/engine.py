"""Find candidates: every rule and trigger in one Hyperscan database, matched in linear time."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Final, NamedTuple

import hyperscan
from hyperscan import _version as library

from checks.errors import RuleError
from checks.lazy import regex
from checks.secrets.rules import ASSIGN
from checks.secrets.templates import drawn
from checks.secrets.triggers import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.secrets.rules import Rule

FIRST_RULE: Final = 64
"""Ids below are triggers; rule number n has the id FIRST_RULE + n."""

WINDOW: Final = 64 * 1024
CAP: Final = 1536
"""At most this many candidates are taken from one window of a flooded text."""
_CALM: Final = 4096
"""A text with fewer candidates than this is scanned in one go."""
_OVERLAP: Final = 512
_ASSIGNED: Final = regex(ASSIGN.encode() + rb"[^\s{}\[\]()<>,;\"'`]")
_LOOK_BACK: Final = 256


class Hits(NamedTuple):
    """Candidates of one text as (pattern id, end offset), and whether a flood was cut."""

    pairs: Sequence[tuple[int, int]]
    flooded: bool


_NONE: Final = Hits((), flooded=False)
"""What most files have."""


class Token(NamedTuple):
    """A value that a rule confirmed, at its offset."""

    rule: Rule
    value: str
    offset: int

    def __repr__(self) -> str:
        """Leave the value out."""
        return f"<Token {self.rule.id} at {self.offset}>"


def _expressions(rules: Sequence[Rule]) -> Iterator[tuple[int, str]]:
    for trigger, expression in EXPRESSIONS:
        yield int(trigger), expression
    for number, rule in enumerate(rules):
        yield FIRST_RULE + number, rule.hyperscan


def key(rules_text: bytes) -> str:
    """Name the compiled form of these rules with this library.

    A form of a processor that can do more than this one does not load, and is made anew.
    """
    digest = hashlib.sha256(rules_text)
    digest.update(repr(EXPRESSIONS).encode())
    digest.update(library.__version__.encode())
    return digest.hexdigest()[:24]


def compile_rules(rules: Sequence[Rule]) -> bytes:
    """Compile all expressions and serialise them; raises RuleError when Hyperscan refuses one."""
    pairs = list(_expressions(rules))
    database = hyperscan.Database()
    try:
        database.compile(
            expressions=[expression.encode() for _, expression in pairs],
            ids=[number for number, _ in pairs],
        )
    except hyperscan.error as error:
        message = f"rules: Hyperscan refuses them: {error}"
        raise RuleError(message) from error
    return bytes(hyperscan.dumpb(database))


class Engine:
    """A loaded database with its rules; one a process, not to be shared by threads."""

    def __init__(self, rules: Sequence[Rule], serialised: bytes) -> None:
        """Load a database; raises RuleError when it does not load or misses a rule's example."""
        self.rules = tuple(rules)
        try:
            self._database = hyperscan.loadb(serialised, hyperscan.HS_MODE_BLOCK)
            self._database.scratch = hyperscan.Scratch(self._database)
        except hyperscan.error as error:
            message = "rules: the compiled form does not load"
            raise RuleError(message) from error
        self._pairs: list[tuple[int, int]] = []
        self._limit = _CALM
        self._prove()

    def _prove(self) -> None:
        rng = random.Random("examples")  # noqa: S311 - samples, not keys
        for number, rule in enumerate(self.rules):
            sample = drawn(rule.examples[0], rng).encode()
            if FIRST_RULE + number not in dict(self.hits(sample).pairs):
                message = f"rules: the compiled form misses an example of {rule.id}"
                raise RuleError(message)

    def _note(self, number: int, _start: int, end: int, _flags: int, _context: object) -> bool:
        self._pairs.append((number, end))
        return len(self._pairs) >= self._limit

    def hits(self, data: bytes) -> Hits:
        """Give the candidates of a text; a flood is looked at window by window and capped."""
        pairs = self._scan(data, _CALM)
        if not pairs:
            return _NONE
        if len(pairs) < _CALM:
            return Hits(pairs, flooded=False)
        merged: list[tuple[int, int]] = []
        flooded = False
        for start in range(0, len(data), WINDOW):
            first = max(0, start - _OVERLAP)
            found = self._scan(data[first : start + WINDOW], CAP)
            flooded = flooded or len(found) >= CAP
            merged += [(number, end + first) for number, end in found if end + first > start]
        return Hits(merged, flooded)

    def _scan(self, data: bytes, limit: int) -> list[tuple[int, int]]:
        self._pairs = []
        self._limit = limit
        try:  # a context manager would cost as much as a small file
            self._database.scan(data, self._note)
        except hyperscan.ScanTerminated:
            return self._pairs
        return self._pairs

    def promises(self, number: int, data: bytes, end: int) -> bool:
        """Say whether something is assigned to the name that a context rule met here.

        A rule with a trigger sees its values whole wherever they stand and promises no others.
        Every end of a name is a hit of its own.
        """
        return bool(self.rules[number - FIRST_RULE].context and _ASSIGNED.match(data, end))

    def tokens(self, data: bytes, pairs: Sequence[tuple[int, int]]) -> Iterator[Token]:
        """Confirm the hits of rules: each value once, with its issuer's proof where it has one.

        Linear in the data for each rule: what a search has passed over is not searched again.
        """
        done: dict[int, int] = {}
        for number, end in pairs:
            if number < FIRST_RULE or end < done.get(number, 0):
                continue
            rule = self.rules[number - FIRST_RULE]
            if rule.context and not self.promises(number, data, end):
                continue
            start = max(done.get(number, 0), end - _LOOK_BACK)
            stop = end + 2 * rule.longest
            found = rule.confirm.search(data, start, stop)
            if found is None or found.end() == stop < len(data):  # none, or cut off by the end
                done[number] = stop - rule.longest
                continue
            done[number] = found.end()
            group = "secret" if "secret" in found.re.groupindex else 0
            value = found[group].decode("latin-1")
            if rule.accepts(value):
                yield Token(rule, value, found.start(group))
