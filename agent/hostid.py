"""Name this host in reports: by its bootstrap file, or by the machine's own id. EDGE."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from agent import __version__, snapshot
from agent.events import Host
from agent.snapshot import SnapshotError

if TYPE_CHECKING:
    from agent.settings import Settings


class Installation(msgspec.Struct, frozen=True):
    """What is kept of it."""

    name: str


def host(settings: Settings) -> Host:
    """Give what reports call this host."""
    told = settings.host
    return Host(
        id=told.id or _machine(),
        name=told.name or socket.gethostname(),
        image=told.image or _image(),
        labels=dict(told.labels),
        version=__version__,
    )


def installation(folder: Path) -> str:
    """Give the random name of a state folder, made with its first use; "" where it cannot be kept.

    Machines that were cloned before that have names of their own, though the same id.
    """
    place = folder / "installation"
    if (known := snapshot.read(place, Installation)) is not None:
        return known.name
    made = Installation(secrets.token_hex(16))
    try:
        snapshot.write(place, made, mode=0o600)
    except SnapshotError:
        return ""
    return made.name


def _machine() -> str:
    """Derive an id from /etc/machine-id, which itself is not to be told (machine-id(5))."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            machine = Path(path).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if machine:
            return hmac.digest(machine.encode(), b"hygiene-agent host", hashlib.sha256).hex()[:32]
    return hashlib.sha256(os.fsencode(socket.gethostname())).hexdigest()[:32]


def _image() -> str:
    """Give the image by os-release's IMAGE_ID and IMAGE_VERSION (os-release(5)), "" without."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    told = dict(line.split("=", 1) for line in lines if "=" in line)
    parts = [told.get(key, "").strip("\"'") for key in ("IMAGE_ID", "IMAGE_VERSION")]
    return ":".join(part for part in parts if part)
