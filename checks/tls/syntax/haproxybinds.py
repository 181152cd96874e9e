"""haproxy's `bind` lines and the lines of its crt-lists: options taken apart, defaults beside them.

Source: https://docs.haproxy.org/2.6/configuration.html#5.1 "Bind options".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.tls.config import Setting
from checks.tls.syntax.haproxy import SECTIONS, Statement, statements, words
from checks.tls.syntax.reading import SITES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.tls.syntax.reading import Reading

_TLS: Final = frozenset(
    "alpn ca-file ca-ignore-err ca-sign-file ca-sign-pass ca-verify-file ciphers ciphersuites"
    " client-sigalgs crl-file crt crt-ignore-err crt-list curves default-crt ecdhe issuer key npn"
    " ocsp ocsp-update sctl sigalgs ssl-max-ver ssl-min-ver tls-ticket-keys verify".split()
)
"""Options about TLS that take a word."""
_OTHERS: Final = frozenset(
    "backlog cc expose-fd gid group guid-prefix id idle-ping interface label level maxconn mode mss"
    " name namespace nbconn nice process proto quic-cc-algo quic-socket severity-output shards"
    " tcp-md5sig tcp-ut thread uid user".split()
)
"""Other options that take a word."""
_FLAGS: Final = regex(
    r"no-(?:sslv3|tlsv1[0-3]|tls-tickets|alpn|ca-names|strict-sni)|force-(?:sslv3|tlsv1[0-3])"
    r"|allow-0rtt|strict-sni|prefer-client-ciphers|generate-certificates|ssl"
)
_GLOBALS: Final = regex(
    r"ssl-(?!default-server|server-)[a-z-]+|tune\.ssl\..+|crt-base|key-base|ca-base"
)
_MOST: Final = 64
_CERTIFICATES: Final = 10_000


class Globals(NamedTuple):
    """What `global` said before a line: what stands behind it does not count for that line."""

    settings: tuple[Setting, ...] = ()

    def last(self, name: str) -> Setting | None:
        """Give the last statement of that name."""
        return next((one for one in reversed(self.settings) if one.name == name), None)


class Bind(NamedTuple):
    """A line with `ssl`: its options, the words behind its brackets where it is of a crt-list."""

    place: Setting
    options: tuple[Setting, ...]
    globals: Globals
    proxy: Proxy
    rest: tuple[str, ...] = ()

    def last(self, *names: str) -> Setting | None:
        """Give the last option of these names."""
        return next((one for one in reversed(self.options) if one.name in names), None)

    def all(self, *names: str) -> list[Setting]:
        """Give all options of these names."""
        return [one for one in self.options if one.name in names]


class Proxy:
    """A section with the HSTS headers that it sets, and where its requests go otherwise."""

    __slots__ = ("backend", "hsts")

    def __init__(self) -> None:
        """Begin without any."""
        self.hsts: list[Setting] = []
        self.backend = ""


class Configuration(NamedTuple):
    """The lines with TLS, and the sections by name."""

    binds: list[Bind]
    proxies: dict[str, Proxy]


def read(reading: Reading, main: str) -> Configuration:
    """Read all of a configuration."""
    found = Configuration([], {})
    section, proxy, known = "", Proxy(), Globals()
    for one in statements(reading, main):
        name, *rest = one.words
        if name in SECTIONS:
            section = name
            proxy = found.proxies.setdefault(rest[0], Proxy()) if rest else Proxy()
        elif section == "global":
            if _GLOBALS.fullmatch(name):
                known = _more(known, one, reading)
        elif name == "bind" and len(rest) > 1:
            bind = _bind(one, known, proxy, reading)
            if bind.last("ssl"):
                found.binds.append(bind)
        elif name == "default_backend" and rest:
            proxy.backend = rest[0]
        elif name in {"http-response", "http-after-response", "rspadd"}:
            _take_header(proxy, one)
        if len(found.binds) > SITES:
            reading.miss(f"more than {SITES} bind lines")
            break
    return found


def _more(known: Globals, one: Statement, reading: Reading) -> Globals:
    if len(known.settings) >= _MOST:
        reading.miss(f"{one.path}: more than {_MOST} settings in global")
        return known
    return Globals((*known.settings, _setting(one)))


def _setting(one: Statement) -> Setting:
    return Setting(one.words[0], " ".join(one.words[1:]), one.path, one.line)


def _bind(one: Statement, known: Globals, proxy: Proxy, reading: Reading) -> Bind:
    place = Setting("bind", one.words[1], one.path, one.line)
    return Bind(place, _options(one.words[2:], one, reading), known, proxy)


def _options(given: Sequence[str], one: Statement, reading: Reading) -> tuple[Setting, ...]:
    """Take apart options; each stands where its line does."""
    found: list[Setting] = []
    left = iter(given)
    for word in left:
        if word in _TLS:
            found.append(Setting(word, next(left, ""), one.path, one.line))
        elif word in _OTHERS:
            next(left, "")
        elif _FLAGS.fullmatch(word):
            found.append(Setting(word, "", one.path, one.line))
        if len(found) > _CERTIFICATES:
            reading.miss(f"{one.path}:{one.line}: more than {_CERTIFICATES} options")
            break
    return tuple(found)


def default_options(known: Globals) -> tuple[Setting, ...]:
    """Give the options that `global` adds to every line with `ssl`."""
    found: list[Setting] = []
    for one in known.settings:
        if one.name == "ssl-default-bind-options":
            left = iter(one.value.split())
            for word in left:
                value = next(left, "") if word in {"ssl-min-ver", "ssl-max-ver"} else ""
                found.append(Setting(word, value, one.path, one.line))
    return tuple(found)


def crt_list(reading: Reading, bind: Bind, path: str) -> Iterator[Bind]:
    """Give the lines of a crt-list: a certificate's path as place, then options, then names."""
    for number, line in enumerate((reading.text(path) or "").split("\n"), 1):
        found = () if line.lstrip().startswith("#") else tuple(words(line[: 64 * 1024], {}))
        if not found:
            continue
        here = Statement(found, path, number)
        certificate, options, rest = _apart(found)
        place = Setting("crt-list", certificate, path, number)
        options = (*options,)
        yield Bind(place, _options(options, here, reading), bind.globals, bind.proxy, rest)


def _apart(found: tuple[str, ...]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Take a line apart into the certificate, what is in brackets, and the names behind."""
    certificate, *rest = found
    if not rest or not rest[0].startswith("["):
        return certificate, (), tuple(rest)
    end = next((at for at, word in enumerate(rest) if word.endswith("]")), len(rest) - 1)
    inside = " ".join(rest[: end + 1]).removeprefix("[").removesuffix("]").split(" ")
    return certificate, tuple(filter(None, inside)), tuple(rest[end + 1 :])


def _take_header(proxy: Proxy, one: Statement) -> None:
    if any("strict-transport-security" in word.lower() for word in one.words[1:3]):
        proxy.hsts = [*proxy.hsts, _setting(one)][-_MOST:]
