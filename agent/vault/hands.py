"""What other processes do for the keeper: reload a server, and prove what it serves. EDGE.

For each service that may be reloaded there is a path unit of root's. It waits for a file, which its
service removes before anything else; what came of it is then one word in a folder of root's, also
before the next file is waited for. So a file that is gone with a word after it was asked and done.
A command is asked of the supervisor, a handshake of the prober.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from agent import powers, proving, requests
from agent.requests import Do, RequestError
from agent.requests import Prove as Proof
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.keysettings import Action, Prove
    from agent.settings import Settings

_T = TypeVar("_T")
_TAKING: Final = 15.0
"""Seconds within which a path unit takes a file that is there: it does at most one a second."""
_DOING: Final = 60.0
"""Seconds that an action may take; the services that act are given a little less."""
_PROVING: Final = 10.0
"""Seconds within which a server has to serve what it was told to take up."""
_PAUSE: Final = 0.1
_LONGEST: Final = 64
_STOPPING: Final = "the keeper was told to stop"


class Asking:
    """Asks by files; nothing here has a power of its own."""

    def __init__(self, settings: Settings, stopping: threading.Event | None = None) -> None:
        """Keep where to ask. stopping: once it is set nothing is waited for, only asked."""
        self._settings = settings
        self._stopping = stopping or threading.Event()

    def act(self, action: str) -> str:
        """Have an allowed action done; gives why it could not be, "" if it was."""
        told = self._settings.actions.get(action)
        if told is None:
            return "not among the actions of the bootstrap file"
        if told.command:
            done, said = self._asked(powers.SUPERVISOR, Do(action=action), _DOING)
            return "" if done else said
        return self._by_unit(told) if told.unit else "has no unit in the bootstrap file"

    def served(self, prove: Prove, sha256: str) -> str:
        """Wait until that certificate is served; gives why it is not, "" if it is."""
        ends = time.monotonic() + _PROVING
        while True:
            done, said = self._asked(
                "prober", Proof(address=prove.address, name=prove.name), _PROVING
            )
            if done and proving.which(said) == sha256:
                return ""
            if time.monotonic() > ends or self._stopping.is_set():
                return f"another certificate is served, {said[:16]}" if done else said
            self._stopping.wait(_PAUSE)

    def _by_unit(self, told: Action) -> str:
        """Have systemd reload or restart a service, by its path unit."""
        verb, name = "restart" if told.restart else "reload", told.unit.removesuffix(".service")
        asked, results = (Path(one) / f"{verb}-{name}" for one in powers.acting(self._settings))
        try:
            os.close(os.open(asked, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        except OSError as error:
            return f"{asked}: {error.strerror}"
        if not self._until(lambda: not os.path.lexists(asked), _TAKING):
            if self._stopping.is_set():  # it is done without us
                return _STOPPING
            with contextlib.suppress(OSError):
                asked.unlink()
            return f"nobody does it: is hygiene-agent-{verb}@{name}.path started?"
        word = self._until(lambda: _word(results), _DOING)
        if not word:
            return _STOPPING if self._stopping.is_set() else f"takes longer than {_DOING:.0f} s"
        return "" if word == "success" else f"systemctl {verb} {told.unit}: {word}"

    def _until(self, look: Callable[[], _T], seconds: float) -> _T:
        """Look again and again for what counts as true; gives what was seen last."""
        ends = time.monotonic() + seconds
        while not (seen := look()):
            if time.monotonic() > ends or self._stopping.wait(_PAUSE):
                break
        return seen

    def _asked(self, role: str, request: Do | Proof, seconds: float) -> tuple[bool, str]:
        folder = Path(powers.folder(self._settings, role))
        published = Path(powers.published(self._settings, role))
        try:
            put = requests.put(folder, request)
        except RequestError as error:
            return False, str(error)
        answer = self._until(lambda: requests.wait(published, put, 0), seconds)
        if answer is None:
            return False, _STOPPING if self._stopping.is_set() else f"{role} did not answer"
        return answer.done, answer.result


def _word(results: Path) -> str:
    """Give what came of an action in systemd's word (systemd.exec(5), $SERVICE_RESULT), "" yet."""
    try:
        with open(results, encoding="ascii", errors="replace") as file:
            said = file.read(_LONGEST)
    except OSError:
        return ""
    return printable(said.strip()) if said.endswith("\n") else ""
