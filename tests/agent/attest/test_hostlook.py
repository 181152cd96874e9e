"""A host says what its attestation lacks, and nothing where it lacks nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.attest import hostlook
from checks import policy
from checks.attest import dsse
from checks.model import Severity
from tests.checks.attest import making

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from checks.policy import Policy

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
NOW = making.AT.timestamp() + 86_400
IMAGE = f"registry.example/app:1@sha256:{making.DIGEST}"


def _policy(fail_on: str = "medium", max_age: int = 30) -> Policy:
    keys = [making.pem(one).decode() for one in (OTHER, KEY)]
    told = {"attested": True, "keys": keys[1:], "max_age": max_age}
    return policy.from_mapping({"fail_on": fail_on, "image": told})


def _said(path: Path, image: str = IMAGE, told: Policy | None = None, now: float = NOW) -> str:
    looked = hostlook.look(str(path), image, told or _policy(), now)
    assert len(looked.found) <= 1
    return looked.found[0].message if looked.found else ""


def test_a_good_attestation_is_no_finding(tmp_path: Path) -> None:
    """By the digest in the image's name, and by the name where there is no digest."""
    path = tmp_path / "attestation.json"
    path.write_bytes(making.attested(KEY))
    assert _said(path) == _said(path, "app:1") == ""


def _failed(**verdict: str) -> dict[str, object]:
    return making.predicate(verdict={"result": "failed", "failOn": "medium"} | verdict)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "none": (lambda path: None, "there is none"),
    "a folder": (lambda path: path.mkdir(), "not a regular file"),
    "a pipe": (os.mkfifo, "not a regular file"),
    "empty": (lambda path: path.touch(), "not JSON"),
    "huge": (lambda path: path.write_bytes(b" " * (dsse.LARGEST + 9)), "larger than"),
    "without end": (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    "a stranger's": (lambda path: path.write_bytes(making.attested(OTHER)), "by none of the keys"),
    "failed": (
        lambda path: path.write_bytes(making.attested(KEY, predicate=_failed())),
        "gate: failed by findings at or over medium",
    ),
    "another's": (
        lambda path: path.write_bytes(
            making.attested(KEY, subject=[{"name": "b", "digest": {"sha256": "00"}}])
        ),
        "subject: it is about b@sha256:00, not registry",
    ),
}


@pytest.mark.parametrize("what", FILES)
def test_what_is_no_good_attestation_is_a_finding(tmp_path: Path, what: str) -> None:
    """The message names the image and why; the finding stays the same one whatever is wrong."""
    path = tmp_path / "attestation.json"
    make, said = FILES[what]
    make(path)
    told = _said(path)
    assert told.startswith(f"{IMAGE}: its image is not attested as policy wants: ")
    assert said in told
    [finding] = hostlook.look(str(path), IMAGE, _policy(), NOW).found
    [same] = hostlook.look(str(path), "", _policy(), NOW).found
    assert (finding.check, finding.severity) == ("image-not-attested", Severity.HIGH)
    assert finding.identity == same.identity


def test_age_and_the_hosts_own_threshold_count(tmp_path: Path) -> None:
    """What was good grows old; a gate weaker than this host's policy is seen through."""
    path = tmp_path / "attestation.json"
    path.write_bytes(making.attested(KEY))
    assert "age: 31 days, expected at most 30" in _said(path, now=NOW + 30 * 86_400)
    assert "has findings at or over low" in _said(path, told=_policy("low"))


def test_a_host_that_does_not_know_its_image_is_told(tmp_path: Path) -> None:
    """No attestation can be about it."""
    path = tmp_path / "attestation.json"
    path.write_bytes(making.attested(KEY))
    assert "nothing says which image" in _said(path, "")
