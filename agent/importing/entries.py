"""The entry of a key for the bootstrap file: made, checked, and put beside it. EDGE."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any, Final

import msgspec
import yaml

from agent import settings
from agent.keysettings import KeySettings, KvSource
from agent.settings import SettingsError
from checks.errors import HygieneError
from checks.lazy import regex
from checks.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from agent.importing.storing import Place
    from agent.settings import Settings


_NAME: Final = regex(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")


class EntryError(HygieneError):
    """An entry that is none, or that is there already and says something else."""


def standing(told: Settings, name: str, where: Place) -> KeySettings | None:
    """Give the entry that is there; None for none. Raises EntryError for another source's."""
    found = told.keys.get(name)
    if found is None:
        return None
    source = found.source
    if not isinstance(source, KvSource) or (source.mount, source.path) != tuple(where):
        raise EntryError(f"{printable(name)}: is a key of the bootstrap file, from elsewhere")
    return found


def made(name: str, raw: dict[str, Any]) -> KeySettings:
    """Check an entry as the bootstrap file's are; raises EntryError."""
    if _NAME.fullmatch(name) is None:
        raise EntryError("--name: expected letters, digits, dots, dashes and underscores")
    try:
        return settings.from_mapping({"version": 1, "keys": {name: raw}}).keys[name]
    except SettingsError as error:
        raise EntryError(str(error)) from None


def text(raw: dict[str, Any]) -> str:
    """Write an entry in YAML."""
    lines = [
        f"{key}: {yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)}"
        for key, value in raw.items()
    ]
    return "".join(line.replace("\n...\n", "\n") for line in lines)


def source(where: Place, fields: dict[str, str]) -> dict[str, Any]:
    """Give what an entry says of a secret of the KV engine."""
    told = msgspec.to_builtins(KvSource(mount=where.mount, path=where.path, fields=fields))
    return {key: told[key] for key in ("kind", "mount", "path", *(["fields"] if fields else []))}


def write(file: Path, name: str, content: str) -> Path:
    """Put an entry beside the bootstrap FILE, whole or not at all, over none; raises EntryError.

    It gets the owner, the group and the mode of the bootstrap file.
    """
    folder = file.parent / settings.KEYS
    path = folder / f"{name}.yaml"
    half = folder / f".{name}.{secrets.token_hex(6)}"
    try:
        like = file.stat()
        if not folder.exists():
            folder.mkdir(mode=0o755)
            os.chown(folder, like.st_uid, like.st_gid)
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "w", encoding="utf-8") as made_now:
            made_now.write(content)
            made_now.flush()
            os.fchown(descriptor, like.st_uid, like.st_gid)
            os.fchmod(descriptor, like.st_mode & 0o664)
            os.fsync(descriptor)
        path.hardlink_to(half)
    except FileExistsError:
        raise EntryError(f"{printable(str(path))}: is there already") from None
    except OSError as error:
        raise EntryError(f"{printable(str(path))}: {error.strerror}") from None
    finally:
        half.unlink(missing_ok=True)
    return path
