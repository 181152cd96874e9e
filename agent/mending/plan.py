"""What of a policy a host lets be put back, and what belongs together. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agent.settings import MendSettings
    from checks.managed.wanted import Managed


class Plan(NamedTuple):
    """Paths below the folders of the bootstrap file that policy wants put back.

    managed: all managed paths, below these folders or not.
    """

    mine: Mapping[str, Managed]
    managed: Mapping[str, Managed]

    def owner(self, path: str) -> str:
        """Give the managed path that a path belongs to: itself, or its folder; "" for none."""
        folder = path.rpartition("/")[0]
        if path in self.mine:
            return path
        return folder if folder in self.mine and self.mine[folder].only else ""

    def companions(self, told: Managed, but: Iterable[str]) -> dict[str, Managed]:
        """Give the other paths that the same service reads: with the same test and action."""
        if not any(service(told)):
            return {}
        left = self.mine.keys() - but
        return {path: self.mine[path] for path in left if service(self.mine[path]) == service(told)}


def plan(managed: Mapping[str, Managed], settings: MendSettings) -> Plan:
    """Give what this host lets a policy have put back."""
    mine = {
        path: told
        for path, told in managed.items()
        if told.answer != "report" and any(_is_below(path, told, one) for one in settings.folders)
    }
    return Plan(mine, managed)


def _is_below(path: str, told: Managed, folder: str) -> bool:
    """Say whether all that is written for a path is below a folder; one itself may be `only`."""
    above = folder.rstrip("/")
    return path.startswith(above + "/") or (path == above and told.only)


def service(told: Managed) -> tuple[str, str]:
    """Give what tells one service from another: how it is tested, and what has it take up."""
    return told.test, told.action


def groups(due: Mapping[str, Managed]) -> Iterator[dict[str, Managed]]:
    """Give together what one service reads."""
    for one in dict.fromkeys(map(service, due.values())):
        same = {path: told for path, told in due.items() if service(told) == one}
        if any(one):
            yield same
        else:
            yield from ({path: told} for path, told in same.items())


def digest(told: Managed) -> str:
    """Give what tells one wish of policy from another."""
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:16]
