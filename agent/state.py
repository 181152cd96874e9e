"""Find this program's own folders and the host's fingerprint key. EDGE.

Everything is created with mode 0700 or 0600, opened without following a link and believed only
when this user owns it and nobody else can write it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checks.errors import HygieneError
from checks.redact import FingerprintKey

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY_BYTES: Final = 32
_LIMIT: Final = 64 * 1024 * 1024


class StateError(HygieneError):
    """A folder or file of ours that cannot be used or must not be believed."""


def folder(environ: Mapping[str, str], user: int) -> Path:
    """Give the folder for keys and caches: HYGIENE_AGENT_STATE, root's, or the user's own."""
    if environ.get("HYGIENE_AGENT_STATE"):
        return Path(environ["HYGIENE_AGENT_STATE"])
    if user == 0:
        return Path("/var/lib/hygiene-agent")
    base = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "hygiene-agent"


def read(path: Path) -> bytes | None:
    """Read a file of ours; None when it is not there; raises StateError when it is not ours."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise StateError(message) from error
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if (
            not stat.S_ISREG(status.st_mode)
            or status.st_uid != os.geteuid()
            or status.st_mode & 0o077
        ):
            message = f"{path}: not a private file of this user"
            raise StateError(message)
        return file.read(_LIMIT)


def write(path: Path, data: bytes) -> None:
    """Put a private file in place, whole or not at all; raises StateError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.parent.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            message = f"{path.parent}: others can write it"
            raise StateError(message)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        message = f"{path}: {error.strerror}"
        raise StateError(message) from error


def host_key(base: Path) -> tuple[FingerprintKey, str]:
    """Give this host's fingerprint key, made on first use, and a warning or "".

    Where it cannot be kept, a key for this run alone serves, and the warning says so.
    """
    path = base / "fingerprint.key"
    try:
        data = read(path)
        if data is None or len(data) < _KEY_BYTES:
            data = secrets.token_bytes(_KEY_BYTES)
            write(path, data)
    except StateError as error:
        return FingerprintKey(
            secrets.token_bytes(_KEY_BYTES)
        ), f"fingerprints are for this run only: {error}"
    return FingerprintKey(data), ""


def checked(data: bytes | None) -> bytes | None:
    """Give the content behind a SHA-256 digest of itself; None when it is damaged."""
    if data is None or hashlib.sha256(data[32:]).digest() != data[:32]:
        return None
    return data[32:]


def sealed(content: bytes) -> bytes:
    """Put the SHA-256 digest of the content in front of it."""
    return hashlib.sha256(content).digest() + content
