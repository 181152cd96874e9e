"""Turn our own frozen values into bytes and back, names that are not UTF-8 included."""

from __future__ import annotations

from typing import TypeVar

import msgspec

_T = TypeVar("_T")


def pack(value: msgspec.Struct) -> bytes:
    """Encode a value as MessagePack; one with a name that is not UTF-8 as JSON, with escapes."""
    try:
        return msgspec.msgpack.encode(value)
    except UnicodeEncodeError:
        import json

        return json.dumps(msgspec.to_builtins(value)).encode()


def unpack(data: bytes, kind: type[_T]) -> _T:
    """Decode what `pack` made; raises msgspec.MsgspecError or ValueError for anything else."""
    if data.startswith(b"{"):  # in MessagePack a number, never one of our values
        import json

        return msgspec.convert(json.loads(data), kind)
    return msgspec.msgpack.decode(data, type=kind)
