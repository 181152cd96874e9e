"""What goes wrong in a soak: the one list, for the bench and for the test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tests.bench.soaking.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random


class Fault(NamedTuple):
    """One kind. share: how often it comes; end: undoes what lasts for a while, else None."""

    name: str
    share: int
    begin: Callable[[World], object]
    end: Callable[[World], object] | None = None


FAULTS: Final = (
    Fault("a role killed", 8, World.kill_role),
    Fault("the agent killed", 4, World.kill_agent),
    Fault("the receiver killed", 3, World.kill_receiver),
    Fault("rsyslogd killed", 1, World.kill_syslog),
    Fault("clock jumped", 2, lambda w: w.jump(w.clock)),
    Fault("receiver's clock jumped", 1, lambda w: w.jump(w.far)),
    Fault("receiver away", 1, lambda w: w.receiver.leave(), lambda w: w.receiver.come()),
    Fault("receiver away for hours", 1, World.outage, lambda w: w.receiver.come()),
    Fault("receiver frozen", 1, lambda w: w.receiver.freeze(), lambda w: w.receiver.thaw()),
    Fault("receiver's disk full", 1, World.fill_store, World.free_store),
    Fault("a TLS server gone", 1, lambda w: w.server.leave(), lambda w: w.server.come()),
    Fault("peer silent", 1, lambda w: w.peer.behave("silent"), lambda w: w.peer.behave("ok")),
    Fault("rsyslogd away", 1, lambda w: w.syslog.leave(), lambda w: w.syslog.come()),
    Fault("rsyslogd frozen", 1, lambda w: w.syslog.freeze(), lambda w: w.syslog.thaw()),
    Fault("state full", 2, World.full, World.free),
    Fault("state read-only", 2, World.read_only, World.writable),
)


def drawn(rng: Random) -> Iterator[Fault]:
    """Give faults at random without an end: each kind once, then by their shares."""
    yield from rng.sample(FAULTS, len(FAULTS))
    while True:
        yield from rng.sample(
            FAULTS, sum(o.share for o in FAULTS), counts=[o.share for o in FAULTS]
        )
