"""What the host's OpenSSL makes of a set-up: which protocols are left, which settings are vain.

Measured on Debian 12 (OpenSSL 3.0.19) with nginx 1.22, apache 2.4, haproxy 2.6, lighttpd 1.4,
PostgreSQL 15, Postfix 3.7 and Dovecot 2.3: MinProtocol and MaxProtocol of openssl.cnf do not bind
servers that set bounds themselves, which all of these do; its CipherString's SECLEVEL does, except
Postfix, which begins at SECLEVEL 0 (tls_server.c) whatever the system wants.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import LimitError
from checks.lazy import regex
from checks.tls import cipherlist, suites
from checks.tls.cipherwords import Build, permitted
from checks.tls.config import Ineffective
from checks.tls.numbers import Version, group_numbers
from checks.tls.syntax import opensslcnf
from checks.tls.syntax.opensslcnf import Defaults
from checks.tls.syntax.optional import text_if_there
from checks.tls.syntax.reading import Reading
from checks.tls.wording import listed, version_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from checks.tls.config import Setting, Site, Tree

CONFIGS: Final = (
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/openssl.cnf",
    "/usr/lib/ssl/openssl.cnf",
    "/usr/local/ssl/openssl.cnf",
)
"""Where openssl.cnf lies: the first that is there counts."""
POLICY: Final = "/etc/crypto-policies/back-ends/openssl.config"
"""What `PROFILE=SYSTEM` stands for in cipher strings on RHEL and its relatives."""

_ALL: Final = (Version.TLS10, Version.TLS11, Version.TLS12, Version.TLS13)
_SECURE: Final = (Version.TLS12, Version.TLS13)
_SSL: Final = (Version.SSL2, Version.SSL3)
DEFAULTS: Final[Mapping[str, tuple[Version, ...]]] = MappingProxyType(
    {
        "apache": _ALL,
        "caddy": _SECURE,
        "dovecot": _SECURE,
        "haproxy": _SECURE,
        "lighttpd": _SECURE,
        "nginx": _ALL,
        "postfix": _ALL,
        "postgresql": _SECURE,
    }
)
"""What each server switches on itself where nothing is said; an nginx from 1.27.3 on says less."""
_WITHOUT_OPENSSL: Final = frozenset({"caddy"})
_OWN_LEVEL: Final = MappingProxyType({"postfix": 0})
_OWN_GROUPS: Final = frozenset({"postfix", "postgresql"})
"""Servers that set a list of groups themselves where nothing is said."""
_DISTRIBUTION_LEVEL: Final = MappingProxyType({"debian": 2, "ubuntu": 2, "raspbian": 2})
_WEAK_BUILDS: Final = frozenset({"almalinux", "centos", "fedora", "ol", "rhel", "rocky"})
_HYBRIDS: Final = frozenset({"x25519mlkem768", "secp256r1mlkem768", "secp384r1mlkem1024"})
_PURE: Final = frozenset({"mlkem512", "mlkem768", "mlkem1024"})
_NUMBER: Final = regex(r"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?")
_BETWEEN: Final = regex(r"[\s,:/]++")
_NAMED_SSL: Final = regex(r"(?<![!\w-])SSLv[23](?!\w)", re.IGNORECASE)
_DECIDES: Final = regex(r"protocol|min-?ver|force-tls|no-tls|no-ssl", re.IGNORECASE)
_BOUNDS_ABOVE: Final = regex(r"max|^no-", re.IGNORECASE)


class Library(NamedTuple):
    """An OpenSSL as it is set up on a host.

    version: (3, 0, 19); level: the SECLEVEL compiled in; weak: with 3DES and RC4; ubuntu: 1.1.1
    with Ubuntu's patch, by which SECLEVEL 2 bars TLS 1.1; policy: the text of `POLICY`.
    """

    version: tuple[int, int, int]
    level: int = 1
    weak: bool = False
    ubuntu: bool = False
    defaults: Defaults = Defaults()
    policy: str = ""
    unseen: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name people use: "OpenSSL 3.0"."""
        digits = self.version if self.version < (3,) else self.version[:2]
        return f"OpenSSL {'.'.join(map(str, digits))}"

    @property
    def build(self) -> Build:
        """What of it cipher strings depend on."""
        return Build(self.version[:2], self.weak)


class Effective(NamedTuple):
    """What is left of a set-up.

    protocols: oldest first; ineffective: the site's own and those that the library makes so; level:
    the SECLEVEL in force, None without OpenSSL; classical: the setting that switches off the
    post-quantum groups which the library would offer.
    """

    protocols: tuple[Version, ...]
    ineffective: tuple[Ineffective, ...] = ()
    level: int | None = None
    classical: Setting | None = None


