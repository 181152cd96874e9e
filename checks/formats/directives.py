"""Configuration files of no known program: look at the text, then read it the way it fits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import apache, conflines, erlang, jaas, junos, logstash, netdevice, nginx
from checks.formats.copies import with_copies
from checks.formats.textlines import numbered
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.model import Entry

NAMES: tuple[str, ...] = (
    *with_copies("*.conf", "*.cfg", "*.cnf", "*.cf"), "*.cfg.lua", "*.hocon", "sshd_config",
    "ssh_config", ".msmtprc", "msmtprc",
    ".wgetrc", "wgetrc", ".curlrc", "curlrc", ".esmtprc", "esmtprc", ".mailrc", "torrc",
    ".offlineimaprc", "offlineimaprc", ".getmail/*", ".lftprc", ".ircrc",
    "munin/plugin-conf.d/*", "rspamd/*.d/*.inc", "rspamd/*.inc", "network/interfaces",
    "network/interfaces.d/*",
)  # fmt: skip


_CONTAINER: Final = regex(r"^[ \t]*<[A-Z]\w*(?:[ \t][^<>\n]*)?>[ \t]*$", re.MULTILINE)
_PIPELINE: Final = regex(r"^[ \t]*(?:input|filter|output)\s*\{", re.MULTILINE)
_TERMS: Final = regex(r"^\s*(?:%[^\n]*\n\s*)*\[\s*(?:%[^\n]*\n\s*)*\{\s*'?\w+'?\s*,")
_LOGIN_MODULE: Final = regex(
    r"LoginModule[ \t\r\n]{1,9}(?:required|requisite|sufficient|optional)\b"
)


def parse(text: str) -> Iterator[Entry]:
    """Give what the reader that fits gives; raises FormatError as that one does."""
    yield from _reader(text)(text)


def _reader(text: str) -> Callable[[str], Iterator[Entry]]:
    head = text[:65536]
    if "LoginModule" in head and _LOGIN_MODULE.search(head):
        return jaas.parse
    if "=>" in head and _PIPELINE.search(head):
        return logstash.parse
    if _TERMS.match(head):
        return erlang.parse
    if netdevice.recognises(head):
        return netdevice.parse
    if junos.recognises(head):
        return junos.parse
    if _CONTAINER.search(head):
        return apache.parse
    return nginx.parse if _is_statements(head) else conflines.read


def _is_statements(head: str) -> bool:
    """Say whether words end with semicolons within braces, and are no assignments."""
    ended = other = blocks = 0
    for line in numbered(head):
        body = line.text.strip()
        if not body or body[0] == "#" or body[-1] == "}":
            continue
        if body[-1] == "{":
            blocks += 1
        elif body[-1] == ";" and not re.match(r"[\w.\- ]+=", body):
            ended += 1
        else:
            other += 1
    return blocks > 0 and ended > 2 * other
