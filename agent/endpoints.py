"""Turn HOST:PORT into a target, and this host's listeners into targets. EDGE."""

from __future__ import annotations

import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from checks.lazy import regex
from checks.model import Inconclusive
from checks.tls import hostnames, identify, listeners, running, software
from checks.tls.facts import Target
from checks.tls.restraint import Exclusions, Restraint, Withheld
from checks.tls.spoken import Kind
from checks.tls.summary import Owner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from checks.tls.listeners import Listener, Listening
    from checks.tls.running import Started
    from checks.tls.spoken import Spoken

_AT_ONCE: Final = 16
"""Listeners that are asked at the same time, each once."""
_MOST_PIDS: Final = 16
"""Processes that hold one listener are looked at; the one that was started is among the first."""

_HOST_PORT: Final = regex(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s\[\]:/]+)):(\d{1,5})")


def target(text: str, server_name: str, protocol: str) -> Target:
    """Read HOST:PORT, an IPv6 address in brackets; raises click.UsageError for anything else."""
    found = _HOST_PORT.fullmatch(text)
    if found is None or not 0 < int(found[3]) < 65536:
        raise click.UsageError(f"{text}: expected HOST:PORT, such as localhost:443 or [::1]:443")
    host = found[1] or found[2]
    # RFC 6066 3: an address is no name to ask for.
    named = server_name or ("" if hostnames.address(host) else host)
    return Target(host, int(found[3]), named, protocol)


class Endpoint(NamedTuple):
    """What to ask, and whose it is; elsewhere: in another root, so that files here are not its."""

    target: Target
    owner: Owner = Owner()
    elsewhere: bool = False


class Heard(NamedTuple):
    """A listener of this host with what it speaks; None where policy has it left alone."""

    listener: Listener
    owner: Owner
    spoken: Spoken | None


class Found(NamedTuple):
    """Endpoints to ask; unseen: listeners of which it could not be told whether they speak TLS.

    apart: how many speak something else, by what it is; heard: all listeners there are; started:
    how the servers among them were started; exact: ask for no more names than the endpoints have.
    """

    endpoints: tuple[Endpoint, ...] = ()
    unseen: tuple[Inconclusive, ...] = ()
    apart: Mapping[str, int] = MappingProxyType({})
    heard: tuple[Heard, ...] = ()
    started: tuple[Started, ...] = ()
    exact: bool = False


def discovered(
    exclude: Sequence[str],
    memory: Restraint | None = None,
    listed: Callable[[], Listening] = listeners.look,
) -> Found:
    """Find every listener of this host that speaks TLS, at once or after asking for it.

    memory, listed: kept by who looks again and again; who was asked before is not asked again as
    long as its sockets are the same, nor is who was asked too often. It learns what is found out.
    """
    seen, memory, now = listed(), memory or Restraint(), time.monotonic()
    excluded = Exclusions(tuple(exclude))
    barred = {one: memory.withheld(one, now, excluded) for one in seen.listeners}
    free = (None, Withheld.NO_TLS)
    remembered = [(one, memory.known(one)) for one, why in barred.items() if why in free]
    wanted = [one for one, told in remembered if told is None]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = list(zip(wanted, pool.map(identify.identify, wanted), strict=True))
    for one, told in asked:
        memory.learned(one, told, now)
    memory.keep(seen.listeners, now)
    spoken = [*asked, *((one, told) for one, told in remembered if told)]
    return Found(
        tuple(_asked(one, told) for one, told in spoken if told.speaks_tls),
        (
            *(_unsettled(one, told) for one, told in spoken if not told.settled),
            *(_barred(one, why) for one, why in barred.items() if why is Withheld.CAPPED),
            *(Inconclusive("listeners", "not looked at", why) for why in seen.unseen),
        ),
        dict(Counter(_other(o) for _, o in spoken if o.settled and not o.speaks_tls)),
        _heard(seen.listeners, dict(spoken)),
        _started(seen.listeners),
    )


def untold(found: Found) -> set[str]:
    """Give the doors, host:port, of listeners of which it could not be told what they speak."""
    unseen = {one.path for one in found.unseen}
    heard = [one.listener for one in found.heard]
    return {str(Target(one.door, one.port)) for one in heard if _place(one) in unseen}


def given(asked: Sequence[Endpoint]) -> Found:
    """Tell whose the endpoints are that were asked for, as far as they are this host's own."""
    known = listeners.look().listeners
    theirs = [next((o for o in known if _is_behind(o, one.target)), None) for one in asked]
    owned = zip(asked, theirs, strict=True)
    return Found(
        tuple(_owned(one.target, its) if its else one for one, its in owned),
        started=_started([its for its in theirs if its]),
        exact=True,
    )


def _is_behind(listener: Listener, target: Target) -> bool:
    """Say whether a connection to a target comes out at a listener."""
    if listener.port != target.port:
        return False
    addresses = _addresses(target)
    if listener.wildcard:
        families = {4, 6} if listener.dual else {listener.family}
        return any(_version(one) in families and _is_own(one) for one in addresses)
    return listener.address in addresses


def _addresses(target: Target) -> set[str]:
    """Give the first address of a target, which a connection tries first."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    return {str(address[0]).partition("%")[0] for *_, address in found[:1]}


def _version(address: str) -> int:
    return 6 if ":" in address else 4


def _is_own(address: str) -> bool:
    """Say whether an address is one of this host's."""
    family = socket.AF_INET6 if _version(address) == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        try:
            trial.bind((address, 0))
        except OSError:
            return False
    return True


def _started(known: Sequence[Listener]) -> tuple[Started, ...]:
    """Tell how the servers behind listeners were started, each once."""
    processes: dict[tuple[int, str], None] = {}
    for listener in known:
        if named := _owner(listener).software:
            processes |= dict.fromkeys((pid, named) for pid in listener.pids[:_MOST_PIDS])
    return tuple(dict.fromkeys(one for process in processes for one in running.started(*process)))


def _heard(known: Sequence[Listener], spoken: Mapping[Listener, Spoken]) -> tuple[Heard, ...]:
    return tuple(Heard(one, _owner(one), spoken.get(one)) for one in known)


def _asked(listener: Listener, told: Spoken) -> Endpoint:
    protocol = told.protocol if told.kind is Kind.STARTTLS else ""
    return _owned(Target(listener.door, listener.port, "", protocol), listener)


def _owned(target: Target, listener: Listener) -> Endpoint:
    return Endpoint(target, _owner(listener), running.is_elsewhere(listener.pids))


def _owner(listener: Listener) -> Owner:
    """Say whose socket a listener is."""
    known = software.of_process(listener.executable, listener.command, listener.unit)
    return Owner(known, listener.unit, listener.executable or listener.command, listener.user)


def _unsettled(listener: Listener, told: Spoken) -> Inconclusive:
    why = f"not known whether it speaks TLS: {told.kind}"
    return Inconclusive(_place(listener), why, _whose(listener))


def _barred(listener: Listener, why: Withheld) -> Inconclusive:
    return Inconclusive(_place(listener), f"left alone: {why}", _whose(listener))


def _place(listener: Listener) -> str:
    return f"tcp://{Target(listener.address, listener.port)}"


def _whose(listener: Listener) -> str:
    return listener.unit or listener.executable or listener.command


def _other(told: Spoken) -> str:
    return f"listener without TLS ({told.protocol})" if told.protocol else "listener without TLS"
