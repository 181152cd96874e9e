"""Which policy a role works by, kept over restarts; a change of it is on record. EDGE."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

import msgspec

from agent import packing, policychange
from agent.ledger import SQLITE_ERROR, LedgerError
from agent.policychange import Kept

if TYPE_CHECKING:
    from agent.diary import Diary
    from agent.ledger import Ledger
    from checks.policy import Policy

_POLICY: Final = "policy"


class Working:
    """The policy of one role."""

    def __init__(self, ledger: Ledger, diary: Diary, faults: dict[str, str]) -> None:
        """Use a role's state file and audit log."""
        self._ledger, self._diary, self._faults = ledger, diary, faults

    def by(self, policy: Policy) -> None:
        """Keep which policy the role works by, and note what that changes."""
        before = self.kept
        change = policychange.compare(before, policy, time.time())
        if not change.said:
            return
        if before is not None and change.kept.epoch > before.epoch:
            self._tell_all(change.kept.epoch)  # before it is kept: who ends here does it again
        try:
            row = (_POLICY, packing.pack(change.kept))
            self._ledger.base.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", row)
        except SQLITE_ERROR as error:
            self._faults["state"] = str(error)
        for said in change.said:
            self._diary.note(*said)

    def _tell_all(self, epoch: int) -> None:
        """Report everything that is known once more, since the policy asks for it."""
        try:
            with self._ledger.together():
                self._ledger.retell(time.time())
                self._ledger.digest(time.time(), epoch, self._diary.audit)
        except LedgerError as error:
            self._faults["state"] = str(error)

    def digest(self) -> None:
        """Report what is open as counts and a hash; raises LedgerError."""
        kept = self.kept
        self._ledger.digest(time.time(), kept.epoch if kept else 0, self._diary.audit)

    @property
    def kept(self) -> Kept | None:
        """The policy that the role works by, None where nothing is known of it."""
        told = self._ledger.base.execute("SELECT value FROM meta WHERE name = ?", (_POLICY,))
        with contextlib.suppress(msgspec.MsgspecError, ValueError, TypeError):
            for (packed,) in told.fetchall():
                return packing.unpack(packed, Kept)
        return None
