"""Show what a change of layers does to the policies of sample hosts, value by value. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from agent.policy import effective, layers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agent.policy.layers import Layer, Merged

_LONGEST: Final = 70
_TITLES: Final = ("id", "provider")
"""What a mapping inside a list is called by: a TLS profile, a file of rules."""


class Sample(NamedTuple):
    """A host to look at. name: "" for any host."""

    name: str
    labels: Mapping[str, str]

    @property
    def is_any(self) -> bool:
        """Whether it stands for any host."""
        return not self.name and not self.labels

    def __str__(self) -> str:
        """Name it, or its labels."""
        words = [f"{label}={value}" for label, value in self.labels.items()]
        return " ".join(([f"host {self.name}"] if self.name else []) + words) or "any host"


class Change(NamedTuple):
    """One value that another one takes the place of.

    before, after: in words, "" for none; gone, come: of two lists, what they do not share; layers:
    where the new value comes from, or the old one where there is no new one.
    """

    path: str
    before: str
    after: str
    gone: tuple[str, ...]
    come: tuple[str, ...]
    layers: tuple[str, ...]


class Group(NamedTuple):
    """Sample hosts for which the same changes."""

    samples: tuple[Sample, ...]
    changes: tuple[Change, ...]

    def told(self) -> dict[str, object]:
        """Give it as JSON has it."""
        hosts = [{"name": one.name, "labels": dict(one.labels)} for one in self.samples]
        return {"hosts": hosts, "changes": [change._asdict() for change in self.changes]}


def samples(names: Iterable[str]) -> list[Sample]:
    """Give a host for each of these layers: any host for the base."""
    found = [Sample("", {})]
    for name in names:
        kind, *parts = map(unquote, name.split("/"))
        if kind == "group":
            found.append(Sample("", {parts[0]: parts[1]}))
        elif kind == "host":
            found.append(Sample(parts[0], {}))
    return found


def groups(
    before: Mapping[str, Layer], after: Mapping[str, Layer], hosts: Iterable[Sample]
) -> list[Group]:
    """Compare each host's policy; raises PolicyError for one that cannot be. In order of hosts."""
    found: dict[tuple[Change, ...], list[Sample]] = {}
    for host in hosts:
        old, new = _merged(before, host), _merged(after, host)
        effective.made(_joined(after, host), {}, {})
        found.setdefault(tuple(_changes(old, new)), []).append(host)
    return [Group(tuple(hosts), changes) for changes, hosts in found.items()]


def _joined(known: Mapping[str, Layer], host: Sample) -> list[Layer]:
    return [known[name] for name in layers.names(host.labels, host.name) if name in known]


def _merged(known: Mapping[str, Layer], host: Sample) -> Merged:
    return layers.merge(_joined(known, host))


def _changes(old: Merged, new: Merged) -> Iterator[Change]:
    before, after = dict(_leaves(old.policy)), dict(_leaves(new.policy))
    for path in sorted(before.keys() | after.keys()):
        one, two = before.get(path), after.get(path)
        if one == two and (path in before) == (path in after):
            continue
        gone, come = _apart(one, two)
        whose = (new if path in after else old).origins.get(path, ())
        yield Change(path, _value(before, path), _value(after, path), gone, come, whose)


def _leaves(value: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, object]]:
    """Give each value that is no mapping, by its path."""
    for key, one in value.items():
        path = f"{place}.{key}" if place else key
        if isinstance(one, dict) and one:
            yield from _leaves(one, path)
        else:
            yield path, one


def _apart(one: object, two: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give what only one of two lists has, and only the other; nothing for other values."""
    if not (isinstance(one, list | None) and isinstance(two, list | None)):
        return (), ()
    before, after = one or [], two or []
    gone = tuple(shown(item) for item in before if item not in after)
    return gone, tuple(shown(item) for item in after if item not in before)


def _value(known: Mapping[str, object], path: str) -> str:
    return shown(known[path]) if path in known else ""


def shown(value: object) -> str:
    """Write a value in a few words; what is too long for that with the begin of its hash."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    if isinstance(value, dict):
        title = next((f"{key} {value[key]}" for key in _TITLES if key in value), "")
        if title or len(text) > _LONGEST:
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
            return f"{title[:_LONGEST] or text[:_LONGEST] + '…'} (sha256 {digest})"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
