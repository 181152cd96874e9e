"""Bring the names in a layer into one form, and tell which of them hide something below.

OCI image-spec, layer.md, "Whiteouts": `.wh.NAME` hides NAME of the layers below, `.wh..wh..opq`
all that they have in its folder. Other names that begin with `.wh..wh.` are a file system's own.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_WHITEOUT: Final = ".wh."
_OWN: Final = ".wh..wh."
_OPAQUE: Final = ".wh..wh..opq"
_IDLE: Final = frozenset({"", "."})


class Hidden(NamedTuple):
    """What a whiteout hides: PATH with all below it, or only what is below it."""

    path: str
    below: bool = False


def normal(name: str) -> str:
    """Give the path that a name means in the root of the image; no `..` leads out of that."""
    parts: list[str] = []
    for part in name.partition("\0")[0].split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in _IDLE:
            parts.append(part)
    return f"/{'/'.join(parts)}"


def whiteout(path: str) -> Hidden | None:
    """Give what a path hides by its name; None for an ordinary one."""
    folder, _, name = path.rpartition("/")
    if name == _OPAQUE:
        return Hidden(folder or "/", below=True)
    hides = name.removeprefix(_WHITEOUT)
    if hides == name or hides in {"", ".", ".."} or name.startswith(_OWN):
        return None
    return Hidden(f"{folder}/{hides}")


def above(path: str) -> list[str]:
    """Give the folders of a path, the outermost first, without the root."""
    found: list[str] = []
    at = path.find("/", 1)
    while at > 0:
        found.append(path[:at])
        at = path.find("/", at + 1)
    return found
