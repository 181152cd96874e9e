"""Ask one HTTPS server over a connection that is kept, within times and up to a length. EDGE.

An answer counts with a whole head only; nothing is followed, unpacked or kept of one question for
the next. The token and our own certificate are read anew from private files.
"""

from __future__ import annotations

import contextlib
import datetime
import email.utils
import http.client
import io
import re
import ssl
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

from agent import __version__, tlsdial
from agent.credentials import CredentialError
from agent.tlsdial import DialError, Identity, Target
from checks.errors import HygieneError

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from agent.tlsdial import Timed

_TARGET: Final = re.compile(r"[!-~]+")
_HTTPS: Final = 443
_PROXY: Final = 3128


class AddressError(HygieneError):
    """An address, or what goes with it, that cannot work; names the setting, repeats no value."""


class AskError(HygieneError):
    """There is no answer that could be used; says why in few words, never what was sent."""


class Access(Protocol):
    """Where to go and as whom: the settings that everything has which asks a server."""

    @property
    def url(self) -> str:
        """The server's, https only."""

    @property
    def ca(self) -> str:
        """The file of authorities to believe, "" for the system's."""

    @property
    def certificate(self) -> str:
        """Our own, "" for none."""

    @property
    def key(self) -> str:
        """Its key, "" where it is in the same file."""

    @property
    def token_file(self) -> str:
        """A private file with a bearer token, "" for none."""

    @property
    def token_credential(self) -> str:
        """The name of systemd's credential with it, "" for none."""

    @property
    def proxy(self) -> str:
        """Which one, as http://HOST:PORT, "" for none."""


class Times(NamedTuple):
    """Seconds that connecting, sending a request and taking its answer may take."""

    connect: float
    write: float
    answer: float


class Request(NamedTuple):
    """What to ask. path: as it goes over the wire, with its query; body: None for none."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None


class Answer(NamedTuple):
    """What came. body: no more than was allowed; whole: it is all of it."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    whole: bool


class _Lines(io.BufferedReader):
    """Reads lines that are whole; the end of the connection in one is told as what it is."""

    def readline(self, size: int | None = -1, /) -> bytes:
        """Give a line with its end."""
        line = super().readline(size)
        if not line.endswith(b"\n"):
            raise ConnectionError("the answer broke off")
        return line


class _Response(http.client.HTTPResponse):
    """An answer with a whole head: the standard one takes half a head for all of it."""

    def __init__(self, sock: socket.socket, *more: Any, **named: Any) -> None:  # noqa: ANN401 - the library's
        """Read from a connection."""
        super().__init__(sock, *more, **named)
        self.fp = _Lines(self.fp.detach())


class Client:
    """The server, over one connection that is kept."""

    def __init__(self, access: Access, times: Times) -> None:
        """Keep where to go; the network is first used by `ask`. Raises AddressError."""
        if access.token_file and access.token_credential:
            raise AddressError("token_file and token_credential: expected one of them")
        if access.key and not access.certificate:
            raise AddressError("key: expected a certificate with it")
        self._access, self._times, self._target = access, times, _target(access)
        self._identity = Identity(access.ca, access.certificate, access.key)
        self._connection: Timed | None = None

    def ask(self, request: Request, most: int) -> Answer:
        """Give the answer, with no more than MOST bytes of its body; raises AskError.

        Where the kept connection is gone, it is asked once more over a new one.
        """
        try:
            return self._asked(request._replace(headers=self._headers(request)), most)
        except (CredentialError, DialError) as error:
            raise AskError(str(error)) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise AskError(tlsdial.why(error)) from error

    def _asked(self, request: Request, most: int) -> Answer:
        if self._connection is not None:
            with contextlib.suppress(ConnectionError, ssl.SSLError, http.client.BadStatusLine):
                return self._exchanged(self._connection, request, most)
        self._connection = tlsdial.dial(self._target, self._identity, self._times.connect)
        return self._exchanged(self._connection, request, most)

    def _headers(self, request: Request) -> dict[str, str]:
        """Give what goes with a request; raises CredentialError."""
        access = self._access
        token = tlsdial.authorization(access.token_file, access.token_credential)
        return {
            "Accept": "*/*",
            "User-Agent": f"hygiene-agent/{__version__}",
            **request.headers,
            **({"Authorization": token.header()} if token else {}),
        }

    def _exchanged(self, connection: Timed, request: Request, most: int) -> Answer:
        """Ask and be answered; the connection is kept only if all of the answer was read."""
        kept = False
        try:
            with contextlib.closing(self._answered(connection, request)) as response:
                body = response.read(most + 1)
                # Without a length and not in chunks, TLS's own farewell says that this is the end.
                ended = response.isclosed() or (response.length is None and not response.chunked)
                whole = ended and len(body) <= most
                kept = whole and not response.will_close
                return Answer(response.status, response.headers, body[:most], whole)
        finally:
            if not kept:
                self.close()

    def _answered(self, connection: Timed, request: Request) -> http.client.HTTPResponse:
        """Send a request and read the head of its answer."""
        client = http.client.HTTPConnection(self._target.host, self._target.port)
        client.default_port = _HTTPS  # what the Host header leaves out
        client.response_class = _Response
        client.sock = connection
        connection.within(self._times.write)
        try:
            client.request(request.method, request.path, request.body, dict(request.headers))
        except ConnectionError:
            # Who answers without taking the whole request may have gone, and is heard all the same.
            connection.within(self._times.answer)
            with contextlib.ExitStack() as failed:
                response: http.client.HTTPResponse = _Response(connection, method=request.method)
                failed.callback(response.close)
                response.begin()
                failed.pop_all()
            return response
        connection.within(self._times.answer)
        return client.getresponse()

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            tlsdial.drop(self._connection)
            self._connection = None


def path(access: Access) -> str:
    """Give the path of the address, with its query, as it goes over the wire."""
    split = urlsplit(access.url)
    return (split.path or "/") + (f"?{split.query}" if split.query else "")


def moment(told: str) -> float | None:
    """Read a date of HTTP (RFC 9110 5.6.7), in seconds since 1970; None for anything else."""
    try:
        found = email.utils.parsedate_to_datetime(told)
        return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).timestamp()
    except (ValueError, OverflowError, IndexError):
        return None


def _target(access: Access) -> Target:
    url = _split("url", access.url)
    proxy = None
    if access.proxy:
        split = _split("proxy", access.proxy)
        proxy = (split.hostname or "", _port("proxy", split) or _PROXY)
    host = url.hostname or ""
    return Target(host, _port("url", url) or _HTTPS, host, proxy)


def _split(name: str, url: str) -> SplitResult:
    """Take an address apart; raises AddressError, without the address: it may hold a secret."""
    try:
        split = urlsplit(url)
    except ValueError as error:
        raise AddressError(f"{name}: not an address") from error
    if split.username is not None or split.password is not None:
        raise AddressError(f"{name}: no user or password may be in it")
    if not split.hostname or not _TARGET.fullmatch(url) or split.fragment:
        raise AddressError(f"{name}: not an address")
    return split


def _port(name: str, split: SplitResult) -> int | None:
    try:
        return split.port
    except ValueError as error:
        raise AddressError(f"{name}: not a port") from error
