"""What other processes do for the keeper: reload a server, and prove what it serves. EDGE.

A reload that systemd does is asked for by a file that a root-owned path unit waits for; one by a
command is asked of the supervisor. A handshake is asked of the prober.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent import powers, requests
from agent.requests import Do, RequestError
from agent.requests import Prove as Proof

if TYPE_CHECKING:
    from agent.keysettings import Prove
    from agent.settings import Settings

_ACTIONS: Final = "actions"
"""The folder below the keeper's own in /run that path units watch."""
_DOING: Final = 30.0
"""Seconds that an action may take."""
_PROVING: Final = 10.0
"""Seconds within which a server has to serve what it was told to take up."""
_PAUSE: Final = 0.1


class Asking:
    """Asks by files; nothing here has a power of its own."""

    def __init__(self, settings: Settings) -> None:
        """Keep where to ask."""
        self._settings = settings

    def act(self, action: str) -> str:
        """Have an allowed action done; gives why it could not be, "" if it was."""
        told = self._settings.actions.get(action)
        if told is None:
            return "not among the actions of the bootstrap file"
        if told.command:
            answer = self._asked("supervisor", Do(action=action), _DOING)
            return "" if answer[0] else answer[1]
        place = Path(self._settings.vault.folder) / _ACTIONS / action
        try:
            descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC)
            os.utime(descriptor)
            os.close(descriptor)
        except OSError as error:
            return f"{place}: {error.strerror}"
        return ""

    def served(self, prove: Prove, sha256: str) -> str:
        """Wait until that certificate is served; gives why it is not, "" if it is."""
        ends = time.monotonic() + _PROVING
        while True:
            done, said = self._asked(
                "prober", Proof(address=prove.address, name=prove.name), _PROVING
            )
            if done and said == sha256:
                return ""
            if time.monotonic() > ends:
                return f"another certificate is served, {said[:16]}" if done else said
            time.sleep(_PAUSE)

    def _asked(self, role: str, request: Do | Proof, seconds: float) -> tuple[bool, str]:
        folder = Path(powers.folder(self._settings, role))
        published = Path(powers.published(self._settings, role))
        try:
            put = requests.put(folder, request)
        except RequestError as error:
            return False, str(error)
        answer = requests.wait(published, put, seconds)
        return (answer.done, answer.result) if answer else (False, f"{role} did not answer")
