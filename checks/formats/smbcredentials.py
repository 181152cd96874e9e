"""Credential files of mount.cifs and smbclient: username=, password=, domain=; to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats.textlines import numbered, payload
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    ".smbcredentials", "*smbcredentials", ".smbcredentials*", "*smbcreds", ".smbcreds*", ".cifs",
    "*cifscredentials", "*cifscreds", "*cifs-credentials", "*cifs_credentials", "*smb-credentials",
    "*smb_credentials", "smb*cred*.txt", "cifs*cred*.txt", "samba/credentials", "samba/*.cred",
    "cifs/credentials", ".credentials", "creds/smb*",
)  # fmt: skip


_PASSWORD: Final = frozenset({"password", "pass", "password2"})


def parse(text: str) -> Iterator[Entry]:
    """Give each setting under (name,); the password carries the user as its subject.

    Everything behind "=" is the value: there are neither quotes nor comments in it.
    """
    found = []
    for line in payload(numbered(text)):
        name, equals, value = line.text.partition("=")
        if equals:
            found.append((name.strip(), value, line.number))
    if not found:
        raise FormatError("no settings", 1)
    user = next((value for name, value, _ in found if name.lower().startswith("user")), "")
    for name, value, number in found:
        # smbclient writes `password = x`, mount.cifs takes a blank behind "=" for a part of it.
        plain = value.strip()
        secret = name.lower() in _PASSWORD
        role, subject = (Role.SECRET, user.strip()) if secret else (Role.NAMED, "")
        yield Entry((name,), plain, number, role, subject=subject)
