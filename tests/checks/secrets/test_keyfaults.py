"""What is wrong with key files is told once, with a fix, and ordinary key files pass."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from checks.model import Access, Confidence, Severity
from checks.secrets import pem
from checks.secrets.hashes import HashFacts
from checks.secrets.keyfaults import (
    Place,
    is_key_file,
    judge,
    judge_hash,
    judge_keystore,
)
from checks.secrets.keys import OPENS_BY_DEFAULT, KeyFacts
from checks.secrets.storefacts import KeystoreFacts

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric import ed25519

KEY = KeyFacts("ed25519", 256, spki="ab" * 32)
SEALED = KeyFacts("rsa", 4096, encrypted=True, kdf="pbkdf2 600000")


def _access(mode: int, uid: int = 0, gid: int = 0, group: str = "") -> Access:
    return Access(uid, gid, mode, "", group)


@pytest.mark.parametrize(
    "access",
    [
        _access(0o600),
        _access(0o640),
        _access(0o640, 0, 110, "ssl-cert"),
        _access(0o640, 0, 5000, "ssl-cert"),
        _access(0o660, 1001, 1001, "app"),
        _access(0o440, 0, 998, "haproxy"),
        _access(0o400, 1001, 100, "users"),
    ],
)
def test_passes_private_modes(access: Access) -> None:
    """A key that its owner, a service's group or a key group reads is in order."""
    assert judge(KEY, access) == ()


@pytest.mark.parametrize(
    ("access", "who"),
    [
        (_access(0o644), "every user"),
        (_access(0o604), "every user"),
        (_access(0o640, 1001, 1500, "developers"), "group developers"),
        (_access(0o640, 0, 100, "users"), "group users"),
        (_access(0o640, 0, 27, "sudo"), "group sudo"),
        (_access(0o640, 0, 1500), "group 1500"),
    ],
)
def test_tells_who_reads_too_much(access: Access, who: str) -> None:
    """A key that others read is a high fault that names them and the mode."""
    (fault,) = judge(KEY, access)
    assert (fault.check, fault.severity) == ("key-permissions", Severity.HIGH)
    assert fault.message == f"{who} can read the private key (mode {access.mode:04o})"
    assert fault.fix


def test_tells_who_can_replace_a_key() -> None:
    """A key that others may write to is a fault of its own."""
    (fault,) = judge(KEY, _access(0o602))
    assert "replace" in fault.message
    read, written = judge(KEY, _access(0o666))
    assert ("read" in read.message, "replace" in written.message) == (True, True)


def test_thinks_less_of_an_encrypted_key_that_is_read() -> None:
    """An encrypted key that everyone reads is a medium fault, unless a manual's word opens it."""
    assert judge(SEALED, _access(0o644))[0].severity is Severity.MEDIUM
    opened = KeyFacts("rsa", 4096, encrypted=True, default_passphrase=True, weak=OPENS_BY_DEFAULT)
    first, second = judge(opened, _access(0o644))
    assert first.severity is Severity.HIGH
    assert (second.check, second.severity) == ("key-passphrase-default", Severity.MEDIUM)


@pytest.mark.parametrize(
    ("facts", "place", "key_file", "severity"),
    [
        (KEY, Place.HOST, False, Severity.HIGH),
        (SEALED, Place.HOST, False, Severity.MEDIUM),
        (KEY, Place.DEFINITION, False, Severity.CRITICAL),
        (KEY, Place.IMAGE, False, Severity.CRITICAL),
        (SEALED, Place.CHECKOUT, False, Severity.HIGH),
        (KEY, Place.IMAGE, True, Severity.HIGH),
        (KEY, Place.CHECKOUT, True, Severity.HIGH),
        (KEY, Place.HOST, True, None),
        (SEALED, Place.IMAGE, True, None),
    ],
)
def test_tells_where_no_key_belongs(
    facts: KeyFacts, place: Place, *, key_file: bool, severity: Severity | None
) -> None:
    """A key inside another file, or in what is copied to many, is embedded."""
    found = judge(facts, None, place, key_file=key_file)
    assert [fault.severity for fault in found] == ([severity] if severity is not None else [])
    assert all(fault.check == "embedded-private-key" for fault in found)


