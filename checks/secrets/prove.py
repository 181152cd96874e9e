"""Prove a rule by its own examples and counterexamples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hyperscan

from checks.secrets.templates import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.secrets.rules import Rule


def problems(rule: Rule) -> Iterator[str]:
    """Say what is wrong with a rule: examples it misses, counterexamples it takes."""
    database = hyperscan.Database()
    try:
        database.compile(expressions=[rule.hyperscan.encode()], flags=0)
    except hyperscan.error as error:
        yield f"{rule.id}: trigger: Hyperscan refuses it: {error}"
        return
    for kind, templates, wanted in (
        ("example", rule.examples, True),
        ("counterexample", rule.counterexamples, False),
    ):
        for number, template in enumerate(templates, 1):
            data = render(template, f"{rule.id} {kind} {number}").encode()
            if _fires(rule, database, data) is not wanted:
                yield f"{rule.id}: {kind} {number} {'does not match' if wanted else 'matches'}"


def _fires(rule: Rule, database: hyperscan.Database, data: bytes) -> bool:
    hits: list[int] = []
    database.scan(
        data, match_event_handler=lambda _id, _start, end, _flags, _context: hits.append(end)
    )
    return bool(hits) and any(
        rule.accepts(found["secret" if "secret" in found.re.groupindex else 0].decode("latin-1"))
        for found in rule.confirm.finditer(data)
    )
