"""Read the TLS set-up of every known server below a root, and the certificates it names. EDGE."""

from __future__ import annotations

import base64
import binascii
import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from checks.errors import HygieneError
from checks.lazy import regex
from checks.model import Inconclusive
from checks.tls import openssl, servers, siting
from checks.tls.drift import Configured
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.config import Site, Tree
    from checks.tls.siting import Located

_PEM: Final = regex(r"-----BEGIN (?:TRUSTED )?CERTIFICATE-----([A-Za-z0-9+/=\s]+?)-----END ")
_PACKAGES: Final = {
    "/var/lib/dpkg/status": regex(
        r"\nPackage: libssl[\w.]+\n(?:\S.*\n|[ \t].*\n)*?Version: ([\d.]+\w?)"
    ),
    "/lib/apk/db/installed": regex(r"\nP:libssl[\w.]+\nV:([\d.]+\w?)"),
}
"""Where Debian and Alpine keep what is installed."""
_ID: Final = regex(r"(?m)^ID=\"?([\w.\-]+)")
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

    faults: of the configuration itself, each with the setting to change.
    """

    configured: tuple[Configured, ...] = ()
    faults: tuple[Located, ...] = ()
    unseen: tuple[Inconclusive, ...] = ()


@cache
def known() -> tuple[Server, ...]:
    """Load every module of the folder, sorted by name."""
    names = sorted(info.name for info in pkgutil.iter_modules(servers.__path__))
    return tuple(cast("Server", importlib.import_module(f"{servers.__name__}.{n}")) for n in names)


def look(root: str = "/") -> Seen:
    """Read all that the servers below ROOT would; raises OSError where ROOT cannot be opened."""
    found: list[Configured] = []
    faults: dict[Located, None] = {}
    unseen: list[Inconclusive] = []
    with RootTree(root) as tree:
        library = openssl.library(_version(tree), _distribution(tree), tree)
        for server in known():
            for main in _mains(server, tree):
                try:
                    for site, _ in zip(server.sites(tree, main), range(_MOST), strict=False):
                        effective = openssl.effective(site, library) if library else None
                        allowed = frozenset(effective.protocols) if effective else None
                        found.append(Configured(site, tuple(_leaves(site, tree)), allowed))
                        if effective:
                            faults |= dict.fromkeys(siting.located(site, effective))
                        unseen += [Inconclusive(main, "not looked at", why) for why in site.unseen]
                except HygieneError as error:
                    unseen.append(Inconclusive(main, "not understood", str(error)))
        unseen += [Inconclusive(root, "not looked at", why) for why in tree.unseen]
    return Seen(tuple(found), tuple(faults), tuple(dict.fromkeys(unseen)))


def _version(tree: Tree) -> str:
    """Give the version of the root's OpenSSL by its packages; no program of the root is run."""
    for path, pattern in _PACKAGES.items():
        if found := pattern.search(tree.read(path) or ""):
            return f"OpenSSL {found[1]}"
    return ""


def _distribution(tree: Tree) -> str:
    found = _ID.search(tree.read("/etc/os-release") or tree.read("/usr/lib/os-release") or "")
    return found[1] if found else ""


def _mains(server: Server, tree: Tree) -> list[str]:
    """Give the main files that are there; of a server's usual places the first one counts."""
    for pattern in server.MAIN:
        if there := [path for path in tree.glob(pattern) if tree.read(path) is not None]:
            return there
    return []


def _leaves(site: Site, tree: Tree) -> Iterator[bytes]:
    """Give the first certificate of each file that a site names, DER."""
    for pair in site.pairs:
        text = tree.read(pair.certificate.value)
        if text and (found := _PEM.search(text)):
            try:
                yield base64.b64decode("".join(found[1].split()), validate=True)
            except binascii.Error:
                continue
