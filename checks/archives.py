"""Give the members of archives and compressed files, within archives too, under limits.

Bytes in, members out: nothing is written anywhere, and no name of a member is used as a path. An
archive is read as a stream where its kind allows it; a zip file inside another archive is held in
memory, all of them together within `member_bytes`. Beside these and the one member given out, an
open archive takes a few MiB, and up to 66 MiB for the dictionary of each compressed level.

What cannot be read is Skipped with its reason, never left out: encrypted and unsupported members,
damaged and truncated ones (what was read of them before is given out), and all that goes over a
limit. Directories, links and devices have no content and are passed over.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from checks.errors import FormatError, HygieneError, LimitError
from checks.printable import printable
from checks.unpack import Item, ars, cpios, rpms, tars, zips
from checks.unpack.decoders import CODECS
from checks.unpack.expand import Expanded
from checks.unpack.kinds import COMPRESSED, CONTAINERS, HEAD, inner_name, kind
from checks.unpack.limits import Budget, ExhaustedError, Limits, Meter
from checks.unpack.streams import CHUNK, Raw, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HEAD", "Budget", "Limits", "Member", "Skipped", "kind", "members"]

_TOO_DEEP: Final = "archives are nested too deep"
_TOO_LARGE: Final = "larger than the limit for one file"
_STREAMED: Final = {"ar": ars.items, "cpio": cpios.items, "tar": tars.items}


class Member(NamedTuple):
    """One file of an archive.

    path: "outer.tar.gz!/inner/file", what stands behind the first "!/" safe to print; size: as
    declared, and more than len(data) where a Skipped of the same path follows; mode 0, uid and
    gid -1 where the archive keeps none.
    """

    path: str
    data: bytes
    size: int
    mode: int
    uid: int
    gid: int

    def __repr__(self) -> str:
        """Leave the data out: it may hold a secret."""
        return f"<Member {self.path!r} {len(self.data)} bytes>"


class Skipped(NamedTuple):
    """A member, or the rest of an archive, that was not looked at."""

    path: str
    reason: str


class _Found(NamedTuple):
    """A file that was met: its content as far as it was unwrapped, and the way there."""

    path: str
    item: Item
    body: Stream
    depth: int
    layers: tuple[Expanded, ...] = ()


class _Level(NamedTuple):
    """An open container: what is left of it, and what to do when it is done."""

    path: str
    depth: int
    items: Iterator[Item]
    layers: tuple[Expanded, ...]
    held: int = 0


def members(
    name: str, source: BinaryIO, limits: Limits, budget: Budget
) -> Iterator[Member | Skipped]:
    """Give what the archive called NAME holds, and what of it could not be read.

    source: stands at the start of the archive; it need not be seekable. budget: fresh for an
    outermost archive, or shared where several make up one whole. Nothing is raised.
    """
    meter = Meter(limits, budget)
    body = Raw(source)
    try:
        if kind(body.peek(HEAD), name):
            yield from _walk(_Found(name, Item(name, 0, body), body, 0), meter)
        else:
            yield Skipped(name, "not an archive")
    except ExhaustedError as error:
        yield Skipped(name, f"{error}: the rest was not looked at")
    except HygieneError as error:
        yield Skipped(name, str(error))


def _walk(outermost: _Found, meter: Meter) -> Iterator[Member | Skipped]:
    """Open level after level, depth first, with the levels on a list of our own."""
    levels: list[_Level] = []
    yield from _visit(outermost, levels, meter)
    while levels:
        level = levels[-1]
        item, problem = _next_item(level)
        if item:
            yield from _visit_item(item, levels, meter)
        else:
            levels.pop()
            meter.release(level.held)
            reasons = [problem, *(layer.note for layer in level.layers)]
            yield from (Skipped(level.path, reason) for reason in reasons if reason)


def _next_item(level: _Level) -> tuple[Item | None, str]:
    """Give the next item, or None and why the level ended too early, "" if it did not."""
    try:
        item = next(level.items, None)
        if item is None:
            _reach_end(level.layers)
    except ExhaustedError:
        raise
    except HygieneError as error:
        return None, str(error)
    return item, ""


def _visit_item(item: Item, levels: list[_Level], meter: Meter) -> Iterator[Member | Skipped]:
    level = levels[-1]
    path = f"{level.path}!/{printable(item.name)}"
    if item.body is None:
        meter.member()
        yield Skipped(path, item.problem)
    else:
        yield from _visit(_Found(path, item, item.body, level.depth), levels, meter)


def _visit(found: _Found, levels: list[_Level], meter: Meter) -> Iterator[Member | Skipped]:
    """Give out a plain file, open an archive as a further level, say why neither was done."""
    try:
        found, this = _unwrapped(found, meter)
        if not this:
            yield from _leaf(found, meter)
        elif this not in CONTAINERS:
            meter.member()
            yield Skipped(found.path, f"unsupported archive ({this})")
        elif found.depth >= meter.limits.depth and not found.layers:
            raise LimitError(_TOO_DEEP)
        else:
            levels.append(_opened(found, this, meter))
    except ExhaustedError:
        raise
    except HygieneError as error:
        yield Skipped(found.path, str(error))


def _unwrapped(found: _Found, meter: Meter) -> tuple[_Found, str]:
    """Take off the layers of compression; give what is inside and its kind, "" for a plain file.

    A container keeps the path and the level of the compressed file it fills: a.tar.gz!/member.
    """
    this = kind(found.body.peek(HEAD), found.item.name)
    while this in COMPRESSED:
        if found.depth >= meter.limits.depth:
            raise LimitError(_TOO_DEEP)
        inner = _expanded(found.body, this, meter)
        name = inner_name(found.item.name)
        this = kind(inner.peek(HEAD), name)
        path = found.path if this in CONTAINERS else f"{found.path}!/{printable(name)}"
        item = found.item._replace(name=name, size=0)
        found = _Found(path, item, inner, found.depth + 1, (*found.layers, inner))
    return found, this


def _expanded(body: Stream, this: str, meter: Meter) -> Expanded:
    if this == "rpm":
        rpms.skip_headers(body)
        this = kind(body.peek(HEAD), ".lzma")  # the only other kind that a payload may have
    if this not in CODECS:
        raise FormatError("unsupported compression")
    return Expanded(body, CODECS[this], meter)


def _opened(found: _Found, this: str, meter: Meter) -> _Level:
    depth = found.depth if found.layers else found.depth + 1
    if this in _STREAMED:
        return _Level(found.path, depth, _STREAMED[this](found.body, meter), found.layers)
    file, held = _random_access(found.body, meter)
    return _Level(found.path, depth, zips.items(file, meter), found.layers, held)


def _leaf(found: _Found, meter: Meter) -> Iterator[Member | Skipped]:
    """Give out a plain file; of a damaged one what can be read, with the reason behind it."""
    meter.member()
    limit = meter.limits.member_bytes
    if found.item.size > limit:
        raise LimitError(_TOO_LARGE)
    content, problem = BytesIO(), ""
    try:
        _copy(found.body, content, limit + 1, meter)
    except FormatError as error:
        problem = str(error)
    data, item = content.getvalue(), found.item
    if len(data) > limit:
        raise LimitError(_TOO_LARGE)
    if data or not problem:
        size = max(item.size, len(data))
        yield Member(found.path, data, size, item.mode, item.uid, item.gid)
    reasons = [problem, *(layer.note for layer in found.layers)]
    yield from (Skipped(found.path, reason) for reason in reasons if reason)


def _random_access(body: Stream, meter: Meter) -> tuple[BinaryIO, int]:
    """Give the file itself or a copy in memory, and how many bytes that holds."""
    if isinstance(body, Raw) and body.seekable:
        return body.file, 0
    copy = BytesIO()
    left = meter.limits.member_bytes - meter.budget.held
    _copy(body, copy, left + 1, meter)
    meter.hold(copy.tell())
    return copy, copy.tell()


def _copy(body: Stream, target: BytesIO, limit: int, meter: Meter) -> None:
    while chunk := body.read(min(CHUNK, limit - target.tell())):
        target.write(chunk)
        if not body.metered:
            meter.expand(len(chunk))


def _reach_end(layers: tuple[Expanded, ...]) -> None:
    """Let every layer check its end: a checksum, what stands behind it."""
    for layer in reversed(layers):
        layer.peek(1)
