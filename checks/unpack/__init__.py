"""Containers and compressed streams: one module a kind, each from a stream to its items.

Nothing here opens a file or writes one: a module reads a Stream (streams.py) and pays for what it
does through a Meter (limits.py). The standard library's zipfile and tarfile are not used: they
keep the whole directory of an archive in memory, read extended headers of any claimed size, and
raise errors of a dozen kinds; only the decompressors, which are C, come from outside.

A container module offers

    def items(stream: Stream, meter: Meter) -> Iterator[Item]

It yields an Item for every file in the order of the archive and passes over directories, links
and devices. An Item's body must be read before the next one is asked for. It raises FormatError
where the rest cannot be read and LimitError where it will not be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from checks.unpack.streams import Stream

UNKNOWN = -1
"""The owner or group of an item whose container does not keep it."""


class Item(NamedTuple):
    """One file of a container. size: as declared; body: None where `problem` says why."""

    name: str
    size: int
    body: Stream | None
    mode: int = 0
    uid: int = UNKNOWN
    gid: int = UNKNOWN
    problem: str = ""
