"""Ask a port for a page in plain HTTP: whether it sends its visitors on to HTTPS. EDGE."""

from __future__ import annotations

import contextlib
import time
from typing import Final

from checks.tls import http
from checks.tls.facts import EndpointFacts, Target
from checks.tls.line import Line
from checks.tls.pace import Pace

SECONDS: Final = 1.0
_MOST: Final = 64 * 1024


def observe(
    target: Target, pace: Pace | None = None, *, seconds: float = SECONDS
) -> EndpointFacts | None:
    """Give what a port says in plain HTTP, None where it does not answer in it.

    pace: that of its listener, where others ask it at the same time.
    """
    answer = b""
    until = time.monotonic() + seconds
    with (
        contextlib.suppress(OSError),
        (pace or Pace()).turn(until),
        contextlib.closing(Line(target, until)) as line,
    ):
        line.say(http.request(http.authority(target)))
        while b"\r\n\r\n" not in answer and len(answer) < _MOST and (data := line.hear()):
            answer += data
    said = http.read(answer)
    return EndpointFacts(target=target, versions={}, http=said, connections=1) if said else None
