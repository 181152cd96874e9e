"""A web server, object store or CDN that serves files over HTTPS. EDGE.

404, 403 and 410: it has no such file (object stores say 403 where nobody may list). Everything else
but 200 is a store that is away: try again later; redirects are not followed. The timestamp, which
every poll asks for, is only sent when it changed, where the server gives it an entity tag.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from agent import httpsclient
from agent.httpsclient import AddressError, AskError, Client, Request, Times
from agent.stores import AbsentError, AwayError, StoreError, TooLongError, checked

if TYPE_CHECKING:
    from email.message import Message

    from agent.httpsclient import Answer
    from agent.settings import StoreSettings

_TIMES: Final = Times(connect=10, write=30, answer=60)
_POLLED: Final = "metadata/timestamp.json"
_TAG: Final = re.compile(r'(W/)?"[!#-~]{0,256}"')
"""RFC 9110 8.8.3, without what is beyond ASCII."""
_SETTLED: Final = 60.0
_ABSENT: Final = {403, 404, 410}
_OK, _SAME = 200, 304


class _Kept(NamedTuple):
    """What was sent last, and the tag by which the server knows it."""

    tag: str
    content: bytes


def open(settings: StoreSettings) -> Https:  # noqa: A001 - what every store offers
    """Make the store; raises StoreError for settings that cannot work."""
    try:
        client, path = Client(settings, _TIMES), httpsclient.path(settings)
    except AddressError as error:
        raise StoreError(f"store.{error}") from error
    if "?" in path:
        raise StoreError("store.url: expected nothing behind the path")
    return Https(client, path.rstrip("/"))


class Https:
    """The server, over one connection that is kept."""

    def __init__(self, client: Client, path: str) -> None:
        """Keep whom to ask, and where the files are; the network is first used by `fetch`."""
        self._client, self._path = client, path
        self._kept: _Kept | None = None
        self.date: float | None = None

    def fetch(self, name: str, most: int) -> bytes:
        """Give a file's content; raises StoreError."""
        # A name may hold "%2F" as it is; on the way it is quoted once more.
        path = f"{self._path}/{quote(checked(name))}"
        kept = self._kept if name == _POLLED else None
        headers = {"If-None-Match": kept.tag} if kept else {}
        try:
            answer = self._client.ask(Request("GET", path, headers), most)
        except AskError as error:
            raise AwayError(f"{name}: {error}") from error
        self.date = httpsclient.moment(answer.headers.get("Date", ""))
        if kept and answer.status == _SAME and len(kept.content) <= most:
            return kept.content
        content = _content(name, answer, most)
        if name == _POLLED:
            tag = _tag(answer.headers)
            self._kept = _Kept(tag, content) if tag else None
        return content

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


def _tag(headers: Message) -> str:
    """Give the entity tag of a file, "" where it may come to stand for another content.

    Servers make it of time and length: a timestamp that is published twice in a second has the same
    one both times. So a file counts that was not changed for a while (RFC 9110 8.8.2.2).
    """
    tag = headers.get("ETag", "")
    changed = httpsclient.moment(headers.get("Last-Modified", ""))
    sent = httpsclient.moment(headers.get("Date", ""))
    settled = changed is None or (sent is not None and sent - changed >= _SETTLED)
    return tag if settled and _TAG.fullmatch(tag) else ""


def _content(name: str, answer: Answer, most: int) -> bytes:
    """Give what was sent; raises StoreError for anything but all of a file."""
    if answer.status in _ABSENT:
        raise AbsentError(f"{name}: HTTP {answer.status}")
    if answer.status == 401:
        raise AwayError(f"{name}: HTTP 401: the credentials are not accepted")
    if 300 <= answer.status < 400:
        raise AwayError(f"{name}: HTTP {answer.status}: redirects are not followed")
    if answer.status != _OK:
        raise AwayError(f"{name}: HTTP {answer.status}")
    if not answer.whole and len(answer.body) == most:
        raise TooLongError(f"{name}: more than {most} bytes")
    if not answer.whole:
        raise AwayError(f"{name}: the answer broke off")
    return answer.body
