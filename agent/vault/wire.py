"""Have what requests would send go over a connection of our own. EDGE.

That is `agent.httpsclient`: TLS with a checked name, a kept connection, a time for the whole
answer, a longest answer; nothing is followed, nothing comes from the environment.
"""

from __future__ import annotations

import http.client
import io
import ssl
from typing import TYPE_CHECKING, Final, NamedTuple

import requests
from requests.adapters import BaseAdapter

from agent import httpsclient
from agent.credentials import CredentialError
from agent.httpsclient import AddressError, AskError, Times
from agent.vault import answers
from agent.vault.errors import VaultError, Why
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.httpsclient import Answer
    from agent.keysettings import VaultSettings

_SHARES: Final = Times(connect=0.3, write=0.1, answer=0.6)
"""Of the time for a whole answer. Where a kept connection breaks, it is asked once more, so that
all together may take 1.7 times as long."""
_OUR_OWN: Final = {"accept", "accept-encoding", "connection", "user-agent"}
"""Headers that httpsclient writes itself."""


class _Place(NamedTuple):
    """Where Vault is, and as whom we come."""

    url: str
    ca: str
    certificate: str
    key: str
    token_file: str = ""
    token_credential: str = ""
    proxy: str = ""


class Wire(BaseAdapter):
    """Takes what requests would send; raises VaultError for all but a good answer.

    requests: how many there were; asked: the path of the last one.
    """

    def __init__(self, settings: VaultSettings) -> None:
        """Keep where to go; the network is first used by `send`. Raises VaultError."""
        super().__init__()
        if not settings.address.startswith("https://"):
            raise VaultError(Why.REFUSED, "vault.address: expected https://")
        place = _Place(settings.address, settings.ca, settings.certificate, settings.key)
        try:
            times = Times(*(share * settings.timeout for share in _SHARES))
            self._client = httpsclient.Client(place, times)
        except AddressError as error:
            raise VaultError(Why.REFUSED, f"vault.{error}") from None
        self.requests = 0
        self.asked = "vault"

    def send(
        self, request: requests.PreparedRequest, *_: object, **__: object
    ) -> requests.Response:
        """Ask; time, trust and identity are our own, whatever is given."""
        self.requests += 1
        path = request.path_url
        self.asked = what = printable(path.partition("?")[0].removeprefix("/v1/"), longest=200)
        if request.method != "GET":
            # Over a connection that turns out to be gone it would be asked twice.
            self._client.close()
        try:
            answer = self._client.ask(_plain(request, path), answers.LONGEST)
        except AskError as error:
            raise VaultError(_why(error), f"{what}: {error}") from None
        return _response(request, answers.good(what, answer))

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


def _plain(request: requests.PreparedRequest, path: str) -> httpsclient.Request:
    headers = {str(k): str(v) for k, v in request.headers.items() if k.lower() not in _OUR_OWN}
    body = request.body.encode() if isinstance(request.body, str) else request.body
    whole = body if isinstance(body, bytes) else None
    return httpsclient.Request(str(request.method), path, headers, whole)


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    """Give an answer to requests, with nothing that it would act on."""
    made = requests.Response()
    made.status_code = answer.status
    made.url = str(request.url)
    made.encoding = "utf-8"  # else it guesses at length
    made.raw = io.BytesIO(answer.body)
    return made


def _why(error: BaseException) -> Why:
    """Say why there is no answer, by what lies below an error."""
    causes = list(_causes(error))
    if any(isinstance(one, TimeoutError) for one in causes):
        return Why.SLOW
    if any(isinstance(one, ssl.SSLCertVerificationError | CredentialError) for one in causes):
        return Why.REFUSED
    if any(isinstance(one, http.client.HTTPException) for one in causes):
        return Why.BROKEN
    return Why.AWAY


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
