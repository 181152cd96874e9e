"""JAAS login configuration: options of login modules (Kafka, ZooKeeper, application servers)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats.statements import statements
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("*jaas*.conf", "*jaas*.config", "login.config", "*.jaas")


_PLAIN: Final = "PlainLoginModule"
_DIGEST: Final = "DigestLoginModule"


def parse(text: str) -> Iterator[Entry]:
    """Give options under (context, module, option), `user_NAME="password"` as NAME's password."""
    for statement in statements(text, c_comments=True):
        if statement.opens or not statement.words:
            continue
        module = statement.words[0].text.rpartition(".")[2]
        options = [word.text.partition("=") for word in statement.words[1:]]
        user = next((value for name, _, value in options if name == "username"), "")
        for word, (name, equals, value) in zip(statement.words[1:], options, strict=True):
            if equals:
                keys = (*statement.path, module, name)
                role, subject = _owner(module, name, user)
                yield Entry(keys, value, word.line, role, word.quoted, subject)


def _owner(module: str, name: str, user: str) -> tuple[Role, str]:
    if name == "password":
        return Role.SECRET, user
    if name.startswith("user_") and module in {_PLAIN, _DIGEST}:
        return Role.SECRET, name[len("user_") :]
    return Role.NAMED, ""
