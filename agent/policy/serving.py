"""Serve what is signed, and keep it fresh. EDGE.

Snapshot and timestamp are signed as something is published, by keys that the publisher has at hand.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from agent.policy import repository
from agent.policy.desk import DeskError
from agent.policy.repository import News
from agent.policy.staging import Act, described

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from agent.policy.desk import Desk
    from agent.policy.repository import Published

_HASH: Final = "sha256"
_LISTED: Final = "targets.json"
_MOST: Final = {"root": 256 * 1024, "targets": 5_000_000}
"""Bytes that hosts take (agent/policy/trust.py)."""


class _Next(NamedTuple):
    """What people signed: the root of trust and the targets that are to be served."""

    root: Metadata[Root]
    targets: Metadata[Targets]


def publish(desk: Desk) -> list[Act]:
    """Serve what is signed; give nothing where nothing is new; raises DeskError."""
    with desk.repository.alone():
        published = desk.repository.published()
        root = _next_root(desk, published)
        following = _Next(root, _next_targets(desk, published, root))
        news = [one for one in following if one not in (published.root, published.targets)]
        if news:
            made = _completed(desk, published, following)
            contents = _contents(following.targets, desk.said.layers)
            desk.repository.publish(made._replace(contents=contents))
        else:
            _refuse_waiting(desk, published)
        desk.repository.unstage(Targets, following.targets.signed.version)
        desk.repository.unstage(Root, root.signed.version)
    return [Act("policy published", described(one)) for one in news]


def refresh(desk: Desk) -> list[Act]:
    """Sign a new timestamp, and the snapshot where it is due; raises DeskError."""
    with desk.repository.alone():
        published = desk.repository.published()
        news = _completed(desk, published, _served(desk, published))
        desk.repository.publish(news)
    return [Act("policy store refreshed", described(news.timestamp))]


def apart(desk: Desk, days: int) -> tuple[Published, News]:
    """Sign a snapshot and a timestamp that hold for so many days, for an offline bundle.

    The store gets newer ones first, so that no version is ever signed twice.
    """
    with desk.repository.alone():
        published = desk.repository.published()
        following = _served(desk, published)
        for one in following:
            if one.signed.expires < desk.now + timedelta(days=days):
                text = f"{described(one)}: ends before the bundle"
                raise DeskError(f"{text}\nhint: fewer --days, or sign and publish it anew")
        made = _completed(desk, published, following, days)
        before = published._replace(snapshot=made.snapshot, timestamp=made.timestamp)
        desk.repository.publish(_completed(desk, before, following))
    return published, made


def _next_root(desk: Desk, published: Published) -> Metadata[Root]:
    """Give the root of trust to be served: the staged one once it has its signatures."""
    staged = desk.staged_root(published)
    if staged and repository.root_signed(published.root, staged):
        return _bounded(staged)
    if published.root is None:
        _refuse_waiting(desk, published)
        raise DeskError(f"{desk.folder}: has no root of trust\nhint: policy init")
    return published.root


def _next_targets(desk: Desk, published: Published, root: Metadata[Root]) -> Metadata[Targets]:
    """Give the targets to be served: those that are, or the staged ones; raises DeskError."""
    wanted = desk.wanted(published, root.signed)
    if wanted is None:
        assert published.targets is not None
        return published.targets
    staged = desk.staged_targets(published)
    if staged is None or not desk.agrees(staged, wanted):
        text = f"targets {wanted.version}: not signed as the folder is now"
        raise DeskError(f"{text}\nhint: policy diff, then policy sign --key NAME")
    if lacking := desk.lacking(staged, root.signed):
        raise DeskError(f"targets {wanted.version}: {'; '.join(lacking)}")
    return _bounded(staged)


def _refuse_waiting(desk: Desk, published: Published) -> None:
    """Say what a staged root of trust waits for; raises DeskError."""
    if staged := desk.staged_root(published):
        before = published.root.signed if published.root else None
        lacking = "; ".join(desk.lacking(staged, before, staged.signed))
        raise DeskError(f"root {staged.signed.version}: {lacking}")


def _bounded(metadata: Metadata[Any]) -> Metadata[Any]:
    size, most = len(metadata.to_bytes()), _MOST[metadata.signed.type]
    if size > most:
        raise DeskError(f"{metadata.signed.type}: {size} bytes, and hosts take {most}")
    return metadata


def _served(desk: Desk, published: Published) -> _Next:
    """Give what is served, which has to be complete."""
    root, targets = published.root, published.targets
    if root is None or targets is None:
        raise DeskError(f"{desk.folder}: nothing is published yet")
    if not repository.signed(root.signed, targets):
        text = "targets: signed by keys that are trusted no more"
        raise DeskError(f"{text}\nhint: policy sign, then policy publish")
    return _Next(root, targets)


def _contents(targets: Metadata[Targets], layers: dict[str, bytes]) -> dict[str, bytes]:
    """Give the contents of the editions that come with these targets, by their paths."""
    version = targets.signed.version
    paths = {f"policy/{layer}/{version}.json": content for layer, content in layers.items()}
    return {path: paths[path] for path in targets.signed.targets if path in paths}


def _completed(desk: Desk, published: Published, following: _Next, days: int = 0) -> News:
    """Sign what is to be signed here; days: for which that holds, 0 for as long as it should."""
    root, targets = following
    snapshot = published.snapshot
    if days or snapshot is None or not _still_good(desk, snapshot, following):
        snapshot = Metadata(
            Snapshot(
                version=repository.after(published.snapshot),
                expires=_end(desk, "snapshot", days),
                meta={_LISTED: _named(targets)},
            )
        )
        desk.sign_here(snapshot, root.signed)
    timestamp = Metadata(
        Timestamp(
            version=repository.after(published.timestamp),
            expires=_end(desk, "timestamp", days),
            snapshot_meta=_named(snapshot),
        )
    )
    desk.sign_here(timestamp, root.signed)
    return News(root, targets, snapshot, timestamp, {})


def _still_good(desk: Desk, snapshot: Metadata[Snapshot], following: _Next) -> bool:
    """Say whether a snapshot lists what it should, and ends neither too soon nor too late."""
    signed = snapshot.signed
    return (
        signed.meta == {_LISTED: _named(following.targets)}
        and repository.signed(following.root.signed, snapshot)
        and not desk.is_due(signed)
        and signed.expires <= desk.until("snapshot")
    )


def _named(metadata: Metadata[Any]) -> MetaFile:
    """Name metadata as others refer to it: version, length and hash."""
    return MetaFile.from_data(metadata.signed.version, metadata.to_bytes(), [_HASH])


def _end(desk: Desk, role: str, days: int) -> datetime:
    return desk.now + timedelta(days=days) if days else desk.until(role)
