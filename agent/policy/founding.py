"""Begin a store: its folder, its keys, who has to sign what, the first root of trust. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from agent import writing
from agent.policy import keyring, roots, signing, staging
from agent.policy.desk import Desk, DeskError
from agent.policy.roots import Signers
from agent.policy.signing import Days, Signing
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from agent.policy.keyring import Keyring
    from agent.policy.signing import Transit
    from agent.policy.staging import Act

KEYS: Final = {
    "root": ("root", "root-spare"),
    "targets": ("policy",),
    "snapshot": ("online",),
    "timestamp": ("online",),
}
"""What the keys of a role are called where nobody says. Either root key does: one may be lost."""
_ONLINE: Final = frozenset({"snapshot", "timestamp"})
_BASE: Final = """\
# For every host. What it may say: hygiene-agent policy schema
version: 1
name: fleet
fail_on: medium
"""


class Plan(NamedTuple):
    """Which keys sign for which role, by name, and how many have to; unattended: see `begin`."""

    keys: Mapping[str, tuple[str, ...]]
    thresholds: Mapping[str, int]
    days: Days = Days()
    unattended: bool = False

    def threshold(self, role: str) -> int:
        """Give how many keys of a role have to sign."""
        return self.thresholds.get(role, 1)


def begin(folder: Path, plan: Plan, ring: Keyring, now: datetime) -> tuple[list[str], list[Act]]:
    """Begin a store, and give the names of the keys that were made for it.

    Keys that signing.yaml has already are taken as they are. unattended: keys that sign snapshot
    and timestamp only get no passphrase, so that a timer can use them.
    """
    for role in roots.ROLES:
        if not 1 <= plan.threshold(role) <= len(set(plan.keys[role])):
            raise DeskError(f"{role}: {plan.threshold(role)} of {len(plan.keys[role])} keys")
    _prepare(folder, plan.days)
    made = list(_made(folder, plan, ring))
    desk = Desk(folder, ring, now)
    signers = {
        role: Signers(
            {name: keyring.public(desk.signing.known(name)) for name in plan.keys[role]},
            plan.threshold(role),
        )
        for role in roots.ROLES
    }
    return made, staging.begin(desk, signers, made)


def _prepare(folder: Path, days: Days) -> None:
    """Make what people write, as far as it is not there; raises DeskError or OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeskError(f"{folder}: {error.strerror}") from error
    if not (folder / "base.yaml").exists():
        writing.write(folder / "base.yaml", [_BASE])
    if not (folder / signing.FILE).exists():
        signing.save(folder, Signing(days=days))


def _made(folder: Path, plan: Plan, ring: Keyring) -> Iterator[str]:
    """Make the keys that signing.yaml does not have, and give their names."""
    for name in dict.fromkeys(name for role in roots.ROLES for name in plan.keys[role]):
        if name not in signing.load(folder).keys:
            roles = {role for role in roots.ROLES if name in plan.keys[role]}
            add(folder, name, ring, unattended=plan.unattended and roles <= _ONLINE)
            yield name


def add(folder: Path, name: str, ring: Keyring, *, unattended: bool) -> None:
    """Make a key file, and write its public half into signing.yaml."""
    known = _free(folder, name)
    passphrase = None if unattended else ring.passphrases.new(name)
    try:
        made = keyring.made(ring.folder, name, passphrase)
    except OSError as error:
        raise DeskError(f"{ring.folder}: {error.strerror}") from error
    signing.add(folder, known, name, made)


def _free(folder: Path, name: str) -> Signing:
    """Read signing.yaml, which must not have the name yet; raises SigningError or DeskError."""
    known = signing.load(folder)
    if not regex(signing.NAME).match(name):
        raise DeskError("key: expected a name of a-z, 0-9, dots, dashes and underscores")
    if name in known.keys:
        raise DeskError(f"key {name}: {signing.FILE} has it already")
    return known


def take_up(folder: Path, name: str, ring: Keyring, place: Transit) -> None:
    """Write the public half of a transit engine's key into signing.yaml."""
    known = _free(folder, name)
    signing.add(folder, known, name, ring.taken_up(place))
