"""Caddy: sites of a Caddyfile or servers of its JSON, as Caddy 2 turns them into TLS.

A site has TLS where it says so (https://, the tls directive) or names a host; never on the port
of plain HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.tls.config import Setting
from checks.tls.syntax import caddyfile, caddyservers, caddytls
from checks.tls.syntax.caddytls import MOST
from checks.tls.syntax.reading import Reading, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from checks.tls.config import Pair, Site, Tree
    from checks.tls.syntax.caddyfile import Node

NAME: Final = caddytls.NAME
MAIN: Final = (
    "/etc/caddy/Caddyfile",
    "/etc/caddy/caddy.json",
    "/etc/caddy/config.json",
    "/usr/local/etc/caddy/Caddyfile",
)

_PLAIN_PORT: Final = "80"
_TLS_PORT: Final = "443"
_MOST_SITES: Final = 2_000
_PAIR_OF_FILES: Final = 2


class _Address(NamedTuple):
    """An address as it stands before a site's block; port "" where it follows from the scheme."""

    scheme: str
    host: str
    port: str


class _Options(NamedTuple):
    """The global options that matter."""

    http_port: str = _PLAIN_PORT
    https_port: str = _TLS_PORT
    bind: tuple[str, ...] = ()
    automatic: bool = True


def sites(tree: Tree, main: str) -> Iterator[Site]:
    """Give a site for each block and port with TLS; a name that ends in .json is read as JSON."""
    reading = Reading(tree)
    text = reading.text(main) or ""
    read = caddyservers.sites if main.endswith(".json") else _from_caddyfile
    # A list, so that the first site tells the gaps that are met at the last one.
    return told(list(_limited(read(text, main, reading), reading)), reading, NAME, main)


def _limited(found: Iterable[Site], reading: Reading) -> Iterator[Site]:
    for count, site in enumerate(found):
        if count == _MOST_SITES:
            reading.miss(f"more than {_MOST_SITES} sites")
            return
        yield site


def _from_caddyfile(text: str, main: str, reading: Reading) -> Iterator[Site]:
    imports = caddyfile.Imports(reading)
    options = _Options()
    for count, block in enumerate(_blocks(caddyfile.nodes(text, main, reading), imports)):
        if count == 0 and not block.words:
            options = _options(block.children or ())
        elif not imports.define(block):
            yield from _block_sites(block, options, imports, reading)


def _blocks(nodes: Sequence[Node], imports: caddyfile.Imports) -> Iterator[Node]:
    """Give the blocks of a file: options, snippets, sites; also a lone site without braces."""
    addresses: tuple[str, ...] = ()
    lines = imports.resolved(nodes)
    for node in lines:
        words = (*addresses, *node.words)
        if node.children is not None:
            yield caddyfile.Node(words, node.path, node.line, node.children)
            addresses = ()
        elif words[-1].endswith(","):
            addresses = words[:MOST]
        else:
            yield caddyfile.Node(words, node.path, node.line, tuple(lines))


def _options(nodes: Iterable[Node]) -> _Options:
    said = {node.words[0]: node.words[1:] for node in nodes if len(node.words) > 1}
    return _Options(
        said.get("http_port", (_PLAIN_PORT,))[0],
        said.get("https_port", (_TLS_PORT,))[0],
        said.get("default_bind", ())[:MOST],
        "off" not in said.get("auto_https", ()),
    )


def _block_sites(
    block: Node, options: _Options, imports: caddyfile.Imports, reading: Reading
) -> Iterator[Site]:
    if not block.words or block.words[0].startswith("&("):
        return
    lines = list(imports.resolved(block.children or ()))
    directives = [node for node in lines if node.words and node.words[0] == "tls"]
    bound = next((n.words[1:] for n in lines if n.words and n.words[0] == "bind"), options.bind)
    policy = _policy(directives, reading)
    names: dict[str, dict[str, None]] = {}
    for word in " ".join(block.words).replace(",", " ").split():
        address = _address(word)
        port = address.port or (options.https_port if address.scheme != "http" else "")
        if _has_tls(address, port, options, named=bool(directives)):
            names.setdefault(port, {})[address.host] = None
    place = Setting("site", " ".join(block.words), block.path, block.line)
    for port, hosts in names.items():
        own = tuple(host for host in hosts if host)[:MOST]
        yield caddytls.site(place, own, _listens(bound[:MOST], port), policy, reading)


def _address(word: str) -> _Address:
    """Read scheme://host:port/path, of which any part may be missing."""
    scheme, separator, rest = word.rpartition("://")
    rest = rest if rest.startswith("{") else rest.partition("/")[0]
    host, colon, port = rest.rpartition(":")
    if not colon or not port.isdigit():
        host, port = rest, ""
    return _Address(scheme.lower() if separator else "", host.strip("[]").lower(), port)


def _has_tls(address: _Address, port: str, options: _Options, *, named: bool) -> bool:
    if address.scheme == "http" or port in {"", options.http_port}:
        return False
    automatic = options.automatic and bool(address.host)
    return address.scheme == "https" or named or automatic or port == options.https_port


def _listens(bound: Iterable[str], port: str) -> tuple[str, ...]:
    """Give "address:port"; a Unix socket is none, and a network such as tcp4/ is left out."""
    places = [word.rpartition("/")[2] for word in bound if not word.startswith("unix/")]
    if not places:
        return (f"*:{port}",)
    plain = (place.strip("[]") for place in places)
    return tuple(f"[{p}]:{port}" if ":" in p else f"{p}:{port}" for p in plain)


def _policy(directives: Iterable[Node], reading: Reading) -> caddytls.Policy:
    """Put together what all tls directives of a site say."""
    said: dict[str, Setting] = {}
    pairs: list[Pair] = []
    for directive in directives:
        files = directive.words[1:]
        if len(files) == _PAIR_OF_FILES:
            said["tls"] = directive.setting()
            pairs.append(caddytls.pair(said["tls"], *files))
        for node in directive.children or ():
            setting = node.setting()
            if setting.name in {"protocols", "ciphers", "curves", "load"}:
                said[setting.name] = setting
    load = said.get("load")
    pairs += caddytls.loaded(load, load.value.split(), reading) if load else ()
    bounds = said["protocols"].value.split() if "protocols" in said else []
    low, high, *_ = [*bounds, "", ""]
    return caddytls.Policy(
        low, high, said.get("ciphers"), said.get("curves"), tuple(pairs), tuple(said.values())
    )
