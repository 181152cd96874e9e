"""What server configuration says about TLS: settings with the line each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from checks.tls.numbers import Version  # noqa: TC001 - msgspec resolves it

if TYPE_CHECKING:
    from collections.abc import Sequence


class Tree(Protocol):
    """The files of a host or of an unpacked root; paths are absolute as the server sees them."""

    def read(self, path: str) -> str | None:
        """Give a file's text (latin-1 where it is not UTF-8), None where it cannot be read."""

    def glob(self, pattern: str) -> Sequence[str]:
        """Name the paths that fit a shell pattern, in the order in which a shell does."""


class Setting(msgspec.Struct, frozen=True):
    """One directive where it stands: its name as written, its words joined by blanks."""

    name: str
    value: str
    path: str
    line: int


class Ineffective(msgspec.Struct, frozen=True):
    """A setting that the server or its library ignores, and why. fix: what else than its place."""

    setting: Setting
    reason: str
    fix: str = ""


class Pair(msgspec.Struct, frozen=True):
    """A certificate file and the file of its key (the same one where both are in it)."""

    certificate: Setting
    key: Setting | None = None


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """The TLS set-up of one virtual host or service, as its server takes it.

    server: "nginx" ...; names: server names, the first one to ask for; listens: "address:port" with
    "*" for any address, IPv6 in brackets ("[::]:443", which may take IPv4 as well), "unix:/path"
    for a socket in the file system, and of haproxy "fd@3", "abns@name" or "sockpair@3" for one
    that it is handed: nobody asks the last three over the network; protocols: versions that are
    switched on, None where the server's or its library's default counts; ciphers, suites: OpenSSL's
    strings below TLS 1.3 and for it; groups: as written; settings: all that were taken into
    account; line of `place`: where the host begins.
    """

    server: str
    place: Setting
    names: tuple[str, ...] = ()
    listens: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()
    protocols: tuple[Version, ...] | None = None
    ciphers: Setting | None = None
    suites: Setting | None = None
    groups: Setting | None = None
    dh_file: Setting | None = None
    starttls: str = ""
    settings: tuple[Setting, ...] = ()
    ineffective: tuple[Ineffective, ...] = ()
    unseen: tuple[str, ...] = ()
