"""Compare what a host says is open with what is known here. Pure.

A role's digest covers all that its stream told as open or removed. Where more is known here than
the digest counts, and the highest numbers alone make the digest, then the others are over and only
the news of it was lost: that is how a state that was told once more from its beginning heals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agent import findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.events import Digest
    from agent.findings import Status


class Live(NamedTuple):
    """A finding that is open or removed, and the number of the event that last told it."""

    sequence: int
    identity: str
    status: Status


class Verdict(NamedTuple):
    """right: both sides agree, once what is `over` is closed here."""

    right: bool
    over: tuple[str, ...] = ()


def compare(live: Sequence[Live], digest: Digest) -> Verdict:
    """Say whether the digest is right for what is known."""
    count = digest.open + digest.removed
    if count < 0 or count > len(live):
        return Verdict(right=False)
    in_order = sorted(live, reverse=True)
    newest = in_order[:count]
    if findings.digest((one.identity, one.status) for one in newest) != digest.sha256:
        return Verdict(right=False)
    return Verdict(right=True, over=tuple(one.identity for one in in_order[count:]))
