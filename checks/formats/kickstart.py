"""Kickstart files: passwords of root, users, the boot loader and disks; commands of %post."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting, roles
from checks.formats.textlines import Line, continued, numbered
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "ks.cfg", "*.ks", "*ks.cfg", "kickstart", "*kickstart*.cfg", "ks-*.cfg", "ks/*.cfg",
    "*.kickstart",
)  # fmt: skip


_SECRET_OPTIONS: Final = frozenset({
    "--password", "--passphrase", "--one-time-password", "--wpakey", "--wepkey",
    "--reverse-password", "--otp", "--activation-key", "--backuppassphrase", "--bindpw",
    "--proxy-password", "--chappass",
})  # fmt: skip
_USER_OPTIONS: Final = ("--name", "--username", "--user")
_POSITIONAL: Final = frozenset({"rootpw", "sshpw"})
_SCRIPTS: Final = regex(r"%(?:pre|post|pre-install|onerror|traceback)\b")


def sniff(head: str) -> bool:
    """Recognise a kickstart by its root password and packages."""
    return bool(
        "rootpw " in head
        and re.search(r"^rootpw ", head, re.MULTILINE)
        and re.search(r"^(?:%packages|lang |keyboard )", head, re.MULTILINE)
    )


def parse(text: str) -> Iterator[Entry]:
    """Give options under (command, option), the root password under ("rootpw",).

    A password is a hash with --iscrypted or in the form of one, else clear text. Script lines
    are command lines.
    """
    section = ""
    for line in continued(numbered(text)):
        body = line.text.strip()
        if not body or body.startswith("#"):
            continue
        if body.startswith("%") and not body.startswith(("%include", "%ksappend")):
            section = "" if body.startswith("%end") else body
        elif _SCRIPTS.match(section):
            yield Entry((section.split(None, 1)[0],), body, line.number, Role.COMMAND)
        elif not section:
            yield from _command(Line(line.number, body))


def _command(line: Line) -> Iterator[Entry]:
    command, *rest = quoting.shell_words(line.text)
    options, plain = _options(rest)
    names = dict(options)
    user = next((names[name].text for name in _USER_OPTIONS if name in names), "")
    crypted = "--iscrypted" in names
    for name, value in options:
        if name in _SECRET_OPTIONS:
            keys = (command.text, name)
            yield _password(keys, value, line.number, user, crypted=crypted)
        elif value.text:
            yield Entry((command.text, name), value.text, line.number, quoted=value.quoted)
    if command.text in _POSITIONAL and plain and "--lock" not in names:
        subject = user or "root"
        yield _password((command.text,), plain[0], line.number, subject, crypted=crypted)


def _options(
    found: list[quoting.Word],
) -> tuple[list[tuple[str, quoting.Word]], list[quoting.Word]]:
    """Sort words into options, with the next word where one needs a value, and the others."""
    options: list[tuple[str, quoting.Word]] = []
    plain: list[quoting.Word] = []
    words = iter(found)
    for word in words:
        name, equals, value = word.text.partition("=")
        if not name.startswith("--"):
            if word.text.startswith("#") and not word.quoted:
                break
            plain.append(word)
        elif not equals and name in {*_SECRET_OPTIONS, *_USER_OPTIONS}:
            options.append((name, next(words, word._replace(text=""))))
        else:
            options.append((name, word._replace(text=value)))
    return options, plain


def _password(
    keys: tuple[str, ...], word: quoting.Word, number: int, user: str, *, crypted: bool
) -> Entry:
    role, value = roles.stored(word.text)
    return Entry(keys, value, number, Role.HASH if crypted else role, word.quoted, user)
