"""Show what is known to those who may look: a page, and JSON. Nothing can be changed here."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import msgspec

from agent.collector import detail, page, view
from agent.collector.message import Answer, RequestError
from agent.collector.schema import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from agent.collector.message import Request
    from agent.collector.wire import Link

PAGE_ROWS: Final = 500
JSON_ROWS: Final = 10_000
_HOST: Final = "/api/hosts/"
_FRESH: Final = 5.0
"""Seconds for which what was made is good enough."""


class Viewing:
    """Answers requests of viewers, one at a time: to look must not slow down what comes in."""

    def __init__(self, state: Path, silent: float) -> None:
        self._state, self._silent = state, silent
        self._turn = asyncio.Lock()
        self._made: dict[str, tuple[float, Answer]] = {}

    async def answer(self, request: Request, _link: Link, _names: tuple[str, ...]) -> Answer:
        """Answer one request; raises RequestError."""
        if request.method != "GET" or request.length:
            raise RequestError("expected GET", 405)
        path = request.path.partition("?")[0]
        async with self._turn:
            until, answer = self._made.get(path, (0.0, None))
            if answer is None or until < time.monotonic():
                answer = await asyncio.to_thread(self._made_anew, path)
                self._made = {
                    known: made for known, made in self._made.items() if made[0] > time.monotonic()
                }
                self._made[path] = (time.monotonic() + _FRESH, answer)
            return answer

    def _made_anew(self, path: str) -> Answer:
        try:
            return self._answer(path)
        except StoreError as error:
            raise RequestError(str(error), 503) from error

    def _answer(self, path: str) -> Answer:
        if path == "/":
            shown = view.view(self._state, time.time(), self._silent, PAGE_ROWS)
            policy = {"Content-Security-Policy": page.policy(), "Referrer-Policy": "no-referrer"}
            body = "".join(page.render(shown)).encode()
            return Answer(200, body, "text/html; charset=utf-8", policy)
        if path == "/api/view":
            shown = view.view(self._state, time.time(), self._silent, JSON_ROWS)
            return Answer(200, msgspec.json.encode(shown))
        if path.startswith(_HOST):
            host = unquote(path.removeprefix(_HOST), errors="replace")
            found = detail.findings(self._state, host, JSON_ROWS)
            if found is not None:
                return Answer(200, msgspec.json.encode(found))
        raise RequestError("nothing here", 404)
