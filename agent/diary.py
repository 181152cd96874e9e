"""A role's own audit log: what is noted is written at once, or as soon as it can be. EDGE."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

from agent import audit
from agent.auditlog import AuditError, Said
from agent.events import Audit

if TYPE_CHECKING:
    from pathlib import Path

_MOST: Final = 200
"""Notes that wait for a disk that is full."""
_FAULT: Final = "audit"


class Diary:
    """The log, and what could not be written into it yet."""

    def __init__(self, folder: Path, name: str, faults: dict[str, str]) -> None:
        """Open the log; where that fails it is a fault, and tried again with the next note."""
        self._path, self._name, self._faults = folder / audit.NAME, name, faults
        self._chain: audit.Chain | None = None
        self._waiting: deque[tuple[Said, float]] = deque(maxlen=_MOST)
        self._lost = 0

    def note(self, act: str, subject: str = "", result: str = "") -> None:
        """Note an act of this role, or on it; holds no secret."""
        if len(self._waiting) == _MOST:
            self._lost += 1
        self._waiting.append((Said(act, subject, result), time.time()))
        self.write()

    def write(self) -> None:
        """Write what waits; what cannot be written waits on, and is a fault of the role."""
        if not self._waiting:
            return
        try:
            if self._chain is None:
                self._chain = audit.Chain(self._path, self._name)
            if self._lost:
                lost = Said("notes lost", self._name, f"{self._lost} of them")
                self._chain.append(lost, time.time())
                self._lost = 0
            while self._waiting:
                self._chain.append(*self._waiting[0])
                self._waiting.popleft()
            self._faults.pop(_FAULT, None)
        except AuditError as error:
            self._faults[_FAULT] = str(error)

    @property
    def head(self) -> str:
        """The head of the log as text, "" where there is none."""
        return str(self._chain.head) if self._chain and self._chain.head.sequence else ""

    @property
    def audit(self) -> Audit | None:
        """How far the log is, for reports."""
        if self._chain is None or not self._chain.head.sequence:
            return None
        return Audit(chain=self._name, **self._chain.head._asdict())

    def close(self) -> None:
        """Let go of the log."""
        if self._chain is not None:
            self._chain.close()
            self._chain = None
