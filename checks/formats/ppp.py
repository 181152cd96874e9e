"""PPP secrets: client, server, secret and addresses (chap-secrets, pap-secrets, l2tp-secrets)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.formats import quoting
from checks.formats.copies import with_copies
from checks.formats.textlines import continued, numbered, payload
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    *with_copies("chap-secrets", "pap-secrets"), "srp-secrets", "l2tp-secrets", "*.chap-secrets",
    "*.pap-secrets",
)  # fmt: skip

ALWAYS: tuple[str, ...] = NAMES


def parse(text: str) -> Iterator[Entry]:
    """Give each secret under (server, "secret") with the client as its subject.

    A secret that begins with "@" names a file, an empty one stands for any: both give nothing.
    """
    for line in payload(continued(numbered(text), spaced=True)):
        found = []
        for word in quoting.shell_words(line.text):
            if word.text.startswith("#") and not word.quoted:
                break
            found.append(word)
        if len(found) < 3 or not found[2].text or found[2].text[0] == "@":
            continue
        client, server, secret = found[:3]
        keys = (server.text, "secret")
        yield Entry(keys, secret.text, line.number, Role.SECRET, secret.quoted, client.text)
