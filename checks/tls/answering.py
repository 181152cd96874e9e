"""Say which of the configured sites answer at an endpoint, and by which names they are asked for.

Servers go by the address first, the more exact one before "any"; then by the name. Where no site
has the name, one of them is the default: which one differs from server to server, so that all of
them may be it. Caddy answers strangers by no site that has names, but as it does by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.lazy import regex
from checks.tls import hostnames
from checks.tls.hostnames import ascii_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from checks.tls.config import Site
    from checks.tls.drift import Configured
    from checks.tls.facts import Target

_MOST: Final = 50
"""A listener is asked for no more names than these."""
_ANY: Final = "hygiene-agent"
"""Stands for any label of a wildcard."""
_STRICT: Final = frozenset({"caddy"})
"""Servers whose sites with names are for these alone."""
_PLAIN: Final = regex(r"(?=.{1,253}\Z)(?:[A-Za-z0-9_](?:[A-Za-z0-9_\-]{0,61}[A-Za-z0-9])?\.?)+")
"""A host name, not an expression or an address."""


def serving(
    configured: Iterable[Configured], target: Target, software: str = ""
) -> tuple[Configured, ...]:
    """Give the sites one of which answers a target; software: whose socket it is, where known."""
    here = _here(configured, target, software)
    wanted = ascii_name(target.server_name)
    exact = tuple(one for one in here if wanted in map(ascii_name, one.names))
    alike = tuple(one for one in here if _covers(one.names, wanted))
    others = tuple(one for one in here if one.site.server not in _STRICT or not one.site.names)
    return (exact or alike or others) if wanted else others


def names(configured: Iterable[Configured], target: Target, software: str = "") -> list[str]:
    """Give the names to ask a listener for: those of the sites that it answers for."""
    found: dict[str, None] = {}
    for one in _here(configured, target, software):
        found |= dict.fromkeys(_asked(one.names))
    return list(found)[:_MOST]


def _asked(known: Sequence[str]) -> Iterator[str]:
    """Write a site's names as clients ask for them.

    A wildcard is asked for by a name that it stands for: a made-up one where no other is known,
    and none where its end had to be made up, since no certificate is for that.
    """
    plain = [name for name in map(ascii_name, known) if _is_host(name)]
    made = [f"{_ANY}.{ascii_name(name[2:])}" for name in known if name.startswith("*.")]
    yield from plain
    for name in filter(_is_host, made):
        if not any(other.endswith(name.removeprefix(_ANY)) for other in plain):
            yield name


def _is_host(name: str) -> bool:
    return bool(_PLAIN.fullmatch(name)) and not hostnames.address(name)


def covered(known: Iterable[str], wanted: str) -> bool:
    """Say whether one of a site's names is a name or stands for it."""
    plain = ascii_name(wanted)
    return plain in map(ascii_name, known) or _covers(known, plain)


def _covers(known: Iterable[str], wanted: str) -> bool:
    """Say whether a wildcard at either end of a name stands for the one that is wanted."""
    return any(
        (one.startswith("*.") and wanted.endswith(f".{ascii_name(one[2:])}"))
        or (one.endswith(".*") and wanted.startswith(one[:-1]))
        for one in known
    )


def _here(
    configured: Iterable[Configured], target: Target, software: str
) -> tuple[Configured, ...]:
    ranked = [
        (_rank(one.site, target), one)
        for one in configured
        if one.site.starttls == target.starttls and software in {"", one.site.server}
    ]
    best = max((rank for rank, _ in ranked), default=0)
    return tuple(one for rank, one in ranked if rank == best > 0)


def _rank(site: Site, target: Target) -> int:
    """Say how well a site's addresses fit: 0 not at all, 3 exactly."""
    split = (listen.rpartition(":") for listen in site.listens)
    hosts = [host for host, _, port in split if port == str(target.port)]
    return max((_fits(host, target) for host in hosts), default=0)


def _fits(host: str, target: Target) -> int:
    bound, wanted = _canonical(host), _canonical(target.host)
    if bound == wanted:
        return 3
    if bound in {"*", "::"}:
        return 2 if (":" in wanted) == (bound == "::") else 1
    # Of a name only its server knows the address.
    return 0 if hostnames.address(bound) and hostnames.address(wanted) else 1


def _canonical(host: str) -> str:
    text = host.strip("[]").partition("%")[0].lower()
    if text in {"", "0.0.0.0", "_default_"}:  # noqa: S104 - a name to be compared
        return "*"
    if text == "localhost":
        return "127.0.0.1"
    return hostnames.address(text) or text
