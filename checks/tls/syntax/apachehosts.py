"""Apache's virtual hosts: what each says about TLS, and which sockets lead to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.tls.config import Setting
from checks.tls.syntax.reading import SITES, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.syntax.apache import Configuration, Directive
    from checks.tls.syntax.reading import Reading

_MOST: Final = 64
"""Settings of a host, and addresses that listen on one port, that are expected."""
_WORDS: Final = frozenset({"gnutlsenable", "mdomain", "mdcertificatefile", "tlsengine"})
_ANY: Final = frozenset({"", "*", "_default_", "0.0.0.0"})  # noqa: S104 - names to be compared


class Address(NamedTuple):
    """Where a host answers; "*" for any."""

    host: str
    port: str


class Host:
    """One virtual host, or the main server, which is the base of all others."""

    __slots__ = ("addresses", "base", "names", "place", "said")

    def __init__(self, place: Setting, base: Host | None = None) -> None:
        """Begin one that inherits from the base."""
        self.place = place
        self.base = base
        self.addresses = tuple(dict.fromkeys(map(_address, place.value.split()[:_MOST])))
        self.said: list[Setting] = []
        self.names: list[str] = []

    def own(self, name: str) -> list[Setting]:
        """Give the directives of a lower-case name in the host itself."""
        return [one for one in self.said if one.name.lower() == name]

    def last(self, name: str) -> Setting | None:
        """Give the one directive that counts: the host's last, or else the base's."""
        inherited = self.base.own(name) if self.base else []
        return next(reversed((*inherited, *self.own(name))), None)

    def both(self, name: str) -> list[Setting]:
        """Give the directives of both, the base's first, as those count that add up."""
        return [*(self.base.own(name) if self.base else ()), *self.own(name)]

    def overlaid(self, name: str) -> list[Setting]:
        """Give the base's directives, replaced one for one by the host's, as mod_ssl has files."""
        own, inherited = self.own(name), self.base.own(name) if self.base else []
        return [*own, *inherited[len(own) :]]

    @property
    def speaks_tls(self) -> bool:
        """TLS is spoken from the first byte on."""
        engine = self.last("sslengine")
        return engine is not None and engine.value.lower() == "on"


class Listens:
    """The addresses that the server opens."""

    def __init__(self) -> None:
        """Begin without any."""
        self._by_port: dict[str, dict[str, None]] = {}

    def add(self, word: str) -> bool:
        """Take what a Listen names; False where that is more than is looked at."""
        host, port = _address(word) if ":" in word else Address("*", word)
        hosts = self._by_port.setdefault(port, {})
        hosts[host] = None
        return len(hosts) <= _MOST and len(self._by_port) <= _MOST * 16

    def of(self, address: Address) -> Iterator[str]:
        """Give the "address:port" of all that lead to a host's address."""
        ports = self._by_port if address.port == "*" else (address.port,)
        for port in ports:
            for host in self._by_port.get(port, ()):
                if address.host in {host, "*"}:
                    yield f"{host}:{port}"
                elif host == "*" or (host == "[::]" and address.host.startswith("[")):
                    yield f"{address.host}:{port}"

    def left(self, taken: set[Address]) -> tuple[str, ...]:
        """Give those that lead to none of these addresses, and so to the main server."""
        return tuple(
            f"{host}:{port}"
            for port, hosts in self._by_port.items()
            for host in hosts
            if taken.isdisjoint(
                {Address(one, number) for one in (host, "*") for number in (port, "*")}
            )
        )


class Server(NamedTuple):
    """The main server, the virtual hosts in order, and what is listened on."""

    base: Host
    hosts: list[Host]
    listens: Listens


def server(reading: Reading, configuration: Configuration, main: str) -> Server:
    """Read all of a configuration."""
    found = Server(Host(Setting("file", "", main, 1)), [], Listens())
    current = found.base
    inner = 0
    for directive in configuration.directives():
        name = directive.name.lower()
        if name == "virtualhost" and (directive.kind is Kind.CLOSES or not inner):
            current, inner = found.base, 0
            if directive.kind is Kind.OPENS:
                current = Host(_setting(directive), found.base)
                found.hosts.append(current)
        elif directive.kind is not Kind.SIMPLE:
            inner = max(0, inner + (1 if directive.kind is Kind.OPENS else -1))
        elif not inner:
            _take(current, directive, name, reading)
            if name == "listen" and directive.words and not found.listens.add(directive.words[0]):
                reading.miss(f"{directive.path}:{directive.line}: more listeners than expected")
                break
        if len(found.hosts) > SITES:
            reading.miss(f"more than {SITES} hosts")
            break
    return found


def _take(host: Host, directive: Directive, name: str, reading: Reading) -> None:
    words = directive.words
    if name == "servername" and words:
        host.names.insert(0, words[0])
    elif name == "serveralias":
        host.names += words
    elif _is_about_tls(name, words):
        _append(host, directive, reading)


def _is_about_tls(name: str, words: tuple[str, ...]) -> bool:
    if name == "header":
        return "strict-transport-security" in map(str.lower, words)
    return name in _WORDS or (name.startswith("ssl") and not name.startswith("sslproxy"))


def _append(host: Host, directive: Directive, reading: Reading) -> None:
    if len(host.said) < _MOST:
        host.said.append(_setting(directive))
    else:
        reading.miss(f"{directive.path}: more than {_MOST} settings in a host")


def _setting(directive: Directive) -> Setting:
    return Setting(directive.name, " ".join(directive.words), directive.path, directive.line)


def _address(word: str) -> Address:
    host, colon, port = word.rpartition(":")
    if not colon or word.endswith("]"):
        host, port = word, "*"
    return Address("*" if host in _ANY else host, port)
