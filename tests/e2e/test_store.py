"""A host and its store of policy, by the commands that people use: pulled, tried, held."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from agent import envelope
from tests.e2e.daemon import Daemon, until
from tests.e2e.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Hygiene

DONE, FOUND, WRONG = 0, 1, 2
CLEAN = "version: 1\nname: fleet\ntls: {exclude: ['*']}\n"
STRICT = f"{CLEAN}fail_on: low\n"


class Team:
    """Those who keep the store: a folder with layers, keys beside it."""

    def __init__(self, hygiene: Hygiene, folder: Path) -> None:
        self._hygiene = type(hygiene)(folder / "team-state", hygiene.command)
        self.folder, self._keys = folder / "team", folder / "keys"
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text("long enough for a test\n")
        self.passphrase.chmod(0o600)
        self.do("init", "--unattended")

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def root(self) -> Path:
        return self.store / "metadata" / "1.root.json"

    def do(self, act: str, *words: str) -> subprocess.CompletedProcess[str]:
        access = ("--keys", str(self._keys), "--passphrase-file", str(self.passphrase))
        done = self._hygiene("policy", act, self.folder, *words, *access)
        assert done.returncode == DONE, done.stderr
        return done

    def publish(self, **layers: str) -> None:
        """Publish layers, named with _ for /."""
        for name, text in layers.items():
            path = self.folder / f"{name.replace('_', '/')}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.do("sign", "--key", "policy")
        self.do("publish")


@pytest.fixture
def team(hygiene: Hygiene, folder: Path) -> Team:
    one = Team(hygiene, folder)
    one.publish(base=CLEAN)
    return one


@pytest.fixture
def daemon(hygiene: Hygiene, folder: Path, team: Team) -> Iterator[Daemon]:
    """A host of the group role=web that asks twice a second, with watcher and prober."""
    store = {"url": f"file://{team.store}", "root": str(team.root), "every": 1, "probation": 4}
    host = {"name": "web1", "labels": {"role": "web"}}
    one = Daemon(hygiene, folder, host=host, store=store, tls={"enabled": True})
    one.start()
    try:
        until(lambda: one.ask("status").returncode in {DONE, FOUND})
        until(lambda: held(one)["state"] == "applied")
        yield one
    finally:
        one.end()


def held(daemon: Daemon) -> dict[str, Any]:
    told = daemon.status()["store"]
    assert isinstance(told, dict)
    return told


def works_by(daemon: Daemon) -> set[str]:
    """Give the names of the policies that the roles work by."""
    return {one["name"] for one in daemon.status()["policies"]}


def states(daemon: Daemon) -> list[str]:
    """Give what was reported of policy, in its order."""
    told = [one["health"]["state"] for one in daemon.reported() if one["kind"] == "health"]
    return [state for state in told if state.startswith("policy")]


def test_a_change_reaches_every_role_without_a_restart(
    team: Team, daemon: Daemon, password: str
) -> None:
    """All work by it; nothing that was written meanwhile is missed; it is told and on record."""
    pids = {one["role"]: one["pid"] for one in daemon.status()["roles"]}
    team.publish(base=STRICT.replace("fleet", "second"), group_role_web="name: for-web\n")
    paths = [daemon.watched / f"{number}.env" for number in range(200)]
    for path in paths:
        path.write_text(f"DB_PASSWORD={password}\n")
    until(lambda: works_by(daemon) == {"for-web"})
    until(lambda: held(daemon)["state"] == "applied")
    until(lambda: daemon.status()["findings"]["open"] == len(paths))
    assert set(held(daemon)["policy"]["editions"]) == {"base", "group/role/web"}
    assert {one["role"]: one["pid"] for one in daemon.status()["roles"]} == pids
    until(lambda: states(daemon)[-2:] == ["policy applying", "policy applied"])
    lines = (daemon.state / "courier" / "events.jsonl").read_bytes().splitlines()
    assert envelope.unwrap(lines[-1]).host.policy == held(daemon)["policy"]["sha256"]
    shown = daemon.ask("policy", "show", "--origin")
    assert "name: for-web  [group/role/web]" in shown.stdout
    assert "fail_on: low  [base]" in shown.stdout
    assert len(daemon.audited("policy in effect")) >= 4  # each role, each policy


def test_a_store_that_goes_back_is_refused(team: Team, daemon: Daemon, folder: Path) -> None:
    """What was believed last holds on, and the fault has its name; so it does after a restart."""
    old = folder / "old"
    shutil.copytree(team.store, old)
    team.publish(base=STRICT)
    until(lambda: held(daemon)["policy"]["editions"] == {"base": 2})
    until(lambda: held(daemon)["state"] == "applied")
    for path in old.rglob("*.json"):
        shutil.copy(path, team.store / path.relative_to(old))
    until(lambda: held(daemon)["refused"] == "rollback")
    assert held(daemon)["policy"]["editions"] == {"base": 2}
    shown = daemon.ask("status")
    assert (shown.returncode, "the policy store is refused: rollback" in shown.stdout) == (
        FOUND,
        True,
    )
    until(lambda: "policy store refused: rollback" in states(daemon))
    daemon.end()
    daemon.start()
    until(lambda: daemon.status()["policies"])
    assert held(daemon)["policy"]["editions"] == {"base": 2}
    shutil.rmtree(team.store)
    until(lambda: held(daemon)["refused"] in {"away", "absent"})
    assert works_by(daemon) == {"fleet"}


def test_a_build_takes_the_same_policy(
    hygiene: Hygiene, team: Team, folder: Path, password: str
) -> None:
    """By the store or by an offline bundle of it; without its root of trust nothing is believed."""
    tree, bundle = folder / "tree", folder / "bundle.tar"
    tree.mkdir()
    (tree / "a.env").write_text(f"DB_PASSWORD={password}\n")
    team.publish(group_stage_build="secrets: {disable: [embedded-password]}\n")
    team.do("bundle", "--days", "30", "--output", str(bundle))
    trusting = ("--root-of-trust", str(team.root))
    for source in (("--store", f"file://{team.store}"), ("--bundle", str(bundle))):
        assert hygiene("scan", tree, *source, *trusting).returncode == FOUND
        built = hygiene("scan", tree, *source, *trusting, "--label", "stage=build")
        assert built.returncode == DONE, built.stderr
        assert hygiene("scan", tree, *source).returncode == WRONG
    # Under another name, since what was taken of the first one is kept by its hash.
    other = folder / "other.tar"
    other.write_bytes(bundle.read_bytes().replace(b"embedded-password", b"embedded-passw0rd"))
    spoiled = hygiene("scan", tree, "--bundle", other, *trusting, "--label", "stage=build")
    assert (spoiled.returncode, "mismatch" in spoiled.stderr) == (WRONG, True)


def test_an_attestation_names_the_editions(hygiene: Hygiene, team: Team, folder: Path) -> None:
    """Which edition of each layer a build was judged by, signed with the rest."""
    tree, key, file = folder / "tree", folder / "key.pem", folder / "a.json"
    tree.mkdir()
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    key.chmod(0o600)
    team.publish(group_stage_build="fail_on: high\n")
    source = ("--store", f"file://{team.store}", "--root-of-trust", str(team.root))
    words = ("--attest", file, "--attest-key", key, "--attest-subject", f"a@sha256:{'0' * 64}")
    assert hygiene("scan", tree, *source, *words, "--label", "stage=build").returncode == DONE
    shown = hygiene("attest", "show", file).stdout
    assert "verdict   passed, by findings at or over high\n" in shown
    assert re.search(r"^editions  base [1-9], group/stage/build [1-9]$", shown, re.MULTILINE), shown


def test_the_team_hears_of_a_policy_that_is_none(team: Team) -> None:
    """Before anybody signs it."""
    (team.folder / "base.yaml").write_text("version: 1\nfail_on: never\n")
    with pytest.raises(AssertionError, match="fail_on"):
        team.do("sign", "--key", "policy")


def test_a_role_that_is_switched_off_keeps_no_policy_back(team: Team, daemon: Daemon) -> None:
    """What it published last stands there for ever; only roles that should run are judged."""
    daemon.end()
    told = json.loads(daemon.file.read_text())
    daemon.file.write_text(json.dumps(told | {"tls": {"enabled": False}}))
    daemon.start()
    team.publish(base=STRICT)
    until(lambda: held(daemon)["policy"]["editions"] == {"base": 2})
    until(lambda: held(daemon)["state"] in {"applied", "failed"})
    assert held(daemon)["why"] == ""
    assert held(daemon)["state"] == "applied"


def test_a_role_that_ends_again_and_again_brings_back_the_policy_before(
    team: Team, daemon: Daemon
) -> None:
    """It is told with the role's name; the other roles went back with it."""
    daemon.end()
    told = json.loads(daemon.file.read_text())
    told["store"]["probation"] = 300
    daemon.file.write_text(json.dumps(told))
    daemon.start()
    team.publish(base=STRICT)
    until(lambda: held(daemon)["policy"]["editions"] == {"base": 2})

    def killed() -> bool:
        watcher = daemon.role("watcher")
        if watcher.get("state") == "running":
            with contextlib.suppress(ProcessLookupError):
                os.kill(watcher["pid"], signal.SIGKILL)
        return held(daemon)["state"] != "applying"

    until(killed)
    assert (held(daemon)["state"], held(daemon)["policy"]["editions"]) == ("failed", {"base": 1})
    assert "watcher: ended and began anew" in held(daemon)["why"]
    until(lambda: "policy failed" in states(daemon))
    until(lambda: works_by(daemon) == {"fleet"})


