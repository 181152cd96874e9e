"""Decide whether what a store has, rightly signed, may be believed here and now. Pure.

Signatures, hashes and the versions of the copies on this host are python-tuf's part
(`agent.policy.trust`). On top of it, since a fresh host has no copies and lost ones are not missed:

- No role is older than the bootstrap file says, nor older than what was believed before. What was
  believed is bound to the keys of the role: once these are exchanged it counts no longer, so that
  stolen keys which signed a huge version can be recovered from (TUF specification 5.3.11). Versions
  of the root follow each other without gaps, so theirs is bound to the pinned root instead.
- Time never goes back: what was valid only before the last refresh that succeeded is over.
- A timestamp that lives longer than allowed is for hosts without a store, and nobody may hold this
  host at it.
- Where the store's clock, or that last refresh, says otherwise than our clock, our clock is named
  as the likely cause. Who controls the store may say so wrongly; refused it is either way.
"""

from __future__ import annotations

import datetime
import enum
import hashlib
import json
import re
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import msgspec

from checks.errors import HygieneError
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuf.api.metadata import Root, Signed, Targets

ROLES: Final = ("root", "timestamp", "snapshot", "targets")
_MOST: Final = 2**53
"""Every JSON reader and every report can show versions up to here."""
_CALENDAR: Final = 253402300799.0
"""The last second that a calendar has."""
_SKEW: Final = 300.0
"""Seconds by which two clocks may differ without either being wrong."""
_HOUR: Final = 3600.0
_SHA256: Final = re.compile("[0-9a-f]{64}")


class Why(enum.StrEnum):
    """Why something was refused, for reports and metrics."""

    ABSENT = "absent"
    AWAY = "away"
    CLOCK = "clock"
    EXPIRED = "expired"
    LASTING = "lasting"
    MALFORMED = "malformed"
    MISMATCH = "mismatch"
    ROLLBACK = "rollback"
    TOO_LONG = "too long"
    UNSIGNED = "unsigned"
    UNWRITABLE = "unwritable"


class RefusedError(HygieneError):
    """Not believed; the text names the file, what was expected and what was found."""

    def __init__(self, why: Why, text: str) -> None:
        """Keep the reason; the text is made safe to show."""
        super().__init__(printable(text, longest=500))
        self.why = why


class Target(NamedTuple):
    """A file that the store has. path: without its hash; length: in bytes; sha256: in hex."""

    path: str
    length: int
    sha256: str
    custom: Mapping[str, object]


class Believed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one role: its version, and a digest of the keys that may sign it (root: of the pin)."""

    version: int
    keys: str


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was believed last, by role, and when; kept by whoever refreshes, for the next time."""

    roles: dict[str, Believed] = {}
    at: Annotated[float, msgspec.Meta(ge=0, le=_CALENDAR)] = 0.0


class View(NamedTuple):
    """What a store has and may be believed. expires: in seconds since 1970, by role."""

    versions: Mapping[str, int]
    expires: Mapping[str, float]
    targets: Mapping[str, Target]
    seen: Seen


class Moment(NamedTuple):
    """When a refresh takes place. now: our clock; store: the store's, None where it has none."""

    now: float
    store: float | None
    seen: float

    @property
    def reference(self) -> float:
        """The time by which things are judged: it never goes back."""
        return max(self.now, self.seen)


class Limits(NamedTuple):
    """What this host demands. minimum: versions by role, those not named may be any.

    longest: seconds from now that a timestamp may be good for, None for any.
    """

    minimum: Mapping[str, int]
    longest: float | None


def view(verified: Mapping[str, Signed], pin: bytes) -> View:
    """Give what rightly signed metadata of all four roles says; raises RefusedError.

    It may be believed only after `checked`.
    """
    found = {role: _remembered(role, verified, pin) for role in ROLES}
    return View(
        versions={role: one.version for role, one in found.items()},
        expires={role: verified[role].expires.timestamp() for role in ROLES},
        targets=_targets(verified["targets"]),  # type: ignore[arg-type]  # python-tuf made sure
        seen=Seen(found),
    )


