"""Do what others ask of a role by files, and answer. EDGE."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from agent.findings import Status
from agent.ledger import LedgerError
from agent.requests import Inbox, Prove, RequestError, Rotated
from agent.snapshot import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.diary import Diary
    from agent.ledger import Ledger
    from agent.requests import Asked, Request

_KEEPER: Final = "keeper"
"""The one role that asks others."""


class Answering:
    """The requests to one role."""

    def __init__(
        self, folder: Path, published: Path, ledger: Ledger, diary: Diary, faults: dict[str, str]
    ) -> None:
        """Make the spool folder; where that cannot be, it is a fault, and nothing is asked."""
        self._ledger, self._diary, self._faults = ledger, diary, faults
        self.does: dict[str, Callable[[Request], tuple[str, bool]]] = {}
        """What this role does beside what all do, by the name of the request."""
        self._inbox: Inbox | None = None
        try:
            self._inbox = Inbox(folder, published)
        except RequestError as error:
            faults["requests"] = str(error)

    def turn(self) -> None:
        """Do what was asked of this role, and answer; what cannot be done now is done later."""
        if self._inbox is None:
            return
        try:
            for asked in self._inbox.take(now := time.time()):
                result, done = self._asked(asked, now)
                if not isinstance(asked.request, Prove):  # which changes nothing
                    act = asked.request.act if asked.request else "request"
                    subject = asked.request.subject if asked.request else ""
                    self._diary.note(act, subject, f"asked by user id {asked.owner}: {result}")
                self._inbox.answer(asked, now, result, done=done)
            self._faults.pop("requests", None)
        except (LedgerError, RequestError, SnapshotError) as error:
            self._faults["requests"] = str(error)

    def _asked(self, asked: Asked, now: float) -> tuple[str, bool]:
        """Do what was asked; say what came of it, and whether it was done."""
        request = asked.request
        if request is None:
            return "refused, not a request", False
        if asked.role and (asked.role != _KEEPER or isinstance(request, Rotated)):
            return "refused, another role must not ask", False
        if isinstance(request, Rotated):
            return self._rotated(request, now)
        if request.act not in self.does:
            return "refused, not what this role does", False
        return self.does[request.act](request)

    def _rotated(self, request: Rotated, now: float) -> tuple[str, bool]:
        """Close a leak that was removed and whose value was changed."""
        standing = self._ledger.statuses(request.identity)
        if not standing:
            return "no such finding", False
        if any(status is not Status.REMOVED for status in standing):
            return "the value still stands in its place: take it out first", False
        self._ledger.rotated(request.identity, now)
        return "resolved, since the value was changed at its service", True
