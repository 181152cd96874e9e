"""Write how a store of policy stands, and what a change does to hosts, for a person. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.output import words
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agent.policy.differences import Change, Group, Sample
    from agent.policy.standing import Standing

_SAMPLES: Final = 6


def standing(told: Standing) -> Iterator[str]:
    """Give the status line by line: what is wrong and what has to be done come last."""
    yield from map(printable, _standing(told))


def _standing(told: Standing) -> Iterator[str]:
    for role in told.roles:
        keys = f"{role.threshold} of {len(role.keys)}: {', '.join(role.keys)}"
        yield f"{role.role:10} version {role.version:<6} {role.held:18} {keys}"
    for layer in told.layers:
        yield f"{layer.layer:30} edition {layer.edition:<6} {layer.whom}"
    for waiting in told.waiting:
        yield f"waiting: {waiting.role} {waiting.version}"
        yield from (f"  {change}" for change in waiting.changes)
        yield from (f"  {lacking}" for lacking in waiting.lacking)
    yield from (f"wrong: {one}" for one in told.wrong)
    yield from (f"to do: {one}" for one in told.todo)
    if not (told.wrong or told.todo or told.waiting):
        yield "all is published and fresh"


def differences(groups: Sequence[Group], offers: Iterable[str]) -> Iterator[str]:
    """Give a change line by line: for each group of hosts its values, then who is given what.

    What changes for any host, where that is the first one, is not repeated for the others.
    """
    first = groups[0].changes if groups and groups[0].samples[0].is_any else ()
    for number, group in enumerate(groups):
        if group.changes:
            yield from map(printable, _group(group, first if number else ()))
    same = sum(len(group.samples) for group in groups if not group.changes)
    if same:
        yield f"nothing changes for {words.plural(same, 'sample host')}"
    yield from (printable(f"rollout: {offer}") for offer in offers)


def _group(group: Group, everywhere: tuple[Change, ...]) -> Iterator[str]:
    shared = set(everywhere) <= set(group.changes)
    own = [one for one in group.changes if not (shared and one in everywhere)]
    yield f"{_hosts(group.samples)}:{' as any host, and' if shared and everywhere else ''}"
    width = max((len(change.path) for change in own), default=0)
    for change in own:
        yield from _change(change, width)


def _hosts(samples: Sequence[Sample]) -> str:
    named = ", ".join(map(str, samples[:_SAMPLES]))
    more = len(samples) - _SAMPLES
    return f"{named} and {more} more" if more > 0 else named


def _change(change: Change, width: int) -> Iterator[str]:
    whose = f"   ({', '.join(change.layers)})"
    path = f"  {change.path:{width}}  "
    if change.gone or change.come:
        for sign, items in (("-", change.gone), ("+", change.come)):
            for item in items:
                yield f"{path}{sign} {item}{whose}"
    else:
        yield f"{path}{change.before or 'unset'} -> {change.after or 'unset'}{whose}"
