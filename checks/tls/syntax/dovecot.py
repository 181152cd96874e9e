"""Dovecot's notation: settings in sections, sections in sections, includes that keep their place.

https://doc.dovecot.org/2.3/configuration_manual/config_file/ and, for 2.4 with its names that may
leave out the prefix of their section, https://doc.dovecot.org/2.4.2/core/settings/syntax.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.formats.textlines import continued, numbered, payload, uncomment
from checks.lazy import regex
from checks.tls.config import Setting
from checks.tls.syntax.optional import beside, named, text_if_there
from checks.tls.syntax.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTING: Final = regex(r"([@\w./-]++)\s*+=\s*+(.*)\Z")
_SECTION: Final = regex(r"([@\w.-]++)(?:\s++([^{}]*[^{}\s]))?\s*+\{\s*+\Z")
_INCLUDE: Final = regex(r"!(include|include_try)\s++(\S.*)\Z")
_MOST_SECTIONS: Final = 64


class Section(NamedTuple):
    """A section that stands open: `protocol imap`, `local_name mail.example.com`."""

    kind: str
    argument: str
    place: Setting


class Entry(NamedTuple):
    """A setting with the sections around it, the outermost first."""

    setting: Setting
    sections: tuple[Section, ...]


def entries(reading: Reading, main: str) -> Iterator[Entry]:
    """Read a configuration with its includes, in the order in which Dovecot reads it."""
    return _Reader(reading).read(main, (), (), optional=False)


class _Reader:
    """Reads a file and, where they stand, those it includes; these keep the sections around."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def read(
        self, path: str, outer: tuple[Section, ...], above: tuple[str, ...], *, optional: bool
    ) -> Iterator[Entry]:
        """Read one file within the sections OUTER; above: the files whose includes led here."""
        read = text_if_there if optional else Reading.text
        sections = outer
        for line in payload(continued(numbered(read(self._reading, path, above) or ""))):
            text = uncomment(line.text, "#").strip()
            if text == "}":
                sections = sections[: max(len(sections) - 1, len(outer))]
            elif included := _INCLUDE.match(text):
                pattern = beside(path, _unquoted(included[2]))
                optional = included[1] == "include_try"
                for file in named(self._reading, pattern):
                    yield from self.read(file, sections, (*above, path), optional=optional)
            elif opened := _SECTION.match(text):
                if len(sections) >= _MOST_SECTIONS:
                    self._reading.miss(f"{path}: sections are nested too deep; the rest is unread")
                    return
                place = Setting(opened[1], _unquoted(opened[2] or ""), path, line.number)
                sections = (*sections, Section(place.name, place.value, place))
            elif found := _SETTING.match(text):
                value = " ".join(_unquoted(found[2]).split())
                yield Entry(Setting(found[1], value, path, line.number), sections)


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        return text[1:-1]
    return text


def file_of(setting: Setting) -> Setting:
    """Give a setting that names a file, `<file` or `file`, with the file's whole path."""
    path = beside(setting.path, setting.value.removeprefix("<").strip())
    return Setting(setting.name, path, setting.path, setting.line)
