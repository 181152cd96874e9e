"""Expressions that are compiled when they are first asked, or taken from a kept form.

Compiling those of every format and check took a third of the time from start to exit, and a run
needs few of them. To compile one takes some twenty times as long as to load its form.
"""

from __future__ import annotations

import re
import weakref
from typing import TYPE_CHECKING, Any, AnyStr, Final, cast

from checks import compiled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_METHODS = ("search", "match", "fullmatch", "finditer", "findall", "split", "sub")


class _Lazy:
    """Stands for a compiled expression; once it is compiled, its methods are those of that one."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self.source = source
        self.flags = flags

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever re.Pattern has
        if name.startswith("__"):
            raise AttributeError(name)
        made: re.Pattern[Any] = pattern(self.source, self.flags)
        for method in _METHODS:
            setattr(self, method, getattr(made, method))
        return getattr(made, name)


_WRITTEN: Final[weakref.WeakSet[_Lazy]] = weakref.WeakSet()
_KEPT: Final[dict[bytes, bytes]] = {}


def regex(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Give an expression to be used like a compiled one; a wrong one raises re.error at its use."""
    made = _Lazy(source, flags)
    _WRITTEN.add(made)
    return cast("re.Pattern[AnyStr]", made)


def pattern(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Load an expression's kept form, or else compile it; raises re.error."""
    form = _KEPT.get(_name(source, flags))
    return compiled.loaded(source, form) if form else re.compile(source, flags)


def forms(more: Iterable[str | bytes] = ()) -> dict[bytes, bytes]:
    """Make the forms of MORE and of all expressions in modules that are loaded, to be kept."""
    written = {(one.source, one.flags) for one in _WRITTEN} | {(source, 0) for source in more}
    return {_name(*one): form for one in written if (form := compiled.form(*one))}


def keep(made: Mapping[bytes, bytes]) -> None:
    """Take `forms` that this very interpreter made, from somewhere that nobody else can write."""
    _KEPT.update(made)


def _name(source: str | bytes, flags: int) -> bytes:
    if isinstance(source, bytes):
        return b"%db%b" % (flags, source)
    return b"%ds%b" % (flags, source.encode("utf-8", "surrogatepass"))
