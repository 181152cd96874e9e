"""Caddy's own JSON, as far as it bears on TLS: servers, connection policies, certificates.

https://caddyserver.com/docs/json/apps/http/servers/. Members that are not named here are skipped.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Final

import msgspec

from checks.errors import FormatError

_SIZE: Final = 16 * 1024 * 1024


class Match(msgspec.Struct, frozen=True):
    """Whom a policy or route is for."""

    sni: tuple[str, ...] = ()
    host: tuple[str, ...] = ()


class Policy(msgspec.Struct, frozen=True):
    """How TLS is spoken with those whom it matches."""

    match: Match | None = None
    protocol_min: str = ""
    protocol_max: str = ""
    cipher_suites: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
    certificate_selection: Selection | None = None


class Selection(msgspec.Struct, frozen=True):
    """Which of the loaded certificates a policy takes."""

    any_tag: tuple[str, ...] = ()
    all_tags: tuple[str, ...] = ()


class Route(msgspec.Struct, frozen=True):
    """A route, for the hosts that it names."""

    match: tuple[Match, ...] | None = ()


class Automatic(msgspec.Struct, frozen=True):
    """Automatic HTTPS, which is on."""

    disable: bool = False
    skip: tuple[str, ...] = ()


class Server(msgspec.Struct, frozen=True):
    """One server: where it listens and what it does there."""

    listen: tuple[str, ...] = ()
    routes: tuple[Route, ...] | None = ()
    tls_connection_policies: tuple[Policy, ...] | None = ()
    automatic_https: Automatic | None = None


class Http(msgspec.Struct, frozen=True):
    """The app that speaks HTTP."""

    http_port: int = 80
    https_port: int = 443
    servers: dict[str, Server] = {}


class Loaded(msgspec.Struct, frozen=True):
    """A certificate of two files."""

    certificate: str
    key: str
    tags: tuple[str, ...] | None = ()


class Certificates(msgspec.Struct, frozen=True):
    """Certificates that are not managed by Caddy."""

    load_files: tuple[Loaded, ...] = ()
    load_folders: tuple[str, ...] = ()


class Tls(msgspec.Struct, frozen=True):
    """The app that keeps certificates."""

    certificates: Certificates | None = None


class Apps(msgspec.Struct, frozen=True):
    """The apps that matter here."""

    http: Http | None = None
    tls: Tls | None = None


class Document(msgspec.Struct, frozen=True):
    """A whole configuration."""

    apps: Apps | None = None


def document(text: str) -> Document:
    """Read a configuration; raises FormatError where it is none, or nested too deep."""
    if len(text) > _SIZE:
        raise FormatError("json is larger than any configuration")
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace"), type=Document)
    except (msgspec.DecodeError, RecursionError) as error:
        raise FormatError("json is no configuration of Caddy") from error


class Places:
    """Finds the line of each member in a text, in the order in which members are asked for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends = [found.start() for found in re.finditer("\n", text)]
        self._start = 0
        self._seen: dict[str, int] = {}
        self._hidden: set[str] = set()

    def enter(self, name: str) -> int:
        """Go on to the server of that name; give its line."""
        line = self.line(name)
        self._start = self._seen.get(name, self._start)
        self._seen = {name: self._start}
        return line

    def line(self, name: str) -> int:
        """Give the line of the next member of that name; the server's for one written otherwise."""
        at = -1
        if name not in self._hidden:
            at = self._text.find(f'"{name}"', self._seen.get(name, self._start - 1) + 1)
        if at < 0:
            self._hidden.add(name)
            at = self._start
        self._seen[name] = at
        return bisect_left(self._ends, at) + 1
