"""A delivery that waits in memory, at a desk of the keeper, until who may have it comes. EDGE.

What is published anew reaches who fetches it afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.credentialdesk import MOST
from agent.deliver import DeliveryError, content

if TYPE_CHECKING:
    from agent.credentialdesk import Desk, Place
    from agent.deliver import Delivered


class DeskDelivery:
    """What is fetched at one place of a desk, which knows the place already."""

    def __init__(self, desk: Desk, place: Place) -> None:
        """Keep where it goes."""
        self._desk, self._place = desk, place

    def __repr__(self) -> str:
        """Name it."""
        return "/".join(self._place)

    def publish(self, what: Delivered) -> None:
        """Have it ready for who fetches it next; raises DeliveryError."""
        data = content(what)
        if len(data) > MOST:
            raise DeliveryError(f"{self}: longer than {MOST} bytes")
        self._desk.open()
        self._desk.put(self._place, data)

    def lost(self) -> bool:
        """Say whether nobody would find us any more."""
        return not self._desk.stands

    def withdraw(self) -> None:
        """Give it to nobody any more; who fetched it has it."""
        self._desk.drop(self._place)

    def warnings(self) -> list[str]:
        """Say who was refused it."""
        return self._desk.refused(self._place)
