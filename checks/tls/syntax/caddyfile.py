"""Caddyfile's notation: words in lines and blocks, snippets, imports with arguments.

https://caddyserver.com/docs/caddyfile/concepts. Caddy puts what is imported in the place of the
import, word for word; here whole lines are put there, which differs for no valid file.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.tls.config import Setting
from checks.tls.syntax.optional import beside, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from checks.tls.syntax.reading import Reading

_TOKEN: Final = regex(
    r"(?P<blank>[^\S\n]++|\\\r?\n)|(?P<end>\n)|(?P<comment>\#[^\n]*+)"
    r'|"(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)"?|`(?P<tick>[^`]*+)`?'
    r"|<<(?P<mark>[\w-]++)[^\S\n]*+\n|(?P<bare>\S++)",
    re.DOTALL,
)
_DEFAULTED: Final = regex(r"\{\$[^{}:\s]++:([^{}\n]*+)\}")
_ARGUMENT: Final = regex(r"\{args(?:\.(\d{1,4})|\[(\d{0,4})(:?)(\d{0,4})\])\}")
_MOST_DEPTH: Final = 64
_MOST_LINES: Final = 200_000
_MOST_ARGUMENTS: Final = 200


class Word(NamedTuple):
    """One word; quoted: a brace in it opens nothing."""

    text: str
    quoted: bool = False


@dataclass(frozen=True)
class Node:
    """A line, and the lines of the block that it opens: None where it opens none."""

    words: tuple[str, ...]
    path: str
    line: int
    children: tuple[Node, ...] | None = None

    def setting(self) -> Setting:
        """Give the line as a setting: its first word, then the others."""
        name = self.words[0] if self.words else ""
        return Setting(name, " ".join(self.words[1:]), self.path, self.line)


class _Open:
    """A block that is being read."""

    def __init__(self, words: tuple[str, ...], line: int) -> None:
        self.words = words
        self.line = line
        self.children: list[Node] = []


def nodes(text: str, path: str, reading: Reading) -> tuple[Node, ...]:
    """Read one file to lines and blocks; imports stay as they are."""
    stack = [_Open((), 0)]
    for line, said in _lines(_DEFAULTED.sub(r"\1", text)):
        words = deque(said)
        while words and words[0] == Word("}"):
            words.popleft()
            if len(stack) > 1:
                _close(stack, path)
        if not words:
            continue
        opens = words[-1] == Word("{")
        plain = tuple(word.text for word in words)[: -1 if opens else None]
        if opens and len(stack) > _MOST_DEPTH:
            reading.miss(f"{path}: blocks are nested too deep; the rest is unread")
            break
        if opens:
            stack.append(_Open(plain, line))
        else:
            stack[-1].children.append(Node(plain, path, line))
    while len(stack) > 1:
        _close(stack, path)
    return tuple(stack[0].children)


def _close(stack: list[_Open], path: str) -> None:
    block = stack.pop()
    stack[-1].children.append(Node(block.words, path, block.line, tuple(block.children)))


def _lines(text: str) -> Iterator[tuple[int, list[Word]]]:
    """Cut a text into lines of words, with the number that each line begins at."""
    line, words, first, at = 1, list[Word](), 0, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:  # cannot be: the last alternatives take any character
            return
        at = found.end()
        word = _word(found)
        if found["mark"] is not None:
            word, at = _heredoc(text, at, found["mark"])
        if word:
            first = first if words else line
            words.append(word)
        elif found["end"] and words:
            yield first, words
            words = []
        line += text.count("\n", found.start(), at)
    if words:
        yield first, words


def _word(found: re.Match[str]) -> Word | None:
    if found["bare"] is not None:
        return Word(found["bare"])
    if found["double"] is not None:
        return Word(found["double"].replace('\\"', '"'), quoted=True)
    return Word(found["tick"], quoted=True) if found["tick"] is not None else None


def _heredoc(text: str, start: int, mark: str) -> tuple[Word, int]:
    """Take the text up to a line that is the mark; none of the directives read here has one."""
    end = start
    while end < len(text):
        line_end = text.find("\n", end)
        line = text[end : line_end if line_end >= 0 else len(text)]
        end += len(line)
        if line.strip() == mark:
            break
        end += 1
    return Word(text[start:end], quoted=True), min(end, len(text))


class Imports:
    """Puts snippets and files in the place of the lines that import them."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._snippets: dict[str, Node] = {}
        self._left = _MOST_LINES

    def define(self, node: Node) -> bool:
        """Keep a snippet, a block named in parentheses; say whether it was one."""
        name = node.words[0] if len(node.words) == 1 else ""
        if not name.startswith("(") or node.children is None:
            return False
        self._snippets[name.strip("()")] = node
        return True

    def resolved(self, lines: Iterable[Node], above: tuple[str, ...] = ()) -> Iterator[Node]:
        """Give lines with imports replaced, at this level; above: the imports that led here."""
        for node in lines:
            if self._left <= 0:
                self._reading.miss("imports: more lines than are looked at")
                return
            self._left -= 1
            if len(node.words) < 2 or node.words[0] != "import":
                yield node
            else:
                yield from self._imported(node, above)

    def _imported(self, node: Node, above: tuple[str, ...]) -> Iterator[Node]:
        name, arguments = node.words[1], node.words[2 : 2 + _MOST_ARGUMENTS]
        snippet = self._snippets.get(name)
        if snippet is None:
            for file in named(self._reading, beside(node.path, name)):
                text = self._reading.text(file, above)
                lines = nodes(text, file, self._reading) if text else ()
                yield from self.resolved(self._filled(lines, arguments), (*above, file))
        elif f"({name})" in above:
            self._reading.miss(f"{node.path}: a snippet imports itself")
        else:
            inside = self._filled(snippet.children or (), arguments)
            yield from self.resolved(inside, (*above, f"({name})"))

    def _filled(self, lines: Iterable[Node], arguments: tuple[str, ...]) -> Iterator[Node]:
        """Put the arguments of an import in the place of {args[0]}, {args.0} and {args[:]}."""
        for node in lines:
            self._left -= 1
            if self._left <= 0:
                return
            words = tuple(word for one in node.words for word in _with_arguments(one, arguments))
            inner = node.children
            children = inner if inner is None else tuple(self._filled(inner, arguments))
            yield Node(words, node.path, node.line, children)


def _with_arguments(word: str, arguments: tuple[str, ...]) -> Iterator[str]:
    if "{args" not in word:
        yield word
        return
    found = _ARGUMENT.fullmatch(word)
    if found and found[3]:
        yield from arguments[int(found[2] or 0) : int(found[4]) if found[4] else None]
    else:
        yield _ARGUMENT.sub(lambda one: _argument(one, arguments), word)


def _argument(found: re.Match[str], arguments: tuple[str, ...]) -> str:
    index = int(found[1] or found[2] or 0)
    return arguments[index] if index < len(arguments) and not found[3] else found[0]
