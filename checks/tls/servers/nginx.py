"""nginx: http, stream and mail servers with TLS, as nginx merges and shares out their settings.

Measured on nginx 1.22 with OpenSSL 3.0: of the servers of one address the default one decides on
protocols, groups, TLS 1.3 suites and early data; ciphers below it and certificates are each
server's own. (Of early data the same is told of nginx 1.30: github.com/nginx/nginx/issues/1536.)
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from checks.lazy import regex
from checks.tls.config import Ineffective, Pair, Setting, Site
from checks.tls.syntax import sslconf
from checks.tls.syntax.nginxblocks import Addresses, Block, Listen, servers
from checks.tls.syntax.reading import Reading, absolute, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.tls.config import Tree
    from checks.tls.numbers import Version

NAME: Final = "nginx"
MAIN: Final = (
    "/etc/nginx/nginx.conf",
    "/usr/local/nginx/conf/nginx.conf",
    "/usr/local/openresty/nginx/conf/nginx.conf",
    "/opt/nginx/conf/nginx.conf",
)

_UNKNOWN: Final = regex(r"[^$]*\$|data:|engine:|store:")
"""A certificate or key that is no file, or whose file depends on the request."""
_MAIL_PORTS: Final = {"25": "smtp", "587": "smtp", "110": "pop3", "143": "imap"}
_EARLY_DATA: Final = "ssl_early_data"
_SHARED: Final = ("ssl_protocols", "ssl_ecdh_curve", _EARLY_DATA)
_SPLIT: Final = "ssl_conf_command"
"""Some of its commands are shared, and some are each server's own."""


def sites(tree: Tree, main: str) -> Iterator[Site]:
    """Give a site for each server with TLS, and each default server that it stands behind."""
    reading = Reading(tree)
    return told(_sites(servers(reading, main), reading, main), reading, NAME, main)


def _sites(found: list[Block], reading: Reading, main: str) -> Iterator[Site]:
    addresses = Addresses(found, reading)
    prefix = posixpath.dirname(main)
    for server, listens in zip(found, addresses.listens, strict=True):
        behind: dict[Block, list[str]] = {}
        upgrade = _upgrade(server, listens)
        for listen in listens:
            address = addresses.of(server, listen)
            if (address.tls or upgrade) and "quic" not in listen.options:
                behind.setdefault(address.default, []).append(listen.address)
        for default, bound in behind.items():
            yield _site(server, default, tuple(dict.fromkeys(bound)), upgrade, prefix)


def _upgrade(server: Block, listens: list[Listen]) -> str:
    """Give the protocol in which a mail server offers TLS, "" where it does not."""
    switch = server.last("starttls")
    if switch is None or switch.value not in {"on", "only"} or _module(server) != "mail":
        return ""
    if protocol := server.last("protocol"):
        return protocol.value
    port = listens[0].address.rpartition(":")[2] if listens else ""
    return _MAIL_PORTS.get(port, "")


def _module(server: Block) -> str:
    return server.above.kind if server.above else ""


def _site(
    server: Block, default: Block, listens: tuple[str, ...], upgrade: str, prefix: str
) -> Site:
    commands = _commands(server)
    shared = _commands(default)
    pairs = tuple(_pairs(server, prefix))
    return Site(
        server=NAME,
        place=server.place,
        names=_names(server.names),
        listens=listens,
        pairs=pairs,
        protocols=_protocols(default, shared),
        ciphers=sslconf.last(commands, "cipherstring") or server.last("ssl_ciphers"),
        suites=sslconf.last(shared, "ciphersuites"),
        groups=_groups(default, shared),
        dh_file=_file(server.last("ssl_dhparam"), prefix),
        starttls=upgrade,
        settings=_settings(server, default),
        ineffective=(*_not_shared(server, default), *_headers_lost(server)),
        unseen=tuple(_gaps(server, pairs)),
    )


def _commands(server: Block) -> list[sslconf.Command]:
    return sslconf.commands(server.all(_SPLIT))


def _protocols(server: Block, commands: Sequence[sslconf.Command]) -> tuple[Version, ...] | None:
    said = server.all("ssl_protocols")
    if not said and not sslconf.about_protocols(commands):
        return None
    words = [word.lower() for one in said for word in one.value.split(" ")]
    on = [sslconf.VERSIONS[word] for word in words if word in sslconf.VERSIONS]
    protocols = sslconf.Protocols(on if said else sslconf.MODERN)
    protocols.apply(commands)
    return protocols.versions()


