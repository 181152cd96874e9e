"""Wire each role to its powers: what the supervisor and the units start. EDGE."""

from __future__ import annotations

import importlib
import threading
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from agent import confine, confinements
from agent.capabilities import Capability
from agent.roles.walls import confined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.confine import Confinement
    from agent.daemon import Life
    from agent.settings import Settings

_KEEPER: Final = "keeper"
_READER: Final = "reader"
_STACK: Final = 512 * 1024
"""Bytes of a thread's stack: each counts against the role's memory."""


def roles(settings: Settings) -> dict[str, Callable[[Life], None]]:
    """Give the roles that the bootstrap file wants, each ready to be run in its own process."""
    wanted: dict[str, Callable[[Settings, Life], None]] = {"courier": _courier}
    if settings.watch.enabled:
        wanted["watcher"] = _watcher
    if settings.tls.enabled:
        wanted["prober"] = _prober
    if settings.keeps:
        wanted[_KEEPER] = _keeper
    if settings.mend.folders:
        wanted["mender"] = _mender
    return {name: partial(run, settings) for name, run in wanted.items()}


def load(names: Iterable[str]) -> None:
    """Load what roles need, so that they share it; a role that is alone loads its own alone.

    What only the keeper needs is much, and nobody else's.
    """
    for name in names:
        if name != _KEEPER:
            importlib.import_module(f"agent.roles.{name}")


def _mender(settings: Settings, life: Life) -> None:
    from agent.roles import mender

    threading.stack_size(_STACK)
    mender.run(settings, life, confined(mender.NAME, settings))


def _keeper(settings: Settings, life: Life) -> None:
    from agent.roles import keeper
    from agent.vault import memory

    threading.stack_size(_STACK)
    unprotected = memory.protect()  # which a confined process may not do any more
    keeper.run(settings, life, confined(keeper.NAME, settings), unprotected)


def _courier(settings: Settings, life: Life) -> None:
    from agent.roles import courier

    threading.stack_size(_STACK)
    courier.run(settings, life, confined(courier.NAME, settings))


def _prober(settings: Settings, life: Life) -> None:
    from agent.roles import prober

    threading.stack_size(_STACK)
    prober.run(settings, life, confined(prober.NAME, settings))


def _watcher(settings: Settings, life: Life) -> None:
    from agent.roles import watcher

    walls = confined(watcher.NAME, settings)
    reader = confinements.of(_READER, settings)
    searching = (Capability.CAP_DAC_READ_SEARCH,)
    surveyor = msgspec.structs.replace(reader, read=("/",), capabilities=searching)
    readers = watcher.Readings(partial(_give_up, reader), partial(_give_up, surveyor))
    watcher.run(settings, life, readers, walls)


def _give_up(wanted: Confinement) -> None:
    confine.confine(wanted)
