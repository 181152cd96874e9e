"""The key by which what stands on the disk is compared with what Vault holds. EDGE.

Two fingerprints agree only under one key. The keeper makes this one at random, for this host
alone, and in memory: a file that only it can read, in its own folder of /run. The watcher may open
every file, so it reads it too, and nobody else can. The watcher publishes fingerprints of what it
found; the keeper compares them with those of what it read from Vault, which never leave its memory.
Why it is so:

- No key of the fleet is on any host. Who takes over one host, or a parser of hostile files, would
  have the key to the fingerprints that all others report. The same value on several hosts is known
  by its path and version in Vault, which its finding names.
- A thief of the disk finds no key, and nothing that depends on what Vault holds.
- The watcher, whose readers parse hostile files, learns nothing of Vault, not even a fingerprint.
- Who may write a file and see findings could have guesses compared: values that may be found by
  guessing are left out on both sides (`checks.guessable`).

It lives until the machine starts again; then there is another one, and files with leaks are read
once more. Nothing opens or closes because of it: identities are made with the host's own key.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent import home, inmemory, snapshot
from agent.home import StateError
from checks.redact import FingerprintKey

if TYPE_CHECKING:
    from agent.snapshot import Mark

_NAME: Final = "compare.key"
_BYTES: Final = 32
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def made(folder: str) -> FingerprintKey:
    """Give the key of a keeper's folder, made where there is none; raises StateError.

    A folder that may be on a disk is refused.
    """
    _refuse_disk(folder)
    path = Path(folder) / _NAME
    data = home.read(path) or home.claim(path, secrets.token_bytes(_BYTES))
    if len(data) != _BYTES:
        raise StateError(f"{path}: is no key of ours")
    try:
        os.chmod(path, 0o400)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from error
    return FingerprintKey(data, careful=True)


def _refuse_disk(folder: str) -> None:
    try:
        descriptor = os.open(folder, _FLAGS | os.O_DIRECTORY)
    except OSError as error:
        raise StateError(f"{folder}: {error.strerror}") from error
    try:
        if not inmemory.kind(descriptor):
            raise StateError(f"{folder}: may be on a disk, expected tmpfs or ramfs")
    finally:
        os.close(descriptor)


def mark(folder: str) -> Mark | None:
    """Tell the key that is there from another one, without reading it; None for none."""
    return snapshot.mark(Path(folder) / _NAME)


def read(folder: str) -> FingerprintKey | None:
    """Give the key that a keeper made; None where there is none that can be believed."""
    try:
        descriptor = os.open(Path(folder) / _NAME, _FLAGS)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        private = stat.S_ISREG(status.st_mode) and not status.st_mode & 0o077
        if not private or not inmemory.kind(descriptor):
            return None
        data = file.read(_BYTES + 1)
    return FingerprintKey(data, careful=True) if len(data) == _BYTES else None
