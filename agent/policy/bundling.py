"""Put a store into one file for hosts and builds that reach none: a tar of it. EDGE.

Its snapshot and timestamp are signed anew, for as many days as whoever makes it says; all else is
what the store serves. Hosts take such a timestamp from a bundle only.
"""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Final

from agent import given
from agent.policy import durable, repository, serving
from agent.policy.repository import RepositoryError
from agent.policy.staging import Act, described

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.policy.desk import Desk
    from agent.policy.repository import News, Published

_MOST: Final = 64 * 1024 * 1024


def write(desk: Desk, days: int, output: Path) -> list[Act]:
    """Write a bundle, the same bytes for the same content; raises DeskError or RepositoryError."""
    published, made = serving.apart(desk, days)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in sorted(_members(desk, published, made)):
            tar.addfile(_member(name, data), io.BytesIO(data))
    try:
        durable.put(output, packed.getvalue())
    except OSError as error:
        raise RepositoryError(f"{output}: {error.strerror}") from error
    return [Act("policy bundle written", f"{output}: {described(made.timestamp)}")]


def _members(desk: Desk, published: Published, made: News) -> Iterator[tuple[str, bytes]]:
    store = desk.repository.store
    for path in desk.repository.files(published):
        yield str(path.relative_to(store)), given.read(path, RepositoryError, _MOST)
    snapshot = f"metadata/{made.snapshot.signed.version}.snapshot.json"
    yield snapshot, made.snapshot.to_bytes()
    yield f"metadata/{repository.TIMESTAMP}", made.timestamp.to_bytes()


def _member(name: str, data: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o644
    return member
