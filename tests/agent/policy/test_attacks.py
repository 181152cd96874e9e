"""Whoever holds the store, its transport or some keys: refused by name, on every kind of host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import MetaFile, TargetFile

from agent.policy.belief import Seen, Why
from agent.policy.trust import Client, RefusedError
from agent.policy.workflow import ROTATIONS
from agent.stores import AwayError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.agent.policy.conftest import Host
    from tests.agent.policy.published import Repository

    Attack = Callable[[Repository], None]


NOW = 1_780_000_000.0
HOUR = 3600.0
DAY = 24 * HOUR
ROLES = ("root", "timestamp", "snapshot", "targets")
DEEP = b"[" * 100_000


def _older(role: str) -> Attack:
    """Serve a role's first version; whoever signs above it is in league."""

    def attack(repository: Repository) -> None:
        above = ["targets", "snapshot", "timestamp"]
        above = above[above.index(role) + 1 :]
        if role == "targets":
            repository.signed["targets"].targets.pop("policy/base/2.json")
        repository.signed[role].version = 1
        repository.publish(role)
        repository.next(*above)

    return attack


def _withheld_root(repository: Repository) -> None:
    del repository.shelf.files["metadata/2.root.json"]
    repository.signers["root"] = []


def _frozen(role: str) -> Attack:
    """Serve what is over; all above it is fresh."""

    def attack(repository: Repository) -> None:
        repository.now -= 400 * DAY
        repository.signed[role].version += role != "root"
        repository.publish(role)
        repository.now += 400 * DAY
        above = ["targets", "snapshot", "timestamp"]
        if role in above:
            repository.next(*above[above.index(role) + 1 :])

    return attack


def _expired_root(repository: Repository) -> None:
    signers = list(repository.signers["root"])
    repository.now -= 400 * DAY
    repository.signed["root"].version = 3
    repository.publish("root", by=signers)
    repository.now += 400 * DAY
    repository.next("timestamp")


def _exchanged(role: str) -> Attack:
    """Serve, under the name of the newest version, rightly signed, another one."""

    def attack(repository: Repository) -> None:
        first = repository.bytes_of(role)
        repository.next(*["targets", "snapshot", "timestamp"][role == "snapshot" :])
        repository.shelf.files[f"metadata/3.{role}.json"] = first

    return attack


def _exchanged_without_hashes(repository: Repository) -> None:
    """The same, where the timestamp says no more than the version."""
    first = repository.bytes_of("snapshot")
    repository.next("snapshot")
    repository.signed["timestamp"].snapshot_meta = MetaFile(3)
    repository.next("timestamp")
    repository.shelf.files["metadata/3.snapshot.json"] = first


def _signed_by(role: str, *names: str) -> Attack:
    """Publish a newer version of a role, and above, signed by the keys of others."""

    def attack(repository: Repository) -> None:
        keys = [key for name in names for key in repository.signers[name]]
        repository.signed[role].version += 1
        repository.publish(role, by=keys)
        above = ["targets", "snapshot", "timestamp"]
        repository.next(*above[above.index(role) + 1 :])

    return attack


def _signed_once(repository: Repository) -> None:
    repository.signed["targets"].version += 1
    repository.publish("targets", by=repository.signers["targets"][:1])
    repository.next("snapshot", "timestamp")


def _signed_twice_by_one(repository: Repository) -> None:
    repository.signed["targets"].version += 1
    told = json.loads(repository.bytes_of("targets", repository.signers["targets"][:1]))
    told["signatures"] *= 2
    repository.serve("targets", json.dumps(told).encode())
    repository.next("snapshot", "timestamp")


def _one_key_under_two_names(repository: Repository) -> None:
    root, signer = repository.signed["root"], repository.signers["targets"][0]
    root.roles["targets"].keyids = [signer.public_key.keyid, "0" * 64]
    root.keys["0" * 64] = type(signer.public_key).from_dict("0" * 64, signer.public_key.to_dict())
    repository.next("root")
    repository.signed["targets"].version += 1
    told = json.loads(repository.bytes_of("targets", [signer]))
    told["signatures"].append(told["signatures"][0] | {"keyid": "0" * 64})
    repository.serve("targets", json.dumps(told).encode())
    repository.next("snapshot", "timestamp")


def _changed(role: str) -> Attack:
    """Change a byte of a newer version, in its signed part."""

    def attack(repository: Repository) -> None:
        repository.next(*["targets", "snapshot", "timestamp"][role == "snapshot" :])
        name = {"timestamp": "timestamp.json"}.get(role, f"3.{role}.json")
        data = repository.shelf.files[f"metadata/{name}"]
        changed = data.replace(b'"version":3', b'"version":4')
        assert changed != data
        repository.shelf.files[f"metadata/{name}"] = changed

    return attack


