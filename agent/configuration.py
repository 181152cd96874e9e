"""What server configuration says, as one role reads and publishes it for another. EDGE.

The watcher may open the files; the prober, which asks the servers, may not. Reading is done by a
process that may open files and nothing else: server configuration is hostile content as well.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec

from agent.aside import Aside
from checks.model import Finding, Inconclusive  # noqa: TC001 - msgspec resolves them
from checks.tls import judging, sites
from checks.tls.drift import Configured  # noqa: TC001 - msgspec resolves it

if TYPE_CHECKING:
    from collections.abc import Callable

FILE: Final = "sites"
"""The name of the snapshot."""
FOLDERS: Final = (
    *("/etc/nginx/", "/etc/apache2/", "/etc/httpd/", "/etc/haproxy/", "/etc/lighttpd/"),
    *("/etc/caddy/", "/etc/postgresql/", "/etc/postfix/", "/etc/dovecot/", "/etc/ssl/"),
    *("/etc/pki/", "/etc/letsencrypt/", "/etc/crypto-policies/", "/usr/lib/ssl/"),
)
"""Where a change may mean that the configuration of a server changed."""


class NamedKey(msgspec.Struct, frozen=True):
    """A file with a private key that configuration names.

    spki: SHA-256 of its public half in hex; inode: (device, inode); encrypted: needs a passphrase.
    """

    path: str
    spki: str
    inode: tuple[int, int]
    encrypted: bool = False


class Published(msgspec.Struct, frozen=True):
    """What the files say. keys: faults of the private keys that they name; at: when, in UTC.

    named: those of these keys that could be read.
    """

    at: float = 0
    configured: tuple[Configured, ...] = ()
    keys: tuple[Finding, ...] = ()
    unseen: tuple[Inconclusive, ...] = ()
    named: tuple[NamedKey, ...] = ()


def begin(confine: Callable[[], None]) -> Aside[Published]:
    """Start to read all server configuration of this host; raises AsideError."""
    return Aside(confine, _seen, Published)


def _seen() -> Published:
    seen = sites.look("/")
    keys = tuple(map(judging.located, seen.key_faults))
    named = tuple(
        NamedKey(one.path, one.facts.spki, one.inode, one.facts.encrypted)
        for one in seen.key_files
        if one.facts and one.facts.spki
    )
    return Published(time.time(), seen.configured, keys, seen.unseen, named)