def _groups(server: Block, commands: Sequence[sslconf.Command]) -> Setting | None:
    said = sslconf.last(commands, "groups", "curves") or server.last("ssl_ecdh_curve")
    return None if said is None or said.value == "auto" else said


def _names(words: list[str]) -> tuple[str, ...]:
    """Give the names that a client can ask for, those with wildcards last."""
    plain = [word.lower() for word in words if word and word[0] not in "~$_"]
    names = [f"*{name}" if name.startswith(".") else name for name in plain]
    names += [name[1:] for name in plain if name.startswith(".")]
    return tuple(dict.fromkeys(sorted(names, key=lambda name: "*" in name)))


def _pairs(server: Block, prefix: str) -> Iterator[Pair]:
    keys = server.all("ssl_certificate_key")
    for index, certificate in enumerate(server.all("ssl_certificate")):
        if not _UNKNOWN.match(certificate.value):
            key = keys[index] if index < len(keys) else None
            unknown = key is None or _UNKNOWN.match(key.value)
            yield Pair(_absolute(certificate, prefix), None if unknown else _file(key, prefix))


def _gaps(server: Block, pairs: tuple[Pair, ...]) -> Iterator[str]:
    if len(pairs) < len(server.all("ssl_certificate")):
        yield "certificates that variables name"
    if any(one.name.startswith("ssl_certificate_by_lua") for one in server.effective()):
        yield "certificates that Lua code chooses"


def _file(setting: Setting | None, prefix: str) -> Setting | None:
    return _absolute(setting, prefix) if setting else None


def _absolute(setting: Setting, prefix: str) -> Setting:
    path = absolute(prefix, setting.value)
    return Setting(setting.name, path, setting.path, setting.line)


def _settings(server: Block, default: Block) -> tuple[Setting, ...]:
    own = [one for one in server.effective() if one.name not in _SHARED]
    shared = [one for one in default.effective() if one.name in {*_SHARED, _SPLIT}]
    return tuple(dict.fromkeys((*server.listens, *own, *shared, *_hsts(server))))


def _not_shared(server: Block, default: Block) -> Iterator[Ineffective]:
    """Tell which settings the default server of the address overrules."""
    if server is default:
        return
    place = f"{default.place.path}:{default.place.line}"
    fix = f"Take it out, or set it in that server, {place}, for all names of the address."
    own, shared = _commands(server), _commands(default)
    if _protocols(server, own) != _protocols(default, shared):
        reason = f"nginx before 1.29.2 takes those of the address's default server, {place}"
        said = [one.setting for one in own if sslconf.about_protocols([one])]
        for one in (*server.all("ssl_protocols"), *said):
            yield Ineffective(one, reason, fix)
    for mine in _overruled(server, default, own, shared):
        yield Ineffective(mine, f"the address's default server decides on it, {place}", fix)


def _overruled(
    server: Block,
    default: Block,
    own: Sequence[sslconf.Command],
    shared: Sequence[sslconf.Command],
) -> Iterator[Setting]:
    """Give the groups, suites of TLS 1.3 and early data that the default server says otherwise."""
    for mine, theirs in (
        (_groups(server, own), _groups(default, shared)),
        (sslconf.last(own, "ciphersuites"), sslconf.last(shared, "ciphersuites")),
    ):
        if mine and (theirs is None or mine.value != theirs.value):
            yield mine
    early = server.last(_EARLY_DATA)
    if early and (early.value == "on") != _takes_early_data(default):
        yield early


def _takes_early_data(server: Block) -> bool:
    said = server.last(_EARLY_DATA)
    return said is not None and said.value == "on"


def _hsts(server: Block) -> list[Setting]:
    """Give the HSTS headers that a server's answers carry: its own headers replace the others."""
    above = server.above.hsts if server.above else []
    mode = server.last("add_header_inherit")
    if mode and mode.value == "merge":
        return [*above, *server.hsts]
    return server.hsts if server.headers or (mode and mode.value == "off") else above


def _headers_lost(server: Block) -> Iterator[Ineffective]:
    sent = _hsts(server)
    above = server.above.hsts if server.above else []
    for one in above:
        if one not in sent:
            yield _lost(one, server.place)
    if server.bare and sent:
        yield _lost(sent[-1], server.bare)


def _lost(header: Setting, block: Setting) -> Ineffective:
    place = f"{block.path}:{block.line}"
    reason = f"not sent from a block with an add_header of its own, {place}"
    return Ineffective(header, reason, f"Write the line in the block at {place} as well.")