def _root_by(*names: str) -> Attack:
    """Publish a root with new keys of all roles, signed by old or new keys, or by strangers."""

    def attack(repository: Repository) -> None:
        before = list(repository.signers["root"])
        repository.rotate("root", "targets", "snapshot", "timestamp")
        after = repository.signers["root"]
        groups = {
            "old": before,
            "one": before[:1],
            "new": after,
            "strangers": [CryptoSigner.generate_ed25519(), CryptoSigner.generate_ed25519()],
        }
        repository.publish("root", by=[key for name in names for key in groups[name]])
        repository.next("targets", "snapshot", "timestamp")

    return attack


def _root_with_a_gap(repository: Repository) -> None:
    repository.signed["root"].version = 4
    repository.shelf.files["metadata/3.root.json"] = repository.bytes_of("root")


def _endless(name: str) -> Attack:
    def attack(repository: Repository) -> None:
        repository.next("targets", "snapshot", "timestamp")
        repository.shelf.files[f"metadata/{name}"] = b"{" + b" " * 6_000_000

    return attack


def _padded(repository: Repository) -> None:
    repository.next("snapshot", "timestamp")
    repository.shelf.files["metadata/3.snapshot.json"] += b" "


def _short(repository: Repository) -> None:
    repository.next("snapshot", "timestamp")
    data = repository.shelf.files["metadata/3.snapshot.json"]
    repository.shelf.files["metadata/3.snapshot.json"] = data[:-1] + b" "


def _without_targets(repository: Repository) -> None:
    repository.signed["snapshot"].meta.clear()
    repository.next("snapshot", "timestamp")


def _lasting(repository: Repository) -> None:
    repository.now += 100 * HOUR
    repository.next("timestamp")


def _gone(name: str) -> Attack:
    def attack(repository: Repository) -> None:
        repository.next("targets", "snapshot", "timestamp")
        del repository.shelf.files[f"metadata/{name}"]

    return attack


def _says(name: str, content: bytes) -> Attack:
    def attack(repository: Repository) -> None:
        repository.next("targets", "snapshot", "timestamp")
        repository.shelf.files[f"metadata/{name}"] = content

    return attack


def _huge_version(repository: Repository) -> None:
    repository.signed["timestamp"].version = 2**53 + 1
    repository.publish("timestamp")


def _away(repository: Repository) -> None:
    repository.shelf.files["metadata/timestamp.json"] = AwayError("timestamp: timed out")


def _root_away(repository: Repository) -> None:
    repository.shelf.files["metadata/3.root.json"] = AwayError("root: HTTP 500")


