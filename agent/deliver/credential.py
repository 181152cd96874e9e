"""A credential that systemd fetches when it starts a unit: LoadCredential=NAME:SOCKET. EDGE.

What is published anew reaches a unit at its next start: a reload does not fetch it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.credentialdesk import Desk
from agent.deskdelivery import DeskDelivery

if TYPE_CHECKING:
    from agent.keysettings import CredentialDelivery


class Kind:
    """All credentials are fetched from one socket, which is there from the first delivery on."""

    def __init__(self, folder: str) -> None:
        self._desk = Desk(folder)

    def make(self, settings: CredentialDelivery, _key: str) -> DeskDelivery:
        """Make a delivery, and the socket; raises DeliveryError."""
        place = settings.unit, settings.name
        self._desk.open()
        self._desk.add(place)
        return DeskDelivery(self._desk, place)

    def close(self) -> None:
        """Take the socket away; units that run keep what they fetched."""
        self._desk.close()
