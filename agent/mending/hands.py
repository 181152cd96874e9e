"""What other processes do for the mender: test, reload, and look at what is served. EDGE."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from agent import powers, requests
from agent.mending.thing import MendError
from agent.requests import Judge, RequestError
from agent.vault import hands

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.settings import Settings

_SECONDS: Final = 30.0


class Asking:
    """Asks by files; nothing here has a power of its own."""

    def __init__(self, settings: Settings, beat: Callable[[], None]) -> None:
        """Keep where to ask. beat: tells, before each wait, that this role lives."""
        self._settings, self._beat = settings, beat
        self._acting = hands.Asking(settings)

    def act(self, action: str) -> str:
        """Have an allowed action done; gives why it could not be, "" if it was."""
        self._beat()
        return self._acting.act(action)

    def judged(self, endpoint: str) -> dict[str, int]:
        """Have "ADDRESS:PORT" or "ADDRESS:PORT/NAME" looked at; raises MendError."""
        self._beat()
        address, _, name = endpoint.partition("/")
        folder = Path(powers.folder(self._settings, "prober"))
        published = Path(powers.published(self._settings, "prober"))
        try:
            put = requests.put(folder, Judge(address=address, name=name))
        except RequestError as error:
            raise MendError(str(error)) from None
        answer = requests.wait(published, put, _SECONDS)
        if answer is None:
            raise MendError(f"{endpoint}: the prober did not answer")
        if not answer.done:
            raise MendError(answer.result)
        try:
            return msgspec.json.decode(answer.result, type=dict[str, int])
        except msgspec.MsgspecError:
            raise MendError(f"{endpoint}: the prober did not say what it saw") from None
