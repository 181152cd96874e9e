"""A place in a text that moves forward by patterns and knows its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.errors import FormatError

if TYPE_CHECKING:
    import re


class Cursor:
    """Where reading stands: `at` is the offset of the next character, `text` the whole."""

    __slots__ = ("_counted", "_line", "at", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._counted = 0
        self._line = 1

    @property
    def line(self) -> int:
        """The 1-based line of `at`; linear over all calls since `at` only grows."""
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Move past PATTERN where it stands here and give the match, else None."""
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def need(self, pattern: re.Pattern[str], reason: str) -> re.Match[str]:
        """Move past PATTERN; raises FormatError with the reason where it does not stand here."""
        found = self.take(pattern)
        if found is None:
            raise FormatError(reason, self.line)
        return found

    def sees(self, text: str) -> bool:
        """Say whether TEXT stands here."""
        return self.text.startswith(text, self.at)

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.text)
