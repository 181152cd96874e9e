"""Turn compiled expressions into bytes and back.

`re` has no form of its own to keep: a pickled expression is its source. So this takes what `re`
gives to its engine (Lib/re/_compiler.py, `compile`). Such a form is good for the interpreter that
made it, of which `MAKER` tells, and the engine checks its sense when it takes it back.
"""

from __future__ import annotations

import re
import sys
from array import array
from functools import cache
from typing import AnyStr, Final, NamedTuple

import msgspec

MAKER: Final = f"{sys.version} {sys.byteorder} {array('I').itemsize}"
"""Whose forms these are; those of another maker are not to be loaded."""
_PROBE: Final = (
    r"(?i)^(?P<one>[\w.-]{2,9}+|é)(?:(?!x)(?P=one))*?(?<=[^a-f\d])(?>ab?|c)+(x)?(?(2)y|z)$"
)
"""Something of everything."""


class _Form(NamedTuple):
    flags: int
    groups: int
    names: dict[str, int]
    code: bytes


_DECODER: Final = msgspec.msgpack.Decoder(_Form)


def form(source: str | bytes, flags: int) -> bytes:
    """Compile an expression into its form; b"" where this interpreter's `re` is another one.

    Raises re.error.
    """
    return _form(source, flags) if _is_known() else b""


@cache
def _is_known() -> bool:
    """Say whether an expression comes back as `re` makes it."""
    try:
        return loaded(_PROBE, _form(_PROBE, re.MULTILINE)) == re.compile(_PROBE, re.MULTILINE)
    except (ImportError, AttributeError, TypeError, ValueError, OverflowError):
        return False


def _form(source: str | bytes, flags: int) -> bytes:
    from re import _compiler, _parser  # type: ignore[attr-defined]  # they have no types

    parsed = _parser.parse(source, flags)
    code = array("I", _compiler._code(parsed, flags)).tobytes()  # noqa: SLF001 - shown nowhere else
    state = parsed.state
    return msgspec.msgpack.encode(
        _Form(flags | state.flags, state.groups - 1, state.groupdict, code)
    )


def loaded(source: AnyStr, packed: bytes) -> re.Pattern[AnyStr]:
    """Make the expression of its form."""
    import _sre  # type: ignore[import-not-found]  # it has no types

    made = _DECODER.decode(packed)
    code = array("I")
    code.frombytes(made.code)
    names: list[str | None] = [None] * (made.groups + 1)
    for name, number in made.names.items():
        names[number] = name
    found: re.Pattern[AnyStr] = _sre.compile(
        source, made.flags, code.tolist(), made.groups, made.names, tuple(names)
    )
    return found
