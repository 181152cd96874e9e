"""An HTTPS server that takes reports: lines of OCSF (NDJSON, gzip) by POST. EDGE.

2xx: it has them. 429 and 5xx: again, when `Retry-After` says. 413: in smaller pieces. 400 and 422:
never. Everything else, redirects too, is a fault in how it is set up: again, later. Only the status
and `Retry-After` of an answer are used; the rest is read up to a limit, and told to nobody.
"""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from agent import httpsclient, ocsf
from agent.httpsclient import AddressError, AskError, Client, Request, Times
from agent.sinks import Delivered, Refused, Retry, SinkError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.events import Event, Host
    from agent.sinks import Batch, Outcome

_Seconds = Annotated[int, msgspec.Meta(ge=1, le=600)]
_File = Annotated[str, msgspec.Meta(pattern="^(/|$)", max_length=4096)]
_ANSWER: Final = 64 * 1024
"""Bytes of an answer's body that are read, so that the connection can be used again."""
_LONGEST: Final = 3600.0
"""Seconds: nobody can ask for a longer pause."""
_PIECE: Final = 1000
"""Events in one request until the other side asks for less."""
_NEVER: Final = {400, 422}
_LATER: Final = {408, 429, 500, 502, 503, 504}
_CONFLICT: Final = 409
_TOO_LARGE: Final = 413
_HEADERS: Final = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """url: https only. ca: "" for the system's; certificate and key: who we are, "" for nobody.

    token_file or token_credential (systemd's): a bearer token; proxy: "http://HOST:PORT". connect,
    write and answer: seconds each of these may take.
    """

    url: Annotated[str, msgspec.Meta(pattern="^https://", max_length=4096)]
    ca: _File = ""
    certificate: _File = ""
    key: _File = ""
    token_file: _File = ""
    token_credential: Annotated[str, msgspec.Meta(max_length=128)] = ""
    proxy: Annotated[str, msgspec.Meta(pattern="^(http://|$)", max_length=1024)] = ""
    connect: _Seconds = 10
    write: _Seconds = 60
    answer: _Seconds = 60


def open(settings: Settings, _name: str, _state: Path) -> Https:  # noqa: A001 - what every sink offers
    """Make the sink; raises SinkError for settings that cannot work, whatever the network does."""
    times = Times(settings.connect, settings.write, settings.answer)
    try:
        return Https(Client(settings, times), httpsclient.path(settings))
    except AddressError as error:
        raise SinkError(str(error)) from error


class Https:
    """The server, over one connection that is kept."""

    def __init__(self, client: Client, path: str) -> None:
        """Keep whom to ask; the network is first used by `deliver`."""
        self._client, self._path = client, path
        self._piece = _PIECE

    def deliver(self, batch: Batch) -> Outcome:
        """Post the events, in as many requests as the other side wants."""
        left = batch.events
        while left:
            piece = left[: self._piece]
            outcome = self._posted(piece, batch.host)
            if outcome is None:
                self._piece = max(len(piece) // 2, 1)
                continue
            if not isinstance(outcome, Delivered):
                return outcome
            left = left[len(piece) :]
            self._piece = min(self._piece + max(self._piece // 8, 1), _PIECE)
        return Delivered()

    def _posted(self, events: Sequence[Event], host: Host) -> Outcome | None:
        """Post once; None where fewer events have to be tried."""
        lines = b"".join(ocsf.line(event, host) for event in events)
        body = gzip.compress(lines, compresslevel=6, mtime=0)
        try:
            answer = self._client.ask(Request("POST", self._path, _HEADERS, body), _ANSWER)
        except AskError as error:
            return Retry(str(error))
        if answer.status == _TOO_LARGE and len(events) > 1:
            return None
        return _judged(answer.status, _pause(answer.headers.get("Retry-After", ""), time.time()))

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


def _judged(status: int, after: float) -> Outcome:
    """Say what a status means for the events."""
    if 200 <= status < 300:
        return Delivered()
    if status in _NEVER or status == _TOO_LARGE:
        return Refused(f"HTTP {status}")
    if status == _CONFLICT:
        return Retry("HTTP 409: another copy of this agent's state may be reporting", after)
    if status in {401, 403}:
        return Retry(f"HTTP {status}: the credentials are not accepted", after)
    if 300 <= status < 400:
        return Retry(f"HTTP {status}: redirects are not followed", after)
    if status in _LATER or status >= 500:
        return Retry(f"HTTP {status}", after)
    return Retry(f"HTTP {status}: the address or its server is not set up for reports", after)


def _pause(told: str, now: float) -> float:
    """Read a Retry-After (RFC 9110 10.2.3), seconds or a date; 0 for anything else."""
    told = told.strip()
    if told.isascii() and told.isdecimal():
        return min(float(told[:9]), _LONGEST)
    moment = httpsclient.moment(told)
    return 0 if moment is None else min(max(moment - now, 0), _LONGEST)
