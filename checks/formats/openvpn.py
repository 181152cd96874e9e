"""OpenVPN: directives, inline credentials and static keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import Line, numbered
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "*.ovpn", "openvpn/*.conf", "openvpn/*/*.conf", "openvpn*.conf", "ta.key", "openvpn/*.key",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_STATIC: Final = "-----BEGIN OpenVPN Static key"
_CREDENTIALS: Final = frozenset({"auth-user-pass", "http-proxy-user-pass"})
_TAG: Final = regex(r"<(/?)([a-z0-9\-]+)>\Z")


def sniff(head: str) -> bool:
    """Recognise a static key that stands alone."""
    return _STATIC in head


class _Block:
    """Lines between `<name>` and `</name>`, or of a key that stands alone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[Line] = []

    def entries(self) -> Iterator[Entry]:
        """Give user and password, or a static key; other blocks are PEM and found as such."""
        if self.name in _CREDENTIALS and len(self.lines) > 1:
            user, password = self.lines[0].text, self.lines[1]
            keys = (self.name, "password")
            yield Entry(keys, password.text, password.number, Role.SECRET, subject=user)
        start = next((n for n, line in enumerate(self.lines) if line.text.startswith(_STATIC)), -1)
        if start >= 0:
            body = [line.text for line in self.lines[start + 1 :] if line.text[:1] not in "#-"]
            yield Entry((self.name,), "".join(body), self.lines[start].number, Role.SECRET)


def parse(text: str) -> Iterator[Entry]:
    """Give arguments under (directive,), inline passwords and static keys under (block, ...)."""
    block: _Block | None = None
    for line in numbered(text):
        body = line.text.strip()
        tag = _TAG.match(body)
        ends = tag is not None and bool(tag[1])
        if block is None and body.startswith(_STATIC):
            block = _Block("static-key")
        if block is not None and not ends:
            block.lines.append(Line(line.number, body))
            ends = block.name == "static-key" and body.startswith("-----END")
        if block is not None and ends:
            yield from block.entries()
            block = None
        elif block is None and tag is not None:
            block = _Block(tag[2])
        elif block is None and body and body[0] not in "#;":
            yield from _directive(Line(line.number, body))
    if block is not None:
        yield from block.entries()


def _directive(line: Line) -> Iterator[Entry]:
    words = quoting.words(line.text)
    name = words[0].text.removeprefix("--")
    if name in {"setenv", "setenv-safe", "push"} and len(words) > 2:
        yield Entry((name, words[1].text), words[2].text, line.number, quoted=words[2].quoted)
    elif len(words) > 1:
        value = " ".join(word.text for word in words[1:])
        yield Entry((name,), value, line.number, quoted=words[1].quoted)
