"""Expressions that are compiled when they are first asked.

Compiling those of every format and check took a third of the time from start to exit, and a run
needs few of them.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast

_METHODS = ("search", "match", "fullmatch", "finditer", "findall", "split", "sub")


class _Lazy:
    """Stands for a compiled expression; once it is compiled, its methods are those of that one."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self._source = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever re.Pattern has
        if name.startswith("__"):
            raise AttributeError(name)
        made: re.Pattern[Any] = re.compile(self._source, self._flags)
        for method in _METHODS:
            setattr(self, method, getattr(made, method))
        return getattr(made, name)


def regex(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Give an expression to be used like a compiled one; a wrong one raises re.error at its use."""
    return cast("re.Pattern[AnyStr]", _Lazy(source, flags))
