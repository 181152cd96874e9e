"""Write approved files out in the policy that names them, as text where they are text. EDGE."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from checks.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable

_FILE = "file"


def written_out(says: dict[str, object], read: Callable[[str], bytes]) -> None:
    """Put the content of each file that a managed path names in its place.

    read: gives the content of a file by the name that the policy has; may raise PolicyError.
    """
    managed = says.get("managed")
    for path, told in managed.items() if isinstance(managed, dict) else ():
        if not isinstance(told, dict) or not isinstance(told.get(_FILE), str):
            continue
        if {"content", "base64"} & told.keys():
            raise PolicyError(f"managed.{path}: expected file, content or base64, got several")
        try:
            told.update(_content(read(told[_FILE])))
        except PolicyError as error:
            raise PolicyError(f"managed.{path}.file: {error}") from error
        del told[_FILE]


def _content(data: bytes) -> dict[str, str]:
    try:
        return {"content": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}
