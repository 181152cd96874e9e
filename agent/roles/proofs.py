"""Say what a server of this host serves now, to the keeper and the mender, each in a thread. EDGE.

One server that hangs keeps nobody else from being answered.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from agent import proving
from agent.proving import ProvingError
from agent.requests import Judge, Prove
from checks.tls.listeners import Lister

if TYPE_CHECKING:
    from agent.requests import Request
    from checks.tls.facts import Target

Told = tuple[str, bool]
"""What is answered, and whether it was done."""
Judged = Callable[["Target"], dict[str, int] | None]
"""Give the severity of each check that an endpoint fails; None where it speaks no TLS."""
_AT_ONCE: Final = 4
_MOST: Final = 64
"""Requests that are known at the same time; others wait for their turn."""
_SOON: Final = 0.05
"""Seconds in which most servers answer: their askers need not wait for another turn."""


class Proofs:
    """The requests that are being seen to, by their ids."""

    def __init__(self, judged: Judged) -> None:
        """judged: is called in threads."""
        self._judged = judged
        self._lister = Lister()
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._going: dict[str, Future[Told]] = {}

    def answer(self, asked: Request) -> Told | None:
        """Say which certificate is served, or which checks fail; None: not known yet, ask again."""
        going = self._going.get(asked.id)
        if going is None:
            if len(self._going) >= _MOST and not self._unclaimed():
                return None
            going = self._going[asked.id] = self._pool.submit(self._told, asked)
            if len(self._going) == 1:
                with suppress(TimeoutError):
                    going.result(_SOON)
        if not going.done():
            return None
        del self._going[asked.id]
        return going.result()

    def close(self) -> None:
        """Wait for no server any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _unclaimed(self) -> bool:
        """Drop the oldest answer that nobody came for; say whether there was one."""
        for key, going in self._going.items():
            if going.done():
                del self._going[key]
                return True
        return False

    def _told(self, asked: Request) -> Told:
        assert isinstance(asked, Judge | Prove)
        found = {(one.address, one.port) for one in self._lister.look().listeners}
        try:
            if isinstance(asked, Prove):
                return proving.served(asked.address, asked.name, found), True
            worst = self._judged(proving.target(asked.address, asked.name, found))
        except ProvingError as error:
            return str(error), False
        if worst is None:
            return f"{asked.address}: does not speak TLS", False
        return msgspec.json.encode(worst).decode(), True
