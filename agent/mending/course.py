"""Put managed paths back, have them taken up, and see that nothing is worse for it. EDGE.

Paths that one service reads are put back together, since its own test may refuse one without the
other. Whatever goes wrong after that, what stood there before comes back and is taken up again.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from agent.mending import place
from agent.mending.thing import NOTHING, MendError, Rights, Thing, approved
from checks.managed import deviations, seen
from checks.managed.advice import EXTRA
from checks.model import Inconclusive, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from agent.mending.kept import Keeping, Kept
    from checks.managed.wanted import Managed

    _Known = Mapping[str, int] | None

_ROUNDS: Final = 5
"""How often paths that came to differ meanwhile are put back too before all is as it was."""
_SETTLING: Final = 0.2
"""Seconds until a server that was told to reload takes no connection any more as it was before."""


class Hands(Protocol):
    """What others do for the role that mends."""

    def act(self, action: str) -> str:
        """Have an allowed action done; gives why it could not be, "" if it was."""

    def judged(self, endpoint: str) -> Mapping[str, int]:
        """Have an endpoint looked at; gives the severity of each check that it fails.

        Raises MendError where it does not answer.
        """


class Helpers(NamedTuple):
    """Who does what for it, and where what stood there is kept.

    patience: seconds within which a service has to be no worse once it took up what is there.
    """

    hands: Hands
    keeping: Keeping
    patience: float = 3.0


class Wish(NamedTuple):
    """What is to be put back.

    paths: with one test and action; managed: all managed paths; begun: since when a run that was
    killed had put paths back and not proven them; more: gives others with the same test and action
    that differ by now.
    """

    paths: Mapping[str, Managed]
    managed: Collection[str]
    begun: Mapping[str, float]
    more: Callable[[], Mapping[str, Managed]]


class Outcome(NamedTuple):
    """What was put back, as it is kept; and by path why another one could not be."""

    done: dict[str, Kept]
    failed: dict[str, str]


def restore(wish: Wish, helpers: Helpers) -> Outcome:
    """Put paths back to what policy approved.

    Raises MendError where they are not fit to be taken up, and then all is as it was.
    """
    paths, outcome = wish.paths, Outcome({}, {})
    told = next(iter(paths.values()))
    endpoints = sorted({each for one in paths.values() for each in one.endpoints})
    # What was begun by another run may be served already: nobody knows how it was before.
    before = {one: None if wish.begun else _looked(helpers.hands, one) for one in endpoints}
    for _ in range(_ROUNDS):
        _put_all(paths, wish, helpers.keeping, outcome)
        if not outcome.done:
            return outcome
        failure = _unproven(told, helpers, before)
        if not failure:
            return outcome
        paths = wish.more()
        if not paths:
            break
    left = _put_back(told, helpers, outcome.done)
    raise MendError(f"{failure}; {left or 'what stood there before was put back'}")


def undo(told: Managed, kept: Kept, helpers: Helpers) -> tuple[Kept, str]:
    """Have what is kept in its place again; gives what was there, and why it is not taken up."""
    was = put(kept.path, kept.thing, helpers.keeping)
    return was, _taken_up(told, helpers.hands)


def recover(path: str, told: Managed, keeping: Keeping) -> None:
    """Keep and remove what a run that was killed left beside a managed path; raises MendError."""
    _recover(path, approved(told, None), keeping)


def _recover(path: str, coming: Thing, keeping: Keeping) -> None:
    place.recover(path, coming, lambda left: keeping.add(path, left, fingerprint(left), ""))


def _put_all(paths: Mapping[str, Managed], wish: Wish, keeping: Keeping, outcome: Outcome) -> None:
    for path, told in paths.items():
        try:
            if path in wish.begun:
                outcome.done.update(_begun(path, wish.begun[path], keeping))
            for one, thing in _steps(path, told, wish.managed, keeping):
                kept = put(one, thing, keeping)
                outcome.done.setdefault(one, kept)
        except MendError as error:
            outcome.failed[path] = str(error)


def _begun(path: str, since: float, keeping: Keeping) -> dict[str, Kept]:
    """Give what stood at a path, or in a folder, before a run that was killed put it back."""
    latest = [one for one in keeping.listed() if one.at >= since]
    inside = [one for one in latest if one.path == path or one.path.rpartition("/")[0] == path]
    return {one.path: keeping.get(one.id) for one in inside}


def _steps(
    path: str, told: Managed, managed: Collection[str], keeping: Keeping
) -> Iterator[tuple[str, Thing]]:
    """Give what has to be at which path; what is too much in a folder goes."""
    looked = seen.look(path)
    if isinstance(looked, Inconclusive):
        raise MendError(f"{looked.reason} {looked.detail}".rstrip())
    for one in deviations.judge(path, told, looked, managed):
        if one.check != EXTRA:
            yield path, approved(told, place.rights(path))
            return
        if whose := place.is_beside(one.path):
            _recover(whose, NOTHING, keeping)
        else:
            yield one.path, NOTHING


def put(path: str, thing: Thing, keeping: Keeping) -> Kept:
    """Have a thing at a path, and keep what stood there; raises MendError."""
    after = fingerprint(thing)
    kept: list[Kept] = []

    def keep(found: Thing) -> None:
        kept.append(keeping.add(path, found, fingerprint(found), after))

    _recover(path, thing, keeping)
    place.put(path, thing, keep)
    return kept[0]


def fingerprint(thing: Thing) -> str:
    """Give the SHA-256 of a file's content in hex, or what else it is in words."""
    if thing.kind == "file":
        return hashlib.sha256(thing.content).hexdigest()
    if thing.kind == "link":
        return f"link to {thing.target}"
    return "nothing" if thing.kind == "nothing" else _rights(thing.rights)


