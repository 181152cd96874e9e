"""Profiles are found by name, in files and in policies, and what is wrong has one line."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent import policyfile, profiling
from checks import policy
from checks.errors import HygieneError
from checks.tls import profilefile

if TYPE_CHECKING:
    from tests.conftest import Hygiene

OURS: dict[str, Any] = {
    "id": "ours",
    "title": "Our servers",
    "base": "mozilla-intermediate",
    "without": ["hsts"],
    "rules": [{"id": "lifetime", "kind": "lifetime", "clause": "Handbook 4.2", "days": 100}],
}
WRONG = 2


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """Give a file with a profile of one's own."""
    path = tmp_path / "ours.yaml"
    path.write_text(yaml.safe_dump(OURS))
    return path


def told(*profiles: object) -> policy.Policy:
    """Give a policy that asks for profiles."""
    return policy.from_mapping({"tls": {"profiles": list(profiles)}})


def test_a_profile_has_a_name_or_a_file(ours: Path) -> None:
    """Shipped ones are meant by name alone, whatever lies around."""
    own = profiling.named(str(ours))
    assert profiling.named("cnsa-2.0") == profilefile.shipped("cnsa-2.0")
    assert own.id == "ours"
    assert {rule.id: rule for rule in own.rules}["lifetime"].clause == "Handbook 4.2"
    assert "hsts" not in {rule.id for rule in own.rules}


