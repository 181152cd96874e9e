"""Say how a store stands: versions, ends, missing signatures, and what has to be done. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.policy import editions, roots, wording
from checks.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuf.api.metadata import Metadata

    from agent.policy.desk import Desk
    from agent.policy.repository import Published


class Role(msgspec.Struct, frozen=True):
    """What is served of one role. until: RFC 3339; keys: by name; threshold: how many sign."""

    role: str
    version: int
    until: str
    held: str
    threshold: int
    keys: tuple[str, ...]


class Layer(msgspec.Struct, frozen=True):
    """One edition that is served, and for whom."""

    layer: str
    edition: int
    whom: str


class Waiting(msgspec.Struct, frozen=True):
    """What collects signatures. lacking: in words, nothing where it has them all."""

    role: str
    version: int
    changes: tuple[str, ...]
    lacking: tuple[str, ...]


class Standing(msgspec.Struct, frozen=True):
    """All of it. wrong: what hosts suffer from now; todo: what has to be done sooner or later."""

    folder: str
    roles: tuple[Role, ...]
    layers: tuple[Layer, ...]
    waiting: tuple[Waiting, ...]
    wrong: tuple[str, ...]
    todo: tuple[str, ...]


def of(desk: Desk) -> Standing:
    """Look at a store; raises RepositoryError, SigningError or DeskError."""
    published = desk.repository.published()
    targets = published.targets.signed.targets if published.targets else {}
    offers = [offer for ones in editions.of(targets).values() for offer in ones]
    waiting = tuple(_waiting(desk, published))
    return Standing(
        folder=str(desk.folder),
        roles=tuple(_role(desk, published, one) for one in _served(published)),
        layers=tuple(Layer(one.layer, one.number, wording.rollout(one.rollout)) for one in offers),
        waiting=waiting,
        wrong=tuple(_wrong(desk, published)),
        todo=(*_todo(desk, published, waiting), *_risks(published)),
    )


def _served(published: Published) -> list[Metadata[Any]]:
    ones = (published.root, published.targets, published.snapshot, published.timestamp)
    return [one for one in ones if one]


def _role(desk: Desk, published: Published, one: Metadata[Any]) -> Role:
    assert published.root is not None
    role = published.root.signed.roles[one.signed.type]
    return Role(
        role=one.signed.type,
        version=one.signed.version,
        until=one.signed.expires.isoformat(),
        held=wording.held(one.signed.expires, desk.now),
        threshold=role.threshold,
        keys=tuple(roots.shown(keyid, desk.names) for keyid in role.keyids),
    )


def _waiting(desk: Desk, published: Published) -> Iterator[Waiting]:
    served = published.root.signed if published.root else None
    if root := desk.staged_root(published):
        changes = tuple(roots.differences(served, root.signed, desk.names))
        lacking = tuple(desk.lacking(root, served, root.signed))
        yield Waiting("root", root.signed.version, changes, lacking)
    if targets := desk.staged_targets(published):
        trusted = root.signed if root else served
        known = published.targets.signed.targets if published.targets else {}
        changes = tuple(offered(known, targets.signed.targets))
        lacking = tuple(desk.lacking(targets, trusted))
        yield Waiting("targets", targets.signed.version, changes, lacking)


def offered(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Say which editions come and go, and which are for others now; a line each layer."""
    old, new = editions.of(before), editions.of(after)
    for layer in sorted(old.keys() | new.keys()):
        if layer not in new:
            yield f"{layer}: is taken away"
            continue
        newest = new[layer][0]
        last = old[layer][0] if layer in old else None
        if last is None or last.number != newest.number:
            yield f"{layer}: edition {newest.number} for {wording.rollout(newest.rollout)}"
        elif last.rollout != newest.rollout:
            whom, now = wording.rollout(last.rollout), wording.rollout(newest.rollout)
            yield f"{layer}: edition {newest.number} for {now}, was for {whom}"


def _wrong(desk: Desk, published: Published) -> Iterator[str]:
    for one in _served(published):
        if one.signed.expires <= desk.now:
            held = wording.held(one.signed.expires, desk.now)
            yield f"{one.signed.type} {one.signed.version} {held}: hosts take nothing new"


def _todo(desk: Desk, published: Published, waiting: tuple[Waiting, ...]) -> Iterator[str]:
    """Name the next command for whatever is not done."""
    for one in waiting:
        last = "policy sign --key NAME" if one.lacking else "policy publish"
        yield f"{one.role} {one.version} waits: {last}"
    if published.root is None:
        return
    try:
        wanted = desk.wanted(published, published.root.signed)
    except PolicyError as error:
        yield f"the folder cannot be published: {error}"
        wanted = None
    known = published.targets.signed.targets if published.targets else None
    new = wanted and wanted.targets != known
    if wanted and new and not desk.agrees(desk.staged_targets(published), wanted):
        yield "the folder is not what is published: policy diff, then policy sign"
    for metadata in _served(published):
        role = metadata.signed.type
        if desk.is_due(metadata.signed):
            act = "policy refresh" if role in {"snapshot", "timestamp"} else "policy sign"
            yield f"{role}: {wording.held(metadata.signed.expires, desk.now)}: {act}"


def _risks(published: Published) -> Iterator[str]:
    root = published.root.signed if published.root else None
    if root and len(root.roles["root"].keyids) == root.roles["root"].threshold:
        yield "root: no key of it may be lost, since all have to sign: add one by policy rotate-key"
