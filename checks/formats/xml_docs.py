"""XML read by expat: elements and attributes as keys, named values under their name.

An element is a key, an attribute the key "@NAME" below it, text without children the element's own
value. Entities are refused where they are declared, and nothing outside the text is ever read.
In a property list the element after `<key>` takes that key's text for its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from checks.errors import FormatError
from checks.formats import templated, tree
from checks.formats.levels import END, MAP, VALUE
from checks.formats.xmllines import AttributeLines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.formats.levels import Event
    from checks.model import Entry

GENERIC: Final = True
NAMES: Final = (
    "*.config",
    "*.csproj",
    "*.mobileconfig",
    "*.plist",
    "*.props",
    "*.publishsettings",
    "*.pubxml",
    "*.rdg",
    "*.resx",
    "*.targets",
    "*.vbproj",
    "*.xml",
    "*.xml.*",
    "pam_mount.conf.xml",
    "pom.xml",
    "settings.xml",
    "app.config",
    "web.config",
    "web.xml",
)

ALWAYS: Final = ("pam_mount.conf.xml", "web.config", "app.config")

_CHUNK: Final = 1 << 20
"""Large, since expat before 2.6.0 reads a token again from its start with each chunk."""
_SURROGATES: Final = dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)


def sniff(head: str) -> bool:
    """Know the XML declaration."""
    return head.lstrip("\ufeff \t\r\n").startswith("<?xml")


def parse(text: str) -> Iterator[Entry]:
    """Give the entries of an XML text; raises FormatError where it stops being well-formed."""
    return templated.entries(text, _events)


def _events(text: str) -> Iterator[Event]:
    body = text.lstrip("\ufeff \t\r\n")
    before = text[: len(text) - len(body)].count("\n")
    reader = _Reader(before, AttributeLines(body))
    for start in range(0, len(body) + 1, _CHUNK):
        chunk = body[start : start + _CHUNK].translate(_SURROGATES)
        try:
            reader.feed(chunk, last=start + _CHUNK > len(body))
        except FormatError:
            yield from reader.events
            raise
        yield from reader.events
        reader.events.clear()


class _Element:
    """An open element: its key, its text so far, and what its children told."""

    __slots__ = ("key", "line", "named", "next_key", "shown", "tag", "text")

    def __init__(self, tag: str, key: str, line: int) -> None:
        self.tag = tag
        self.key = key
        self.line = line
        self.text: list[str] = []
        self.shown = False
        self.next_key = ""


class _Reader:
    """Collects events; an element becomes a mapping once it has an attribute or a child."""

    __slots__ = ("before", "events", "lines", "nest", "parser")

    def __init__(self, before: int, lines: AttributeLines) -> None:
        self.lines = lines
        self.events: list[Event] = []
        self.nest: list[_Element] = []
        self.before = before
        # The text is decoded already: expat is told so, whatever its declaration says.
        self.parser = expat.ParserCreate("utf-8")
        self.parser.ordered_attributes = True
        self.parser.specified_attributes = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._entity

    def feed(self, chunk: str, *, last: bool) -> None:
        """Read a part of the text into `events`; raises FormatError."""
        try:
            self.parser.Parse(chunk, last)
        except expat.ExpatError as error:
            message = "not well-formed xml from here on"
            raise FormatError(message, error.lineno + self.before) from None

    def _line(self) -> int:
        return self.parser.CurrentLineNumber + self.before

    def _entity(self, *_: object) -> None:
        message = "xml declares an entity"
        raise FormatError(message, self._line())

    def _start(self, tag: str, attributes: list[str]) -> None:
        if len(self.nest) > tree.DEPTH:
            message = f"nested deeper than {tree.DEPTH}"
            raise FormatError(message, self._line())
        element = _Element(tag, self._key(tag), self._line())
        if self.nest:
            self._show(self.nest[-1])
        self.nest.append(element)
        if attributes:
            self._show(element)
            self._attributes(attributes[::2], attributes[1::2])

    def _attributes(self, names: list[str], values: list[str]) -> None:
        line, column = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber
        places = self.lines.of_tag(line, column, len(names))
        for name, value, place in zip(names, values, places, strict=True):
            self.events.append((VALUE, f"@{name}", value, place + self.before, True))

    def _key(self, tag: str) -> str:
        """Give the name of a new element, in a property list that of the key before it."""
        if not self.nest or tag == "key":
            return tag
        named, self.nest[-1].next_key = self.nest[-1].next_key, ""
        return named or tag

    def _show(self, element: _Element) -> None:
        if not element.shown:
            element.shown = True
            self.events.append((MAP, element.key, "", element.line, False))

    def _text(self, text: str) -> None:
        element = self.nest[-1]
        if element.text:
            element.text.append(text)
        elif not text.isspace():
            element.text.append(text)
            element.line = self._line()

    def _end(self, tag: str) -> None:
        element = self.nest.pop()
        text = "".join(element.text).strip()
        if tag == "key" and self.nest and self.nest[-1].tag == "dict":
            self.nest[-1].next_key = text
        elif text:
            key = "#text" if element.shown else element.key
            self.events.append((VALUE, key, text, element.line, False))
        if element.shown:
            self.events.append((END, None, "", self._line(), False))
