"""haproxy: each `bind` with TLS and each line of its crt-lists, with the options that count there.

Measured on haproxy 2.6 with OpenSSL 3.0: defaults count for the lines behind them only; `no-tlsv1x`
counts for nothing beside a lowest or highest version; of a crt-list's line the versions, ciphers
and suites count, the curves do not. Without a lowest version it is TLS 1.2 (since 2.2).
"""

from __future__ import annotations

import itertools
import posixpath
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.tls.config import Ineffective, Pair, Setting, Site
from checks.tls.numbers import Version
from checks.tls.syntax import sslconf
from checks.tls.syntax.haproxybinds import Bind, crt_list, default_options, read
from checks.tls.syntax.reading import Reading, absolute, literal, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from checks.tls.config import Tree
    from checks.tls.syntax.haproxybinds import Configuration, Globals

NAME: Final = "haproxy"
MAIN: Final = ("/etc/haproxy/haproxy.cfg", "/usr/local/etc/haproxy/haproxy.cfg")

_BESIDE: Final = (".issuer", ".ocsp", ".sctl", ".key")
"""Endings of files in a folder of certificates that hold none."""
_BUNDLED: Final = (".rsa", ".ecdsa", ".dsa")
_RANGE: Final = regex(r"(\d{1,5})-(\d{1,5})")
_VERSIONS: Final = {f"tlsv1{minor}": Version(0x0301 + minor) for minor in range(4)} | {
    "sslv3": Version.SSL3
}
_ADDRESSES: Final = 256


def sites(tree: Tree, main: str) -> Iterator[Site]:
    """Give a site for each `bind` with certificates, and one for each line of its crt-lists."""
    reading = Reading(tree)
    found = read(reading, main)
    return told(_sites(found, reading, posixpath.dirname(main)), reading, NAME, main)


class _Listener(NamedTuple):
    """A bind with what the lines of its lists share."""

    bind: Bind
    listens: tuple[str, ...]
    bounds: _Bounds
    hsts: tuple[Setting, ...]
    files: Files


def _sites(found: Configuration, reading: Reading, folder: str) -> Iterator[Site]:
    for bind in found.binds:
        if listens := tuple(itertools.islice(_listens(bind.place.value), _ADDRESSES)):
            files = Files(reading, bind.globals, folder)
            shared = _Listener(bind, listens, _bounds(bind), _hsts(bind, found), files)
            lists = bind.all("crt-list")
            if bind.all("crt", "default-crt") or not lists:
                yield _site(bind, shared)
            for one in lists:
                lines = crt_list(reading, bind, absolute(folder, one.value))
                yield from (_site(line, shared) for line in lines)


def _site(line: Bind, shared: _Listener) -> Site:
    """Give the site of a bind itself, or of a line of its lists."""
    bind, bounds = shared.bind, shared.bounds
    return Site(
        server=NAME,
        place=line.place,
        names=tuple(name.lower() for name in line.rest if not name.startswith("!")),
        listens=shared.listens,
        pairs=tuple(shared.files.pairs(line)),
        protocols=bounds.versions() if line is bind else _line_versions(line, bounds),
        ciphers=_nearest(line, bind, "ciphers"),
        suites=_nearest(line, bind, "ciphersuites"),
        groups=_groups(bind),
        dh_file=_default(bind.globals, "ssl-dh-param-file"),
        settings=(*_settings(line, bind), *shared.hsts),
        ineffective=(*_curves(line, bind), *bounds.ignored),
        unseen=tuple(_gaps(line, shared)),
    )


def _gaps(line: Bind, shared: _Listener) -> Iterator[str]:
    if shared.files.stored(line):
        yield "certificates of a crt-store"
    said = (shared.bind.place, line.place, *shared.bind.options, *line.options)
    if any("$" in one.value for one in said):
        yield "variables that no file sets"


def _settings(line: Bind, bind: Bind) -> Iterator[Setting]:
    """Give what counts, of the defaults the last ones."""
    for one in bind.globals.settings:
        if one.name == "ssl-default-bind-options" or one is bind.globals.last(one.name):
            yield one
    yield from bind.options
    if line is not bind:
        yield from (one for one in line.options if one.name not in {"curves", "ecdhe"})


def _nearest(line: Bind, bind: Bind, name: str) -> Setting | None:
    default = _default(bind.globals, f"ssl-default-bind-{name}")
    return line.last(name) or bind.last(name) or default


def _default(known: Globals, name: str) -> Setting | None:
    said = known.last(name)
    return said if said and said.value else None


class _Bounds(NamedTuple):
    """The lowest and highest version, None where it is not said; off: those without; ignored."""

    lowest: Version | None
    highest: Version | None
    off: frozenset[Version]
    ignored: tuple[Ineffective, ...]

    def versions(self) -> tuple[Version, ...] | None:
        """Give the versions, None where haproxy's defaults count."""
        if self.lowest or self.highest:
            low, high = self.real()
            return _between(low, high)
        usual = (Version.TLS12, Version.TLS13)
        left = tuple(version for version in usual if version not in self.off)
        return None if left == usual else left

    def real(self) -> tuple[Version, Version]:
        """Give the lowest and the highest version as haproxy fills them in."""
        high = self.highest or Version.TLS13
        left = [one for one in (Version.TLS12, Version.TLS13) if one not in self.off]
        usual = left[0] if left else Version.TLS12
        return self.lowest or min(usual, high), high


