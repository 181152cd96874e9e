"""Find the credentials among the arguments of command lines, by each command's own grammar."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks import shellwords
from checks.formats import expect
from checks.formats.roles import stored
from checks.lazy import regex
from checks.model import Entry, Role
from checks.secrets import values
from checks.secrets.grammar import Grammar, Take, is_place
from checks.secrets.names import Kind, kind
from checks.secrets.stdin import dialogues, standard_input
from checks.secrets.tools import TOOLS, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.shellwords import Command, Word

_DEPTH: Final = 4
"""Command lines within command lines that are followed (`ssh host "su -c 'sh -c …'"`)."""

_ASSIGNMENT: Final = regex(
    r"(?:\[?[\"']?)([A-Za-z_][\w.\-/:@]{0,120}+)[\"']?\]?\+?=(.*)", re.DOTALL
)
_OPTION: Final = regex(
    r"(?:--?([A-Za-z][\w.\-]{0,80}+)|/([A-Za-z]\w{0,40}+)(?=[:=]))(?:[=:](.*))?", re.DOTALL
)
_SLASHED: Final = regex(r"/[A-Za-z]\w{0,40}[:=]|/(?:p|rp|ru|u)\Z", re.IGNORECASE)
"""An option of Windows: `/user:name`, `/rp password`."""
_SUBSTITUTION: Final = regex(r"s([/|#,@!])(?:(?!\1).){0,400}\1((?:(?!\1).){1,400})\1", re.DOTALL)
_EXPRESSION: Final = 2048
"""Of an argument that is an expression this much is read."""
_OPTION_ALONE: Final = regex(r"--[a-z][\w\-]+(?:=.*)?|-[A-Za-z]", re.DOTALL)
_LIKE_OPTION: Final = regex(r"--?[A-Za-z]")
_PROPERTY: Final = regex(r"-[DP](?!ass|wd|in)\w")
"""How Java and Gradle spell a setting: `-Dname=value`, `-Pname=value`."""
_VARIABLE: Final = regex(r"\$(?:\w{1,16}:)?([A-Za-z_]\w{0,80})")
_CLUSTER: Final = regex(r"-[A-Za-z]{2,8}")
_SETTING: Final = regex(r"""(?:\A|[\s,;])([A-Za-z_][\w.\-]{0,80}+)=("[^"]*+"|'[^']*+'|[^\s,]*+)""")
_PORTS: Final = regex(r"[\d.:]+:\d+(?:/\w+)?")
_NOT_SECRET: Final = regex(
    r"(?:user(?:_?name)?|login|host(?:_?name)?|port|db(?:_?name)?|database|url|uri|email|region"
    r"|endpoint|server|bucket|name|namespace|path|type|scheme)",
    re.IGNORECASE,
)
_PAIRS: Final = {Take.COLON: ":", Take.PERCENT: "%", Take.COMMA: ","}
_USER_OPTIONS: Final = frozenset({"user", "username", "login", "user-name"})


def credentials(command: str, line: int) -> Iterator[Entry]:
    """Give the arguments that are, or by their names may be, credentials.

    Role SECRET where the command's manual makes it one, with the keys (command, option); HASH for
    a password hash; NAMED with the setting's or option's name as only key otherwise. LINE is the
    number of the first line of COMMAND. Never fails; an argument may be a reference (`$X`).
    """
    yield from _nested(command, line, 0)


def _nested(text: str, line: int, depth: int) -> Iterator[Entry]:
    for command in shellwords.commands(text, line):
        walk = _Walk(command, depth)
        walk.run()
        user = walk.user
        for entry in walk.found:
            yield (
                entry if entry.subject or entry.role is Role.NAMED else entry._replace(subject=user)
            )


