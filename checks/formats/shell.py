"""Read shell scripts, start-up files and histories: settings, here-documents, command lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks import shellwords
from checks.formats import lines
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.shellwords import Command, Statement, Word

GENERIC: Final = True
NAMES: Final = (
    "*.ash", "*.bash", "*.bats", "*.command", "*.csh", "*.dash", "*.ebuild", "*.fish", "*.ksh",
    "*.sh", "*.sh.in", "*.tcsh", "*.zsh", "*.zsh-theme",
    ".ash_history", ".bash_aliases", ".bash_history", ".bash_login", ".bash_logout",
    ".bash_profile", ".bash_sessions/*", ".bashrc", ".cshrc", ".history", ".kshrc", ".login",
    ".profile", ".rediscli_history", ".sh_history", ".tcshrc", ".zhistory", ".zlogin", ".zprofile",
    ".zsh_history", ".zshenv", ".zshrc", "apkbuild", "fish_history", "pkgbuild",
    "bash_history", "bash.bashrc", "config.fish", "rc.local",
    "etc/bashrc", "etc/csh.cshrc", "etc/init.d/*", "etc/profile", "etc/profile.d/*",
    "etc/update-motd.d/*", "etc/zsh/*", "etc/cron.daily/*", "etc/cron.hourly/*",
    "etc/cron.weekly/*", "etc/cron.monthly/*", "debian/rules", "debian/postinst", "debian/preinst",
)  # fmt: skip

_INTERPRETER: Final = regex(r"#![^\n]{0,80}?[/ ](?:ba|z|k|mk|pdk|da|a|c|tc|fi|ra)?sh\b(?!\.)")
_STAMP: Final = regex(r": \d{9,11}:\d+;|- cmd: ")
"""What zsh (EXTENDED_HISTORY) and fish put in front of a command in their histories."""
_SCRIPT: Final = regex(
    r"#!|[ \t]+\S.*\n|[^\n]*<<-?[ \t]*['\"\\]?\w|(?:fi|done|esac|end|\}|\))[ \t]*(?:;|\n|\Z)"
)
_FILE: Final = regex(r"\s*+(?:#cloud-config\s|---\s|apiVersion:|<\?xml|\{\s*+\")")
"""How a file begins that is known by its beginning: its format reads more than its lines do."""
_LINE_START: Final = regex(r"^", re.MULTILINE)
_SETTING: Final = regex(r"([A-Za-z_]\w{0,200}+)\+?=(.*)", re.DOTALL)
_DECLARE: Final = frozenset({"declare", "env", "export", "local", "readonly", "setenv", "typeset"})
_DECLARE_PAIR: Final = frozenset({"set", "setenv", "setx"})
_DEFAULT: Final = regex(r"\$\{([A-Za-z_]\w{0,100}+):?[-=]([^${}\n]{1,400}+)\}")


def sniff(head: str) -> bool:
    """Recognise a script by its interpreter."""
    return _INTERPRETER.match(head) is not None


def parse(text: str) -> Iterator[Entry]:
    """Give settings (NAMED), the lines of here-documents and all else as COMMAND; never fails.

    A history, in which each line is a command of its own, is read line by line, so that a stray
    quote hides nothing.
    """
    if _is_script(text):
        for statement in shellwords.statements(text):
            yield from _statement(statement)
        return
    for line, number in _commands(text):
        for statement in shellwords.statements(line, number):
            yield from _statement(statement)


def _is_script(text: str) -> bool:
    """Say whether commands may go over line ends: only histories and plain lists have no sign."""
    if _STAMP.match(text):
        return False
    return any(_SCRIPT.match(text, start.start()) for start in _LINE_START.finditer(text))


def _commands(text: str) -> Iterator[tuple[str, int]]:
    """Give the commands of a history, without their time stamps, with joined continuations."""
    parts: list[str] = []
    first = 0
    for number, line in enumerate(text.split("\n"), 1):
        stamp = None if parts else _STAMP.match(line)
        first = first if parts else number
        parts.append(line[stamp.end() :] if stamp else line)
        if not line.endswith("\\"):
            yield "\n".join(parts), first
            parts = []
    if parts:
        yield "\n".join(parts), first


def _statement(statement: Statement) -> Iterator[Entry]:
    settings = [_settings(command.words) for command in statement.commands]
    if any(found is None for found in settings):
        yield Entry(("command",), statement.text.rstrip("\n"), statement.line, Role.COMMAND)
    else:
        for found in settings:
            yield from found or ()
    for command in statement.commands:
        yield from _here_documents(command)
    if "${" in statement.text:
        yield from _defaults(statement)


def _settings(words: Sequence[Word]) -> list[Entry] | None:
    """Give the settings that a command consists of; None for any other command."""
    if words and words[0].text in _DECLARE | _DECLARE_PAIR:
        name = words[0].text
        words = [word for word in words[1:] if word.text[:1] != "-"]
        if name in _DECLARE_PAIR:
            if len(words) == 2 and words[0].text.isidentifier():
                return [_entry(words[0].text, words[1].text, words[1])]
            return None
    found: list[Entry] = []
    for word in words:
        setting = _SETTING.fullmatch(word.text)
        if setting is None:
            return None
        found.append(_entry(setting[1], setting[2], word))
    return found or None


def _entry(name: str, value: str, word: Word) -> Entry:
    return Entry((name,), value, word.line, Role.NAMED, word.quoted)


def _here_documents(command: Command) -> Iterator[Entry]:
    for here in command.here:
        if "\n" not in here.text:
            continue
        if _FILE.match(here.text):
            yield Entry(("here-document",), here.text, here.line)
        for number, line in enumerate(here.text.split("\n"), here.line):
            found = list(lines.parse_line(line, number))
            if not found and line.strip():
                found.append(Entry(("here-document",), line, number))
            yield from found


def _defaults(statement: Statement) -> Iterator[Entry]:
    """`${NAME:-value}`: what the name stands for unless it is set."""
    line, at = statement.line, 0
    for found in _DEFAULT.finditer(statement.text):
        line += statement.text.count("\n", at, found.start())
        at = found.start()
        value = found[2]
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        yield Entry((found[1],), value[1:-1] if quoted else value, line, Role.NAMED, quoted)
