"""Find this program's own folders and the host's fingerprint key. EDGE.

Everything is created with mode 0700 or 0600, opened without following a link and believed only
when this user owns it and nobody else can write it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from checks.errors import HygieneError
from checks.redact import FingerprintKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KEY_BYTES: Final = 32
_DIGEST_BYTES: Final = 32
_LIMIT: Final = 64 * 1024 * 1024
_SYSTEM: Final = Path("/var/lib/hygiene-agent")
HOST_KEY: Final = "fingerprint.key"
BOOTSTRAP: Final = Path("/etc/hygiene-agent/agent.yaml")


class StateError(HygieneError):
    """A folder or file of ours that cannot be used or must not be believed."""


def folder(environ: Mapping[str, str], user: int) -> Path:
    """Give the folder for keys and caches: HYGIENE_AGENT_STATE, root's, or the user's own.

    A user without a home, as in many containers, is given root's, where nothing can be kept.
    """
    if environ.get("HYGIENE_AGENT_STATE"):
        return Path(environ["HYGIENE_AGENT_STATE"])
    if user == 0:
        return _SYSTEM
    if environ.get("XDG_STATE_HOME"):
        return Path(environ["XDG_STATE_HOME"]) / "hygiene-agent"
    home = environ.get("HOME") or _home(user)
    return Path(home) / ".local" / "state" / "hygiene-agent" if home else _SYSTEM


def _home(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_dir
    except KeyError:
        return ""


def read(path: Path) -> bytes | None:
    """Read a file of ours; None when it is not there; raises StateError when it is not ours."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise StateError(message) from error
    try:
        status = os.fstat(descriptor)
        private = status.st_uid == os.geteuid() and not status.st_mode & 0o077
        if not stat.S_ISREG(status.st_mode) or not private:
            message = f"{path}: not a private file of this user"
            raise StateError(message)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(_LIMIT)
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise StateError(message) from error
    finally:
        os.close(descriptor)


def write(path: Path, data: bytes) -> None:
    """Put a private file in place, whole or not at all; raises StateError."""
    with _prepared(path, data) as temporary:
        temporary.replace(path)


def claim(path: Path, data: bytes) -> bytes:
    """Put a private file in place unless it is there; give what is there then; raises StateError.

    Of several processes that do this at once all get the same content.
    """
    with _prepared(path, data) as temporary:
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return read(path) or data
        except PermissionError:  # a file system without hard links
            temporary.replace(path)
    return data


@contextlib.contextmanager
def _prepared(path: Path, data: bytes) -> Iterator[Path]:
    """Give a temporary file beside PATH that holds DATA, gone afterwards; raises StateError."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        _private_folder(path.parent)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)  # else a power cut may leave the name and lose the content
        yield temporary
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise StateError(message) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _private_folder(folder: Path) -> None:
    """Make a folder, its parents private too; raises StateError where others can write it."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        message = f"{folder}: others can write it"
        raise StateError(message)


def host_key(base: Path) -> tuple[FingerprintKey, str]:
    """Give this host's fingerprint key, made on first use, and a warning or "".

    Where it cannot be kept, a key for this run alone serves, and the warning says so.
    """
    path = base / HOST_KEY
    try:
        data = read(path)
        if data is None:
            data = claim(path, secrets.token_bytes(_KEY_BYTES))
        if len(data) < _KEY_BYTES:
            data = secrets.token_bytes(_KEY_BYTES)
            write(path, data)
    except StateError as error:
        return FingerprintKey(
            secrets.token_bytes(_KEY_BYTES)
        ), f"fingerprints are for this run only: {error}"
    return FingerprintKey(data), ""


def checked(data: bytes | None, name: str) -> bytes | None:
    """Give the content that was sealed under NAME; None when it is damaged or another's."""
    if data is None or _seal(data[_DIGEST_BYTES:], name) != data[:_DIGEST_BYTES]:
        return None
    return data[_DIGEST_BYTES:]


def sealed(content: bytes, name: str) -> bytes:
    """Put a SHA-256 digest of the name and the content in front of the content."""
    return _seal(content, name) + content


def _seal(content: bytes, name: str) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + content).digest()