def library(version: str, distribution: str, tree: Tree, config: str = "") -> Library | None:
    """Describe an OpenSSL as a host has it; None where VERSION is none of OpenSSL.

    version: as it tells it, "OpenSSL 3.0.19 27 Jan 2026", or a package's; distribution: the ID of
    os-release; tree: the host's files; config: the openssl.cnf that OPENSSL_CONF names, or "".
    """
    found = _NUMBER.search(version)
    if found is None:
        return None
    number = (int(found[1]), int(found[2]), int(found[3] or 0))
    reading = Reading(tree)
    config = config or next((path for path in CONFIGS if tree.glob(path)), "")
    compiled = 2 if number >= (3, 2, 0) else 1
    return Library(
        version=number,
        level=_DISTRIBUTION_LEVEL.get(distribution, compiled),
        weak=distribution in _WEAK_BUILDS,
        ubuntu=distribution == "ubuntu",
        defaults=opensslcnf.defaults(reading, config) if config else Defaults(),
        policy=text_if_there(reading, POLICY).strip(),
        unseen=reading.unseen,
    )


def effective(site: Site, of: Library, served: Collection[Version] = frozenset()) -> Effective:
    """Say which protocols a site serves in the end, and which of its settings are in vain.

    served: what it was seen to serve, whatever the library is taken to refuse: a server may have
    been started with another openssl.cnf.
    """
    asked = site.protocols if site.protocols is not None else DEFAULTS.get(site.server)
    if site.server in _WITHOUT_OPENSSL:
        protocols = _SECURE if asked is None else asked
        return Effective(protocols, site.ineffective, None, _classical(site.groups))
    if asked is None:
        asked = _library_range(of.defaults)
    level = level_of(site, of)
    refused = (v for v in asked if v < _least(level, of) or not _is_built(v, of))
    barred = tuple(version for version in refused if version not in served)
    protocols = tuple(sorted(set(asked) - set(barred)))
    vain = (*_refused(site, barred, level, of), *_absent(site, level, of))
    groups = site.groups or (None if site.server in _OWN_GROUPS else of.defaults.groups)
    is_modern = of.version >= (3, 5, 0) and Version.TLS13 in protocols
    classical = _classical(groups) if is_modern else None
    return Effective(protocols, (*site.ineffective, *vain), level, classical)


def allowed(site: Site, of: Library) -> frozenset[Version]:
    """Give the protocols that a site's own settings leave on.

    What the system's SECLEVEL refuses counts in: with which openssl.cnf it was started, no file
    tells.
    """
    asked = site.protocols if site.protocols is not None else DEFAULTS.get(site.server)
    own = _level(site.ciphers, of) is not None or site.server in _OWN_LEVEL
    if asked is None or own or site.server in _WITHOUT_OPENSSL:
        return frozenset(effective(site, of).protocols)
    return frozenset(asked)


def level_of(site: Site, of: Library) -> int:
    """Give the SECLEVEL in force: the site's own, what its server begins with, the system's."""
    own = _level(site.ciphers, of)
    if own is not None:
        return own
    if site.server in _OWN_LEVEL:
        return _OWN_LEVEL[site.server]
    system = _level(of.defaults.ciphers, of)
    if system is None and of.policy:
        system = cipherlist.level_of(of.policy)
    return of.level if system is None else system


def legacy(site: Site) -> tuple[Version, ...]:
    """Give the obsolete versions that a site's settings switch on.

    SSL 2 and 3 count where they are named, since an exclusion that forgets them adds nothing.
    """
    named = any(_NAMED_SSL.search(setting.value) for setting in site.settings)
    return tuple(
        version
        for version in site.protocols or ()
        if version < Version.TLS12 and (version not in _SSL or named)
    )


def deciding(site: Site) -> Setting | None:
    """Give the setting that says which protocols are on, None where none does."""
    vain = {one.setting for one in site.ineffective}
    found = [s for s in site.settings if _DECIDES.search(f"{s.name} {s.value}") and s not in vain]
    adding = [s for s in found if not _BOUNDS_ABOVE.search(s.name)]
    return next(reversed(adding or found), None)


