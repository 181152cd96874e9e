"""Find the endpoints of a look, and read what their servers' files say of them. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agent import endpoints
from checks.tls import sites

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.endpoints import Endpoint, Found


class Together(NamedTuple):
    """What to ask, and what is configured there."""

    found: Found
    files: sites.Seen


def find(asked: Sequence[Endpoint], root: str = "", exclude: Sequence[str] = ()) -> Together:
    """Find what to look at: below an unpacked ROOT, at endpoints, or else all of this host.

    Of endpoints that were asked for only this host's own servers have files here, and of these
    only the sites that answer there are read.
    """
    if root:
        return Together(endpoints.Found(tuple(asked)), sites.look(root))
    if not asked:
        found = endpoints.discovered(exclude)
        return Together(found, sites.look("/", found.started))
    found = endpoints.given(asked)
    targets = [one.target for one in asked]
    files = sites.answering_at(targets, found.started) if found.started else sites.Seen()
    return Together(found, files)
