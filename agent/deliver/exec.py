"""What `hygiene-agent keys exec` hands to a job on its standard input. EDGE.

The keeper holds it in memory, and gives it at its socket to the users that are named; what is
published anew reaches the jobs that begin afterwards.
"""

from __future__ import annotations

import pwd
from typing import TYPE_CHECKING

from agent.deliver import DeliveryError
from agent.deskdelivery import DeskDelivery
from agent.jobdesk import JobDesk
from checks.printable import printable

if TYPE_CHECKING:
    from agent.keysettings import ExecDelivery


class Kind:
    """All jobs come to one socket, which is there from the first delivery on."""

    def __init__(self, folder: str) -> None:
        self._desk = JobDesk(folder)

    def make(self, settings: ExecDelivery, key: str) -> DeskDelivery:
        """Make a delivery, and the socket; raises DeliveryError."""
        place = "key", key
        users = frozenset(map(_user, settings.users))
        self._desk.open()
        self._desk.allow(place, users)
        return DeskDelivery(self._desk, place)

    def close(self) -> None:
        """Take the socket away; jobs that run keep what they have."""
        self._desk.close()


def _user(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise DeliveryError(f"users: no user {printable(name)}") from None
