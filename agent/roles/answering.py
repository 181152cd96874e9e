"""Do what others ask of a role by files, and answer. EDGE."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from agent.findings import Status
from agent.ledger import LedgerError
from agent.requests import (
    Do,
    Inbox,
    Judge,
    Prove,
    RequestError,
    Restore,
    Rotate,
    Rotated,
    Undo,
)
from agent.snapshot import SnapshotError
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.diary import Diary
    from agent.ledger import Ledger
    from agent.requests import Asked, Request

_MAY: Final[dict[str, tuple[type, ...]]] = {"keeper": (Do, Prove, Rotated), "mender": (Do, Judge)}
"""What a role may ask of others.

The keeper alone may say that a value was changed, since it alone reads that from Vault. Who takes
it over can close leaks that were taken out of their files, and no others.
"""
_LONGEST: Final = 300
"""Characters of a reason that are repeated."""
_OURS: Final = (Restore, Rotate, Undo)
"""What only root and who owns the state folder may ask for."""
_LOOKS: Final = (Judge, Prove)
"""What changes nothing, and is not put on record."""


class Answering:
    """The requests to one role."""

    def __init__(
        self, folder: Path, published: Path, ledger: Ledger, diary: Diary, faults: dict[str, str]
    ) -> None:
        """Make the spool folder; where that cannot be, it is a fault, and nothing is asked."""
        self._ledger, self._diary, self._faults = ledger, diary, faults
        self._state = folder.parent
        self.does: dict[str, Callable[[Request], tuple[str, bool] | None]] = {}
        """What this role does beside what all do, by the name of the request; None: asked again at
        the next turn."""
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
                if (told := self._asked(asked, now)) is None:
                    continue
                result, done = told
                if not isinstance(asked.request, _LOOKS):
                    act = asked.request.act if asked.request else "request"
                    subject = asked.request.subject if asked.request else ""
                    self._diary.note(act, subject, f"asked by user id {asked.owner}: {result}")
                self._inbox.answer(asked, now, result, done=done)
            self._faults.pop("requests", None)
        except (LedgerError, RequestError, SnapshotError) as error:
            self._faults["requests"] = str(error)

    def _asked(self, asked: Asked, now: float) -> tuple[str, bool] | None:
        """Do what was asked; say what came of it, and whether it was done; None: not known yet."""
        request = asked.request
        if request is None:
            return "refused, not a request", False
        if asked.role and not isinstance(request, _MAY.get(asked.role, ())):
            return "refused, another role must not ask", False
        if isinstance(request, _OURS) and asked.owner not in self._masters():
            return "refused, only root and who owns the state folder may ask for it", False
        if isinstance(request, Rotated):
            return self._rotated(request, now)
        if request.act not in self.does:
            return "refused, not what this role does", False
        return self.does[request.act](request)

    def _masters(self) -> set[int]:
        """Give the users who may have keys changed."""
        with contextlib.suppress(OSError):
            return {0, self._state.stat().st_uid}
        return {0}

    def _rotated(self, request: Rotated, now: float) -> tuple[str, bool]:
        """Close a leak that was removed and whose value was changed."""
        standing = self._ledger.statuses(request.identity)
        if not standing:
            return "no such finding", False
        if any(status is not Status.REMOVED for status in standing):
            return "the value still stands in its place: take it out first", False
        self._ledger.rotated(request.identity, now)
        why = printable(request.why, longest=_LONGEST) or "the value was changed at its service"
        return f"resolved, since {why}", True
