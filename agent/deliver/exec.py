"""What `hygiene-agent keys exec` hands to a job on its standard input. EDGE.

The keeper holds it in memory, and gives it at its socket to the users that are named; what is
published anew reaches the jobs that begin afterwards.
"""

from __future__ import annotations

import pwd
from typing import TYPE_CHECKING

from agent.credentialdesk import MOST
from agent.deliver import DeliveryError, content
from agent.jobdesk import JobDesk
from checks.printable import printable

if TYPE_CHECKING:
    from agent.credentialdesk import Place
    from agent.deliver import Delivered
    from agent.keysettings import ExecDelivery


class Kind:
    """All jobs come to one socket, which is there from the first delivery on."""

    def __init__(self, folder: str) -> None:
        self._desk = JobDesk(folder)

    def make(self, settings: ExecDelivery, key: str) -> Exec:
        """Make a delivery, and the socket; raises DeliveryError."""
        place = "key", key
        users = frozenset(map(_user, settings.users))
        self._desk.open()
        self._desk.allow(place, users)
        return Exec(self._desk, place)

    def close(self) -> None:
        """Take the socket away; jobs that run keep what they have."""
        self._desk.close()


class Exec:
    """What jobs get of one key."""

    def __init__(self, desk: JobDesk, place: Place) -> None:
        """Keep where it goes."""
        self._desk, self._place = desk, place

    def __repr__(self) -> str:
        """Name it."""
        return "/".join(self._place)

    def publish(self, what: Delivered) -> None:
        """Have it ready for the next job; raises DeliveryError."""
        data = content(what)
        if len(data) > MOST:
            raise DeliveryError(f"{self}: longer than {MOST} bytes")
        self._desk.open()
        self._desk.give(self._place, data)

    def lost(self) -> bool:
        """Say whether a job would not find us any more."""
        return not self._desk.stands

    def withdraw(self) -> None:
        """Give it to nobody any more."""
        self._desk.drop(self._place)

    def warnings(self) -> list[str]:
        """Say who was refused it."""
        return self._desk.refused(self._place)


def _user(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise DeliveryError(f"users: no user {printable(name)}") from None
