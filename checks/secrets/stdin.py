"""Read the passwords that a command line feeds to a command's standard input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import expect, preseed
from checks.model import Entry, Role
from checks.shellwords import unescape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.shellwords import Command, Word

_ANSWERS: Final = frozenset({"y", "n", "yes", "no"})


def standard_input(command: Command, tool: str, role: Role, *, pairs: bool) -> Iterator[Entry]:
    """Give each line that `echo`, printf, a here-string or here-document hands to the command.

    pairs: a line is `user:secret` (chpasswd); otherwise the whole line is the secret. The words of
    an answer ("yes") are none.
    """
    for text, line, step in _texts(command):
        for number, row in enumerate(text.split("\n")):
            user, colon, secret = row.strip("\r").partition(":") if pairs else ("", ":", row)
            if colon and secret.strip() and secret.lower() not in _ANSWERS:
                yield Entry(
                    (tool, "password"), secret, line + number * step, role, subject=user.strip()
                )


def dialogues(command: Command, *, answers: bool) -> Iterator[Entry]:
    """Give what a script of expect(1) sends, or the answers to the questions of debconf."""
    if not answers:
        for here in command.here:
            yield from expect.parse(here.text, here.line)
        return
    for text, line, step in _texts(command):
        for entry in preseed.parse(text):
            yield entry._replace(line=line + (entry.line - 1) * step)


def _texts(command: Command) -> Iterator[tuple[str, int, int]]:
    """Text, line and how many lines of the file one of its lines is."""
    for here in command.here:
        yield here.text, here.line, 1
    if command.source:
        name = command.source[0].text.rpartition("/")[2]
        if name in {"echo", "printf"}:
            text = _echoed(command.source[1:]) if name == "echo" else _printed(command.source[1:])
            yield text, command.source[0].line, 0


def _echoed(words: tuple[Word, ...]) -> str:
    options, start = "", 0
    while start < len(words) and words[start].text in {"-n", "-e", "-ne", "-en", "-E"}:
        options += words[start].text
        start += 1
    text = " ".join(word.text for word in words[start:])
    return unescape(text) if "e" in options else text


def _printed(words: tuple[Word, ...]) -> str:
    if not words:
        return ""
    form, values = words[0].text, [word.text for word in words[1:]]
    if not values:
        return unescape(form)
    if form.count("%s") == len(values):
        first, *pieces = (unescape(piece) for piece in form.split("%s"))
        return first + "".join(v + p for v, p in zip(values, pieces, strict=True))
    return "\n".join(values)
