"""The roles, and which folders are whose: what each has power over in the state folder. EDGE.

A role's folder below the state folder is its own; of it others may read `journal` and `published`,
which is why what others must not read, such as fingerprint keys, is beside these.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.settings import Settings

ROLES: Final = ("courier", "keeper", "mender", "prober", "watcher")
"""Each has a folder of its own, as has the supervisor where there is one."""
SUPERVISOR: Final = "supervisor"
JOURNAL: Final = "journal"
PUBLISHED: Final = "published"
REQUESTS: Final = "requests"
AUDIT: Final = "audit"
"""In the state folder: what commands did."""
_NOT_OURS: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
"""A unit sees the folders of others on a read-only file system."""


def folder(settings: Settings, role: str) -> str:
    """Give the folder that is a role's own."""
    return os.path.join(settings.state, role)


def published(settings: Settings, role: str) -> str:
    """Give the folder of what a role lets the others read."""
    return os.path.join(folder(settings, role), PUBLISHED)


def acting(settings: Settings) -> tuple[str, str]:
    """Give where path units wait for the keeper to ask, and where they leave what came of it.

    Both are beside the keeper's folder: the first is the keeper's to write, the second root's.
    """
    above = os.path.dirname(settings.vault.folder.rstrip("/"))
    return os.path.join(above, "actions"), os.path.join(above, "results")


def prepare(settings: Settings, roles: Iterable[str] = ROLES) -> None:
    """Make the folders of roles, before any of them is confined: one not there is not allowed.

    Those that this user may not make are left to who may. Raises OSError.
    """
    own = [folder(settings, role) for role in roles]
    inside = [os.path.join(one, name) for one in own for name in (JOURNAL, PUBLISHED, REQUESTS)]
    audit = os.path.join(settings.state, AUDIT)
    keys = (settings.vault.folder,) if settings.keeps else ()
    for path in (settings.state, *own, *inside, audit, *keys):  # from the top down
        try:
            os.makedirs(path, mode=0o750, exist_ok=True)
        except OSError as error:
            if error.errno not in _NOT_OURS:
                raise
