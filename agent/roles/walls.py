"""Confine a role, and notice when what it was allowed is not what it was any more. EDGE."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from agent import confine, confinements

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.confine import Confinement
    from agent.settings import Settings


class Walls(NamedTuple):
    """What a role was confined to. missing: what could not be applied here, in words.

    now: gives what it would be confined to today.
    """

    wanted: Confinement
    missing: tuple[str, ...]
    identities: dict[str, tuple[int, int]]
    now: Callable[[], Confinement]

    @property
    def stand(self) -> bool:
        """Say whether the allowed paths still are what they were, and all; if not, begin again.

        A file that came later is not allowed; one that is gone may only be out of sight.
        """
        today = self.now()
        came = {*today.read, *today.execute}.difference(self.wanted.read, self.wanted.execute)
        return not came and confine.identities(self.wanted) == self.identities


def confined(role: str, settings: Settings) -> Walls:
    """Confine this process to what a role may."""
    now = partial(confinements.of, role, settings)
    wanted = now()
    identities = confine.identities(wanted)
    return Walls(wanted, tuple(confine.confine(wanted)), identities, now)
