"""Say which editions of which layers a store offers next: a target each. Pure.

An edition is numbered by the version of the targets metadata that it came with, so that numbers
rise for ever, also where a layer was gone meanwhile. A layer whose content did not change keeps its
edition, and only that one's rollout may change. Older editions stay until one is for all hosts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from tuf.api.metadata import TargetFile

from agent.policy import rollout
from agent.policy.rollout import Rollout
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH: Final = regex(r"policy/(.+)/([1-9][0-9]{0,15})\.json")
_PREFIX: Final = "policy/"
_HASH: Final = "sha256"


class Offer(NamedTuple):
    """One edition of a layer as the metadata has it."""

    layer: str
    number: int
    target: TargetFile

    @property
    def rollout(self) -> Rollout:
        """For whom it is; raises PolicyError."""
        custom = self.target.unrecognized_fields.get("custom") or {}
        return rollout.of(custom.get("rollout", {}), self.target.path)


def of(targets: Mapping[str, TargetFile]) -> dict[str, list[Offer]]:
    """Give the editions of each layer, the newest first."""
    found: dict[str, list[Offer]] = {}
    for path, target in targets.items():
        if match := _PATH.fullmatch(path):
            found.setdefault(match[1], []).append(Offer(match[1], int(match[2]), target))
    return {layer: sorted(found[layer], key=_number, reverse=True) for layer in sorted(found)}


def _number(offer: Offer) -> int:
    return offer.number


def following(
    known: Mapping[str, TargetFile],
    contents: Mapping[str, bytes],
    rollouts: Mapping[str, Rollout],
    version: int,
) -> dict[str, TargetFile]:
    """Give the targets of the next metadata, which has this version; raises PolicyError.

    contents: what each layer says now; rollouts: for whom, where that is not all.
    """
    before = of(known)
    other = {path: one for path, one in known.items() if not path.startswith(_PREFIX)}
    offers = (
        offer
        for layer, content in contents.items()
        for offer in _offers(
            before.get(layer, []),
            _newest(layer, content, rollouts.get(layer, Rollout()), version),
        )
    )
    return other | {offer.target.path: offer.target for offer in offers}


def _newest(layer: str, content: bytes, wanted: Rollout, version: int) -> Offer:
    path = f"{_PREFIX}{layer}/{version}.json"
    target = TargetFile.from_data(path, content, [_HASH])
    target.unrecognized_fields = custom(wanted)
    return Offer(layer, version, target)


def custom(wanted: Rollout) -> dict[str, Any]:
    """Write for whom an edition is, as metadata has it; nothing where it is for all."""
    told = msgspec.to_builtins(wanted)
    if "share" in told:
        told["share"] = int(told["share"])  # canonical JSON has no fractions
    return {"custom": {"rollout": told}} if told else {}


def _offers(before: list[Offer], newest: Offer) -> list[Offer]:
    """Give the editions that stay, and the newest, which is the last one if nothing changed."""
    if before and before[0].target.hashes == newest.target.hashes:
        last, *before = before
        newest = last._replace(target=_like(last.target, newest.target.unrecognized_fields))
    kept = [newest]
    for older in before:
        if kept[-1].rollout.for_all:
            break
        kept.append(older)
    return kept


def _like(target: TargetFile, fields: dict[str, Any]) -> TargetFile:
    return TargetFile(target.length, target.hashes, target.path, fields)
