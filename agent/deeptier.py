"""Have sslyze examine endpoints that speak TLS, a few at a time, and add what it sees. EDGE."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Final

import msgspec

from checks.model import Inconclusive

if TYPE_CHECKING:
    from checks.tls.deepenv import Interpreter
    from checks.tls.facts import EndpointFacts

_AT_ONCE: Final = 2
"""Children at the same time: each takes a processor and 60 MB for some seconds."""


class DeepTier:
    """The deep tier of one run; without an interpreter it leaves everything as it is."""

    def __init__(
        self,
        python: Interpreter | None = None,
        seconds: int = 0,
        unseen: tuple[Inconclusive, ...] = (),
    ) -> None:
        """Take what runs sslyze, how long one endpoint may take, and what is not looked at."""
        self._python = python
        self._seconds = seconds
        self.unseen = unseen
        self._free = threading.BoundedSemaphore(_AT_ONCE)

    def examined(self, facts: EndpointFacts) -> EndpointFacts:
        """Add what sslyze sees to our own look; may be called by several threads."""
        if self._python is None or not facts.speaks_tls:
            return facts
        from checks.tls import deep, deepfacts
        from checks.tls.deepfacts import DeepError

        with self._free:
            try:
                seen = deep.look(facts.target, self._python, seconds=self._seconds or deep.SECONDS)
            except DeepError as error:
                return msgspec.structs.replace(facts, unseen=(*facts.unseen, str(error)))
        return deepfacts.folded(facts, seen)


def prepared(seconds: int) -> DeepTier:
    """Find sslyze's environment and check it; where there is none, the run says how to get one."""
    from checks.tls import deepenv
    from checks.tls.deepfacts import DeepError

    path = deepenv.location(os.environ, sys.prefix)
    try:
        return DeepTier(deepenv.believed(path), seconds)
    except DeepError as error:
        hint = "" if os.path.exists(path) else f"hint: {_hint(path)}"
        return DeepTier(unseen=(Inconclusive("--deep", str(error), hint),))


def _hint(path: str) -> str:
    """Say how an environment for sslyze is made, or named."""
    from checks.tls import deepenv

    if os.environ.get(deepenv.VARIABLE):
        return f"{deepenv.VARIABLE} has to name the Python of an environment that has sslyze"
    home = os.path.dirname(os.path.dirname(path))
    return f"python3 -m venv {home}; {home}/bin/pip install sslyze (packaging/try does it)"