class _Walk:
    """Goes through the words of one simple command once."""

    def __init__(self, command: Command, depth: int) -> None:
        self.command = command
        self.words = command.words
        self.depth = depth
        self.at = 0
        self.tool = ""
        self.grammar: Grammar = UNKNOWN
        self.user = ""
        self.flags: set[str] = set()
        self.places: list[Word] = []
        self.found: list[Entry] = []
        self.seen: dict[str, Grammar] = {}

    def run(self) -> None:
        previous = ""
        self._variable()
        while self.at < len(self.words):
            word = self.words[self.at]
            self.at += 1
            if not self._switch(word, previous):
                self._word(word)
            previous = word.text
        self._positional()
        for tool, grammar in self.seen.items():
            self._standard_input(tool, grammar)
        for text in self.command.here:
            self.found += values.inner(Entry((self.tool or "input",), text.text, text.line))

    def _variable(self) -> None:
        """Read the `$env:NAME = value` of PowerShell."""
        assigned = len(self.words) > 2 and self.words[1].text == "="
        if assigned and (name := _VARIABLE.fullmatch(self.words[0].text)):
            self._named(name[1], self.words[2].text, self.words[2])

    def _switch(self, word: Word, previous: str) -> bool:
        """Take up the grammar of the command that this word names, if it can name one."""
        if self.tool and (
            not self.grammar.wraps or (previous.startswith("--") and previous != "--")
        ):
            return False
        name = word.text.rpartition("/")[2].removesuffix(".exe")
        grammar = TOOLS.get(name)
        if grammar is None:
            apart = word.text.startswith(("-", "{{"))  # of Packer: `{{.Vars}} sudo -S sh`
            first = not (self.tool or apart or _ASSIGNMENT.fullmatch(word.text))
            if first:
                self.tool = name[:40] or "command"
            return first
        self.tool, self.grammar = name, grammar
        self.places = []
        self.seen[name] = grammar
        return True

    def _word(self, word: Word) -> None:
        text = word.text
        if self.grammar.patterns and text[:1] != "-":
            self._replacement(word)
        elif text in self.grammar.options or text[:1] == "-" or _SLASHED.match(text):
            self._option(word)
        elif self.grammar.script and self.depth < _DEPTH and (" " in text or "\n" in text):
            self.found += _nested(text, word.line, self.depth + 1)
        elif "=" in text and (setting := _ASSIGNMENT.fullmatch(text)):
            self._setting(setting[1], setting[2], word)
        else:
            self.places.append(word)
            self._inside(word)

    def _replacement(self, word: Word) -> None:
        """Read what sed puts in place (`s/password=.*/password=x/`), not what it looks for."""
        for found in _SUBSTITUTION.finditer(word.text[:_EXPRESSION]):
            if setting := _ASSIGNMENT.search(found[2]):
                self._named(setting[1], setting[2].rstrip("\"'"), word)

    def _setting(self, name: str, value: str, word: Word) -> None:
        if self.tool == "alias":  # what the name stands for is a command line
            if self.depth < _DEPTH:
                self.found += _nested(value, word.line, self.depth + 1)
        elif name == "userid" and ("PAIR",) in self.grammar.places:
            self.places.append(word._replace(text=value))
        elif not self.tool or self.grammar.settings or kind((name,)) is not Kind.NONE:
            self._named(name, value, word)
        else:
            self._inside(word)

    def _named(self, name: str, value: str, word: Word) -> None:
        if value:
            self.found.append(Entry((name,), value, word.line, Role.NAMED, word.quoted))

    def _inside(self, word: Word) -> None:
        self.found += values.inner(Entry((self.tool or "command",), word.text, word.line))

    # Options

    def _option(self, word: Word) -> None:
        text, options = word.text, self.grammar.options
        name, equals, value = text.partition(":" if text.startswith("/") else "=")
        self.flags.add(name)
        if text in options:
            self._take(options[text], text, self._next(options[text]))
        elif equals and name in options:
            self._take(options[name], name, word._replace(text=value), glued=True)
        elif not self._short(word):
            self._unknown_option(word)

    def _next(self, take: Take) -> Word | None:
        """Take the argument of an option that stands in a word of its own."""
        if take in {Take.FLAG, Take.GLUED} or self.at >= len(self.words):
            return None
        if take is Take.SECRET and _OPTION_ALONE.fullmatch(self.words[self.at].text):
            return None
        self.at += 1
        return self.words[self.at - 1]

    def _short(self, word: Word) -> bool:
        text, grammar = word.text, self.grammar
        if text.startswith("--") or grammar.apart:
            return False
        for size in (3, 2):
            take = grammar.options.get(text[:size])
            if take is not None and take is not Take.FLAG and (size == 2 or take is Take.GLUED):
                self._take(take, text[:size], word._replace(text=text[size:]), glued=True)
                return True
        if grammar.cluster and _CLUSTER.fullmatch(text):
            self.flags.update(f"-{char}" for char in text[1:])
            take = grammar.options.get(f"-{text[-1]}", Take.FLAG)
            self._take(take, f"-{text[-1]}", self._next(take))
            return True
        return False

    def _unknown_option(self, word: Word) -> None:
        found = _OPTION.fullmatch(word.text)
        if found is None:
            self._inside(word)
            return
        name, value = found[1] or found[2], found[3]
        if value is not None and _PROPERTY.match(word.text):
            name = name[1:]
        if name.lower() in _USER_OPTIONS:
            self._user(value)
        elif kind((name,)) is not Kind.NONE:
            self._credential_option(name, value, word)
        elif value and (setting := _ASSIGNMENT.fullmatch(value)):
            self._setting(setting[1], setting[2], word)
        elif value:
            self._inside(word._replace(text=value))

    def _user(self, value: str | None) -> None:
        if value is None and self.at < len(self.words):
            value = self.words[self.at].text
            self.at += 1
        self.user = value or ""

    def _credential_option(self, name: str, value: str | None, word: Word) -> None:
        if value is not None:
            self._named(name, value, word)
        elif self.at < len(self.words) and not name.startswith("with-"):
            argument = self.words[self.at]
            if not _LIKE_OPTION.match(argument.text):
                self.at += 1
                self._named(name, argument.text, argument)

    # What an option's argument is

    def _take(self, take: Take, option: str, word: Word | None, *, glued: bool = False) -> None:
        if word is None or take in {Take.SKIP, Take.FLAG} or not word.text:
            return
        if take is Take.USER:
            self.user = word.text
        elif take in _PAIRS:
            self._pair(option, word, _PAIRS[take])
        elif take is Take.SOURCE:
            if word.text.startswith("pass:"):
                self._secret(option, word.text[5:], word)
        elif take in {Take.SETTING, Take.SETTINGS, Take.LITERAL}:
            self._settings(take, option, word)
        elif take is Take.DIALOG:
            self.found += expect.parse(word.text, word.line)
        elif take is Take.HASH:
            role, value = stored(word.text, des=True)
            self._secret(option, value, word, role=role)
        elif not (glued and _PORTS.fullmatch(word.text)):
            self._secret(option, word.text, word)

    def _secret(
        self, label: str, value: str, word: Word, *, role: Role = Role.SECRET, user: str = ""
    ) -> None:
        if value:
            keys = (self.tool, label.lstrip("-/"))
            self.found.append(Entry(keys, value, word.line, role, word.quoted, user))

    def _pair(self, option: str, word: Word, separator: str) -> None:
        user, found, secret = word.text.partition(separator)
        if found:
            self._secret(option, secret, word, user=user)

    def _settings(self, take: Take, option: str, word: Word) -> None:
        if take is Take.SETTINGS:
            before = len(self.found)
            for setting in _SETTING.finditer(word.text):
                value = setting[2]
                bare = value[1:-1] if value[:1] in {"'", '"'} else value
                self._named(setting[1], bare, word)
            if len(self.found) == before:
                self._inside(word)
            return
        name, equals, value = word.text.partition("=")
        if equals and take is Take.LITERAL and not _NOT_SECRET.fullmatch(name):
            self.found.append(
                Entry((option.lstrip("-"), name), value, word.line, Role.SECRET, word.quoted)
            )
        elif equals:
            self._named(name, value, word)

    # Positional arguments and standard input

    def _positional(self) -> None:
        fitting = [place for place in self.grammar.places if self._fits(place)]
        if not fitting:
            return
        letters = fitting[-1][0].startswith("-")
        place = max(fitting, key=len) if not letters else fitting[0]
        names = place[1:] if letters else place
        user = key = ""
        for name, word in zip(names, self.places, strict=False):
            if name == "USER":
                user = word.text
            elif name == "KEY":
                key = word.text
            elif name == "VALUE":
                self._named(key, word.text, word)
            elif name == "SECRET":
                self._secret("password", word.text, word, user=user)
            elif name == "PAIR":
                self._oracle(word)

    def _fits(self, place: tuple[str, ...]) -> bool:
        letters = place[0] if place[0].startswith("-") else ""
        names = place[1:] if letters else place
        given = "".join(flag for flag in self.flags if not flag.startswith("--"))
        if len(self.places) < len(names) or not set(letters) <= set(given):
            return False
        return all(
            is_place(name, word.text) for name, word in zip(names, self.places, strict=False)
        )

    def _oracle(self, word: Word) -> None:
        user, found, rest = word.text.partition("/")
        secret = rest.rpartition("@")[0] or rest
        if found and user:
            self._secret("password", secret, word, user=user)

    def _standard_input(self, tool: str, grammar: Grammar) -> None:
        for rule in grammar.stdin:
            if rule.flag and rule.flag not in self.flags:
                continue
            if rule.dialog or rule.answers:
                self.found += dialogues(self.command, answers=rule.answers)
                continue
            if rule.script:
                for text in self.command.here:
                    if self.depth < _DEPTH:
                        self.found += _nested(text.text, text.line, self.depth + 1)
                continue
            hashed = "-e" in self.flags or "--encrypted" in self.flags
            role = Role.HASH if hashed and rule.pairs else Role.SECRET
            self.found += standard_input(self.command, tool, role, pairs=rule.pairs)
