"""What server configuration says, as one role reads and publishes it for another. EDGE.

The watcher may open the files; the prober, which asks the servers, may not. Reading is done by a
process that may open files and nothing else: server configuration is hostile content as well.
"""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from agent import bounds, packing
from checks.errors import HygieneError
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
_SECONDS: Final = 60.0
_LONGEST: Final = 32 * 1024 * 1024
_CHUNK: Final = 256 * 1024


class ConfigurationError(HygieneError):
    """Configuration that could not be read, since its reader crashed or took too long."""


class Published(msgspec.Struct, frozen=True):
    """What the files say. keys: faults of the private keys that they name; at: when, in UTC."""

    at: float = 0
    configured: tuple[Configured, ...] = ()
    keys: tuple[Finding, ...] = ()
    unseen: tuple[Inconclusive, ...] = ()


class Reading(NamedTuple):
    """A reader at work. pipe: where its answer comes; until: when it has to be done."""

    pid: int
    pipe: int
    until: float
    heard: bytearray


def begin(confine: Callable[[], None]) -> Reading:
    """Start to read all server configuration of this host; raises ConfigurationError."""
    try:
        ours, theirs = os.pipe()
    except OSError as error:
        raise ConfigurationError(f"configuration: {error.strerror}") from error
    try:
        pid = os.fork()
    except OSError as error:
        os.close(ours)
        os.close(theirs)
        raise ConfigurationError(f"configuration: {error.strerror}") from error
    if pid == 0:
        status = 1
        try:
            bounds.keep_only({theirs})
            confine()
            bounds.begin(int(_SECONDS))
            _say(theirs, packing.pack(_seen()))
            status = 0
        finally:
            os._exit(status)
    os.close(theirs)
    return Reading(pid, ours, time.monotonic() + _SECONDS, bytearray())


def _seen() -> Published:
    seen = sites.look("/")
    keys = tuple(map(judging.located, seen.key_faults))
    return Published(time.time(), seen.configured, keys, seen.unseen)


def _say(pipe: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]


def take(reading: Reading) -> Published | None:
    """Give what was read, None while it is not done; raises ConfigurationError. Ends the reader."""
    poll = select.poll()
    poll.register(reading.pipe, select.POLLIN)
    while poll.poll(0) and len(reading.heard) <= _LONGEST:
        part = os.read(reading.pipe, _CHUNK)
        if not part:
            end(reading)
            return _decoded(bytes(reading.heard))
        reading.heard.extend(part)
    if len(reading.heard) > _LONGEST or time.monotonic() > reading.until:
        end(reading)
        raise ConfigurationError("configuration: reading it took too long or gave too much")
    return None


def end(reading: Reading) -> None:
    """End a reader, whether it is done or not."""
    os.close(reading.pipe)
    os.kill(reading.pid, signal.SIGKILL)
    os.waitpid(reading.pid, 0)


def _decoded(data: bytes) -> Published:
    try:
        return packing.unpack(data, Published)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ConfigurationError("configuration: its reader crashed") from error