DEEP = b"[" * 100_000
ATTACKS: dict[str, tuple[Attack, Why, str]] = {
    "rollback of the timestamp": (_older("timestamp"), Why.ROLLBACK, "timestamp"),
    "rollback of the snapshot, stolen timestamp key": (
        _older("snapshot"),
        Why.ROLLBACK,
        "timestamp|snapshot",
    ),
    "rollback of targets, stolen snapshot and timestamp keys": (
        _older("targets"),
        Why.ROLLBACK,
        "snapshot|targets",
    ),
    "freeze": (_frozen("timestamp"), Why.EXPIRED, "timestamp: expired 2025-"),
    "freeze of the snapshot": (_frozen("snapshot"), Why.EXPIRED, "snapshot: expired 2025-"),
    "freeze of targets": (_frozen("targets"), Why.EXPIRED, "targets: expired 2025-"),
    "freeze of the root": (_expired_root, Why.EXPIRED, "root: expired 2026-"),
    "mix-and-match of snapshots": (_exchanged("snapshot"), Why.MISMATCH, "3.snapshot.json"),
    "mix-and-match of snapshots by version": (
        _exchanged_without_hashes,
        Why.MISMATCH,
        "3.snapshot.json",
    ),
    "mix-and-match of targets": (_exchanged("targets"), Why.MISMATCH, "3.targets.json"),
    "an unsigned timestamp": (_signed_by("timestamp"), Why.UNSIGNED, "timestamp"),
    "an unsigned snapshot": (_signed_by("snapshot"), Why.UNSIGNED, "snapshot"),
    "unsigned targets": (_signed_by("targets"), Why.UNSIGNED, "3.targets.json"),
    "stolen timestamp key": (_signed_by("snapshot", "timestamp"), Why.UNSIGNED, "3.snapshot.json"),
    "stolen snapshot key": (_signed_by("timestamp", "snapshot"), Why.UNSIGNED, "timestamp.json"),
    "stolen snapshot and timestamp keys": (
        _signed_by("targets", "snapshot", "timestamp"),
        Why.UNSIGNED,
        "3.targets.json",
    ),
    "targets under their threshold": (_signed_once, Why.UNSIGNED, "signed by 1/2 keys"),
    "one key signs twice": (_signed_twice_by_one, Why.MALFORMED, "3.targets.json"),
    "one key under two names": (_one_key_under_two_names, Why.MALFORMED, "several names"),
    "a changed timestamp": (_changed("timestamp"), Why.UNSIGNED, "timestamp.json"),
    "a changed snapshot": (_changed("snapshot"), Why.MISMATCH, "3.snapshot.json"),
    "changed targets": (_changed("targets"), Why.UNSIGNED, "3.targets.json"),
    "a root that the old keys did not sign": (_root_by("new"), Why.UNSIGNED, "3.root.json"),
    "a root that one old key signed": (_root_by("one", "new"), Why.UNSIGNED, "3.root.json"),
    "a root that the new keys did not sign": (_root_by("old"), Why.UNSIGNED, "3.root.json"),
    "a root of strangers": (_root_by("strangers"), Why.UNSIGNED, "3.root.json"),
    "a root that leaves a version out": (_root_with_a_gap, Why.MISMATCH, "3.root.json"),
    "an endless timestamp": (_endless("timestamp.json"), Why.TOO_LONG, "timestamp.json"),
    "an endless snapshot": (_endless("3.snapshot.json"), Why.TOO_LONG, "3.snapshot.json"),
    "endless targets": (_endless("3.targets.json"), Why.TOO_LONG, "3.targets.json"),
    "an endless root": (_endless("3.root.json"), Why.TOO_LONG, "3.root.json"),
    "a snapshot that is too long": (_padded, Why.TOO_LONG, "3.snapshot.json"),
    "a snapshot of another hash": (_short, Why.MISMATCH, "3.snapshot.json"),
    "a snapshot without targets": (_without_targets, Why.MALFORMED, "snapshot"),
    "a timestamp for hosts without a store": (_lasting, Why.LASTING, "36 hours"),
    "no timestamp": (_gone("timestamp.json"), Why.ABSENT, "timestamp.json"),
    "no targets": (_gone("3.targets.json"), Why.ABSENT, "3.targets.json"),
    "no JSON": (_says("timestamp.json", b"<html>"), Why.MALFORMED, "timestamp.json"),
    "nothing": (_says("3.targets.json", b""), Why.MALFORMED, "3.targets.json"),
    "deep JSON": (_says("3.targets.json", DEEP), Why.MALFORMED, "3.targets.json"),
    "JSON of a lone surrogate": (
        _says("timestamp.json", b'{"signed": "\\ud800"}'),
        Why.MALFORMED,
        "timestamp.json",
    ),
    "a huge version": (_huge_version, Why.MALFORMED, "timestamp: version"),
    "slow retrieval": (_away, Why.AWAY, "timed out"),
    "a root that cannot be had now": (_root_away, Why.AWAY, "HTTP 500"),
}

ROOTS_OF_OUR_OWN = {"freeze of the root", "one key under two names"}
"""Rightly signed, so that they are remembered: mistakes rather than attacks."""


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_and_named(name: str, host: Host) -> None:
    """On every kind of host; what was believed is still there, and the next honest one is taken."""
    attack, why, text = ATTACKS[name]
    repository, seen = host.repository, host.seen
    with repository.attacked():
        attack(repository)
        for _ in range(2):
            error = host.refused()
            assert error.why == why, error
            assert any(part in str(error) for part in text.split("|")), error
            assert "\n" not in str(error)
    assert host.seen == seen
    if name in ROOTS_OF_OUR_OWN:
        repository.signed["root"].version = 3
        repository.next("root")
    repository.next("targets", "snapshot", "timestamp")
    view = host.refresh()
    repository.shelf.files.clear()
    if seen.roles:
        assert host.client.content(view.targets["policy/base/2.json"]) == b'{"a": 1}'


def test_an_error_of_anyone_else_is_ours(old: Host) -> None:
    """What a parser forgot to name is refused as well, by its kind alone."""
    old.repository.shelf.files["metadata/timestamp.json"] = ArithmeticError("secret")  # type: ignore[assignment]  # no store's error
    error = old.refused()
    assert (error.why, "ArithmeticError" in str(error)) == (Why.MALFORMED, True)
    assert "secret" not in str(error)