def test_tells_weak_keys_and_weak_stretching() -> None:
    """A weak key is high; a strong one under a quickly guessed passphrase is low."""
    (fault,) = judge(KeyFacts("rsa", 1024, weak="RSA with 1024 bits is under 2048"), None)
    assert (fault.check, fault.severity) == ("key-weak", Severity.HIGH)
    (fault,) = judge(KeyFacts("rsa", 2048, encrypted=True, kdf="md5 1", weak_kdf=True), None)
    assert (fault.check, fault.severity) == ("key-weak", Severity.LOW)


def test_doubts_malformed_keys_and_leaves_hardware_alone() -> None:
    """A cut key is told with low confidence, what is no key at all or on a card not at all."""
    (fault,) = judge(KeyFacts("rsa", well_formed=False), _access(0o644))
    assert fault.confidence is Confidence.LOW
    assert judge(KeyFacts("", well_formed=False), _access(0o644)) == ()
    assert judge(KeyFacts("tpm", hardware=True), _access(0o644)) == ()


def test_judges_keystores() -> None:
    """A store with a key and a manual's password is a fault, a trust store is none."""
    store = KeystoreFacts("jks", private_keys=1, encrypted=True, opens=True)
    first, second = judge_keystore(store, _access(0o644))
    assert (first.check, first.severity) == ("key-permissions", Severity.HIGH)
    assert second.check == "key-passphrase-default"
    assert judge_keystore(KeystoreFacts("jks", private_keys=0, opens=True), _access(0o644)) == ()
    assert judge_keystore(KeystoreFacts("pkcs12", encrypted=True), _access(0o600)) == ()


def test_judges_password_hashes() -> None:
    """Weak hashes and hashes that everyone reads are faults; locked and strong ones are none."""
    strong = HashFacts("bcrypt", 12, salted=True, strength="ok", reason="", source="")
    assert judge_hash(strong, _access(0o640)) == ()
    (fault,) = judge_hash(strong, _access(0o644))
    assert (fault.check, fault.severity) == ("password-hash-readable", Severity.MEDIUM)
    weak = HashFacts("apr1", 0, salted=True, strength="weak", reason="old", source="x")
    (fault,) = judge_hash(weak, _access(0o640))
    assert (fault.check, fault.severity) == ("password-hash-weak", Severity.MEDIUM)
    clear = HashFacts(
        "cisco-7", 0, salted=False, strength="broken", reason="r", source="s", reversible=True
    )
    assert judge_hash(clear, None)[0].severity is Severity.HIGH
    locked = HashFacts("apr1", 0, salted=True, strength="weak", reason="r", source="s", locked=True)
    assert judge_hash(locked, _access(0o644)) == ()


def _is_key_file(name: str, data: bytes) -> bool:
    return is_key_file(name, data, list(pem.find(data)))


def test_knows_key_files(ed_key: ed25519.Ed25519PrivateKey, write: Callable[..., bytes]) -> None:
    """Files that hold keys and remarks are key files, whatever their name."""
    key = write(ed_key)
    assert _is_key_file("/etc/ssl/private/web.key", key)
    assert _is_key_file("/any/name", key)
    assert _is_key_file("/any/name", b"# made by hand\n" + key + b"\n" + key)
    assert _is_key_file(
        "a.pem", b"Bag Attributes\n    localKeyID: 01\nKey Attributes: <none>\n" + key
    )
    assert _is_key_file("x.pem", b"web.example of the first floor\n" + key)


def test_knows_other_files(ed_key: ed25519.Ed25519PrivateKey, write: Callable[..., bytes]) -> None:
    """Configuration, code and encoded texts that hold a key are no key files."""
    key = write(ed_key)
    indented = b"".join(b"    " + line for line in key.splitlines(keepends=True))
    assert not _is_key_file("values.yaml", b"tls:\n  key: |\n" + indented)
    assert not _is_key_file("tls.key", b"key: |\n" + indented)
    assert not _is_key_file("a.json", json.dumps({"k": key.decode()}).encode())
    assert not _is_key_file(".env", b'KEY="' + key.strip() + b'"\n')
    assert not _is_key_file("setup.sh", b"cat > k <<EOF\n" + key + b"EOF\n")
    assert not _is_key_file("client.ovpn", b"remote vpn\n<key>\n" + key + b"</key>\n")
    assert not _is_key_file("id_rsa", base64.b64encode(key))
    assert not _is_key_file("a.key", b"no key at all\n")