def _rights(rights: Rights | None) -> str:
    return f"{rights.owner}:{rights.group} {rights.mode:04o}" if rights else "rights"


def _looked(hands: Hands, endpoint: str) -> _Known:
    """Give how an endpoint is now, None where it does not answer: it cannot become worse."""
    with contextlib.suppress(MendError):
        return hands.judged(endpoint)
    return None


def _unproven(told: Managed, helpers: Helpers, before: Mapping[str, _Known]) -> str:
    """Have it tested and taken up, and look again; gives why it is not proven, "" if it is."""
    if why := _taken_up(told, helpers.hands):
        return why
    if told.action and before:
        time.sleep(_SETTLING)
    until = time.monotonic() + helpers.patience
    return next(filter(None, (_worse(one, before[one], helpers, until) for one in before)), "")


def _taken_up(told: Managed, hands: Hands) -> str:
    """Have a service test and take up what is there; gives why it did not, "" if it did."""
    said = ((action, hands.act(action)) for action in (told.test, told.action) if action)
    return next((f"{action}: {why}" for action, why in said if why), "")


def _worse(endpoint: str, before: _Known, helpers: Helpers, until: float) -> str:
    """Say why an endpoint is worse than before, "" where it is not, or not for long."""
    while True:
        try:
            failed = _worsened(before, helpers.hands.judged(endpoint))
            why = f"{endpoint}: would be worse for it: {', '.join(failed)}" if failed else ""
        except MendError as error:
            why = str(error)
        if not why or time.monotonic() > until:
            return why
        time.sleep(_SETTLING)


def _worsened(before: _Known, after: Mapping[str, int]) -> list[str]:
    """Name the checks for which it is worse: more of those that matter, the worst ones first.

    A new protocol may fail a check of little weight that did not apply to the old one.
    """
    if before is None or _weight(after) <= _weight(before):
        return []
    worse = (check for check, one in after.items() if one > before.get(check, -1))
    return sorted(check for check in worse if after[check] >= Severity.MEDIUM)


def _weight(failed: Mapping[str, int]) -> tuple[int, ...]:
    """Count the failed checks of each severity that matters, the worst first."""
    levels = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)
    return tuple(sum(one == level for one in failed.values()) for level in levels)


def _put_back(told: Managed, helpers: Helpers, done: Mapping[str, Kept]) -> str:
    """Have all as it was, and taken up if its own test lets it; gives what could not be."""
    failed = []
    for path, one in done.items():
        try:
            place.put(path, one.thing, partial(_keep_edit, helpers.keeping, one))
        except MendError as error:
            failed.append(f"{path}: {error}")
    _taken_up(told, helpers.hands)
    return f"cannot be as it was: {'; '.join(failed)}" if failed else ""


def _keep_edit(keeping: Keeping, kept: Kept, found: Thing) -> None:
    """Keep what came meanwhile in the place of what was put there."""
    if (now := fingerprint(found)) != kept.after:
        keeping.add(kept.path, found, now, kept.before)
