"""A root of trust that could not work is never made."""

from __future__ import annotations

import datetime

import pytest
from securesystemslib.signer import CryptoSigner, SSlibKey

from agent.policy import roots
from agent.policy.roots import Change, RootError, Signers

END = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
A, B, C = (CryptoSigner.generate_ed25519().public_key for _ in range(3))
NAMES = {A.keyid: "alice", B.keyid: "bob"}


def _first(threshold: int, *keys: SSlibKey) -> dict[str, Signers]:
    return {role: Signers({key.keyid: key for key in keys}, threshold) for role in roots.ROLES}


def test_thresholds_have_to_be_possible() -> None:
    """Two of two keys can sign, three of two cannot."""
    assert roots.first(_first(2, A, B), END).signed.roles["root"].threshold == 2
    with pytest.raises(RootError, match="3 signatures are needed of 2 keys"):
        roots.first(_first(3, A, B), END)


def test_a_change_leaves_the_old_root_as_it_was() -> None:
    """The old root still has to prove the new one."""
    root = roots.first(_first(1, A, B), END).signed
    after = roots.changed(root, Change("targets", A, C))
    assert A.keyid in root.roles["targets"].keyids
    assert after.roles["targets"].keyids == [B.keyid, C.keyid]
    assert list(roots.differences(root, after, NAMES)) == [
        f"targets: - alice ({A.keyid[:8]})",
        f"targets: + unknown key ({C.keyid[:8]})",
    ]


def test_a_key_that_no_role_has_is_gone() -> None:
    """A key stays known as long as one role has it."""
    root = roots.first(_first(1, A, B), END).signed
    for role in roots.ROLES:
        assert A.keyid in root.keys
        root = roots.changed(root, Change(role, old=A))
    assert A.keyid not in root.keys


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (Change("root", old=C), "old key is none"),
        (Change("root", new=A), "already"),
        (Change("root", old=A), "2 signatures are needed of 1 keys"),
        (Change("root", threshold=3), "3 signatures are needed of 2 keys"),
    ],
)
def test_changes_that_cannot_work_are_refused(change: Change, told: str) -> None:
    """Keys that are not there, are there twice, or would be too few."""
    root = roots.first(_first(2, A, B), END).signed
    with pytest.raises(RootError, match=told):
        roots.changed(root, change)
