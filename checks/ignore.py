"""Say which paths a walk leaves out: by globs, or by an ignore file where the policy believes it.

An ignore file has one glob a line; `#` begins a comment. A glob without a slash is for names
anywhere below the file's folder, one with a slash for paths from that folder on.
"""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = ".hygieneignore"
_MOST: Final = 1000


def matcher(globs: Sequence[str]) -> re.Pattern[str] | None:
    """Make one expression of globs on whole paths, None of none."""
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs)) if globs else None


def pattern(text: str, folder: str) -> re.Pattern[str] | None:
    """Give one expression for the whole paths that the ignore file of FOLDER leaves out."""
    globs = [line.strip() for line in text.splitlines()[:_MOST]]
    wanted = [glob for glob in globs if glob.strip("/") and not glob.startswith("#")]
    if not wanted:
        return None
    below = re.escape(folder.rstrip("/") + "/")
    return re.compile("|".join(below + _tail(glob) for glob in wanted))


def _tail(glob: str) -> str:
    body = fnmatch.translate(glob.strip("/"))
    return body if "/" in glob.strip("/") or glob.startswith("/") else "(?:.*/)?" + body