def checked(found: View, seen: Seen, limits: Limits, moment: Moment) -> View:
    """Give a view that may be believed now; raises RefusedError."""
    for role, one in found.seen.roles.items():
        _check_version(role, one, seen, limits.minimum)
    for role, ends in found.expires.items():
        if ends <= moment.reference:
            raise expired(role, ends, moment)
    _check_life(found.expires["timestamp"], limits.longest, moment)
    # Down to the hour: a poll that found nothing new then has nothing to write.
    at = moment.reference - moment.reference % _HOUR
    return found._replace(seen=Seen(found.seen.roles, at))


def _remembered(role: str, verified: Mapping[str, Signed], pin: bytes) -> Believed:
    root: Root = verified["root"]  # type: ignore[assignment]  # python-tuf made sure
    version = verified[role].version
    if type(version) is not int or not 0 < version <= _MOST:
        raise RefusedError(Why.MALFORMED, f"{role}: version: expected 1 to {_MOST}")
    keys = sorted(
        json.dumps([key.keytype, key.scheme, key.keyval], sort_keys=True)
        for key in (root.keys[one] for one in root.roles[role].keyids)
    )
    if len(set(keys)) < len(keys):
        raise RefusedError(Why.MALFORMED, f"root: {role}: one key stands there under several names")
    told = pin if role == "root" else json.dumps(keys).encode()
    return Believed(version, hashlib.sha256(told).hexdigest())


def _check_version(role: str, found: Believed, seen: Seen, minimum: Mapping[str, int]) -> None:
    least = minimum.get(role, 0)
    if found.version < least:
        raise RefusedError(
            Why.ROLLBACK,
            f"{role}: expected version {least} or newer (store.minimum), found {found.version}",
        )
    before = seen.roles.get(role)
    if before and before.keys == found.keys and found.version < before.version:
        raise RefusedError(
            Why.ROLLBACK,
            f"{role}: expected version {before.version} or newer, as before, found {found.version}",
        )


def _check_life(expires: float, longest: float | None, moment: Moment) -> None:
    if longest is None or expires <= moment.reference + longest:
        return
    text = (
        f"timestamp: expires {shown(expires)}: expected {longest / 3600:g} hours from now or less"
    )
    store = moment.store
    if store is not None and store > moment.now + _SKEW and expires <= store + longest:
        raise RefusedError(Why.CLOCK, f"{text}; {_clocks(moment)}")
    raise RefusedError(Why.LASTING, text)


def expired(name: str, ends: float, moment: Moment) -> RefusedError:
    """Say of a file that is over whether it is stale or our clock wrong. ends: when it was over."""
    store = moment.store
    text = f"{name}: expired {shown(ends)}"
    ahead = store is not None and store < moment.now - _SKEW and store < ends
    back = moment.now < moment.seen - _SKEW and moment.now < ends
    if ahead or back:
        return RefusedError(Why.CLOCK, f"{text}; {_clocks(moment)}")
    return RefusedError(Why.EXPIRED, text)


def _clocks(moment: Moment) -> str:
    others = [f"the store's {shown(moment.store)}"] if moment.store is not None else []
    if moment.seen > moment.now:
        others.append(f"the last refresh was {shown(moment.seen)}")
    return ", ".join((f"our clock says {shown(moment.now)}", *others))


def shown(at: float) -> str:
    """Write a time, in seconds since 1970, for people; one that no calendar has as a number."""
    try:
        return f"{datetime.datetime.fromtimestamp(at, datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return f"{at:g}"


def _targets(targets: Targets) -> dict[str, Target]:
    """Give the top role's own targets: nobody else may add any."""
    found = {}
    for path, file in targets.targets.items():
        sha256, custom = file.hashes.get("sha256"), file.custom
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            raise RefusedError(Why.MALFORMED, f"targets: {path}: expected a SHA-256")
        if custom is not None and not isinstance(custom, dict):
            raise RefusedError(Why.MALFORMED, f"targets: {path}: custom: expected a mapping")
        found[path] = Target(path, file.length, sha256, custom or {})
    return found
