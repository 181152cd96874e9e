"""Compare what an endpoint serves with what its server's files say now.

A certificate that was renewed and not loaded, a configuration that was tightened and not loaded:
both look right in the files and wrong from outside, so that only who sees both can tell.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from checks.errors import FormatError
from checks.model import Severity
from checks.secrets.advice import CheckText
from checks.tls import certificate, hostnames, suites
from checks.tls.config import Site  # noqa: TC001 - msgspec resolves it
from checks.tls.faults import Fault
from checks.tls.numbers import Version  # noqa: TC001 - msgspec resolves it
from checks.tls.openssl import Library  # noqa: TC001 - msgspec resolves it
from checks.tls.wording import group_name, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from checks.tls.facts import EndpointFacts

CONFIG: Final = "drift-config-not-loaded"
CHECKS: Final = {
    "drift-certificate-not-loaded": CheckText(
        "Certificate on disk that the server does not serve",
        Severity.HIGH,
        "the server still serves another certificate than its file holds",
        "Reload the server; then see that the renewal reloads it by itself.",
        "A renewed certificate that was not loaded ends as an outage when the old one expires.",
    ),
    CONFIG: CheckText(
        "TLS configuration that the server does not serve",
        Severity.MEDIUM,
        "the server still speaks what its configuration no longer allows",
        "Test the configuration and reload the server.",
        "A set-up that was tightened in a file and not loaded protects nobody.",
    ),
}

_T = TypeVar("_T")


class Configured(NamedTuple):
    """A site with what its files hold. leaves: the first certificate of each file, DER.

    names: those it answers to, of its configuration or else of its certificates; protocols, suites
    (below TLS 1.3), groups: those it may serve, None where that is not known; library: its OpenSSL.
    """

    site: Site
    leaves: tuple[bytes, ...] = ()
    names: tuple[str, ...] = ()
    protocols: frozenset[Version] | None = None
    suites: frozenset[int] | None = None
    groups: frozenset[int] | None = None
    library: Library | None = None


def judge(facts: EndpointFacts, serving: Sequence[Configured]) -> Iterator[Fault]:
    """Find where an endpoint differs from its server's files. serving: sites one of which answers.

    What one of them allows is no drift, since it may be the one.
    """
    if serving:
        places = listed(f"{one.site.place.path}:{one.site.place.line}" for one in serving)
        yield from _certificates(facts, serving, places)
        yield from _settings(facts, serving, places)


def _certificates(
    facts: EndpointFacts, serving: Sequence[Configured], places: str
) -> Iterator[Fault]:
    served = {chain.certificates[0] for chain in facts.chains}
    wanted = facts.target.server_name
    leaves = tuple(dict.fromkeys(leaf for one in serving for leaf in _chosen(one, wanted)))
    known = served.intersection(leaves)
    if not served or not all(one.leaves for one in serving):
        return
    # Of several sites or certificates one only was asked for; of one certificate nothing is left.
    if known and (len(serving) > 1 or len(leaves) > len(served)):
        return
    missing = [leaf for leaf in leaves if leaf not in served]
    for leaf in missing if len(serving) == 1 else missing[:1]:
        yield Fault(
            "drift-certificate-not-loaded",
            f"serves {_prints(served)}, {places} names {_print(leaf)}",
            _print(leaf),
        )


def _chosen(one: Configured, wanted: str) -> Iterable[bytes]:
    """Give the certificates of a site that are for a name; all of them where none is, or no name.

    A server that has many in one place chooses among them so.
    """
    if len(one.leaves) < 2 or not wanted:
        return one.leaves
    fitting = [leaf for leaf in one.leaves if _is_for(leaf, wanted)]
    return fitting or one.leaves


def _is_for(leaf: bytes, wanted: str) -> bool:
    try:
        found = certificate.read(leaf)
    except FormatError:
        return False
    return hostnames.matches(wanted, found.extensions.names, found.extensions.addresses)


def _settings(facts: EndpointFacts, serving: Sequence[Configured], places: str) -> Iterator[Fault]:
    """Compare versions, suites and groups with those that the files leave on."""
    versions = {version for version, yes in facts.versions.items() if yes}
    codes = {one.suite for one in facts.suites if not suites.of(one.suite).is_tls13}
    groups = {*facts.groups, *facts.curves}
    more: tuple[tuple[str, list[str]], ...] = (
        ("speaks", _more(versions, [one.protocols for one in serving], _label)),
        ("accepts", _more(codes, [one.suites for one in serving], lambda c: suites.of(c).name)),
        ("agrees on keys by", _more(groups, [one.groups for one in serving], group_name)),
    )
    for verb, names in more:
        if names:
            said = f"{verb} {listed(names)}, which {places} does not allow"
            yield Fault(CONFIG, said, ", ".join(names))


def _more(
    seen: Iterable[_T], allowed: Sequence[Collection[_T] | None], name: Callable[[_T], str]
) -> list[str]:
    """Name what was seen and is left on by none; nothing where one of them is not known."""
    known = [one for one in allowed if one is not None]
    left = {one for one in seen if not any(one in some for some in known)}
    return sorted(map(name, left)) if len(known) == len(allowed) else []


def _label(version: Version) -> str:
    return version.label


def _print(leaf: bytes) -> str:
    return hashlib.sha256(leaf).hexdigest()


def _prints(leaves: Iterable[bytes]) -> str:
    return " and ".join(sorted(map(_print, leaves)))
