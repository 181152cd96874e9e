"""What Caddy's settings mean for TLS, wherever they are written: a policy to a site.

Go decides the rest: TLS 1.2 and 1.3 only, and its own suites in 1.3 (crypto/tls).
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.tls import suites
from checks.tls.config import Ineffective, Pair, Setting, Site
from checks.tls.numbers import Version
from checks.tls.syntax.reading import absolute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from checks.tls.syntax.reading import Reading

NAME: Final = "caddy"
MOST: Final = 500
"""Of anything that one part of a configuration is expected to list."""
_VERSIONS: Final = {"tls1.2": Version.TLS12, "tls1.3": Version.TLS13}
_NAMES: Final = {suite.name: suite for suite in suites.known().values()}
_GO_NAMES: Final = {
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
}


class Policy(NamedTuple):
    """How TLS is spoken. low, high: bounds as written, "" for the default."""

    low: str = ""
    high: str = ""
    ciphers: Setting | None = None
    curves: Setting | None = None
    pairs: tuple[Pair, ...] = ()
    settings: tuple[Setting, ...] = ()


def site(
    place: Setting, names: tuple[str, ...], listens: tuple[str, ...], policy: Policy, gap: Reading
) -> Site:
    """Describe the host at PLACE that speaks TLS by a policy."""
    protocols = _between(policy, place, gap)
    return Site(
        server=NAME,
        place=place,
        names=names,
        listens=listens,
        pairs=policy.pairs,
        protocols=protocols,
        ciphers=_in_openssl_names(policy.ciphers),
        groups=policy.curves,
        settings=policy.settings,
        ineffective=tuple(_ineffective(policy, protocols)),
    )


def _between(policy: Policy, place: Setting, gap: Reading) -> tuple[Version, ...] | None:
    if not policy.low and not policy.high:
        return None
    low = _VERSIONS.get(policy.low or "tls1.2")
    high = _VERSIONS.get(policy.high or "tls1.3")
    if low is None or high is None:
        gap.miss(f"{place.path}: a protocol is named that Caddy does not take")
        return None
    return tuple(version for version in _VERSIONS.values() if low <= version <= high)


def _in_openssl_names(ciphers: Setting | None) -> Setting | None:
    if ciphers is None:
        return None
    found = (_NAMES.get(_GO_NAMES.get(word, word)) for word in ciphers.value.split())
    names = ":".join(suite.openssl for suite in found if suite and not suite.is_tls13)
    return Setting(ciphers.name, names, ciphers.path, ciphers.line) if names else None


def _ineffective(policy: Policy, protocols: tuple[Version, ...] | None) -> Iterator[Ineffective]:
    if policy.ciphers is None:
        return
    if protocols == (Version.TLS13,):
        yield Ineffective(policy.ciphers, "only TLS 1.3 is on, whose suites Go chooses itself")
    elif any((s := _NAMES.get(word)) and s.is_tls13 for word in policy.ciphers.value.split()):
        yield Ineffective(policy.ciphers, "Go offers all its suites of TLS 1.3, whatever is listed")


def pair(place: Setting, certificate: str, key: str) -> Pair:
    """Name the two files of a certificate; relative names are those beside the configuration."""
    home = posixpath.dirname(place.path)
    files = (absolute(home, certificate), absolute(home, key))
    return Pair(*(Setting(place.name, file, place.path, place.line) for file in files))


def loaded(place: Setting, folders: Iterable[str], reading: Reading) -> list[Pair]:
    """Give the bundles of certificate and key in folders; Caddy takes every *.pem below them."""
    files = [
        file
        for folder in list(folders)[:MOST]
        for file in reading.tree.glob(f"{absolute(posixpath.dirname(place.path), folder)}/*.pem")
    ]
    return [pair(place, file, file) for file in files[:MOST]]
