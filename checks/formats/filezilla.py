"""FileZilla: site manager, recent servers and queue, with passwords in base64 or clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.formats import xml_docs
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "sitemanager.xml", "sitemanager*.xml", "recentservers.xml", "filezilla.xml",
    "filezilla/*.xml", "filezilla server.xml", "filezilla server interface.xml",
)  # fmt: skip


def parse(text: str) -> Iterator[Entry]:
    """Give the entries of the XML text, passwords with role and user; raises FormatError."""
    encoding = user = ""
    for entry in xml_docs.parse(text):
        name = entry.keys[-1]
        owner = entry.keys[-2] if len(entry.keys) > 1 else ""
        if name == "User":
            user = entry.value
        if owner == "Pass" and name == "@encoding":
            encoding = entry.value
        elif name == "Pass":
            # "crypt" is sealed with the public key of a master password.
            if encoding != "crypt":
                role = Role.ENCODED if encoding == "base64" else Role.SECRET
                yield entry._replace(role=role, subject=user)
            encoding = ""
        else:
            yield entry
