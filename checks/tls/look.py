"""Look at one endpoint: hellos first, then whole handshakes for what only they show. EDGE.

A further name of a listener is looked at by fewer questions, see `further`.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import msgspec

from checks.tls.asking import Asker
from checks.tls.dial import Dialer
from checks.tls.further import Further, OtherwiseError
from checks.tls.meeting import Meeting
from checks.tls.probe import Probe

if TYPE_CHECKING:
    from checks.tls.facts import EndpointFacts, Target
    from checks.tls.pace import Pace

_SECONDS: Final = 8.0
_MOST: Final = 96
"""Connections; for a server that hangs up on what it refuses, others take half of them."""
_MOST_SUITES: Final = 400
"""Connections when every suite of every version is asked for."""


def observe(
    target: Target,
    *,
    seconds: float = _SECONDS,
    all_suites: bool = False,
    pace: Pace | None = None,
    known: EndpointFacts | None = None,
) -> EndpointFacts:
    """Look at a target for at most SECONDS; what could not be settled is part of the facts.

    pace: that of its listener, where others ask it at the same time; known: what a whole look at
    the same listener showed under another name, if it `further.can_guide`.
    """
    started = time.monotonic()
    dialer = Dialer(target, seconds, _MOST_SUITES if all_suites else _MOST, pace)
    facts = _further(dialer, target, known) if known and not all_suites else None
    if facts is None:
        facts = _whole(dialer, target, all_suites=all_suites)
    return msgspec.structs.replace(
        facts,
        seconds=time.monotonic() - started,
        connections=dialer.connections,
        failed=dialer.failed,
    )


def _further(dialer: Dialer, target: Target, known: EndpointFacts) -> EndpointFacts | None:
    asker = Asker(dialer)
    try:
        facts = Further(asker, target, os.urandom, known).observe()
    except OtherwiseError:
        return None
    return None if asker.unseen() else facts


def _whole(dialer: Dialer, target: Target, *, all_suites: bool) -> EndpointFacts:
    asker = Asker(dialer)
    facts = Probe(asker, target, os.urandom).observe(all_suites=all_suites)
    if facts.speaks_tls:
        facts = Meeting(asker, facts, os.urandom).completed()
    return msgspec.structs.replace(facts, unseen=(*facts.unseen, *asker.unseen()))
