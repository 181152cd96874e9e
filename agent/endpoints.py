"""Turn HOST:PORT into a target, and this host's listeners into targets. EDGE."""

from __future__ import annotations

import ipaddress
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from checks.lazy import regex
from checks.model import Inconclusive
from checks.tls import identify, listeners, software
from checks.tls.facts import Target
from checks.tls.spoken import Kind
from checks.tls.summary import Owner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from checks.tls.listeners import Listener
    from checks.tls.spoken import Spoken

_AT_ONCE: Final = 16
"""Listeners that are asked at the same time, each once."""
_SPEAKING: Final = frozenset({Kind.TLS, Kind.STARTTLS})

_HOST_PORT: Final = regex(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s\[\]:/]+)):(\d{1,5})")


def target(text: str, server_name: str, protocol: str) -> Target:
    """Read HOST:PORT, an IPv6 address in brackets; raises click.UsageError for anything else."""
    found = _HOST_PORT.fullmatch(text)
    if found is None or not 0 < int(found[3]) < 65536:
        raise click.UsageError(f"{text}: expected HOST:PORT, such as localhost:443 or [::1]:443")
    host = found[1] or found[2]
    return Target(host, int(found[3]), server_name or _name(host), protocol)


def _name(host: str) -> str:
    """Give the name to ask for: none where the host is an address (RFC 6066 3)."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    return ""


class Endpoint(NamedTuple):
    """What to ask, and whose it is."""

    target: Target
    owner: Owner = Owner()


class Found(NamedTuple):
    """Endpoints to ask; unseen: listeners of which it could not be told whether they speak TLS.

    apart: how many speak something else, by what it is.
    """

    endpoints: tuple[Endpoint, ...] = ()
    unseen: tuple[Inconclusive, ...] = ()
    apart: Mapping[str, int] = MappingProxyType({})


def discovered(exclude: Sequence[str]) -> Found:
    """Find every listener of this host that speaks TLS, at once or after asking for it."""
    seen = listeners.look()
    wanted = [one for one in seen.listeners if not _excluded(one, exclude)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        spoken = list(zip(wanted, pool.map(identify.identify, wanted), strict=True))
    return Found(
        tuple(_asked(one, told) for one, told in spoken if told.kind in _SPEAKING),
        (
            *(_unsettled(one, told) for one, told in spoken if not told.settled),
            *(Inconclusive("listeners", "not looked at", why) for why in seen.unseen),
        ),
        dict(Counter(_other(told) for _, told in spoken if told.kind in {Kind.PLAIN, Kind.OTHER})),
    )


def _excluded(listener: Listener, exclude: Sequence[str]) -> bool:
    return any(fnmatch(f"{listener.address}:{listener.port}", glob) for glob in exclude)


def _asked(listener: Listener, told: Spoken) -> Endpoint:
    protocol = told.protocol if told.kind is Kind.STARTTLS else ""
    known = software.of_process(listener.executable, listener.command, listener.unit)
    owner = Owner(known, listener.unit, listener.executable or listener.command, listener.user)
    return Endpoint(Target(listener.door, listener.port, "", protocol), owner)


def _unsettled(listener: Listener, told: Spoken) -> Inconclusive:
    where = f"tcp://{Target(listener.address, listener.port)}"
    owner = listener.unit or listener.executable or listener.command
    return Inconclusive(where, f"not known whether it speaks TLS: {told.kind}", owner)


def _other(told: Spoken) -> str:
    return f"listener without TLS ({told.protocol})" if told.protocol else "listener without TLS"
