"""Compare what an endpoint serves with what its server's files say now.

A certificate that was renewed and not loaded, a configuration that was tightened and not loaded:
both look right in the files and wrong from outside, so that only who sees both can tell.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.model import Severity
from checks.secrets.advice import CheckText
from checks.tls.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from checks.tls.config import Site
    from checks.tls.facts import EndpointFacts, Target
    from checks.tls.numbers import Version

CHECKS: Final = {
    "drift-certificate-not-loaded": CheckText(
        "Certificate on disk that the server does not serve",
        Severity.HIGH,
        "the server still serves another certificate than its file holds",
        "Reload the server; then see that the renewal reloads it by itself.",
        "A renewed certificate that was not loaded ends as an outage when the old one expires.",
    ),
    "drift-config-not-loaded": CheckText(
        "TLS configuration that the server does not serve",
        Severity.MEDIUM,
        "the server still speaks what its configuration no longer allows",
        "Test the configuration and reload the server.",
        "A set-up that was tightened in a file and not loaded protects nobody.",
    ),
}
_SHOWN: Final = 16
_NAMES: Final = 50
"""A listener is asked for no more names than these."""
_PLAIN: Final = regex(r"(?=.{1,253}\Z)(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.?)+")
"""A host name, not a wildcard, an expression or an address."""


class Configured(NamedTuple):
    """A site with what its files hold. leaves: the first certificate of each file, DER.

    protocols: those that are effective, None where the defaults are not known.
    """

    site: Site
    leaves: tuple[bytes, ...] = ()
    protocols: frozenset[Version] | None = None


def serves(site: Site, target: Target) -> bool:
    """Say whether a site is the one that answers a target: by port, and by its names if any."""
    named = not site.names or target.server_name in site.names
    return str(target.port) in _ports(site) and named and site.starttls == target.starttls


def names(configured: Iterable[Configured], target: Target) -> list[str]:
    """Give the names to ask a listener for: those of the sites that it answers for, plain ones."""
    found: dict[str, None] = {}
    for one in configured:
        if str(target.port) in _ports(one.site) and one.site.starttls == target.starttls:
            found |= dict.fromkeys(name for name in one.site.names if _PLAIN.fullmatch(name))
    return list(found)[:_NAMES]


def _ports(site: Site) -> set[str]:
    return {listen.rpartition(":")[2] for listen in site.listens}


def judge(facts: EndpointFacts, configured: Configured) -> Iterator[Fault]:
    """Find where an endpoint differs from the files of the site that answers there."""
    served = {chain.certificates[0] for chain in facts.chains}
    where = configured.site.place
    for leaf in configured.leaves:
        if served and leaf not in served and not _same_kind(leaf, served, configured.leaves):
            yield Fault(
                "drift-certificate-not-loaded",
                f"serves {_prints(served)}, {where.path}:{where.line} names {_print(leaf)}",
                _print(leaf),
            )
    if configured.protocols is not None:
        more = {v for v, yes in facts.versions.items() if yes} - configured.protocols
        if more:
            named = ", ".join(version.label for version in sorted(more))
            yield Fault(
                "drift-config-not-loaded",
                f"speaks {named}, which {where.path}:{where.line} does not allow",
                named,
            )


def _same_kind(leaf: bytes, served: set[bytes], leaves: tuple[bytes, ...]) -> bool:
    """Of a pair of which one only was seen served, the other may not have been asked for."""
    return len(leaves) > len(served) and bool(served.intersection(leaves)) and leaf not in served


def _print(leaf: bytes) -> str:
    return hashlib.sha256(leaf).hexdigest()[:_SHOWN]


def _prints(leaves: set[bytes]) -> str:
    return " and ".join(sorted(map(_print, leaves)))
