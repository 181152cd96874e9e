r"""Write an inventory as one JSON object, a row of its tables a line.

Pure ASCII; a path that is not UTF-8 stands as text with its odd bytes written \xNN, and whole in
base64 beside it (`path_base64`). Every key is always there; what is not known is null or "".
"""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.inventory import SCHEMA
from agent.output.jsonout import inconclusive_object, path_fields, text
from agent.report import TOOL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.inventory import Absent, CertificateRow, Inventory, KeyFile, KeyRow

_Object = dict[str, Any]


def render(inventory: Inventory) -> Iterator[str]:
    """Give the object piece by piece."""
    head = {
        "schema": SCHEMA,
        "tool": TOOL,
        "version": inventory.version,
        "host": inventory.host,
        "root": inventory.root,
        "taken": inventory.taken,
        "seconds": round(inventory.seconds, 3),
        "below": inventory.below,
        "complete": not inventory.inconclusive,
    }
    yield "{\n"
    yield from (f"{dumps(key)}: {dumps(_safe(value))}" + ",\n" for key, value in head.items())
    separator = ""
    for name, made in _LISTS.items():
        rows = ",\n".join(dumps(made(row)) for row in getattr(inventory, name))
        yield f"{separator}{dumps(name)}: [" + (f"\n{rows}\n]" if rows else "]")
        separator = ",\n"
    yield "\n}\n"


def _plain(row: msgspec.Struct) -> Any:  # noqa: ANN401 - whatever JSON takes
    return _safe(msgspec.to_builtins(row))


def _certificate(row: CertificateRow) -> _Object:
    plain = _plain(row)
    return {
        **plain.pop("certificate"),
        **plain,
        "files": [path_fields(path) for path in row.files],
        "keys": [path_fields(path) for path in row.keys],
    }


def _key(row: KeyRow) -> _Object:
    return {**_plain(row), "files": [_file(file) for file in row.files]}


def _file(file: KeyFile) -> _Object:
    plain = _plain(file)
    if file.access:
        plain["access"]["mode"] = f"{file.access.mode:04o}"
        plain["access"]["readers"] = file.access.readers
    del plain["path"]
    return {**path_fields(file.path), **plain}


def _absent(one: Absent) -> _Object:
    return {**path_fields(one.path), "named": _safe(one.named)}


_LISTS: Final[dict[str, Callable[[Any], Any]]] = {
    "listeners": _plain,
    "endpoints": _plain,
    "suites": _plain,
    "certificates": _certificate,
    "keys": _key,
    "absent": _absent,
    "inconclusive": inconclusive_object,
}


def _safe(value: Any) -> Any:  # noqa: ANN401 - whatever JSON takes
    """Make every text in a value one that can be encoded."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {key: _safe(one) for key, one in value.items()}
    return [_safe(one) for one in value] if isinstance(value, (list, tuple)) else value
