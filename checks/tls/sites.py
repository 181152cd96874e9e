"""Read the TLS set-up of every known server below a root, and the certificates it names. EDGE."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from checks.errors import FormatError, HygieneError
from checks.lazy import regex
from checks.model import Inconclusive
from checks.secrets import pem
from checks.tls import answering, certificate, keyuse, openssl, servers, siting
from checks.tls.drift import Configured
from checks.tls.keyfinding import Finder
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from checks.tls.config import Site, Tree
    from checks.tls.facts import Target
    from checks.tls.numbers import Version
    from checks.tls.running import Started
    from checks.tls.siting import Located
    from checks.tls.tree import Named

_PACKAGES: Final = {
    "/var/lib/dpkg/status": regex(
        r"\nPackage: libssl[\w.]+\n(?:\S.*\n|[ \t].*\n)*?Version: ([\d.]+\w?)"
    ),
    "/lib/apk/db/installed": regex(r"\nP:libssl[\w.]+\nV:([\d.]+\w?)"),
}
"""Where Debian and Alpine keep what is installed."""
_ID: Final = regex(r"(?m)^ID=\"?([\w.\-]+)")
_BY_CERTIFICATE: Final = frozenset({"caddy", "haproxy"})
"""Servers that choose a certificate by the names in it."""
_NOTHING: Final[Mapping[Site, Collection[Version]]] = MappingProxyType({})
_MOST: Final = 10_000
"""Sites that are taken of one server."""


class Server(Protocol):
    """What a module of `checks/tls/servers` offers; see that package's text."""

    NAME: str
    MAIN: tuple[str, ...]

    def sites(self, tree: Tree, main: str) -> Iterator[Site]:
        """Read a main file with everything it includes."""
        ...


class Seen(NamedTuple):
    """What configuration says; unseen: what there is and could not be read.

    key_faults: of the private keys that it names; modes: of their files, by path; key_files: these
    files, each once.
    """

    configured: tuple[Configured, ...] = ()
    key_faults: tuple[Located, ...] = ()
    unseen: tuple[Inconclusive, ...] = ()
    modes: Mapping[str, int] = MappingProxyType({})
    key_files: tuple[keyuse.KeyFile, ...] = ()

    def faults(self, served: Mapping[Site, Collection[Version]] = _NOTHING) -> list[Located]:
        """Give the faults of configuration, each with the setting to change; served: as seen."""
        found: dict[Located, None] = {}
        for one in self.configured:
            if one.library:
                effective = openssl.effective(one.site, one.library, served.get(one.site, ()))
                found |= dict.fromkeys(siting.judge(one.site, effective))
        return [*found, *self.key_faults]


@cache
def known() -> tuple[Server, ...]:
    """Load every module of the folder, sorted by name."""
    return tuple(map(_server, _names_known()))


@cache
def _names_known() -> tuple[str, ...]:
    return tuple(sorted(info.name for info in pkgutil.iter_modules(servers.__path__)))


@cache
def _server(name: str) -> Server:
    return cast("Server", importlib.import_module(f"{servers.__name__}.{name}"))


def look(root: str = "/", started: Sequence[Started] = ()) -> Seen:
    """Read all that the servers below ROOT would; raises OSError where ROOT cannot be opened.

    started: how those that run on this host were started.
    """
    with RootTree(root) as tree:
        return look_in(tree, root, started)


def look_in(tree: Named, root: str, started: Sequence[Started] = ()) -> Seen:
    """Read all that the servers in a tree would; root: what to call the tree."""
    reader = _Reader(tree, started)
    for server in known():
        for main in _mains(server, tree, started):
            reader.read(server, main)
    return reader.seen(root)


def answering_at(targets: Sequence[Target], started: Sequence[Started]) -> Seen:
    """Read what this host's servers that were started so have at some endpoints; no keys."""
    with RootTree() as tree:
        reader = _Reader(tree, started)
        running = {one.software for one in started}
        for server in (_server(name) for name in _names_known() if name in running):
            for main in _mains(server, tree, started):
                reader.read(server, main)
        reader.keep(targets)
        return reader.seen("/", keys=False)


