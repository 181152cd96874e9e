"""nginx's server blocks: what each says about TLS, what it inherits, and who answers where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.tls.config import Setting
from checks.tls.syntax.nginx import directives
from checks.tls.syntax.reading import SITES, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.tls.syntax.nginx import Directive
    from checks.tls.syntax.reading import Reading

MODULES: Final = frozenset({"http", "stream", "mail"})
_WORDS: Final = frozenset({"add_header_inherit", "protocol", "starttls"})
_MOST: Final = 64
"""Settings of a kind that one block is expected to have; the rest is a gap."""
_DEEPEST: Final = 100
_ADDRESSES: Final = 300_000
"""Of all servers together; one `listen` can name a range of ports."""
_RANGE: Final = regex(r"(\d{1,5})-(\d{1,5})")


class Block:
    """What one block says about TLS, and the one whose settings it inherits."""

    __slots__ = ("above", "bare", "headers", "hsts", "kind", "listens", "names", "place", "said")

    def __init__(self, kind: str, place: Setting, above: Block | None = None) -> None:
        """Begin one of a kind: a module, "server", or "inner" for any inside a server."""
        self.kind = kind
        self.place = place
        self.above = above
        self.said: list[Setting] = []
        self.listens: list[Setting] = []
        self.names: list[str] = []
        self.hsts: list[Setting] = []
        self.headers = False
        self.bare: Setting | None = None

    def own(self, name: str) -> list[Setting]:
        """Give the directives of that name in the block itself."""
        return [one for one in self.said if one.name == name]

    def all(self, name: str) -> list[Setting]:
        """Give the directives of that name that count here: a block's own replace the others."""
        return self.own(name) or (self.above.own(name) if self.above else [])

    def last(self, name: str) -> Setting | None:
        """Give the last one of them."""
        return next(reversed(self.all(name)), None)

    def effective(self) -> list[Setting]:
        """Give all that count here."""
        own = {one.name for one in self.said}
        above = self.above.said if self.above else []
        return [*(one for one in above if one.name not in own), *self.said]


class Address:
    """One address and port: the server that answers first, and whether it speaks TLS."""

    __slots__ = ("default", "tls")

    def __init__(self, default: Block) -> None:
        """Begin with the server that named it first."""
        self.default = default
        self.tls = False


class Listen(NamedTuple):
    """One address of a server, and the other words of its `listen`."""

    address: str
    options: frozenset[str]


_NOTHING: Final = Block("other", Setting("", "", "", 0))


def servers(reading: Reading, main: str) -> list[Block]:
    """Give all servers of the http, stream and mail blocks, in order."""
    found: list[Block] = []
    stack: list[Block] = []
    for directive in directives(reading, main):
        if directive.kind is Kind.CLOSES:
            _close(stack)
        elif directive.kind is Kind.SIMPLE:
            if stack and stack[-1] is not _NOTHING:
                _take(stack[-1], directive, reading)
        else:
            block = _opened(stack, directive, reading)
            stack.append(block)
            if block.kind == "server":
                found.append(block)
                if len(found) > SITES:
                    reading.miss(f"more than {SITES} servers")
                    break
    return found


def _opened(stack: list[Block], directive: Directive, reading: Reading) -> Block:
    name = directive.words[0]
    above = stack[-1] if stack else None
    if above is None:
        return Block(name, _setting(directive)) if name in MODULES else _NOTHING
    if above.kind in MODULES and name == "server":
        return Block("server", _setting(directive), above)
    if name.startswith("ssl_") and above is not _NOTHING:  # a block of Lua
        _take(above, directive, reading)
        return _NOTHING
    if above.kind in {"server", "inner"} and len(stack) < _DEEPEST:
        return Block("inner", _setting(directive), above)
    return _NOTHING


def _close(stack: list[Block]) -> None:
    """Hand on to a server which block inside it sends headers without HSTS."""
    block = stack.pop() if stack else _NOTHING
    if block.kind == "inner" and block.above and block.above.bare is None:
        drops = block.headers and not block.hsts
        block.above.bare = block.place if drops else block.bare


def _take(block: Block, directive: Directive, reading: Reading) -> None:
    name, *words = directive.words
    if name == "add_header":
        _take_header(block, directive)
    elif block.kind == "inner":
        return
    elif name == "listen" and words:
        _append(block.listens, directive, reading)
    elif name == "server_name":
        block.names += words
    elif name.startswith("ssl") or name in _WORDS:
        _append(block.said, directive, reading)


def _take_header(block: Block, directive: Directive) -> None:
    block.headers = True
    if len(directive.words) > 1 and directive.words[1].lower() == "strict-transport-security":
        block.hsts = [_setting(directive)]


def _append(settings: list[Setting], directive: Directive, reading: Reading) -> None:
    if len(settings) < _MOST:
        settings.append(_setting(directive))
    else:
        reading.miss(f"{directive.path}: more than {_MOST} settings in a block")


def _setting(directive: Directive) -> Setting:
    return Setting(
        directive.words[0], " ".join(directive.words[1:]), directive.path, directive.line
    )


class Addresses:
    """Who listens where: of each server its addresses, of each address its first server."""

    def __init__(self, servers: Sequence[Block], reading: Reading) -> None:
        """Share the addresses out: the first server of one answers there, or the named default."""
        self._room = _ADDRESSES
        self._reading = reading
        self.listens = [self._listens(server) for server in servers]
        self._by_name: dict[tuple[Block | None, str], Address] = {}
        for server, listens in zip(servers, self.listens, strict=True):
            for listen in listens:
                self._take(server, listen)
        for address in self._by_name.values():
            switch = address.default.last("ssl")
            address.tls |= switch is not None and switch.value == "on"

    def of(self, server: Block, listen: Listen) -> Address:
        """Give what is known of one of a server's own addresses."""
        return self._by_name[server.above, listen.address]

    def _take(self, server: Block, listen: Listen) -> None:
        address = self._by_name.setdefault((server.above, listen.address), Address(server))
        address.tls |= "ssl" in listen.options
        if not listen.options.isdisjoint({"default_server", "default"}):
            address.default = server

    def _listens(self, server: Block) -> list[Listen]:
        found: list[Listen] = []
        for setting in server.listens:
            name, *options = setting.value.split(" ")
            shared = frozenset(options)
            for address in _ports(name):
                if self._room <= 0:
                    self._reading.miss(f"more than {_ADDRESSES} addresses")
                    return found
                self._room -= 1
                found.append(Listen(address, shared))
        return found or [Listen("*:80", frozenset())]


def _ports(address: str) -> Iterator[str]:
    """Give the addresses of one `listen`, with the any-address as "*"."""
    if address.startswith("unix:"):
        yield address
        return
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        plain = address.replace("-", "").isdigit()
        host, port = ("*", address) if plain else (address, "80")
    host = "*" if host in {"0.0.0.0", ""} else host  # noqa: S104 - a name to be compared
    if spread := _RANGE.fullmatch(port):
        first, last = int(spread[1]), min(int(spread[2]), 65535)
        yield from (f"{host}:{one}" for one in range(first, last + 1))
    else:
        yield f"{host}:{port}"
