"""Turn libyaml's events into those of the tree, with lines, aliases not followed.

An alias bomb costs nothing, since an alias is a value that is no text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import yaml

from checks.errors import FormatError
from checks.formats.levels import END, IGNORED, LIST, MAP, SKIP, VALUE
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.formats.levels import Event

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_REFERENCES: Final = regex(
    r"!(?:vault|ref|getatt|importvalue|reference|secret|include\w*|env|env_var|findinmap|kms"
    r"|encrypted.*|vault-encrypted)(?=[:/.\s]|$)",
    re.IGNORECASE,
)
_NULLS: Final = {"", "~", "null", "Null", "NULL"}


def events(text: str) -> Iterator[Event]:
    """Give the events of all documents; raises FormatError where the text stops being YAML."""
    reader = _Reader()
    try:
        for event in yaml.parse(text, Loader=_Loader):
            made = reader.event(event)
            if made:
                yield made
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = "not yaml from here on"
        raise FormatError(message, mark.line + 1 if mark else 0) from None


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


class _Reader:
    """Follows the nesting: for each open container its kind, the key that waits and its place."""

    __slots__ = ("key", "nest", "within")

    def __init__(self) -> None:
        self.nest: list[tuple[int, str | None]] = []
        self.within = END
        self.key: str | None = None

    def event(self, event: yaml.Event) -> Event | None:
        """Give the event of the tree for one of libyaml, None for a key."""
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.CollectionStartEvent):
            return self._open(event)
        if isinstance(event, yaml.CollectionEndEvent):
            return self._close(event)
        return self._alias(event) if isinstance(event, yaml.AliasEvent) else None

    def _waits(self) -> bool:
        return self.within == MAP and self.key is None

    def _scalar(self, event: yaml.ScalarEvent) -> Event | None:
        text: str = event.value
        if self._waits():
            self.key = text
            return None
        key, self.key = self.key, None
        line = _line(event)
        plain = event.style not in {"'", '"', "|", ">"}
        if (plain and text in _NULLS) or (event.tag and _REFERENCES.match(event.tag)):
            return SKIP, key, "", line, False
        block = event.style in {"|", ">"}
        return VALUE, key, text, line + block, not plain

    def _alias(self, event: yaml.AliasEvent) -> Event | None:
        if self._waits():
            self.key = "*"
            return None
        key, self.key = self.key, None
        return SKIP, key, "", _line(event), False

    def _open(self, event: yaml.CollectionStartEvent) -> Event:
        kind = MAP if isinstance(event, yaml.MappingStartEvent) else LIST
        waits = self._waits()
        key = "?" if waits else self.key
        self.nest.append((self.within, "?" if waits else None))
        self.within, self.key = kind, None
        ignored = event.tag and _REFERENCES.match(event.tag)
        return IGNORED if ignored else kind, key, "", _line(event), False

    def _close(self, event: yaml.CollectionEndEvent) -> Event:
        """End a container; one that was a key leaves its value the key "?"."""
        self.within, self.key = self.nest.pop()
        return END, None, "", _line(event), False
