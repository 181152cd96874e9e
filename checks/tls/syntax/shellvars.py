"""The variables that a shell file sets, as far as they can be told without running it.

/etc/apache2/envvars, /etc/sysconfig and /etc/default are such files: services start with them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETS: Final = regex(
    r"""^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)=
    (?:"([^"\n]*)"|'([^'\n]*)'|([^\s;\#]*))[ \t]*(?:\#.*|;.*)?$""",
    re.MULTILINE | re.VERBOSE,
)
_USES: Final = regex(r"\$(?:\{(\w+)[^}\n]*\}|(\w+))")
_LONGEST: Final = 4_096


def variables(text: str, known: Mapping[str, str]) -> dict[str, str]:
    """Give what the last assignment of each makes of it; one that runs a command is left out."""
    found = dict(known)
    for name, double, single, bare in _SETS.findall(text):
        if single:
            value = single
        elif "$(" in double + bare or "`" in double + bare:
            continue
        else:
            value = _USES.sub(lambda use: found.get(use[1] or use[2], ""), double + bare)
        found[name] = value[:_LONGEST]
    return found
