"""What is, or is to be, at a managed path: a file, a link, nothing; or rights alone. EDGE."""

from __future__ import annotations

import grp
import pwd
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from checks.errors import HygieneError

if TYPE_CHECKING:
    from checks.managed.wanted import Managed

_MODE: Final = 0o644
PERMISSIONS: Final = 0o777


class MendError(HygieneError):
    """Why something was not put back; nothing is left half done."""


class Rights(msgspec.Struct, frozen=True):
    """Whose it is and who may do what with it, in numbers; mode: permission bits."""

    owner: int
    group: int
    mode: int


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at a path. kind: rights: only these are meant, whatever has them.

    content: of a file; target: of a link.
    """

    kind: Literal["file", "link", "nothing", "rights"]
    content: bytes = b""
    target: str = ""
    rights: Rights | None = None

    def __repr__(self) -> str:
        """Leave the content out: it may hold a secret."""
        return f"<{self.kind}, {len(self.content)} bytes>"


NOTHING: Final = Thing(kind="nothing")


def approved(wanted: Managed, found: Rights | None) -> Thing:
    """Give what policy approved; raises MendError where it names an unknown user or no content.

    found: the rights that are there, which stay where policy says nothing of them.
    """
    before = found or Rights(0, 0, _MODE)
    rights = Rights(
        _user(wanted.owner) if wanted.owner else before.owner,
        _group(wanted.group) if wanted.group else before.group,
        before.mode if wanted.bits is None else wanted.bits,
    )
    if wanted.absent:
        return NOTHING
    if wanted.link:
        return Thing(kind="link", target=wanted.link, rights=rights)
    content = wanted.approved
    if content is None:
        return Thing(kind="rights", rights=rights)
    return Thing(kind="file", content=content, rights=rights)


def _user(name: str) -> int:
    try:
        return int(name) if name.isdecimal() else pwd.getpwnam(name).pw_uid
    except KeyError:
        raise MendError(f"owner: no user {name}") from None


def _group(name: str) -> int:
    try:
        return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise MendError(f"group: no group {name}") from None
