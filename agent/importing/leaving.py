"""Say who still reads a key file, and remove it once nobody does. EDGE."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

from agent import endpoints
from agent.importing import finding
from agent.keysettings import FileDelivery
from checks.errors import HygieneError
from checks.printable import printable
from checks.tls import sites

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agent.importing.finding import Read
    from agent.importing.taking import Plan
    from checks.secrets.pem import PemBlock
    from checks.tls.config import Site


_SHOWN: Final = 5


class LeavingError(HygieneError):
    """A file that is not removed; says why."""


def doubt(plan: Plan) -> str:
    """Say in words what could not be told of who reads a file, "" where all is well.

    Raises LeavingError where somebody reads it, and where it holds more than what was taken.
    """
    taken, key = plan.taken, plan.key
    path = printable(taken.read.path)
    if taken.made is None or not _is_all(taken.read, taken.blocks):
        raise LeavingError(f"{path}: holds more than a key; take the secret out of it by hand")
    found = _configured(key.prove.address if key.prove else "")
    if old := _naming(found, [taken.read.path]):
        raise LeavingError(f"{path}: is still named by {', '.join(old[:_SHOWN])}; not removed")
    new = [one.path for one in key.deliver if isinstance(one, FileDelivery)]
    return "" if _naming(found, new) else "Whether a server still reads it cannot be told."


def _configured(address: str) -> list[Site]:
    """Read all server configuration of this host, and that of who listens at ADDRESS."""
    asked = [endpoints.Endpoint(endpoints.target(address, "", ""))] if address else []
    seen = sites.look("/", endpoints.given(asked).started)
    return [one.site for one in seen.configured]


def _naming(found: Iterable[Site], paths: Iterable[str]) -> tuple[str, ...]:
    wanted = {known for path in paths if (known := _inode(path))}
    settings = (
        setting
        for site in found
        for pair in site.pairs
        for setting in (pair.certificate, pair.key)
        if setting and _inode(setting.value) in wanted
    )
    return tuple(sorted({f"{one.path}:{one.line}" for one in settings}))


def _inode(path: str) -> tuple[int, int] | None:
    with contextlib.suppress(OSError, ValueError):
        status = os.stat(path)
        return status.st_dev, status.st_ino
    return None


def _is_all(what: Read, blocks: Sequence[PemBlock]) -> bool:
    """Say whether a file holds nothing beside keys and certificates."""
    rest = what.data
    for block in blocks:
        rest = rest.replace(block.raw, b"")
    return not rest.strip()


def remove(what: Read) -> None:
    """Remove a file, if it is the one that was read, as it was read; raises LeavingError."""
    path = what.path
    try:
        if finding.identity(os.lstat(path)) != what.identity:
            raise LeavingError(f"{printable(path)}: changed since it was read; left where it is")
        os.unlink(path)
    except OSError as error:
        raise LeavingError(f"{printable(path)}: {error.strerror}") from None
