"""Stage what comes next, and let people sign it one after the other. EDGE.

Root and targets metadata are signed by people. What is staged must say what the folder says, else
nobody signs it: whoever signs read the folder. A change to what is staged drops its signatures.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from tuf.api.metadata import Metadata, Root, Targets

from agent.policy import repository, roots
from agent.policy.desk import DeskError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agent.policy.desk import Desk
    from agent.policy.repository import Published
    from agent.policy.roots import Change, Signers


class Act(NamedTuple):
    """Something that was done: for people, and for the audit log."""

    did: str
    about: str


def begin(desk: Desk, signers: Mapping[str, Signers], makers: Iterable[str]) -> list[Act]:
    """Stage the first root of trust, signed by the keys of those who just made them."""
    with desk.repository.alone():
        if desk.repository.published().roots or desk.repository.staged(Root):
            raise DeskError(f"{desk.folder}: has a root of trust already")
        root = roots.first(signers, desk.until("root"))
        for name in makers:
            if desk.may_sign(root, name, root.signed):
                desk.sign(root, name)
        desk.repository.stage(root)
    return [Act("policy store begun", "; ".join(roots.differences(None, root.signed, desk.names)))]


def sign(desk: Desk, names: Sequence[str], *, anew: bool) -> list[Act]:
    """Stage what the folder says where that is new, and sign all that waits for these keys.

    anew: give up signatures of what the folder does not say any more. Raises DeskError where
    nothing waits for a key.
    """
    with desk.repository.alone():
        published = desk.repository.published()
        _stage_root(desk, published, names)
        _stage_targets(desk, published, anew=anew)
        root, targets = desk.staged_root(published), desk.staged_targets(published)
        trusted = [one.signed for one in (root, published.root) if one]
        waiting: list[Metadata[Any]] = [one for one in (root, targets) if one]
        acts = []
        for name in names:
            mine = [one for one in waiting if desk.may_sign(one, name, *trusted)]
            if not mine:
                raise DeskError(f"key {name}: nothing waits for its signature")
            for one in mine:
                desk.sign(one, name)
                acts.append(Act("policy signed", f"{described(one)} by {name}"))
        for one in waiting:
            desk.repository.stage(one)
    return acts


def rotate(desk: Desk, change: Change) -> list[Act]:
    """Stage a root of trust with other keys, to be signed by people."""
    with desk.repository.alone():
        published = desk.repository.published()
        before = desk.staged_root(published) or published.root
        if before is None:
            raise DeskError(f"{desk.folder}: has no root of trust\nhint: policy init")
        after = roots.changed(before.signed, change)
        after.version = published.root.signed.version + 1 if published.root else 1
        after.expires = desk.until("root")
        desk.repository.stage(Metadata(after))
    told = "; ".join(roots.differences(before.signed, after, desk.names))
    return [Act("policy key rotated", f"root {after.version}: {told}")]


def described(metadata: Metadata[Any]) -> str:
    """Name metadata for the audit log: role, version, end."""
    signed = metadata.signed
    return f"{signed.type} {signed.version}, holds until {signed.expires:%Y-%m-%d %H:%M} UTC"


def _stage_root(desk: Desk, published: Published, names: Iterable[str]) -> None:
    """Stage the same root of trust with a later end, where it is due and its keys are here."""
    root = published.root
    if root is None or desk.staged_root(published) or not desk.is_due(root.signed):
        return
    if any(desk.may_sign(root, name, root.signed) for name in names):
        renewed = copy.deepcopy(root.signed)
        renewed.version += 1
        renewed.expires = desk.until("root")
        desk.repository.stage(Metadata(renewed))


def _stage_targets(desk: Desk, published: Published, *, anew: bool) -> None:
    root = desk.staged_root(published) or published.root
    if root is None:
        raise DeskError(f"{desk.folder}: has no root of trust\nhint: policy init")
    wanted, staged = desk.wanted(published, root.signed), desk.staged_targets(published)
    if wanted is None:
        desk.repository.unstage(Targets, repository.after(published.targets))
    elif not desk.agrees(staged, wanted):
        if staged and staged.signatures and not anew:
            by = ", ".join(roots.shown(keyid, desk.names) for keyid in staged.signatures)
            raise DeskError(
                f"targets {wanted.version}: the folder is not what was signed by {by}\n"
                "hint: --anew gives that signature up"
            )
        desk.repository.stage(Metadata(wanted))
