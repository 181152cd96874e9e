"""An HTTPS server that takes reports: lines of OCSF (NDJSON, gzip) by POST. EDGE.

2xx: it has them. 429 and 5xx: again, when `Retry-After` says. 413: in smaller pieces. 400 and 422:
never. Everything else, redirects too, is a fault in how it is set up: again, later. Only the status
and `Retry-After` of an answer are used; the rest is read up to a limit, and told to nobody.
"""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import gzip
import http.client
import io
import re
import ssl
import time
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from agent import __version__, ocsf, tlsdial
from agent.credentials import CredentialError
from agent.sinks import Delivered, Refused, Retry, SinkError
from agent.tlsdial import DialError, Identity, Target

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from pathlib import Path
    from urllib.parse import SplitResult

    from agent.events import Event, Host
    from agent.sinks import Batch, Outcome
    from agent.tlsdial import Timed

_Seconds = Annotated[int, msgspec.Meta(ge=1, le=600)]
_File = Annotated[str, msgspec.Meta(pattern="^(/|$)", max_length=4096)]
_ANSWER: Final = 64 * 1024
"""Bytes of an answer's body that are read, so that the connection can be used again."""
_LONGEST: Final = 3600.0
"""Seconds: nobody can ask for a longer pause."""
_PIECE: Final = 1000
"""Events in one request until the other side asks for less."""
_TARGET: Final = re.compile(r"[!-~]+")
_NEVER: Final = {400, 422}
_LATER: Final = {408, 429, 500, 502, 503, 504}
_TOO_LARGE: Final = 413


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
    if settings.token_file and settings.token_credential:
        raise SinkError("token_file and token_credential: expected one of them")
    if settings.key and not settings.certificate:
        raise SinkError("key: expected a certificate with it")
    return Https(settings, _target(settings))


def _target(settings: Settings) -> Target:
    url = _split("url", settings.url)
    proxy = None
    if settings.proxy:
        split = _split("proxy", settings.proxy)
        proxy = (split.hostname or "", _port("proxy", split) or 3128)
    host = url.hostname or ""
    return Target(host, _port("url", url) or 443, host, proxy)


def _split(name: str, url: str) -> SplitResult:
    """Take an address apart; raises SinkError, which does not repeat it: it may hold a secret."""
    try:
        split = urlsplit(url)
    except ValueError as error:
        raise SinkError(f"{name}: not an address") from error
    if split.username is not None or split.password is not None:
        raise SinkError(f"{name}: no user or password may be in it")
    if not split.hostname or not _TARGET.fullmatch(url) or split.fragment:
        raise SinkError(f"{name}: not an address")
    return split


def _port(name: str, split: SplitResult) -> int | None:
    try:
        return split.port
    except ValueError as error:
        raise SinkError(f"{name}: not a port") from error


class _Lines(io.BufferedReader):
    """Reads lines that are whole; the end of the connection in one is told as what it is."""

    def readline(self, size: int | None = -1, /) -> bytes:
        """Give a line with its end."""
        line = super().readline(size)
        if not line.endswith(b"\n"):
            raise ConnectionError("the answer broke off")
        return line


class _Answer(http.client.HTTPResponse):
    """An answer with a whole head: the standard one takes half a head for all of it."""

    def __init__(self, sock: socket.socket, *more: Any, **named: Any) -> None:  # noqa: ANN401 - the library's
        """Read from a connection."""
        super().__init__(sock, *more, **named)
        self.fp = _Lines(self.fp.detach())


class Https:
    """The server, over one connection that is kept."""

    def __init__(self, settings: Settings, target: Target) -> None:
        """Keep where to go; the network is first used by `deliver`."""
        self._settings, self._target = settings, target
        split = urlsplit(settings.url)
        self._path = (split.path or "/") + (f"?{split.query}" if split.query else "")
        self._identity = Identity(settings.ca, settings.certificate, settings.key)
        self._connection: Timed | None = None
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
            status, after = self._asked(body)
        except (CredentialError, DialError) as error:
            return Retry(str(error))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Retry(tlsdial.why(error))
        if status == _TOO_LARGE and len(events) > 1:
            return None
        return _judged(status, after)

    def _asked(self, body: bytes) -> tuple[int, float]:
        """Give the status and for how long to wait; over a new connection if the kept one is gone.

        Raises CredentialError, DialError, OSError or HTTPException.
        """
        headers = self._headers()
        if self._connection is not None:
            with contextlib.suppress(ConnectionError, ssl.SSLError, http.client.BadStatusLine):
                return self._exchanged(self._connection, headers, body)
        self._connection = tlsdial.dial(self._target, self._identity, self._settings.connect)
        return self._exchanged(self._connection, headers, body)

    def _headers(self) -> dict[str, str]:
        """Give what goes with a request; raises CredentialError."""
        settings = self._settings
        token = tlsdial.authorization(settings.token_file, settings.token_credential)
        return {
            "Accept": "*/*",
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
            "User-Agent": f"hygiene-agent/{__version__}",
            **({"Authorization": token.header()} if token else {}),
        }

    def _exchanged(
        self, connection: Timed, headers: dict[str, str], body: bytes
    ) -> tuple[int, float]:
        """Ask and be answered; the connection is kept only if all of the answer was read."""
        kept = False
        client = http.client.HTTPConnection(self._target.host, self._target.port)
        client.default_port = 443  # what the Host header leaves out
        client.response_class = _Answer
        client.sock = connection
        try:
            connection.within(self._settings.write)
            try:
                client.request("POST", self._path, body, headers)
            except ConnectionError:
                connection.within(self._settings.answer)
                answer = _early(client)
            else:
                connection.within(self._settings.answer)
                answer = client.getresponse()
            kept = len(answer.read(_ANSWER)) < _ANSWER and not answer.will_close
            kept = kept and answer.isclosed()
            return answer.status, _pause(answer.getheader("Retry-After", ""), time.time())
        finally:
            if not kept:
                self._connection = None
                tlsdial.drop(connection)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            tlsdial.drop(self._connection)
            self._connection = None


def _early(client: http.client.HTTPConnection) -> http.client.HTTPResponse:
    """Read the answer of a server that gave it without taking the whole request."""
    response = _Answer(client.sock, method="POST")
    response.begin()
    return response


def _judged(status: int, after: float) -> Outcome:
    """Say what a status means for the events."""
    if 200 <= status < 300:
        return Delivered()
    if status in _NEVER or status == _TOO_LARGE:
        return Refused(f"HTTP {status}")
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
    try:
        moment = email.utils.parsedate_to_datetime(told)
    except (ValueError, OverflowError, IndexError):
        return 0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    return min(max(moment.timestamp() - now, 0), _LONGEST)
