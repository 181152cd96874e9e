"""Apache httpd: virtual hosts with mod_ssl, as that merges and shares out their settings.

Measured on Apache 2.4.71 with OpenSSL 3.0: a host's own SSLProtocol, suites and certificates count
wherever it stands; groups are those of the address's first host; without any SSLProtocol the
versions are that host's too; SSLProtocol allows no gap between the lowest and the highest version.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.tls.config import Ineffective, Pair, Setting, Site
from checks.tls.numbers import Version
from checks.tls.syntax import sslconf
from checks.tls.syntax.apache import Configuration
from checks.tls.syntax.apachehosts import Host, server
from checks.tls.syntax.reading import Reading, absolute, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from checks.tls.config import Tree
    from checks.tls.syntax.apachehosts import Address, Server

NAME: Final = "apache"
MAIN: Final = (
    "/etc/apache2/apache2.conf",
    "/etc/httpd/conf/httpd.conf",
    "/etc/apache2/httpd.conf",
    "/etc/httpd/httpd.conf",
    "/usr/local/apache2/conf/httpd.conf",
)

_APPENDED: Final = ":!aNULL:!eNULL:!EXP"
"""What mod_ssl puts behind every cipher list, wherever it comes from."""
_NEVER: Final = frozenset("null anull enull adh aecdh exp export export40 export56".split())
_LISTENS: Final = 256
"""Addresses of one host that are told."""
_ORDER: Final[tuple[Version, ...]] = (Version.SSL3, *sslconf.MODERN)
_FILES: Final = ("sslcertificatefile", "sslcertificatekeyfile")
_ADDING: Final = ("sslopensslconfcmd", "header")


def sites(tree: Tree, main: str) -> Iterator[Site]:
    """Give a site for each virtual host with TLS, and each first host that it stands behind."""
    reading = Reading(tree)
    configuration = Configuration(reading, main)
    read = server(reading, configuration, main)
    return told(_sites(read, configuration.root), reading, NAME, main)


def _sites(read: Server, root: str) -> Iterator[Site]:
    first: dict[Address, Host] = {}
    for host in read.hosts:
        for address in host.addresses:
            first.setdefault(address, host)
    if read.base.speaks_tls and (left := read.listens.left(set(first))):
        yield _site(read.base, read.base, left, root)
    for host in filter(lambda host: host.speaks_tls, read.hosts):
        behind: dict[Host, list[str]] = {}
        room = _LISTENS
        for address in host.addresses:
            bound = behind.setdefault(first[address], [])
            bound += itertools.islice(read.listens.of(address), max(1, room))
            room -= len(bound)
        for default, bound in behind.items():
            yield _site(host, default, tuple(dict.fromkeys(bound)), root)


def _site(host: Host, default: Host, listens: tuple[str, ...], root: str) -> Site:
    commands, shared = _commands(host), _commands(default)
    versions = host if host.last("sslprotocol") else default
    pairs = tuple(_pairs(host, root))
    return Site(
        server=NAME,
        place=host.place,
        names=_names(host),
        listens=listens if default.speaks_tls else (),
        pairs=pairs,
        protocols=_protocols(versions.last("sslprotocol"), _commands(versions)),
        ciphers=_ciphers(host, commands),
        suites=sslconf.last(commands, "ciphersuites") or _suites(host, tls13=True),
        groups=_groups(shared),
        settings=_settings(host),
        ineffective=tuple(_ineffective(host, default, listens)),
        unseen=tuple(_gaps(host, pairs)),
    )


def _commands(host: Host) -> list[sslconf.Command]:
    return sslconf.commands(host.both("sslopensslconfcmd"))


class _Range(NamedTuple):
    """What an SSLProtocol comes to; replaced: some of its words; cut: versions below a gap."""

    versions: tuple[Version, ...]
    replaced: tuple[str, ...] = ()
    cut: tuple[Version, ...] = ()


def _range(value: str) -> _Range:
    on: set[Version] = set()
    before: list[str] = []
    replaced: list[str] = []
    for word in value.lower().split():
        name = word.lstrip("+-")
        versions = sslconf.MODERN if name == "all" else (sslconf.VERSIONS.get(name),)
        known = {version for version in versions if version in _ORDER}
        if word.startswith("-"):
            on -= known
        elif word.startswith("+"):
            on |= known
            before.append(word)
        else:
            replaced += before if on else []
            on, before = known, [word]
    kept = _without_gap(on)
    return _Range(kept, tuple(replaced), tuple(sorted(on - set(kept))))


def _without_gap(on: Iterable[Version]) -> tuple[Version, ...]:
    """Give the highest version and those right below it (ssl_init_ctx_protocol)."""
    places = sorted((_ORDER.index(version) for version in on), reverse=True)
    kept = [place for step, place in enumerate(places) if places[0] - step == place]
    return tuple(_ORDER[place] for place in reversed(kept))


def _protocols(
    said: Setting | None, commands: Sequence[sslconf.Command]
) -> tuple[Version, ...] | None:
    if said is None and not sslconf.about_protocols(commands):
        return None
    versions = _range(said.value).versions if said else sslconf.MODERN
    if not versions:
        return ()
    protocols = sslconf.Protocols({*sslconf.MODERN, *versions}, versions[0], versions[-1])
    protocols.apply(commands)
    return protocols.versions()


def _suites(host: Host, *, tls13: bool) -> Setting | None:
    """Give the last SSLCipherSuite for TLS 1.3 or for what is below, without that word."""
    for one in reversed(host.both("sslciphersuite")):
        protocol, blank, suites = one.value.partition(" ")
        if (protocol.lower() == "tlsv1.3") == tls13:
            value = suites if blank and protocol.lower() in {"ssl", "tlsv1.3"} else one.value
            return Setting(one.name, value, one.path, one.line)
    return None


def _ciphers(host: Host, commands: Sequence[sslconf.Command]) -> Setting | None:
    said = sslconf.last(commands, "cipherstring") or _suites(host, tls13=False)
    return Setting(said.name, said.value + _APPENDED, said.path, said.line) if said else None


def _groups(commands: Sequence[sslconf.Command]) -> Setting | None:
    return sslconf.last(commands, "groups", "curves", "ecdhparameters")


def _names(host: Host) -> tuple[str, ...]:
    """Give the names that a client can ask for, those with wildcards last."""
    names = [name.lower().rpartition("//")[2].partition(":")[0] for name in host.names]
    return tuple(dict.fromkeys(sorted(filter(None, names), key=lambda name: "*" in name)))


def _pairs(host: Host, root: str) -> Iterator[Pair]:
    keys = host.overlaid("sslcertificatekeyfile")
    for index, certificate in enumerate(host.overlaid("sslcertificatefile")):
        if not certificate.value.startswith("pkcs11:"):
            file = _absolute(certificate, root)
            key = keys[index] if index < len(keys) else certificate
            outside = key.value.startswith("pkcs11:")
            yield Pair(file, None if outside else _absolute(key, root))


def _absolute(setting: Setting, root: str) -> Setting:
    return Setting(setting.name, absolute(root, setting.value), setting.path, setting.line)


def _gaps(host: Host, pairs: tuple[Pair, ...]) -> Iterator[str]:
    if len(pairs) < len(host.overlaid("sslcertificatefile")):
        yield "certificates on a token"
    managed = host.both("mdomain") or host.both("mdcertificatefile")
    if managed and not pairs:
        yield "certificates that mod_md keeps"
    if any("${" in one.value for one in host.said):
        yield "variables that are not defined in any file"


def _settings(host: Host) -> tuple[Setting, ...]:
    """Give what counts: of most directives the last one alone."""
    names = dict.fromkeys(one.name.lower() for one in (*(host.base or host).said, *host.said))
    settings: list[Setting | None] = []
    for name in names:
        if name in _FILES:
            settings += host.overlaid(name)
        elif name in _ADDING:
            settings += host.both(name)
        elif name == "sslciphersuite":
            settings += [_suites(host, tls13=False), _suites(host, tls13=True)]
        else:
            settings.append(host.last(name))
    return tuple(filter(None, settings))


def _ineffective(host: Host, default: Host, listens: tuple[str, ...]) -> Iterator[Ineffective]:
    place = f"{default.place.path}:{default.place.line}"
    engine = host.last("sslengine")
    if engine and not default.speaks_tls:
        yield Ineffective(engine, f"the address's first host, {place}, speaks plain HTTP")
    elif engine and not listens:
        yield Ineffective(engine, "no Listen opens an address that leads to this host")
    yield from _protocol_words(host)
    commands = _commands(host)
    if host is not default and host.last("sslprotocol") is None:
        for one in filter(lambda one: sslconf.about_protocols([one]), commands):
            reason = f"without SSLProtocol the address's first host decides on it, {place}"
            yield Ineffective(one.setting, reason)
    yield from _null_suites(host)
    for one in commands:
        if one.name == "dhparameters":
            reason = "mod_ssl takes DH parameters from the certificate's file only"
            yield Ineffective(one.setting, reason)
    mine, theirs = _groups(commands), _groups(_commands(default))
    if mine and (theirs is None or mine.value != theirs.value):
        yield Ineffective(mine, f"the address's first host decides on it, {place}")


def _protocol_words(host: Host) -> Iterator[Ineffective]:
    said = host.last("sslprotocol")
    if said is None:
        return
    comes_to = _range(said.value)
    if comes_to.replaced:
        left = ", ".join(version.label for version in comes_to.versions)
        yield Ineffective(said, f"a word without + or - replaces those before it; left is {left}")
    if comes_to.cut:
        cut = ", ".join(version.label for version in comes_to.cut)
        yield Ineffective(said, f"mod_ssl allows no gap below the highest versions: {cut} is off")


def _null_suites(host: Host) -> Iterator[Ineffective]:
    strings = [one for one in _commands(host) if one.name == "cipherstring"]
    for one in (*host.both("sslciphersuite"), *(command.setting for command in strings)):
        if any(map(_is_never_on, re.split(r"[:, ]+", one.value))):
            yield Ineffective(one, f"mod_ssl appends {_APPENDED} to cipher lists")


def _is_never_on(word: str) -> bool:
    """Say whether a word of a cipher list asks for suites that mod_ssl always switches off."""
    if word.startswith(("!", "-")):
        return False
    parts = word.lower().lstrip("+").split("+")
    first = parts[0].partition("-")[0]
    return not _NEVER.isdisjoint({*parts, first}) or "-null-" in parts[0]
