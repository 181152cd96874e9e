"""Take batches from hosts: decode, see who speaks, write, and only then say that they are here."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Final

import msgspec

from agent.collector import batch as batches
from agent.collector import hosts
from agent.collector.batch import BatchError
from agent.collector.hosts import StrangerError
from agent.collector.installations import CopyError, CrowdError
from agent.collector.message import Answer, RequestError
from agent.collector.schema import StoreError
from agent.collector.streams import StreamError
from agent.collector.writer import BusyError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from agent.collector.gate import Gate
    from agent.collector.hosts import Rule
    from agent.collector.message import Request
    from agent.collector.wire import Link
    from agent.collector.writer import Writer

PATHS: Final = ("/", "/v1/events")
MOST_BODY: Final = 4 * 1024 * 1024
"""Bytes of a body as it is sent."""
_AGAIN: Final = 30
_TOO_LARGE: Final = 413
_UNPACKING: Final = 8
"""What cannot be read counts as so many times its size: it may be packed."""


class Receiving:
    """Answers requests of hosts."""

    def __init__(self, writer: Writer, gate: Gate, rule: Rule, readers: Executor) -> None:
        self._writer, self._gate, self._rule, self._readers = writer, gate, rule, readers

    async def answer(self, request: Request, link: Link, names: tuple[str, ...]) -> Answer:
        """Answer one request; raises RequestError, or OSError when the host has gone."""
        if request.path not in PATHS:
            raise RequestError("not a place for events", 404)
        if request.method != "POST":
            raise RequestError("expected POST", 405)
        if request.length > MOST_BODY:
            raise RequestError(f"larger than {MOST_BODY} bytes", 413)
        pause = self._gate.pause("\0".join(names), request.length, time.monotonic())
        if pause:
            if request.waits:
                return _later("too much at once", pause, last=True)
            if not await link.discard(request.length):
                raise ConnectionResetError
            return _later("too much at once", pause)
        with self._gate.holding(request.length):
            return await self._received(request, link, names)

    async def _received(self, request: Request, link: Link, names: tuple[str, ...]) -> Answer:
        if request.waits:
            await link.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await link.body(request.length)
        if body is None:
            raise ConnectionResetError
        try:
            return await self._taken(body, request.encoding, names)
        except BatchError as error:
            packed = error.status == _TOO_LARGE
            size = batches.MOST_BYTES if packed else len(body) * _UNPACKING
            self._gate.charge("\0".join(names), size, time.monotonic())
            return refusal(error.status, str(error))
        except StreamError as error:
            return refusal(400, str(error))
        except (CrowdError, StrangerError) as error:
            return refusal(403, str(error))
        except CopyError as error:
            return refusal(409, str(error))
        except (BusyError, StoreError) as error:
            return _later(str(error), _AGAIN)

    async def _taken(self, body: bytes, encoding: str, names: tuple[str, ...]) -> Answer:
        loop = asyncio.get_running_loop()
        batch = await loop.run_in_executor(self._readers, batches.read, body, encoding)
        who = hosts.speaker(names, batch.host, self._rule)
        self._gate.charge("\0".join(names), batch.size, time.monotonic())
        taken = await asyncio.wrap_future(self._writer.submit(batch, who))
        return Answer(200, msgspec.json.encode(taken._asdict()))


def refusal(status: int, reason: str, *, last: bool = False) -> Answer:
    """Say what is wrong; the reason repeats nothing of the request."""
    return Answer(status, msgspec.json.encode({"error": reason}), last=last)


def _later(reason: str, seconds: float, *, last: bool = False) -> Answer:
    after = {"Retry-After": str(max(math.ceil(seconds), 1))}
    return Answer(429, msgspec.json.encode({"error": reason}), fields=after, last=last)