def test_a_receiver_that_lost_everything_has_it_again(
    team: Team, folder: Path, make_password: Callable[[str], str]
) -> None:
    """Once the policy raises `full_state_epoch`; until then it knows that something is missing."""
    store = {"url": f"file://{team.store}", "root": str(team.root), "every": 1, "probation": 2}
    fleet = Fleet(folder, store=store, outbox={"digest": 3})

    def out_of_step() -> float:
        return float(fleet.world.receiver.shown()["hosts"][0]["out_of_step"])

    try:
        fleet.start()
        names = {f"{number}.env" for number in range(5)}
        for name in names:
            (fleet.tree / name).write_text(f"DB_PASSWORD={make_password(name)}\n")
        everything = dict.fromkeys(names, "open")
        fleet.until(lambda: fleet.statuses() == everything)
        fleet.world.receiver.stop()
        shutil.rmtree(fleet.world.receiver.state)
        fleet.world.receiver.start()
        team.publish(base=f"{CLEAN}fail_on: low\n")
        (fleet.tree / "new.env").write_text(f"DB_PASSWORD={make_password('new')}\n")
        fleet.until(lambda: fleet.statuses() == {"new.env": "open"})
        fleet.until(lambda: out_of_step() > 0)
        team.publish(base=f"{CLEAN}full_state_epoch: 1\n")
        fleet.until(lambda: fleet.statuses() == everything | {"new.env": "open"})
        fleet.until(lambda: out_of_step() == 0)
    finally:
        fleet.end()
