"""What was seen at a managed path. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from checks.model import Access

FILE: Final = "file"
LINK: Final = "link"
FOLDER: Final = "folder"
NOTHING: Final = "nothing"


class Seen(NamedTuple):
    """What is at a path. kind: file, link, folder, nothing, or another kind of thing.

    content: None of a file that is larger than any approved one; target: of a link; names: in a
    folder, sorted; changed: when the kernel last saw it change, seconds since 1970.
    """

    kind: str
    access: Access | None = None
    sha256: str = ""
    content: bytes | None = None
    target: str = ""
    names: tuple[str, ...] = ()
    changed: float = 0.0

    def __repr__(self) -> str:
        """Leave the content out: it may hold a secret."""
        return f"<{self.kind} {self.sha256[:16]}>"