def suites_of(site: Site, of: Library) -> frozenset[int] | None:
    """Give the suites below TLS 1.3 that a site's own cipher string leaves on.

    None where it has none, or one that OpenSSL does not take.
    """
    if site.ciphers is None or site.server in _WITHOUT_OPENSSL:
        return None
    try:
        choice = cipherlist.expand(_resolved(site.ciphers.value, of), of.build)
    except LimitError:
        return None
    level = level_of(site, of)
    kept = frozenset(code for code in choice.suites if permitted(code, level, of.build))
    return kept if choice.valid else None


def groups_of(site: Site) -> frozenset[int] | None:
    """Give the groups that a site's own list leaves on; None without one, or where it is not read.

    A brainpool curve has a number of its own in TLS 1.3 (RFC 8734).
    """
    if site.groups is None or not site.groups.value:
        return None
    known, found = group_numbers(), set[int]()
    for word in _BETWEEN.split(site.groups.value.lower().strip()):
        name = word.lstrip("?*")
        if name not in known:
            return None
        found |= {known[name], known.get(f"{name}tls13", known[name])}
    return frozenset(found)


def _level(ciphers: Setting | None, of: Library) -> int | None:
    return cipherlist.level_of(_resolved(ciphers.value, of)) if ciphers else None


def _resolved(text: str, of: Library) -> str:
    """Put the system's policy in the place of PROFILE=SYSTEM, which begins a string."""
    if text.startswith("PROFILE=SYSTEM") and of.policy:
        return of.policy + text.removeprefix("PROFILE=SYSTEM")
    return text


def _least(level: int, of: Library) -> Version:
    """Give the oldest version that a SECLEVEL lets through."""
    if of.version >= (3,):
        return Version.TLS12 if level > 0 else Version.SSL2
    if level >= (2 if of.ubuntu else 4):
        return Version.TLS12
    if level >= 3:
        return Version.TLS11
    return Version.TLS10 if level == 2 else Version.SSL2


def _is_built(version: Version, of: Library) -> bool:
    if version in _SSL:
        return of.version < (1, 1)
    return version is not Version.TLS13 or of.version >= (1, 1, 1)


def _library_range(defaults: Defaults) -> tuple[Version, ...]:
    """Give what a program gets that leaves the choice to the library."""
    names = {"TLSv1": 0, "TLSv1.0": 0, "TLSv1.1": 1, "TLSv1.2": 2, "TLSv1.3": 3}
    low = names.get(defaults.minimum.value, 0) if defaults.minimum else 0
    high = names.get(defaults.maximum.value, 3) if defaults.maximum else 3
    return _ALL[low : high + 1]


def _refused(
    site: Site, barred: Iterable[Version], level: int, of: Library
) -> Iterator[Ineffective]:
    """Find the setting that asks for versions which the library refuses."""
    setting = deciding(site)
    wanted = [version for version in legacy(site) if version in set(barred)]
    if setting is None or not wanted:
        return
    unbuilt = [version for version in wanted if not _is_built(version, of)]
    refused = [version for version in wanted if version not in unbuilt]
    reasons = []
    if refused:
        reasons.append(f"{of.label} at SECLEVEL {level} refuses {version_names(refused)}")
    if unbuilt:
        reasons.append(f"{of.label} is built without {version_names(unbuilt)}")
    yield Ineffective(setting, "; ".join(reasons))


def _absent(site: Site, level: int, of: Library) -> Iterator[Ineffective]:
    """Find suites that a cipher string names and does not get."""
    kept = suites_of(site, of)
    if kept is None or site.ciphers is None:
        return
    wanted = dict.fromkeys(cipherlist.named(_resolved(site.ciphers.value, of)))
    names = [suites.of(code).openssl for code in wanted if not _is_there(code, level, of)]
    if names:
        why = f"{of.label} at SECLEVEL {level} does not offer {listed(names)}"
        yield Ineffective(site.ciphers, why)


def _is_there(code: int, level: int, of: Library) -> bool:
    if suites.of(code).is_tls13:
        return True
    name = suites.of(code).openssl
    alone = cipherlist.expand(name, of.build).suites
    return code in alone and permitted(code, level, of.build)


def _classical(groups: Setting | None) -> Setting | None:
    """Give a list of groups that names no post-quantum one, None where one of them is left.

    OpenSSL 3.5 writes ?GROUP, *GROUP, -GROUP and DEFAULT; servers write auto for their default.
    """
    if groups is None or not groups.value:
        return None
    kept: set[str] = set()
    for word in _BETWEEN.split(groups.value.lower()):
        name = word.lstrip("?*-")
        if name in {"auto", "default"}:
            kept |= _HYBRIDS
        elif name in _HYBRIDS or name in _PURE:
            kept = kept - {name} if "-" in word[:2] else kept | {name}
    return None if kept else groups