def test_a_policy_names_files_from_its_own_folder(
    ours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the command is run; those of the command line are where it is run."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (found,) = profiling.of_policy(told("ours.yaml"), tmp_path)
    assert found == profiling.named(str(ours))
    with pytest.raises(HygieneError, match=r"^ours\.yaml: "):
        profiling.named("ours.yaml")


def test_a_profile_may_stand_in_the_policy_itself(ours: Path) -> None:
    """It is the same as one in a file, and counts once with it."""
    both = profiling.wanted([str(ours), "pci-dss-4.0.1"], told(OURS, "pci-dss-4.0.1"), Path())
    assert [one.id for one in both] == ["ours", "pci-dss-4.0.1"]


def test_one_id_for_two_profiles_is_refused(ours: Path) -> None:
    """Accepted findings of one would hide those of the other."""
    other = {**OURS, "without": []}
    with pytest.raises(HygieneError, match=r"^profile ours: given twice, with other rules$"):
        profiling.wanted([str(ours)], told(other), Path())
    stolen = {**OURS, "id": "pci-dss-4.0.1"}
    with pytest.raises(HygieneError, match="given twice"):
        profiling.wanted(["pci-dss-4.0.1"], told(stolen), Path())


RULE = OURS["rules"][0]
FAULTS: dict[str, tuple[Any, str]] = {
    "an unknown name": ("mozilla", "tls.profiles[1]: expected a file such as ours.yaml, or one of"),
    "a number": (7, "tls.profiles[1]: expected"),
    "an unknown key": ({**OURS, "rule": []}, "tls.profiles[1].rule: unknown key, expected one of"),
    "no title": (
        {k: v for k, v in OURS.items() if k != "title"},
        "tls.profiles[1].title: expected a value, got none",
    ),
    "an unknown base": (
        {**OURS, "base": "mozilla-old"},
        "tls.profiles[1].base: expected one of ",
    ),
    "a rule that the base has not": (
        {**OURS, "without": ["hts"]},
        "tls.profiles[1].without[0]: expected a rule of mozilla-intermediate, got 'hts'",
    ),
    "an unknown kind": (
        {**OURS, "rules": [{**RULE, "kind": "life"}]},
        "tls.profiles[1].rules[0].kind: expected one of ",
    ),
    "a number as a word": (
        {**OURS, "rules": [{**RULE, "days": "many"}]},
        "tls.profiles[1].rules[0].days: expected int, got 'many'",
    ),
    "a suite that nobody knows": (
        {**OURS, "rules": [{"id": "a", "kind": "suites", "clause": "1", "allowed": ["AES"]}]},
        "tls.profiles[1].rules[0]: expected a cipher suite such as TLS_AES_128_GCM_SHA256, got 'A",
    ),
}


@pytest.mark.parametrize(("profile", "said"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, profile: object, said: str) -> None:
    """The key path, what was expected and what was found, in one line, before anything is done."""
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump({"tls": {"profiles": ["cnsa-2.0", profile]}}))
    with pytest.raises(HygieneError) as error:
        policyfile.load(path)
    assert str(error.value).startswith(f"{path}: {said}")
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_profile_is_refused(tmp_path: Path) -> None:
    """Somebody may have named another one."""
    path = tmp_path / "not-a-profile.yaml"
    for text, said in (
        ("- a", "expected names and values"),
        ("DB_HOST: db1\n", "DB_HOST: unknown key, expected one of "),
    ):
        path.write_text(text)
        with pytest.raises(HygieneError) as error:
            profiling.named(str(path))
        assert str(error.value).startswith(f"{path}: {said}")


def test_commands_refuse_a_wrong_profile(hygiene: Hygiene, tmp_path: Path) -> None:
    """In one line, as wrong usage, before anything is connected to."""
    path = tmp_path / "ours.yaml"
    path.write_text(yaml.safe_dump({**OURS, "rules": [{**RULE, "days": -1}]}))
    for words in (
        ("tls", "127.0.0.1:1", "--profile", path),
        ("policy", "profiles", path),
    ):
        done = hygiene(*words)
        assert done.returncode == WRONG, words
        assert done.stderr.startswith(f"hygiene-agent: {path}: rules[0].days: expected")
        assert done.stderr.count("\n") == 1


def test_commands_show_what_a_profile_is(hygiene: Hygiene, ours: Path) -> None:
    """All of them, one of them with its clauses, and what one may say."""
    listed = hygiene("policy", "profiles").stdout
    assert [line.split()[0] for line in listed.splitlines()] == list(profilefile.names())
    shown = hygiene("policy", "profiles", ours).stdout
    assert "Handbook 4.2" in shown
    assert "hsts_min_age" not in shown
    stig = hygiene("policy", "profiles", "nginx-stig").stdout
    assert "not judged" in stig
    noted = [one for one in profilefile.names() if profilefile.shipped(one).note]
    assert noted
    assert hygiene("policy", "profiles", noted[0]).stdout.count("\n  note: ") == 1
    schema = json.loads(hygiene("policy", "schema", "profile").stdout)
    assert schema == json.loads(json.dumps(profilefile.schema()))
    assert json.loads(hygiene("policy", "schema").stdout)["$ref"].endswith("/Policy")


def test_a_policy_is_checked_with_its_profiles(hygiene: Hygiene, ours: Path) -> None:
    """`policy check` reads the files that the policy names."""
    path = ours.parent / "policy.yaml"
    path.write_text("tls: {profiles: [ours.yaml, bsi-tr-02102-2]}\n")
    assert hygiene("policy", "check", path).returncode == 0
    ours.unlink()
    done = hygiene("policy", "check", path)
    assert done.returncode == WRONG
    assert "ours.yaml" in done.stderr


NGINX = """
events {{}}
http {{
  server {{
    listen 443 ssl;
    server_name www.example.org;
    ssl_certificate /etc/nginx/leaf.crt;
    ssl_certificate_key /etc/nginx/leaf.key;
    {lines}
  }}
}}
"""
SOUND = "ssl_protocols TLSv1.2; ssl_session_timeout 10m;"
UNSOUND = "ssl_session_timeout 1d;"


@pytest.mark.parametrize(
    ("lines", "mode", "rules"),
    [(SOUND, 0o600, set()), (UNSOUND, 0o640, {"directive", "key-file", "session-timeout"})],
)
def test_files_of_a_host_are_held_against_a_profile(
    hygiene: Hygiene, tmp_path: Path, lines: str, mode: int, rules: set[str]
) -> None:
    """At their lines, without any server; what no look can judge is listed, and is no gap."""
    folder = tmp_path / "root" / "etc" / "nginx"
    folder.mkdir(parents=True)
    (folder / "nginx.conf").write_text(NGINX.format(lines=lines))
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "leaf.key").write_bytes(private)
    (folder / "leaf.key").chmod(mode)
    done = hygiene("tls", "--root", tmp_path / "root", "--profile", "nginx-stig", "-f", "json")
    told = json.loads(done.stdout)
    found = [one for one in told["findings"] if one["check"] == "profile-violation"]
    stig = {rule.id: rule.clause for rule in profilefile.shipped("nginx-stig").rules}
    assert len(found) == len(rules)
    for rule in rules:
        (one,) = [one for one in found if f"({stig[rule]})" in one["message"]]
        assert one["path"].endswith("/etc/nginx/nginx.conf")
        assert one["line"] > 0
    assert told["inconclusive"] == []
    assert told["notes"]
    assert all(note.startswith("F5 NGINX") for note in told["notes"])


class _Page(BaseHTTPRequestHandler):
    """Answers with a page instead of sending visitors on."""

    def do_GET(self) -> None:
        """Say what a page says."""
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_plain_port_is_held_against_a_profile(hygiene: Hygiene) -> None:
    """A rule on redirects is broken where no TLS is spoken."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        target = f"127.0.0.1:{server.server_port}"
        done = hygiene("tls", target, "--profile", "cis-nginx", "-f", "json")
        server.shutdown()
    found = [one for one in json.loads(done.stdout)["findings"] if one["check"].startswith("pro")]
    assert [one["message"] for one in found] == [
        "CIS NGINX 3.0.0 (4.1.1): fails http-plain-no-redirect"
    ]
