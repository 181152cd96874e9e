"""lighttpd: each socket with TLS, and each host that has a certificate of its own there.

Measured on lighttpd 1.4.69 with OpenSSL 3.0: a socket needs its own ssl.engine, and takes each
other ssl.* directive from the global scope unless it has it itself; ssl-conf-cmd is taken or
replaced as a whole, its CipherString comes before ssl.cipher-list; in a condition on the host only
certificates count. Without MinProtocol it is TLS 1.2 (since 1.4.56).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls.config import Ineffective, Pair, Setting, Site
from checks.tls.numbers import Version
from checks.tls.syntax import sslconf
from checks.tls.syntax.lighttpd import Configuration, Item, Kind
from checks.tls.syntax.reading import SITES, Reading, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.config import Tree
    from checks.tls.syntax.lighttpd import Statement, Value

NAME: Final = "lighttpd"
MAIN: Final = ("/etc/lighttpd/lighttpd.conf", "/usr/local/etc/lighttpd/lighttpd.conf")

_COMMANDS: Final = "ssl.openssl.ssl-conf-cmd"
_OTHER_LIBRARIES: Final = frozenset({"mod_gnutls", "mod_mbedtls", "mod_nss", "mod_wolfssl"})
_OF_HOSTS: Final = ("ssl.pemfile", "ssl.privkey", "ssl.ca-file", "ssl.verifyclient", "ssl.stapling")
"""Directives, by how they begin, that count in a condition on the host."""
_HEADERS: Final = frozenset({"setenv.add-response-header", "setenv.set-response-header"})
_DEEPEST: Final = 64
_ADDED_TO: Final = 256
"""Members of an array that are kept where more are added to it."""
_ON: Final = "enable"


class _Scope:
    """What is said under one condition, or globally."""

    __slots__ = ("above", "compare", "name", "place", "said", "values")

    def __init__(self, place: Setting, name: str, compare: str, above: _Scope | None) -> None:
        self.place = place
        self.name = name
        self.compare = compare
        self.above = above
        self.said: dict[str, Setting] = {}
        self.values: dict[str, tuple[Item, ...]] = {}

    @property
    def is_host(self) -> bool:
        """It is about the name that was asked for."""
        return self.name.lower() == "http[host]"

    @property
    def is_socket(self) -> bool:
        """It is about the address that was connected to."""
        return self.name.lower() == "server[socket]" and self.compare == "=="

    def last(self, name: str) -> Setting | None:
        """Give the setting that counts on a socket: its own, else the global one."""
        above = self.above.said.get(name) if self.above else None
        return self.said.get(name, above)

    def items(self, name: str) -> tuple[Item, ...]:
        """Give the members of an array that counts on a socket."""
        above = self.above.values.get(name, ()) if self.above else ()
        return self.values.get(name, above)


class _Read:
    """The scopes of a configuration, in the order in which they begin."""

    def __init__(self, main: str) -> None:
        self.all = _Scope(Setting("file", "", main, 1), "", "", None)
        self.sockets: dict[str, _Scope] = {}
        self.hosts: list[tuple[_Scope, _Scope]] = []
        self.modules: set[str] = set()


def sites(tree: Tree, main: str) -> Iterator[Site]:
    """Give a site for each socket with TLS, and for each host with a certificate there."""
    reading = Reading(tree)
    return told(_sites(_read(reading, main)), reading, NAME, main)


def _read(reading: Reading, main: str) -> _Read:
    read = _Read(main)
    stack = [read.all]
    for one in Configuration(reading, main).statements():
        if one.kind is Kind.CLOSES:
            if len(stack) > 1:
                stack.pop()
        elif one.kind is not Kind.ASSIGNS:
            stack.append(_opened(read, stack, one))
        elif one.name == "server.modules" and not isinstance(one.value, str):
            read.modules.update(item.value for item in one.value)
        else:
            _assign(stack[-1], one)
        if len(read.hosts) + len(read.sockets) > SITES:
            reading.miss(f"more than {SITES} conditions")
            break
    return read


def _opened(read: _Read, stack: list[_Scope], one: Statement) -> _Scope:
    """Give the scope of a condition: the same again for the same socket; none for most others."""
    above = stack[-1]
    value = one.value if isinstance(one.value, str) else ""
    place = Setting(f"${one.name} {one.operator}".strip(), value, one.path, one.line)
    scope = _Scope(place, one.name, one.operator, above)
    if len(stack) > _DEEPEST:
        return stack[-1]
    if scope.is_socket and not above.is_host:
        return read.sockets.setdefault(value, _Scope(place, one.name, one.operator, read.all))
    if scope.is_host:
        read.hosts.append((above, scope))
        return scope
    https = one.name.lower() == "http[scheme]" and (one.operator, value) == ("==", "https")
    return above if https else scope


def _assign(scope: _Scope, one: Statement) -> None:
    if not one.name.startswith(("ssl.", "setenv.", "server.bind", "server.port")):
        return
    value: Value = one.value
    if not isinstance(value, str):
        before = scope.items(one.name)[:_ADDED_TO] if one.operator == "+=" else ()
        scope.values[one.name] = value = (*before, *value)
    scope.said[one.name] = Setting(one.name, _shown(value), one.path, one.line)


def _shown(value: Value) -> str:
    if isinstance(value, str):
        return value
    return ", ".join(f"{item.key} {item.value}".strip() for item in value)


def _sites(read: _Read) -> Iterator[Site]:
    sockets = [(read.all, _main_socket(read.all))]
    sockets += [(scope, _address(value)) for value, scope in read.sockets.items()]
    speaking = [(scope, address) for scope, address in sockets if _is_on(scope)]
    gaps = tuple(f"TLS of {name}" for name in sorted(read.modules & _OTHER_LIBRARIES))
    for scope, address in speaking:
        yield _site(scope, scope, (address,), gaps)
    for above, host in read.hosts:
        if not any(name.startswith("ssl.") for name in host.said):
            continue
        if above is not read.all and above.is_socket:
            if _is_on(above):
                yield _site(host, above, (_address(above.place.value),), gaps)
        else:
            yield from (_site(host, scope, (address,), gaps) for scope, address in speaking)


def _is_on(scope: _Scope) -> bool:
    engine = scope.said.get("ssl.engine")
    return engine is not None and engine.value == _ON


def _site(scope: _Scope, socket: _Scope, listens: tuple[str, ...], gaps: tuple[str, ...]) -> Site:
    commands = _commands(socket)
    named = None if scope is socket else scope
    return Site(
        server=NAME,
        place=scope.place,
        names=_names(scope) if named else (),
        listens=listens,
        pairs=tuple(_pairs(scope)),
        protocols=_protocols(commands),
        ciphers=sslconf.last(commands, "cipherstring") or socket.last("ssl.cipher-list"),
        suites=sslconf.last(commands, "ciphersuites"),
        groups=sslconf.last(commands, "groups", "curves") or socket.last("ssl.ec-curve"),
        dh_file=sslconf.last(commands, "dhparameters") or socket.last("ssl.dh-file"),
        settings=tuple(_settings(scope, socket)),
        ineffective=tuple(_ineffective(scope, socket, commands)),
        unseen=gaps,
    )


def _commands(socket: _Scope) -> list[sslconf.Command]:
    said = socket.last(_COMMANDS)
    if said is None:
        return []
    return [
        sslconf.Command(
            item.key.lower(), Setting(f"{_COMMANDS} {item.key}", item.value, said.path, said.line)
        )
        for item in socket.items(_COMMANDS)
    ]


def _protocols(commands: list[sslconf.Command]) -> tuple[Version, ...] | None:
    if not sslconf.about_protocols(commands):
        return None
    protocols = sslconf.Protocols(sslconf.MODERN, Version.TLS12)
    protocols.apply(commands)
    return protocols.versions()


def _names(host: _Scope) -> tuple[str, ...]:
    """Give the names that fit a condition where it is no regular expression."""
    value = host.place.value.lower().partition(":")[0]
    if host.compare == "==" and value:
        return (value,)
    return (f"*{value}",) if host.compare == "=$" and value.startswith(".") else ()


def _pairs(scope: _Scope) -> Iterator[Pair]:
    certificate = scope.last("ssl.pemfile")
    if certificate is None:
        return
    own = scope if "ssl.pemfile" in scope.said else scope.above
    key = own.said.get("ssl.privkey") if own else None
    yield Pair(certificate, key or certificate)


def _settings(scope: _Scope, socket: _Scope) -> Iterator[Setting]:
    above = socket.above.said if socket.above else {}
    own = scope.said if scope is not socket else {}
    counting = {name: one for name, one in own.items() if name.startswith(_OF_HOSTS)}
    for name, one in {**above, **socket.said, **counting}.items():
        if name.startswith("ssl."):
            yield one
    yield from dict.fromkeys((*_hsts(socket.above), *_hsts(socket), *_hsts(scope)))


def _hsts(scope: _Scope | None) -> Iterator[Setting]:
    if scope is None:
        return
    for name in _HEADERS:
        for item in scope.values.get(name, ()):
            if item.key.lower() == "strict-transport-security":
                said = scope.said[name]
                yield Setting(said.name, f"{item.key} {item.value}", said.path, said.line)


def _ineffective(
    scope: _Scope, socket: _Scope, commands: list[sslconf.Command]
) -> Iterator[Ineffective]:
    if scope is not socket:
        for name, one in scope.said.items():
            if name.startswith("ssl.") and not name.startswith(_OF_HOSTS):
                yield Ineffective(one, "it counts in the global scope or for a socket only")
    ciphers = socket.last("ssl.cipher-list")
    if ciphers and sslconf.last(commands, "cipherstring"):
        yield Ineffective(ciphers, f"the CipherString of {_COMMANDS} comes before it")


def _main_socket(scope: _Scope) -> str:
    bind, port = scope.said.get("server.bind"), scope.said.get("server.port")
    host = bind.value if bind else ""
    number = port.value if port else "443" if _is_on(scope) else "80"
    return f"unix:{host}" if host.startswith("/") else _address(f"{host}:{number}")


def _address(value: str) -> str:
    """Give "address:port" with the any-address as "*"."""
    if value.startswith("/"):
        return f"unix:{value}"
    host, colon, port = value.rpartition(":")
    if not colon or value.endswith("]"):
        host, port = value, "80"
    return f"{'*' if host in {'', '0.0.0.0'} else host}:{port}"  # noqa: S104 - a name to be compared
