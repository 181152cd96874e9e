"""Make findings of what was spotted in a file, or say why they do not count. EDGE.

Policy gives severities and disables checks, marks and a baseline accept; a flood is cut.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Final

from checks import suppress
from checks.model import Inconclusive, Severity, Suppressed, Suppression
from checks.spotted import finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from checks.scanned import Orders, Result
    from checks.spotted import Document, Spotted
    from checks.text import Text

_MOST: Final = 10_000
"""More findings than this in one file are a flood, made to drown the others."""


class Weighing:
    """Knows how many findings the file at hand may still have."""

    def __init__(self, orders: Orders) -> None:
        """Keep the orders."""
        self._room = _MOST
        self._orders = orders
        self._disabled = frozenset(orders.policy.secrets.disable)
        self._severity = {
            check: Severity.named(name) for check, name in orders.policy.secrets.severity.items()
        }

    def begin(self) -> None:
        """Go on to another file."""
        self._room = _MOST

    def report(
        self, document: Document, spotted: Iterable[Spotted], content: Text | None, result: Result
    ) -> None:
        """Add what counts of one document; content: where marks may stand, None for nowhere."""
        rows = self._rows(content) if content is not None and self._may_mark(document) else []
        wanted = list(self._wanted(spotted))
        # A mark names no value: of several on its line it cannot say which one it allows.
        single = {place for place, n in Counter((s.line, s.check) for s in wanted).items() if n < 2}
        for one in wanted:
            self._room -= 1
            if self._room >= 0:
                marked = rows if (one.line, one.check) in single else []
                self._place(document, one, marked, result)
            elif self._room == -1:
                why = f"more than {_MOST:,} findings"
                result.inconclusive.append(Inconclusive(document.path, "finding flood", why))

    def _wanted(self, spotted: Iterable[Spotted]) -> Iterator[Spotted]:
        for one in spotted:
            yield one._replace(severity=self._severity.get(one.check, one.severity))

    def _rows(self, content: Text) -> list[str]:
        if not self._orders.marks or b"hygiene: allow" not in content.data:
            return []
        return content.string.split("\n")

    def _may_mark(self, document: Document) -> bool:
        owner = self._orders.marking
        return owner is None or (document.access is not None and document.access.uid == owner)

    def _place(self, document: Document, spotted: Spotted, rows: list[str], result: Result) -> None:
        described = finding(spotted, document, self._orders.keys)
        said = self._suppression(document, spotted, rows)
        if said is not None:
            result.suppressed.append(Suppressed(described, said))
            return
        result.findings.append(described)
        if self._orders.taking and self._orders.accepted is not None:
            hashed = self._orders.accepted.slow_hash(spotted.value)
            place = self._relative(document.path)
            result.accepted.append(suppress.Entry(spotted.check, place, hashed))

    def _relative(self, path: str) -> str:
        """Give a path as a baseline has it."""
        return path if self._orders.foreign else os.path.relpath(path, self._orders.base)

    def _suppression(
        self, document: Document, spotted: Spotted, rows: list[str]
    ) -> Suppression | None:
        if spotted.check in self._disabled:
            return Suppression("policy", "", f"disabled by policy {self._orders.policy.name}")
        if rows:
            line = spotted.line - document.first_line + 1
            mark = suppress.mark_at(rows, line, spotted.check)
            if mark is not None:
                who = document.access
                owner = (who.owner or str(who.uid)) if who else ""
                return Suppression("mark", owner, mark.reason)
        accepted = self._orders.accepted
        if accepted is not None and not self._orders.taking:
            place = self._relative(document.path)
            if accepted.holds(spotted.check, place, spotted.value):
                return Suppression("baseline", "", "accepted when the baseline was taken")
        return None