def _bounds(bind: Bind) -> _Bounds:
    own, defaults = _limits(bind.options), _limits(default_options(bind.globals))
    lowest, highest = own.lowest or defaults.lowest, own.highest or defaults.highest
    off = own.off | defaults.off
    ignored: tuple[Ineffective, ...] = ()
    if lowest or highest:
        reason = "haproxy ignores it beside a lowest or highest version"
        words = (*default_options(bind.globals), *bind.options)
        ignored = tuple(Ineffective(one, reason) for one in words if _switched_off(one.name))
        off = frozenset()
    return _Bounds(lowest, highest, off, ignored)


def _switched_off(name: str) -> Version | None:
    return _VERSIONS.get(name.removeprefix("no-")) if name.startswith("no-") else None


def _limits(options: Iterable[Setting]) -> _Bounds:
    lowest = highest = None
    off: set[Version] = set()
    for one in options:
        version = sslconf.VERSIONS.get(one.value.lower())
        if one.name == "ssl-min-ver":
            lowest = version
        elif one.name == "ssl-max-ver":
            highest = version
        elif one.name.startswith("force-"):
            lowest = highest = _VERSIONS.get(one.name.removeprefix("force-"))
        elif gone := _switched_off(one.name):
            off.add(gone)
    return _Bounds(lowest, highest, frozenset(off), ())


def _between(low: Version, high: Version) -> tuple[Version, ...]:
    return tuple(version for version in Version if low <= version <= high)


def _line_versions(line: Bind, bounds: _Bounds) -> tuple[Version, ...] | None:
    own = _limits(line.options)
    if not own.lowest and not own.highest:
        return bounds.versions()
    low, high = bounds.real()
    return _between(own.lowest or low, own.highest or high)


def _groups(bind: Bind) -> Setting | None:
    return (
        bind.last("curves")
        or bind.last("ecdhe")
        or _default(bind.globals, "ssl-default-bind-curves")
    )


def _curves(line: Bind, bind: Bind) -> Iterator[Ineffective]:
    """Tell a list's curves that do not count (SSL_set_SSL_CTX keeps those of the bind)."""
    mine, theirs = line.last("curves", "ecdhe"), _groups(bind)
    if line is not bind and mine and (theirs is None or theirs.value != mine.value):
        place = f"{bind.place.path}:{bind.place.line}"
        yield Ineffective(mine, f"the curves of the bind line count, {place}")


def _hsts(bind: Bind, found: Configuration) -> tuple[Setting, ...]:
    backend = found.proxies.get(bind.proxy.backend)
    return (*bind.proxy.hsts, *(backend.hsts if backend else ()))


def _listens(addresses: str) -> Iterator[str]:
    """Give the TCP and UNIX addresses of a bind, with the any-addresses as "*" and "[::]"."""
    for address in addresses.split(","):
        family, at, rest = address.rpartition("@")
        if family.startswith(("quic", "udp")):
            continue
        if family in {"unix", "uxst"} or rest.startswith("/"):
            yield f"unix:{rest}"
        elif family in {"fd", "abns", "abnsz", "sockpair"}:
            yield address
        else:
            yield from _spread(rest if at else address, family)


def _spread(address: str, family: str) -> Iterator[str]:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if ":" in host or family.endswith("6"):
        host = f"[{host or '::'}]" if host != "*" else "[::]"
    elif host in {"", "0.0.0.0"}:  # noqa: S104 - a name to be compared
        host = "*"
    spread = _RANGE.fullmatch(port)
    ports = range(int(spread[1]), int(spread[2]) + 1) if spread else (port,)
    yield from (f"{host}:{one}" for one in ports)


class Files:
    """Finds certificates and their keys as haproxy does; no file is opened for it."""

    def __init__(self, reading: Reading, known: Globals, folder: str) -> None:
        """Look in a tree, from the folder that `global` names, or the main file's."""
        self._reading = reading
        base = known.last("crt-base")
        self._base = absolute(folder, base.value) if base else folder
        self._short = known.last("ssl-load-extra-del-ext") is not None

    def pairs(self, line: Bind) -> Iterator[Pair]:
        """Give the pairs of a bind's own options, or of a list's line."""
        said = line.all("crt", "default-crt")
        for one in [line.place] if line.place.name == "crt-list" else said:
            if not one.value.startswith("@"):
                for path in self._files(absolute(self._base, one.value)):
                    certificate = Setting(one.name, path, one.path, one.line)
                    yield Pair(certificate, self._key(line, certificate))

    def stored(self, line: Bind) -> bool:
        """Say whether certificates come out of a crt-store."""
        names = (line.place, *line.all("crt", "default-crt"))
        return any(one.value.startswith("@") and one.name != "bind" for one in names)

    def _files(self, path: str) -> Sequence[str]:
        """Give the certificates that a path leads to: a folder's, a bundle's, or the file itself.

        Of a folder all files count but those with an ending of `_BESIDE`.
        """
        place = literal(path.rstrip("/"))
        glob = self._reading.glob
        inside = sorted((*glob(f"{place}/*"), *glob(f"{place}/.*")))
        if inside:
            return [one for one in inside if not one.endswith(_BESIDE)]
        if not glob(place):
            return [one for end in _BUNDLED for one in glob(place + end)] or [path]
        return [path]

    def _key(self, line: Bind, certificate: Setting) -> Setting:
        """Give the file of the key: named, beside the certificate, or in its file."""
        path = certificate.value
        named = line.last("key")
        if named and named.value:
            path = absolute(self._base, named.value)
        else:
            beside = path.removesuffix(".crt") if self._short else path
            path = next(iter(self._reading.glob(literal(f"{beside}.key"))), path)
        return Setting(certificate.name, path, certificate.path, certificate.line)
