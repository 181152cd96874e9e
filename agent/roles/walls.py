"""Confine a role, and notice when what it was allowed is not what it was any more. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agent import confine, powers

if TYPE_CHECKING:
    from agent.confine import Confinement
    from agent.settings import Settings


class Walls(NamedTuple):
    """What a role was confined to. missing: what could not be applied here, in words."""

    wanted: Confinement
    missing: tuple[str, ...]
    identities: dict[str, tuple[int, int]]

    @property
    def stand(self) -> bool:
        """Say whether the allowed paths still are what they were; if not, begin again."""
        return confine.identities(self.wanted) == self.identities


def confined(role: str, settings: Settings) -> Walls:
    """Confine this process to what a role may."""
    wanted = powers.of(role, settings)
    identities = confine.identities(wanted)
    return Walls(wanted, tuple(confine.confine(wanted)), identities)
