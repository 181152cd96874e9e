"""Wire each role to its powers: what the supervisor and the units start. EDGE."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from agent import confine, powers
from agent.capabilities import Capability

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.daemon import Life
    from agent.settings import Settings

_READER: Final = "reader"


def roles(settings: Settings) -> dict[str, Callable[[Life], None]]:
    """Give the roles that the bootstrap file wants, each ready to be run in its own process."""
    wanted: dict[str, Callable[[Life], None]] = {"courier": partial(_courier, settings)}
    if settings.watch.enabled:
        wanted["watcher"] = partial(_watcher, settings)
    if settings.tls.enabled:
        wanted["prober"] = partial(_prober, settings)
    return wanted


def _prober(settings: Settings, life: Life) -> None:
    from agent.roles import prober

    confine.confine(powers.of(prober.NAME, settings))
    prober.run(settings, life)


def _watcher(settings: Settings, life: Life) -> None:
    from agent.roles import watcher

    confine.confine(powers.of(watcher.NAME, settings))
    reader = powers.of(_READER, settings)
    searching = (Capability.CAP_DAC_READ_SEARCH,)
    surveyor = msgspec.structs.replace(reader, read=("/",), capabilities=searching)
    confined = watcher.Confined(partial(_confined, reader), partial(_confined, surveyor))
    watcher.run(settings, life, confined)


def _courier(settings: Settings, life: Life) -> None:
    from agent.roles import courier

    confine.confine(powers.of(courier.NAME, settings))
    courier.run(settings, life)


def _confined(wanted: confine.Confinement) -> None:
    confine.confine(wanted)


def preload() -> None:
    """Load what the roles share, before they are forked."""
    from agent.roles import courier, prober, watcher

    del courier, prober, watcher
