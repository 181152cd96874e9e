"""PPP options and peers: `user name`, `password phrase` and chat scripts with a login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.formats import quoting
from checks.formats.textlines import Line, numbered, payload
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "ppp/peers/*", "ppp/options*", "options.xl2tpd*", "options.l2tpd*", "options.pptp*",
    "options.pppoe*", "pptpd-options*", "pppoe-server-options*", ".ppprc", "chatscripts/*",
    "xl2tpd/*.options", "options.ttys*",
)  # fmt: skip


def parse(text: str) -> Iterator[Entry]:
    """Give every option under (name,), the password with the user as its subject."""
    owner = ""
    for line in payload(numbered(text)):
        words = _words(line)
        for place, word in enumerate(words[:-1]):
            following = words[place + 1]
            if word.quoted:
                continue
            if word.text in {"user", "name"}:
                owner = following.text
            elif word.text == "password":
                yield _secret(word.text, following, line, owner)
            elif word.text.lower().rstrip("\"'").endswith(("assword:", "ssword:", "word:")):
                yield _secret("send", following, line, owner)
        if len(words) > 1 and words[0].text in {"connect", "disconnect", "pty", "init", "welcome"}:
            yield Entry((words[0].text,), words[1].text, line.number, Role.COMMAND)


def _secret(name: str, value: quoting.Word, line: Line, owner: str) -> Entry:
    # chat(8) writes \q in front of what must not be logged.
    text = value.text.removeprefix("\\q")
    return Entry((name,), text, line.number, Role.SECRET, value.quoted, owner)


def _words(line: Line) -> list[quoting.Word]:
    words: list[quoting.Word] = []
    for word in quoting.words(line.text):
        if word.text.startswith("#") and not word.quoted:
            break
        words.append(word)
    return words