class _Reader:
    """Reads the main files of one root."""

    def __init__(self, tree: Named, started: Sequence[Started]) -> None:
        self._tree = tree
        self._started = started
        self._found: list[Configured] = []
        self._unseen: list[Inconclusive] = []
        self._version, self._distribution = _version(tree), _distribution(tree)
        self._libraries: dict[str, openssl.Library | None] = {}

    def read(self, server: Server, main: str) -> None:
        library = self._library(server.NAME, main)
        try:
            for site, _ in zip(server.sites(self._tree, main), range(_MOST), strict=False):
                self._found.append(_configured(site, self._tree, library))
                told = (Inconclusive(main, "not looked at", why) for why in site.unseen)
                self._unseen += told
        except HygieneError as error:
            self._unseen.append(Inconclusive(main, "not understood", str(error)))

    def _library(self, server: str, main: str) -> openssl.Library | None:
        """Describe the OpenSSL of a server as it was started."""
        same = [one for one in self._started if one.software == server and one.openssl]
        named = next((one.openssl for one in same if one.main in {"", main}), "")
        if named not in self._libraries:
            self._libraries[named] = openssl.library(
                self._version, self._distribution, self._tree, named
            )
        return self._libraries[named]

    def keep(self, targets: Iterable[Target]) -> None:
        """Forget the sites that answer at none of some endpoints."""
        kept = {one.site for target in targets for one in answering.serving(self._found, target)}
        self._found = [one for one in self._found if one.site in kept]

    def seen(self, root: str, *, keys: bool = True) -> Seen:
        """Give all that was read; KEYS: with the keys that it names."""
        finder = Finder(self._tree, live=root == "/")
        found = self._found if keys else ()
        uses = tuple(dict.fromkeys(use for one in found for use in finder.uses(one.site)))
        gaps = [Inconclusive(root, "not looked at", why) for why in self._tree.unseen]
        return Seen(
            tuple(self._found),
            tuple(keyuse.judge(uses)),
            tuple(dict.fromkeys([*self._unseen, *gaps])),
            {use.key.path: use.key.access.mode for use in uses},
            tuple(dict.fromkeys(use.key for use in uses)),
        )


def _configured(site: Site, tree: Named, library: openssl.Library | None) -> Configured:
    leaves = tuple(_leaves(site, tree))
    return Configured(
        site,
        leaves,
        tuple(dict.fromkeys(_names(site, leaves))),
        openssl.allowed(site, library) if library else None,
        openssl.suites_of(site, library) if library else None,
        openssl.groups_of(site),
        library,
    )


def _names(site: Site, leaves: Iterable[bytes]) -> Iterator[str]:
    """Give the names a site answers to, those of its certificates where they decide or tell more.

    Of the names that a wildcard stands for a certificate says which are in use.
    """
    yield from site.names
    wild = any("*" in name for name in site.names)
    if wild or (site.server in _BY_CERTIFICATE and not site.names):
        for name in _certified(leaves):
            if not wild or answering.covered(site.names, name):
                yield name


def _certified(leaves: Iterable[bytes]) -> Iterator[str]:
    for leaf in leaves:
        with contextlib.suppress(FormatError):
            found = certificate.read(leaf)
            yield from found.extensions.names or filter(None, [found.common_name.lower()])


def _version(tree: Tree) -> str:
    """Give the version of the root's OpenSSL by its packages; no program of the root is run."""
    for path, pattern in _PACKAGES.items():
        if found := pattern.search(tree.read(path) or ""):
            return f"OpenSSL {found[1]}"
    return ""


def _distribution(tree: Tree) -> str:
    found = _ID.search(tree.read("/etc/os-release") or tree.read("/usr/lib/os-release") or "")
    return found[1] if found else ""


def _mains(server: Server, tree: Tree, started: Sequence[Started]) -> list[str]:
    """Give the main files that are there; of a server's usual places the first one counts."""
    named = [one.main for one in started if one.software == server.NAME and one.main]
    for pattern in server.MAIN:
        if there := [path for path in tree.glob(pattern) if tree.read(path) is not None]:
            return list(dict.fromkeys([*there, *named]))
    return list(dict.fromkeys(named))


def _leaves(site: Site, tree: Named) -> Iterator[bytes]:
    """Give the first certificate of each file that a site names, DER."""
    for pair in site.pairs:
        held = tree.held(pair.certificate.value)
        block = pem.first(held.data or b"", private=False) if held else None
        if block and block.whole:
            yield block.body
