"""Split shell text into commands and words in one tolerant, linear pass."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

NESTED: Final = "$(...)"
"""Stands in a word for a command substitution; its commands come on their own."""

_PLAIN: Final = regex(r"[^\s'\"\\$`;|&()<>#]++")
_PLAIN_QUOTED: Final = regex(r"[^\"\\$`]++")
_BLANKS: Final = regex(r"[^\S\n]++")
_BRACED: Final = regex(r"\$\{[^{}\n]{0,200}\}")
_ANSI: Final = regex(r"\$'([^'\\]*+(?:\\.[^'\\]*+)*+)'", re.DOTALL)
_ESCAPE: Final = regex(r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_CONTROL: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f"}
_HEREDOC: Final = regex(r"<<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([\w.+!-]+))")
_REDIRECT: Final = regex(r"&>>?|>>|>\||>&|<&|<>|[<>]")


class Word(NamedTuple):
    """One argument with quotes and escapes removed; line: 1-based, of its start."""

    text: str
    line: int
    quoted: bool = False


class Command(NamedTuple):
    """One simple command.

    source: the words of the command whose output it reads; here: the texts of its here-documents
    and here-strings.
    """

    words: tuple[Word, ...]
    source: tuple[Word, ...] = ()
    here: tuple[Word, ...] = ()


class Statement(NamedTuple):
    """The text up to a line end outside all quotes and brackets, with the commands in it."""

    text: str
    line: int
    commands: tuple[Command, ...]


def statements(text: str, line: int = 1) -> Iterator[Statement]:
    """Split TEXT, whose first line has the number LINE; never fails, whatever the text is."""
    return _Lexer(text, line).run()


def commands(text: str, line: int = 1) -> Iterator[Command]:
    """Give all commands of TEXT, those of substitutions before the one they stand in."""
    for statement in statements(text, line):
        yield from statement.commands


def unescape(text: str) -> str:
    """Resolve backslash escapes as `echo -e`, printf and $'...' do."""
    return _ESCAPE.sub(_escaped, text) if "\\" in text else text


def _escaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    if match[2]:
        return chr(int(match[2], 8) & 0xFF)
    return _CONTROL.get(match[3], match[3] if match[3] in "\\'\"?" else match[0])


class _Frame:
    """What is open at one depth: the words so far and the word being read."""

    def __init__(self, closer: str) -> None:
        self.closer = closer
        self.words: list[Word] = []
        self.source: tuple[Word, ...] = ()
        self.here: list[Word] = []
        self.parts: list[str] = []
        self.line = 0
        self.open = self.quoted = self.double = False
        self.next = ""


class _Lexer:
    def __init__(self, text: str, line: int) -> None:
        self.text = text
        self.pos = 0
        self.line = line
        self.top = _Frame("")
        self.stack: list[_Frame] = []
        self.done: list[Command] = []
        self.pending: list[tuple[_Frame, str]] = []
        self.ends: dict[str, list[int]] | None = None
        self.last_double = text.rfind('"')

    def run(self) -> Iterator[Statement]:
        text, size = self.text, len(self.text)
        start, line = 0, self.line
        while self.pos < size:
            at_newline = text[self.pos] == "\n" and not self.top.double
            self._step()
            if at_newline and not self.stack:
                if self.done:
                    yield Statement(text[start : self.pos], line, tuple(self.done))
                    self.done = []
                start, line = self.pos, self.line
        self._close()
        if self.done:
            yield Statement(text[start:], line, tuple(self.done))

    def _step(self) -> None:
        top = self.top
        if run := (_PLAIN_QUOTED if top.double else _PLAIN).match(self.text, self.pos):
            self._add(run[0])
            self._skip(run.end())
            return
        char = self.text[self.pos]
        if char == "\\":
            self._backslash()
        elif char == '"':
            self._double_quote()
        elif char == "$":
            self._dollar()
        elif char == "`":
            self._backtick()
        elif top.double:
            self._take(char)
        else:
            self._unquoted(char)

    def _unquoted(self, char: str) -> None:
        if char == "'":
            self._single_quote()
        elif char == "\n":
            self._newline()
        elif char in "<>" or self.text.startswith("&>", self.pos):
            self._redirect()
        elif char in ";|&":
            self._operator(char)
        elif char == "(":
            self.pos += 1
            self._push(")")
        elif char == ")":
            self._close_bracket()
        elif char == "#":
            self._comment()
        else:
            self._end_word()
            blanks = _BLANKS.match(self.text, self.pos)
            self.pos = blanks.end() if blanks else self.pos + 1

    # Words

    def _add(self, part: str, *, quoted: bool = False) -> None:
        top = self.top
        if not top.open:
            top.open, top.line = True, self.line
        top.quoted = top.quoted or quoted
        if part:
            top.parts.append(part)

    def _take(self, char: str) -> None:
        self._add(char)
        self._skip(self.pos + 1)

    def _skip(self, end: int) -> None:
        self.line += self.text.count("\n", self.pos, end)
        self.pos = end

    def _end_word(self) -> None:
        top = self.top
        if not top.open:
            return
        word = Word("".join(top.parts), top.line, top.quoted)
        top.parts, top.open, top.quoted = [], False, False
        purpose, top.next = top.next, ""
        if purpose == "here":
            top.here.append(word)
        elif purpose != "target":
            top.words.append(word)

    def _end_command(self, operator: str = "") -> None:
        self._end_word()
        top = self.top
        words = tuple(top.words)
        if words or top.here:
            self.done.append(Command(words, top.source, tuple(top.here)))
        top.source = words if operator.startswith("|") and operator != "||" else ()
        top.words, top.here, top.next = [], [], ""

    # Nesting

    def _push(self, closer: str) -> None:
        self.stack.append(self.top)
        self.top = _Frame(closer)

    def _pop(self) -> None:
        self._end_command()
        self.top = self.stack.pop()

    def _close(self) -> None:
        while self.stack:
            self._pop()
        self._end_command()

    def _close_bracket(self) -> None:
        self.pos += 1
        if self.top.closer == ")":
            self._pop()
        else:
            self._end_command()

    def _backtick(self) -> None:
        self.pos += 1
        if self.top.closer == "`" and not self.top.double:
            self._pop()
        else:
            self._add(NESTED)
            self._push("`")

    # Quotes and escapes

    def _backslash(self) -> None:
        follower = self.text[self.pos + 1 : self.pos + 2]
        if follower == "\r" and self.text.startswith("\n", self.pos + 2):
            self._skip(self.pos + 3)
        elif follower == "\n":
            self._skip(self.pos + 2)
        elif self.top.double and follower not in '$`"\\':
            self._take("\\")
        else:
            self._add(follower or "\\", quoted=True)
            self._skip(self.pos + 1 + len(follower))

    def _single_quote(self) -> None:
        end = self.text.find("'", self.pos + 1)
        if end < 0:  # a stray one ends with its line, so that it does not hide the rest
            end = self.text.find("\n", self.pos)
            end = len(self.text) if end < 0 else end
            self._add(self.text[self.pos : end])
            self._skip(end)
            return
        self._add(self.text[self.pos + 1 : end], quoted=True)
        self._skip(end + 1)

    def _double_quote(self) -> None:
        if not self.top.double and self.pos >= self.last_double:
            self._take('"')
            return
        self._add("", quoted=True)
        self.top.double = not self.top.double
        self.pos += 1

    def _dollar(self) -> None:
        if self.text.startswith("$(", self.pos):
            self._add(NESTED)
            self.pos += 2
            self._push(")")
        elif braced := _BRACED.match(self.text, self.pos):
            self._add(braced[0])
            self.pos = braced.end()
        elif not self.top.double and (ansi := _ANSI.match(self.text, self.pos)):
            self._add(unescape(ansi[1]), quoted=True)
            self._skip(ansi.end())
        else:
            self._take("$")

    # Operators

    def _operator(self, char: str) -> None:
        operator = char
        if self.text.startswith((char * 2, "|&"), self.pos):
            operator = self.text[self.pos : self.pos + 2]
        self._end_command(operator)
        self.pos += len(operator)

    def _comment(self) -> None:
        if self.top.open:
            self._take("#")
            return
        end = self.text.find("\n", self.pos)
        self.pos = len(self.text) if end < 0 else end

    def _redirect(self) -> None:
        top = self.top
        if top.open and not top.quoted and "".join(top.parts[:2]).isdigit():
            top.parts, top.open = [], False
        self._end_word()
        if self.text.startswith("<<<", self.pos):
            top.next, self.pos = "here", self.pos + 3
        elif self.text.startswith(("<(", ">("), self.pos):
            self.pos += 2
            self._add(NESTED)
            self._push(")")
        elif here := _HEREDOC.match(self.text, self.pos):
            self.pending.append((top, here[2] or here[3] or here[4]))
            self.pos = here.end()
        else:
            sign = _REDIRECT.match(self.text, self.pos)
            self.pos = sign.end() if sign else self.pos + 1
            top.next = "target"

    # Line ends and here-documents

    def _newline(self) -> None:
        if self.pending:
            self._end_word()
            self._skip(self.pos + 1)
            for frame, delimiter in self.pending:
                self._here_document(frame, delimiter)
            self.pending = []
        else:
            self._skip(self.pos + 1)
        self._end_command()

    def _here_document(self, frame: _Frame, delimiter: str) -> None:
        if self.ends is None:
            self.ends = _short_lines(self.text)
        offsets = self.ends.get(delimiter, [])
        index = bisect_left(offsets, self.pos)
        if index == len(offsets):
            return  # no such line: it was a shift, not a here-document
        end = offsets[index]
        frame.here.append(Word(self.text[self.pos : end], self.line))
        following = self.text.find("\n", end)
        self._skip(len(self.text) if following < 0 else following + 1)


def _short_lines(text: str) -> dict[str, list[int]]:
    """Where each line that may end a here-document starts."""
    found: dict[str, list[int]] = {}
    offset = 0
    for line in text.split("\n"):
        if 0 < len(line) < 80:
            found.setdefault(line.strip(), []).append(offset)
        offset += len(line) + 1
    return found
