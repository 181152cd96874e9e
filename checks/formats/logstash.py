"""Logstash pipelines: plugins with `option => value`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats import quoting
from checks.lazy import regex
from checks.model import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "logstash.conf", "logstash*.conf", "logstash/*.conf", "logstash/*/*.conf", "pipeline/*.conf",
    "*.logstash", "pipelines/*.conf",
)  # fmt: skip

_MOST_DEPTH: Final = 64
_STRING: Final = rf"{quoting.DOUBLE}|{quoting.SINGLE}"
_TOKEN: Final = regex(
    rf"""(?P<comment>\#[^\n]*+)
    |(?P<key>{_STRING}|[\w\-.@]++)\s*+=>\s*+(?:(?P<value>{_STRING}|[^\s"'{{}}\[\],]++)|(?P<map>\{{))?
    |(?P<block>[\w\-.@]++)\s*+\{{|(?P<open>\{{)|(?P<close>\}})|{_STRING}|\\.|[\w\-.@]++|.""",
    re.DOTALL | re.VERBOSE,
)


def parse(text: str) -> Iterator[Entry]:
    """Give options under (stage, plugin, option); raises FormatError when nested too deep."""
    path: list[str] = []
    line = counted = 0
    for found in _TOKEN.finditer(text):
        opened = _opened(found)
        if opened is not None:
            path.append(opened)
        elif found["close"] and path:
            path.pop()
        if len(path) > _MOST_DEPTH:
            raise FormatError("blocks are nested too deep", line + 1)
        if found["value"]:
            line += text.count("\n", counted, found.start("value"))
            counted = found.start("value")
            word = quoting.unquote(found["value"])
            value = word.text if word else found["value"]
            keys = (*path, found["key"].strip("\"'"))
            yield Entry(keys, value, line + 1, quoted=word is not None)


def _opened(found: re.Match[str]) -> str | None:
    """Give the name of the block that a token opens; None when it opens none."""
    if found["map"]:
        return found["key"].strip("\"'")
    return found["block"] or ("" if found["open"] else None)
