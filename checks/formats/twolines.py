"""Credential files of VPN clients: the user on the first line, the password on the second."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from checks.errors import FormatError
from checks.formats.textlines import numbered
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "openvpn/auth.txt", "openvpn/*/auth.txt", "vpn/auth.txt", "*userpass*.txt", "*user-pass*.txt",
    "*user-pass", "*user_pass", "*.userpass", "auth-user-pass", "openvpn/*.auth",
    "openvpn/*/*.auth", "openvpn/pass.txt", "openvpn/credentials*", "openvpn/login.conf",
    "openvpn/*/login.conf",
)  # fmt: skip

ALWAYS: tuple[str, ...] = NAMES


def parse(text: str) -> Iterator[Entry]:
    """Give the password under ("password",); raises FormatError unless there are two lines."""
    lines = [line for line in islice(numbered(text), 6) if line.text.strip()]
    if len(lines) != 2 or text.count("\n") > 6:
        raise FormatError("not two lines", 1)
    user, password = lines
    if len(user.text) > 256 or user.text.startswith(("#", "<", "{")) or "=" in user.text:
        raise FormatError("the first line is no user name", user.number)
    subject = user.text.strip()
    yield Entry(("password",), password.text.strip(), password.number, Role.SECRET, subject=subject)
