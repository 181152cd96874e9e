"""What each role may do: the table that roles confine themselves by, and people are shown. EDGE.

Landlock allows whole folders and counts no addresses: that the prober connects to this host alone
is kept by its code and, under systemd, by its unit.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import hostpaths
from agent.capabilities import Capability
from agent.confine import Confinement
from agent.hostpaths import there
from agent.keysettings import CredentialDelivery, ExecDelivery, FileDelivery, HaproxyDelivery
from agent.powers import AUDIT, JOURNAL, REQUESTS, ROLES, SUPERVISOR, acting, folder, published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agent.settings import Settings

_INTERNET: Final = (int(socket.AF_INET), int(socket.AF_INET6))
_MENDING: Final = (Capability.CAP_CHOWN, Capability.CAP_DAC_OVERRIDE, Capability.CAP_FOWNER)
"""To give a file the owner and mode that were approved, whoever has it now."""


class Role(NamedTuple):
    """One row. purpose: why it has what it has; kept: by what else it is limited, in words."""

    purpose: str
    confinement: Callable[[Settings], Confinement]
    kept: str = ""


def of(role: str, settings: Settings) -> Confinement:
    """Give what a role may do on this host; role: a key of TABLE."""
    return TABLE[role].confinement(settings)


def _watcher(settings: Settings) -> Confinement:
    return Confinement(
        read=("/",),
        write=(folder(settings, "watcher"),),
        fork=True,
        pairs=True,
        capabilities=(Capability.CAP_DAC_READ_SEARCH,),
        memory=settings.budget.memory,
        files=1024,
    )


def _reader(settings: Settings) -> Confinement:
    return Confinement(
        read=(*hostpaths.interpreter(), *hostpaths.process(), *there(hostpaths.USERS)),
        memory=settings.budget.memory,
        files=64,
        expendable=True,
    )


def _prober(settings: Settings) -> Confinement:
    read, execute, write = hostpaths.deep()
    return Confinement(
        read=(
            *(*hostpaths.interpreter(), *hostpaths.configuration(settings)),
            *there((*hostpaths.HOST, *hostpaths.USERS, *hostpaths.ROOTS)),
            *("/proc", *there(("/sys/fs/cgroup",)), *read),
            *(published(settings, "courier"), published(settings, "watcher")),
        ),
        write=(folder(settings, "prober"), *write),
        execute=execute,
        connect=True,
        families=(*_INTERNET, int(socket.AF_NETLINK)),
        fork=bool(execute),
        pairs=bool(execute),
        memory=settings.budget.memory,
        files=1024,
    )


def _courier(settings: Settings) -> Confinement:
    read, write = hostpaths.sinks(settings)
    others = [role for role in ROLES if role != "courier"]
    supervisor = os.path.join(folder(settings, SUPERVISOR), JOURNAL)
    audit = os.path.join(settings.state, AUDIT)
    return Confinement(
        read=(
            *(*hostpaths.online(settings), *read, *hostpaths.store(settings)),
            *there((audit, supervisor, published(settings, SUPERVISOR))),
            *(os.path.join(folder(settings, role), JOURNAL) for role in others),
            *(published(settings, role) for role in others),
        ),
        write=(folder(settings, "courier"), *write),
        connect=True,
        families=_INTERNET,
        udp=True,
        memory=settings.budget.memory,
        files=256,
    )


def _keeper(settings: Settings) -> Confinement:
    actions, results = acting(settings)
    others = ("prober", "watcher", SUPERVISOR)
    asked = [os.path.join(folder(settings, role), REQUESTS) for role in others]
    each = [one for key in settings.keys.values() for one in key.deliver]
    beside = [os.path.dirname(one.path) for one in each if isinstance(one, FileDelivery)]
    # Whether a file may be swapped; of which unit who asks for a credential is.
    seen = ("/proc/self", "/proc/swaps") if beside else ()
    fetched = any(isinstance(one, CredentialDelivery) for one in each)
    serving = any(isinstance(one, CredentialDelivery | ExecDelivery) for one in each)
    local = serving or any(isinstance(one, HaproxyDelivery) for one in each)
    return Confinement(
        read=(
            *(*hostpaths.online(settings), *hostpaths.vault(settings)),
            *(published(settings, role) for role in ("courier", "prober", "watcher")),
            *there((published(settings, SUPERVISOR), results, *seen)),
            *(there(("/proc", "/sys/fs/cgroup")) if fetched else ()),
        ),
        write=(
            folder(settings, "keeper"),
            *there((settings.vault.folder, actions, *asked, *beside)),
        ),
        connect=True,
        sockets=there((settings.vault.folder,)) if serving else (),
        families=(*_INTERNET, int(socket.AF_UNIX)) if local else _INTERNET,
        udp=True,
        memory=settings.budget.memory,
        files=256,
    )


def _mender(settings: Settings) -> Confinement:
    actions, results = acting(settings)
    asked = [os.path.join(folder(settings, role), REQUESTS) for role in ("prober", SUPERVISOR)]
    return Confinement(
        read=(
            *(*hostpaths.interpreter(), *hostpaths.process(), *hostpaths.actor()),
            *hostpaths.configuration(settings),
            *there((*hostpaths.HOST, *hostpaths.USERS, published(settings, "courier"))),
            *there((published(settings, "prober"), published(settings, SUPERVISOR), results)),
        ),
        write=(folder(settings, "mender"), *there((actions, *asked))),
        links=there(settings.mend.folders),
        capabilities=_MENDING,
        memory=settings.budget.memory,
        files=256,
    )


def _supervisor(settings: Settings) -> Confinement:
    """Join what the roles may do: no process can allow another what it may not do itself."""
    parts = [of(role, settings) for role in ROLES]
    return Confinement(
        read=_joined(one.read for one in parts),
        write=(settings.state, *_joined(one.write[1:] for one in parts)),
        execute=_joined(one.execute for one in parts),
        connect=True,
        sockets=_joined(one.sockets for one in parts),
        links=_joined(one.links for one in parts),
        families=tuple(sorted({family for one in parts for family in one.families})),
        udp=True,
        fork=True,
        pairs=True,
        capabilities=(
            Capability.CAP_DAC_READ_SEARCH,
            *(_MENDING if settings.mend.folders else ()),
        ),
        memory=settings.budget.memory,
        files=1024,
    )


TABLE: Final = {
    "courier": Role("brings reports to the sinks, fetches policy", _courier),
    "keeper": Role("holds the token for Vault, delivers keys", _keeper),
    "mender": Role(
        "puts managed files back",
        _mender,
        kept="writes below the folders of the bootstrap file, what the signed policy says",
    ),
    "prober": Role(
        "asks this host's own TLS servers",
        _prober,
        kept="its code, and its unit where systemd has it, keep it to this host's own addresses",
    ),
    "reader": Role(
        "looks into the files that a watcher opened and handed over",
        _reader,
        kept="reads what Python may still load, no file of its own choice",
    ),
    SUPERVISOR: Role(
        "starts the roles where no systemd does",
        _supervisor,
        kept="has what its roles need, since no process can have more than the one that started it",
    ),
    "watcher": Role(
        "opens every file, parses none",
        _watcher,
        kept="is the only one that may open other users' files",
    ),
}


def _joined(several: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Join lists of paths; below "/" there is nothing that need be named."""
    paths = dict.fromkeys(path for one in several for path in one)
    return ("/",) if "/" in paths else tuple(paths)
