r"""Our own event inside a report for others, whole and exact: put in, and taken out again. Pure.

What others read is OCSF; what our own receiver reads is `unmapped.hygiene` in it: the fields of
`agent.events.Event` as they are, `host` beside them, and `raw` for what JSON cannot say. A text
with bytes that are not UTF-8 stands there with those written \xNN; `raw` names each such place
with its bytes in base64.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.events import Event, Host
from agent.output.jsonout import text
from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST: Final = 4 * 1024 * 1024
"""Bytes of a report that is taken in: a journal's longest record, told twice and escaped."""
_DEEPEST: Final = 32


class EnvelopeError(HygieneError):
    """A report in which no event of ours can be believed."""


class Received(msgspec.Struct, frozen=True):
    """What one report says, and which host says it."""

    event: Event
    host: Host


class _Raw(msgspec.Struct, frozen=True, omit_defaults=True):
    """The truth about one text. bytes: what the host had; points: where it was no bytes at all.

    points: UTF-8 with surrogates as if they were characters, which says every text of Python.
    """

    at: tuple[str, ...]
    bytes: str = ""
    points: str = ""


class _Unmapped(msgspec.Struct):
    hygiene: dict[str, Any]


class _Line(msgspec.Struct):
    unmapped: _Unmapped


_LINES: Final = msgspec.json.Decoder(_Line)
_PREPARED: Final = msgspec.json.Decoder(list[_Raw])
"""Worked out before there are threads, see agent.events."""


def wrap(event: Event, host: Host) -> dict[str, Any]:
    """Give what stands under `unmapped.hygiene`: safe to write as JSON."""
    told = {**msgspec.to_builtins(event), "host": msgspec.to_builtins(host)}
    raw = [msgspec.to_builtins(one) for one in _odd(told, ())]
    safe: dict[str, Any] = safely(told)
    return {**safe, "raw": raw} if raw else safe


def safely(value: object) -> Any:  # noqa: ANN401 - what it is given
    """Give a value of plain types with every text in it free of lone surrogates."""
    if isinstance(value, str):
        return value if value.isascii() else text(value)
    if isinstance(value, dict):
        return {safely(key): safely(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [safely(one) for one in value]
    return value


def _odd(value: object, at: tuple[str, ...]) -> Iterator[_Raw]:
    """Give the truth about each text that cannot be written as it is."""
    if isinstance(value, str):
        if not value.isascii() and text(value) != value:
            yield _exactly(value, at)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _odd(one, (*at, safely(key)))
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _odd(one, (*at, str(number)))


def _exactly(value: str, at: tuple[str, ...]) -> _Raw:
    try:
        data = value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = b""
    if data.decode("utf-8", "surrogateescape") == value:
        return _Raw(at, bytes=base64.b64encode(data).decode())
    points = value.encode("utf-8", "surrogatepass")
    return _Raw(at, points=base64.b64encode(points).decode())


def unwrap(line: bytes) -> Received:
    """Take the event out of a report; raises EnvelopeError, which never repeats the report.

    Strict about types and limits; a field that is not known is passed over, so that a receiver
    takes what a newer agent says.
    """
    if len(line) > LONGEST:
        raise EnvelopeError(f"report: more than {LONGEST} bytes")
    try:
        told = _LINES.decode(line).unmapped.hygiene
        for one in msgspec.convert(told.pop("raw", []), list[_Raw]):
            _put(told, one)
        host = msgspec.convert(told.pop("host", None), Host)
        return Received(msgspec.convert(told, Event), host)
    except (msgspec.MsgspecError, ValueError, LookupError, RecursionError) as error:
        raise EnvelopeError("report: holds no event of hygiene-agent") from error


def _put(told: dict[str, Any], raw: _Raw) -> None:
    """Put one text back as it was; raises LookupError or ValueError."""
    if not 0 < len(raw.at) < _DEEPEST:
        raise LookupError
    place: Any = told
    for step in raw.at[:-1]:
        place = _step(place, step)
    _step(place, raw.at[-1])
    if raw.bytes:
        value = base64.b64decode(raw.bytes, validate=True).decode("utf-8", "surrogateescape")
    else:
        value = base64.b64decode(raw.points, validate=True).decode("utf-8", "surrogatepass")
    if isinstance(place, dict):
        place[raw.at[-1]] = value
    else:
        place[int(raw.at[-1])] = value


def _step(place: object, step: str) -> Any:  # noqa: ANN401 - what stands there
    if isinstance(place, dict):
        return place[step]
    if isinstance(place, list) and step.isdecimal():
        return place[int(step)]
    raise LookupError
