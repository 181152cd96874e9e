"""A credential that systemd fetches when it starts a unit: LoadCredential=NAME:SOCKET. EDGE.

What is published anew reaches a unit at its next start: a reload does not fetch it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.credentialdesk import MOST, Desk
from agent.deliver import DeliveryError, content

if TYPE_CHECKING:
    from agent.credentialdesk import Place
    from agent.deliver import Delivered
    from agent.keysettings import CredentialDelivery


class Kind:
    """All credentials are fetched from one socket, which is there from the first delivery on."""

    def __init__(self, folder: str) -> None:
        self._desk = Desk(folder)

    def make(self, settings: CredentialDelivery, _key: str) -> Credential:
        """Make a delivery, and the socket; raises DeliveryError."""
        place = settings.unit, settings.name
        self._desk.open()
        self._desk.add(place)
        return Credential(self._desk, place)

    def close(self) -> None:
        """Take the socket away; units that run keep what they fetched."""
        self._desk.close()


class Credential:
    """What one unit fetches under one name."""

    def __init__(self, desk: Desk, place: Place) -> None:
        """Keep where it goes."""
        self._desk, self._place = desk, place

    def __repr__(self) -> str:
        """Name it."""
        return "/".join(self._place)

    def publish(self, what: Delivered) -> None:
        """Have it ready for the next start of the unit; raises DeliveryError."""
        data = content(what)
        if len(data) > MOST:
            raise DeliveryError(f"{self}: longer than {MOST} bytes")
        if self.lost():
            self._desk.open()
        self._desk.put(self._place, data)

    def lost(self) -> bool:
        """Say whether systemd would not find us any more."""
        return not self._desk.stands

    def withdraw(self) -> None:
        """Give it to nobody any more; who fetched it has it."""
        self._desk.drop(self._place)

    def warnings(self) -> list[str]:
        """Say who was refused this credential."""
        return self._desk.refused(self._place)
