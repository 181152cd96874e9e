"""What a new policy changes, as entries of the audit log: it took effect, and its waivers. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from agent.auditlog import Said
from agent.rolestatus import ActivePolicy
from checks.printable import printable

if TYPE_CHECKING:
    from checks.policy import Policy, Waiver

_LONGEST: Final = 500


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The policy that a role works by. waivers: in words; since: when it took effect.

    epoch: its `full_state_epoch`.
    """

    name: str
    sha256: str
    since: float
    waivers: tuple[str, ...] = ()
    epoch: int = 0

    @property
    def active(self) -> ActivePolicy:
        """Give what a role publishes of it."""
        return ActivePolicy(
            name=self.name, sha256=self.sha256, since=self.since, waivers=len(self.waivers)
        )


class Change(NamedTuple):
    """What has to be kept from now on, and what has to be said."""

    kept: Kept
    said: tuple[Said, ...]


def compare(before: Kept | None, policy: Policy, now: float) -> Change:
    """Compare a policy with the one before; nothing is said of the same one."""
    sha256 = digest(policy)
    if before is not None and before.sha256 == sha256:
        return Change(before, ())
    kept = Kept(
        name=policy.name,
        sha256=sha256,
        since=now,
        waivers=tuple(sorted({_words(one) for one in policy.waivers})),
        epoch=policy.full_state_epoch,
    )
    known = set(before.waivers) if before else set()
    came = (Said("waiver in effect", one) for one in kept.waivers if one not in known)
    went = (Said("waiver ended", one) for one in sorted(known.difference(kept.waivers)))
    return Change(kept, (Said("policy in effect", kept.name, f"sha256 {sha256}"), *came, *went))


def digest(policy: Policy) -> str:
    """Hash what a policy says beside what is built in, in hex; however it was written down.

    A version of this program whose policies can say more finds the same.
    """
    plain = json.dumps(msgspec.to_builtins(_said(policy)), sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def _said(value: object) -> object:
    """Leave out what is as it would be if nothing were said of it."""
    if isinstance(value, tuple):
        return [_said(one) for one in value]
    if isinstance(value, dict):
        return {key: _said(one) for key, one in value.items()}
    if not isinstance(value, msgspec.Struct):
        return value
    told = ((field, getattr(value, field.name)) for field in msgspec.structs.fields(value))
    return {field.name: _said(one) for field, one in told if one != _default(field)}


def _default(field: msgspec.structs.FieldInfo) -> object:
    made = field.default_factory
    return field.default if made is msgspec.NODEFAULT else made()


def _words(one: Waiver) -> str:
    value = f", value {one.fingerprint}" if one.fingerprint else ""
    said = f"{one.check} at {one.path}{value}, by {one.owner} until {one.until}: {one.reason}"
    return printable(said, longest=_LONGEST)
