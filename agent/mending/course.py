"""Put managed paths back, have them taken up, and see that nothing is worse for it. EDGE.

Paths that one service reads are put back together, since its own test may refuse one without the
other. Whatever goes wrong after that, what stood there before comes back and is taken up again.
"""

from __future__ import annotations

import contextlib
import hashlib
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from agent.mending import place
from agent.mending.thing import NOTHING, MendError, Rights, Thing, approved
from checks.managed import deviations, seen
from checks.managed.advice import EXTRA
from checks.managed.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from agent.mending.kept import Keeping, Kept
    from checks.managed.wanted import Managed

    _Known = Mapping[str, int] | None


_ROUNDS: Final = 5
"""How often paths that came to differ meanwhile are put back too before all is as it was."""


class Hands(Protocol):
    """What others do for the role that mends."""

    def act(self, action: str) -> str:
        """Have an allowed action done; gives why it could not be, "" if it was."""

    def judged(self, endpoint: str) -> Mapping[str, int]:
        """Have an endpoint looked at; gives the severity of each check that it fails.

        Raises MendError where it does not answer.
        """


class Helpers(NamedTuple):
    """Who does what for it, and where what stood there is kept."""

    hands: Hands
    keeping: Keeping


class Outcome(NamedTuple):
    """What was put back, as it is kept; and by path why another one could not be."""

    done: dict[str, Kept]
    failed: dict[str, str]


def restore(
    paths: Mapping[str, Managed],
    more: Callable[[Collection[str]], Mapping[str, Managed]],
    managed: Collection[str],
    helpers: Helpers,
) -> Outcome:
    """Put paths with one test and action back to what policy approved.

    more: gives others with the same test and action that differ by now and are not among those it
    is given, since the test may refuse one without the other; managed: all managed paths. Raises
    MendError where the paths are not fit to be taken up, and then all is as it was.
    """
    told, outcome = next(iter(paths.values())), Outcome({}, {})
    endpoints = sorted({each for one in paths.values() for each in one.endpoints})
    before = {endpoint: _looked(helpers.hands, endpoint) for endpoint in endpoints}
    for _ in range(_ROUNDS):
        _put_all(paths, managed, helpers.keeping, outcome)
        if not outcome.done:
            return outcome
        try:
            _prove(told, helpers.hands, before)
        except MendError as error:
            failure, paths = error, more({*outcome.done, *outcome.failed})
            if not paths:
                break
        else:
            return outcome
    _put_back(told, helpers.hands, outcome.done)
    raise MendError(f"{failure}; what stood there before was put back")


def _put_all(
    paths: Mapping[str, Managed], managed: Collection[str], keeping: Keeping, outcome: Outcome
) -> None:
    for path, told in paths.items():
        try:
            for one, thing in _steps(path, told, managed):
                place.recover(one, partial(_keep_left, keeping, one))
                outcome.done[one] = put(one, thing, keeping)
        except MendError as error:
            outcome.failed[path] = str(error)


def _keep_left(keeping: Keeping, path: str, left: Thing) -> None:
    keeping.add(path, left, fingerprint(left), "")


def _steps(path: str, told: Managed, managed: Collection[str]) -> Iterator[tuple[str, Thing]]:
    """Give what has to be at which path; what is too much in a folder goes."""
    if told.only:
        looked = seen.look(path)
        differs = deviations.judge(path, told, looked, managed) if isinstance(looked, Seen) else ()
        yield from ((one.path, NOTHING) for one in differs if one.check == EXTRA)
    if not told.only or told.owner or told.group or told.mode:
        yield path, approved(told, place.rights(path))


def finish(path: str, told: Managed, kept: Kept, hands: Hands) -> None:
    """Have taken up what was put in place before a restart; raises MendError as `restore` does."""
    try:
        _prove(told, hands, dict.fromkeys(told.endpoints))
    except MendError:
        _put_back(told, hands, {path: kept})
        raise


def put(path: str, thing: Thing, keeping: Keeping) -> Kept:
    """Have a thing at a path, and keep what stood there; raises MendError."""
    after = fingerprint(thing)
    kept: list[Kept] = []

    def keep(found: Thing) -> None:
        kept.append(keeping.add(path, found, fingerprint(found), after))

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


def _prove(wanted: Managed, hands: Hands, seen: Mapping[str, _Known]) -> None:
    """Have it tested and taken up, and look again; raises MendError."""
    for action in filter(None, (wanted.test, wanted.action)):
        if why := hands.act(action):
            raise MendError(f"{action}: {why}")
    for endpoint, before in seen.items():
        after = hands.judged(endpoint)
        if worse := _worse(before, after):
            raise MendError(f"{endpoint}: would be worse for it: {', '.join(worse)}")


def _worse(before: _Known, after: Mapping[str, int]) -> list[str]:
    """Name the checks that failed at no, or at a lower, severity before."""
    if before is None:
        return []
    return sorted(check for check, severity in after.items() if severity > before.get(check, -1))


def _put_back(wanted: Managed, hands: Hands, done: Mapping[str, Kept]) -> None:
    """Have all as it was, and taken up if its own test lets it; raises MendError."""
    for path, one in done.items():
        place.put(path, one.thing, lambda _approved: None)
    if wanted.action and not (wanted.test and hands.act(wanted.test)):
        hands.act(wanted.action)
