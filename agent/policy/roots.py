"""Make the root of trust and change it: which keys may sign what, and how many it takes. Pure."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final, NamedTuple

from tuf.api.metadata import Metadata, Role, Root

from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from securesystemslib.signer import SSlibKey

ROLES: Final = ("root", "targets", "snapshot", "timestamp")


class RootError(HygieneError):
    """A root of trust that would not work."""


class Signers(NamedTuple):
    """Who may sign for a role, by name, and how many of them it takes."""

    keys: Mapping[str, SSlibKey]
    threshold: int = 1


class Change(NamedTuple):
    """What becomes of a role: one key goes, another one comes, None for neither."""

    role: str
    old: SSlibKey | None = None
    new: SSlibKey | None = None
    threshold: int | None = None


def first(signers: Mapping[str, Signers], expires: datetime) -> Metadata[Root]:
    """Make the first root of trust, unsigned; raises RootError."""
    root = Root(
        version=1,
        expires=expires,
        roles={role: Role([], signers[role].threshold) for role in ROLES},
        consistent_snapshot=True,
    )
    for role in ROLES:
        for key in signers[role].keys.values():
            root.add_key(key, role)
    return Metadata(_checked(root))


def changed(root: Root, change: Change) -> Root:
    """Give a copy in which one role's keys are others; raises RootError."""
    made = copy.deepcopy(root)
    role = made.roles[change.role]
    if change.old:
        if change.old.keyid not in role.keyids:
            raise RootError(f"{change.role}: the old key is none of its keys")
        made.revoke_key(change.old.keyid, change.role)
    if change.new:
        if change.new.keyid in role.keyids:
            raise RootError(f"{change.role}: the new key is one of its keys already")
        made.add_key(change.new, change.role)
    role.threshold = change.threshold or role.threshold
    return _checked(made)


def _checked(root: Root) -> Root:
    for name in ROLES:
        role = root.roles[name]
        if not 1 <= role.threshold <= len(role.keyids):
            raise RootError(
                f"{name}: {role.threshold} signatures are needed of {len(role.keyids)} keys"
            )
    return root


def differences(before: Root | None, after: Root, names: Mapping[str, str]) -> Iterator[str]:
    """Say what another root of trust changes, a line each; names: of keys by their ids."""
    for name in ROLES:
        old = before.roles[name] if before else None
        new = after.roles[name]
        known = old.keyids if old else []
        for sign, ones, others in (("-", known, new.keyids), ("+", new.keyids, known)):
            for keyid in ones:
                if keyid not in others:
                    yield f"{name}: {sign} {shown(keyid, names)}"
        if old is None or old.threshold != new.threshold:
            yield f"{name}: {new.threshold} of {len(new.keyids)} keys have to sign"


def shown(keyid: str, names: Mapping[str, str]) -> str:
    """Name a key: its name and the begin of its id."""
    return f"{names.get(keyid, 'unknown key')} ({keyid[:8]})"
