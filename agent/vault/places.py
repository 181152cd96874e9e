"""All places that one key goes to: each is given it, and again what it lost. EDGE."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agent.deliver import DeliveryError
from agent.vault.material import Material

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.deliver import Delivery
    from agent.vault.material import Values


def handed(what: Material | Values) -> Material | bytes:
    """Give what deliveries take: of values JSON, since a reader has to tell them apart."""
    return what if isinstance(what, Material) else json.dumps(dict(what.fields)).encode()


class Places:
    """The deliveries of one key. What is wrong is given in words, "" for nothing."""

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        """Keep them."""
        self._deliveries = deliveries

    def give(self, what: Material | Values) -> str:
        """Deliver to one after the other, up to the first that refuses."""
        return next(filter(None, (_refused(one, what) for one in self._deliveries)), "")

    def repeat(self, what: Material | Values, *, anew: bool) -> tuple[str, bool]:
        """Deliver again where it was lost; anew: everywhere. Each place is tried.

        Gives what is wrong first, and whether something was delivered.
        """
        wrong, lost = "", False
        for one in self._deliveries:
            gone, why = (True, "") if anew else _lost(one)
            if gone:
                why = _refused(one, what)
            wrong, lost = wrong or why, lost or (gone and not why)
        return wrong, lost


def _lost(delivery: Delivery) -> tuple[bool, str]:
    try:
        return delivery.lost(), ""
    except DeliveryError as error:
        return False, str(error)


def _refused(delivery: Delivery, what: Material | Values) -> str:
    try:
        delivery.publish(handed(what))
    except DeliveryError as error:
        return str(error)
    return ""
