"""Read a text line by line: numbers, continuation, comments; shared by the line formats."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK: Final = regex(
    r"""(?:(?<=[\s=:(,\[{])|^)(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^']*+')|(?<=\s)[#;]""", re.DOTALL
)
_ARMOUR: Final = regex(
    r"[A-Za-z0-9+/=]+$|(?:Proc-Type|DEK-Info|Version|Comment|Hash): |-----END |$"
)


class Line(NamedTuple):
    """A line without its end; `number` is 1-based and that of the first part of a joined one."""

    number: int
    text: str

    @property
    def indent(self) -> int:
        """The count of blanks and tabs in front."""
        return len(self.text) - len(self.text.lstrip(" \t"))

    def __repr__(self) -> str:
        """Leave the text out: a line may hold a secret."""
        return f"<Line {self.number}>"


def numbered(text: str) -> Iterator[Line]:
    r"""Give every line; it ends at \n or \r\n only, trailing blanks are kept."""
    lines = text.removeprefix("\ufeff").split("\n")
    if not lines[-1]:
        lines.pop()
    return map(_line, enumerate(lines, 1))


def _line(pair: tuple[int, str]) -> Line:
    return Line(pair[0], pair[1].removesuffix("\r"))


def without_armour(lines: Iterator[Line]) -> Iterator[Line]:
    """Leave out PEM blocks: their base64 looks like `key=`, and keys are found by other rules."""
    inside = False
    for line in lines:
        stripped = line.text.strip()
        if inside and _ARMOUR.match(stripped):
            inside = not stripped.startswith("-----END ")
            continue
        inside = stripped.startswith("-----BEGIN ")
        if not inside:
            yield line


def _continues(text: str, *, spaced: bool) -> bool:
    if not text.endswith("\\"):
        return False
    if spaced:
        return len(text) == 1 or text[-2].isspace()
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def continued(
    lines: Iterator[Line], *, glue: str = " ", spaced: bool = False, comments: str = ""
) -> Iterator[Line]:
    r"""Join lines that end with an odd count of backslashes, with GLUE between the parts.

    spaced: only a backslash behind white space counts, since a bare password may end with one;
    comments: lines that start so are skipped between the parts and never continue.
    """
    parts: list[str] = []
    first = 0
    for line in lines:
        is_comment = bool(comments) and line.text.lstrip().startswith(tuple(comments))
        if is_comment and parts:
            continue
        first = first if parts else line.number
        if not is_comment and _continues(line.text, spaced=spaced):
            parts.append(line.text[:-1])
            continue
        yield Line(first, glue.join([*parts, line.text]) if parts else line.text)
        parts.clear()
    if parts:
        yield Line(first, glue.join(parts))


def folded(lines: Iterator[Line], *, comments: str = "#", glue: str = " ") -> Iterator[Line]:
    r"""Join lines that start with white space to the one before (Postfix, slapd.conf).

    A "\n" as GLUE keeps their ends; skipped comments and blank lines count there too.
    """
    skipped = 0
    parts: list[str] = []
    first = 0
    for line in lines:
        stripped = line.text.strip()
        if not stripped or stripped.startswith(tuple(comments)):
            skipped += 1
            continue
        if parts and line.text[0] in " \t":
            parts += [""] * (skipped if glue == "\n" else 0)
            parts.append(stripped)
            skipped = 0
            continue
        if parts:
            yield Line(first, glue.join(parts))
        parts, first, skipped = [line.text.rstrip()], line.number, 0
    if parts:
        yield Line(first, glue.join(parts))


def uncomment(text: str, marks: str = "#;") -> str:
    """Cut a comment that begins with one of MARKS behind white space and outside quotes."""
    if not any(mark in text for mark in marks):
        return text
    for found in _MARK.finditer(text):
        if found[0] in marks:
            return text[: found.start()].rstrip()
    return text


def payload(lines: Iterator[Line], comments: str = "#") -> Iterator[Line]:
    """Leave out blank lines and those that start with one of COMMENTS."""
    marks = tuple(comments)
    for line in lines:
        stripped = line.text.lstrip()
        if stripped and not stripped.startswith(marks):
            yield line
