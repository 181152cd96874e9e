"""Decide the sections of Apache's configuration that only choose what is read.

What cannot be told from files is decided as a server of these days would: version 2.4.66, with the
flags of its service file, built as distributions do it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

CHOICES: Final = frozenset(
    {"ifmodule", "ifdefine", "ifversion", "iffile", "ifdirective", "ifsection"}
)
_VERSION: Final = (2, 4, 66)
_BUILT_IN: Final = frozenset(
    "core core_module core.c http_core.c http_module mod_so.c so_module mod_watchdog.c"
    " watchdog_module mod_log_config.c log_config_module mod_logio.c logio_module mod_version.c"
    " version_module mod_unixd.c unixd_module".split()
)


class Known(Protocol):
    """What is known where a section begins."""

    @property
    def variables(self) -> Mapping[str, str]:
        """What is defined."""

    @property
    def modules(self) -> AbstractSet[str]:
        """The modules loaded so far, by both of their names."""

    def has_file(self, path: str) -> bool:
        """Say whether a file is there."""


def holds(name: str, words: Sequence[str], known: Known) -> bool:
    """Say whether what a section contains is read."""
    if name == "ifversion":
        return _version(words)
    word = words[0] if words else ""
    negated = word.startswith("!")
    return _is_so(name, word.lstrip("!"), known) != negated


def _is_so(name: str, word: str, known: Known) -> bool:
    if name == "ifdefine":
        return word in known.variables
    if name == "iffile":
        return known.has_file(word)
    if name == "ifmodule":  # a server that loads none has them all built in
        return not known.modules or word in known.modules or word in _BUILT_IN
    return True


def _version(words: Sequence[str]) -> bool:
    operator, wanted = words[:2] if len(words) > 1 else ("=", *words, "")[:2]
    negated = operator.startswith("!")
    operator = operator.lstrip("!") or "="
    numbers = [int(part[:6]) for part in re.findall(r"\d+", wanted)[:3]]
    if not numbers or (operator in {"~", "="} and wanted.startswith(("/", "^"))):
        return not negated
    ours = _VERSION[: len(numbers)] if operator in {"=", "=="} else _VERSION
    theirs = (*numbers, 0, 0)[: len(ours)]
    if operator.startswith(">"):
        so = ours > theirs or (operator == ">=" and ours == theirs)
    elif operator.startswith("<"):
        so = ours < theirs or (operator == "<=" and ours == theirs)
    else:
        so = ours == theirs
    return so != negated
