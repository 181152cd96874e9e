"""Find in one file the secret that `scan` finds there, for it to be brought into Vault. EDGE.

Nobody types the secret. What is given here shows where it stands, and never what it is.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import home, powers, setup
from agent.home import StateError
from checks import catalog, files, spotted
from checks.errors import HygieneError, LimitError
from checks.inspect import Inspector
from checks.model import Inconclusive
from checks.printable import printable
from checks.redact import FingerprintKey
from checks.secrets import pem
from checks.spotted import Document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.settings import Settings
    from checks.secrets.pem import PemBlock
    from checks.spotted import Spotted

_SHOWN: Final = 10
_LEAST: Final = 8
"""Digits of an identity that name a finding."""


class FindingError(HygieneError):
    """A file of which no secret can be taken; says why, and never what is in it."""


class Read(NamedTuple):
    """A file as it was read. identity: of its content and place on the disk, while both last."""

    path: str
    identity: tuple[int, int, int, int]
    data: bytes
    status: os.stat_result

    def __repr__(self) -> str:
        """Leave the data out."""
        return f"<Read {self.path!r} {len(self.data)} bytes>"


class Secret(NamedTuple):
    """One that was found. about: what it is, in words; block: of a private key, else None."""

    line: int
    about: str
    identities: frozenset[str]
    value: str = ""
    block: PemBlock | None = None

    def __repr__(self) -> str:
        """Leave the value out."""
        return f"<Secret {self.about} line {self.line}>"


def read(path: str) -> Read:
    """Read a file without following a link; raises FindingError."""
    opened = files.open_file(path)
    if not isinstance(opened, files.Opened):
        why = opened.reason if isinstance(opened, Inconclusive) else opened.kind
        raise FindingError(f"{printable(path)}: not a file that can be read: {why}")
    try:
        if opened.status.st_size > files.CHUNK:
            raise FindingError(f"{printable(path)}: too large")
        data = files.whole(opened)
    finally:
        os.close(opened.descriptor)
    if isinstance(data, Inconclusive):
        raise FindingError(f"{printable(path)}: {data.reason}")
    return Read(path, identity(opened.status), data, opened.status)


def identity(status: os.stat_result) -> tuple[int, int, int, int]:
    """Tell a file, as it is, from any other, and from itself after a change."""
    return status.st_dev, status.st_ino, status.st_ctime_ns, status.st_size


def blocks(what: Read) -> list[PemBlock]:
    """Give the keys and certificates in a file; raises FindingError."""
    try:
        return list(pem.find(what.data))
    except LimitError as error:
        raise FindingError(f"{printable(what.path)}: {error}") from None


def chosen(what: Read, told: Settings, line: int, finding: str) -> Secret:
    """Give the secret on a LINE, or of a FINDING's identity; the only one where neither is said.

    Raises FindingError.
    """
    if finding and len(finding) < _LEAST:
        raise FindingError(f"--finding: expected {_LEAST} digits or more")
    every = list(_secrets(what, told))
    wanted = [
        one
        for one in every
        if (not line or one.line == line)
        and (not finding or any(known.startswith(finding) for known in one.identities))
    ]
    if len(wanted) == 1:
        return wanted[0]
    if not every:
        raise FindingError(f"{printable(what.path)}: scan finds nothing in it")
    listed = "\n".join(f"  line {one.line}: {one.about}" for one in (wanted or every)[:_SHOWN])
    why = "which one is meant?" if wanted else "none of them is meant:"
    hint = "hint: --line, or --finding with the identity that `scan --format json` shows"
    raise FindingError(f"{printable(what.path)}: {why}\n{listed}\n{hint}")


def _secrets(what: Read, told: Settings) -> Iterator[Secret]:
    """Find what `scan` finds: keys by their blocks, all else by its value."""
    job = setup.job(setup.Choice((what.path,)))
    keys = (*job.orders.keys, *_watchers(told))
    access, inode = files.access(what.status), what.identity[:2]
    document = Document(what.path, what.data, access, inode)
    found = Inspector(job.engine, catalog.Formats(job.formats)).look(document).spotted
    named = {one: _identities(one, document, keys) for one in found}
    for block in (one for one in blocks(what) if one.private):
        known = (ids for one, ids in named.items() if one.length >= 0 and one.line == block.line)
        yield Secret(block.line, "a private key", frozenset().union(*known), block=block)
    for one, ids in named.items():
        if one.length < 0 and one.value:
            about = f"{one.check} {spotted.finding(one, document, keys).location.key_path}"
            yield Secret(one.line, about.strip(), ids, one.value)


def _identities(one: Spotted, document: Document, keys: Sequence[FingerprintKey]) -> frozenset[str]:
    """Give the identities that a finding may have: the path is part of one, and the key too."""
    paths = {document.path, os.path.abspath(document.path)}
    return frozenset(
        spotted.finding(one, document._replace(path=path), (key,)).identity
        for path in paths
        for key in keys
    )


def _watchers(told: Settings) -> Iterator[FingerprintKey]:
    """Give the key by which the daemon names findings, where this user may read it."""
    path = Path(powers.folder(told, "watcher")) / home.HOST_KEY
    with contextlib.suppress(StateError, ValueError):
        if data := home.read(path):
            yield FingerprintKey(data)