def test_a_withheld_root_is_refused(fresh: Host, old: Host) -> None:
    """A root before the least version, or before that which was believed, is none."""
    _withheld_root(fresh.repository)
    assert fresh.refused().why == Why.ROLLBACK
    assert old.refresh().versions["root"] == 2  # by its own copy
    for path in (old.folder / "metadata" / "root_history").iterdir():
        path.unlink()
    old.client = old.started()
    error = old.refused()
    assert (error.why, "root: expected version 2 or newer, as before" in str(error)) == (
        Why.ROLLBACK,
        True,
    )


def test_another_pin_is_another_history(old: Host, another: Repository) -> None:
    """Who gives the host another root of trust has it begin anew."""
    old.repository = another
    old.client = old.started()
    assert old.refresh().versions == dict.fromkeys(ROLES, 1)


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_rollback_after_copies_were_lost(role: str, old: Host) -> None:
    """What was believed counts, not what is left on the disk."""
    _older(role)(old.repository)
    for path in (old.folder / "metadata").glob("*.json"):
        path.unlink()
    error = old.refused()
    assert error.why == Why.ROLLBACK
    assert f"{role}: expected version 2 or newer, as before, found 1" in str(error)


@pytest.mark.parametrize("stolen", [("timestamp",), ("timestamp", "snapshot")])
def test_fast_forward_is_recovered_by_new_keys(stolen: tuple[str, ...], old: Host) -> None:
    """A huge version that stolen keys signed blocks until they are exchanged, and no longer."""
    repository = old.repository
    with repository.attacked():
        for role in reversed(stolen):
            repository.signed[role].version = 2**31
            repository.publish(role)
        repository.publish("timestamp")
        assert old.refresh().versions["timestamp"] == 2**31
    repository.next("snapshot", "timestamp")
    assert old.refused().why == Why.ROLLBACK
    repository.rotate(*stolen)
    repository.next("snapshot", "timestamp")
    view = old.refresh()
    assert (view.versions["timestamp"], view.versions["snapshot"]) == (4, 4)
    repository.signed["timestamp"].version = 3
    repository.publish("timestamp")
    assert old.refused().why == Why.ROLLBACK


def test_nobody_else_adds_targets(fresh: Host) -> None:
    """Extraneous dependencies: what a delegated role or a stranger's path offers is not taken."""
    repository = fresh.repository
    repository.shelf.files["targets/policy/base/" + "a" * 64 + ".3.json"] = b"evil"
    told = json.loads(repository.bytes_of("targets"))["signed"]
    key = CryptoSigner.generate_ed25519()
    told["version"] = 3
    told["delegations"] = {
        "keys": {key.public_key.keyid: key.public_key.to_dict()},
        "roles": [
            {
                "name": "evil",
                "keyids": [key.public_key.keyid],
                "threshold": 1,
                "terminating": False,
                "paths": ["policy/*"],
            }
        ],
    }
    repository.signed["targets"] = type(repository.signed["targets"]).from_dict(told)
    evil = type(repository.signed["targets"])()
    evil.targets["policy/base/3.json"] = TargetFile.from_data("policy/base/3.json", b"evil")
    repository.shelf.files["metadata/1.evil.json"] = repository.sign(evil, [key])
    repository.publish("targets")
    repository.next("snapshot", "timestamp")
    assert sorted(fresh.refresh().targets) == ["policy/base/1.json", "policy/base/2.json"]


def test_too_many_roots(fresh: Host) -> None:
    """More roots than one refresh follows are told, before what they sign is judged."""
    for _ in range(ROTATIONS):
        fresh.repository.next("root")
    error = fresh.refused()
    assert (error.why, "needs a newer one" in str(error)) == (Why.TOO_LONG, True)
    fresh.folder = fresh.folder.with_name("newer")
    data = fresh.repository.shelf.files["metadata/9.root.json"]
    fresh.client = Client(
        fresh.repository.shelf, fresh.folder, data, minimum={}, longest=None, now=lambda: NOW
    )
    assert fresh.refresh().versions["root"] == 2 + ROTATIONS


@pytest.mark.parametrize("pin", [b"", b"{}", b"\xff", DEEP, b'{"signed": {}, "signatures": []}'])
def test_a_pin_that_is_no_root(pin: bytes, repository: Repository, tmp_path: Path) -> None:
    """The host's own file is named where it is at fault."""
    client = Client(repository.shelf, tmp_path, pin, minimum={}, longest=None, now=lambda: NOW)
    with pytest.raises(RefusedError, match="the pinned root") as caught:
        client.refresh(Seen())
    assert caught.value.why == Why.MALFORMED
