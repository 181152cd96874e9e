"""Make attestations by hand: any statement, signed by any key, in any envelope."""

from __future__ import annotations

import base64
import datetime
import json
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

KIND = "application/vnd.in-toto+json"
DIGEST = "ab" * 32
POLICY = "cd" * 32
AT = datetime.datetime(2026, 11, 1, 12, tzinfo=datetime.UTC)
Private = Ed25519PrivateKey | ec.EllipticCurvePrivateKey


def predicate(**other: object) -> dict[str, Any]:
    """Give a predicate of a scan that passed; other: parts in place of these."""
    told = {
        "scanned": "image",
        "tool": {"name": "hygiene-agent", "version": "1.0"},
        "started": AT.isoformat(),
        "seconds": 1.5,
        "policy": {"name": "team", "sha256": POLICY, "rules": POLICY, "editions": {"base": 3}},
        "verdict": {"result": "passed", "failOn": "medium", "onlyNew": False},
        "findings": {"critical": 0, "high": 0, "medium": 0, "low": 2, "info": 0},
        "suppressed": {"waiver": 1},
        "coverage": {"files": 7, "bytes": 1000},
    }
    return told | other


def statement(**other: object) -> dict[str, Any]:
    """Give a statement about an image; other: parts in place of these."""
    told = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "app:1", "digest": {"sha256": DIGEST}}],
        "predicateType": "https://hygiene-agent.example/scan/v1",
        "predicate": predicate(),
    }
    return told | other


def signature(key: Private, data: bytes) -> bytes:
    """Sign as the kind of key does."""
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(data)
    return key.sign(data, ec.ECDSA(hashes.SHA384() if key.key_size == 384 else hashes.SHA256()))


def envelope(
    payload: bytes | Mapping[str, Any], *keys: Private, kind: str = KIND
) -> dict[str, Any]:
    """Sign a payload."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = b" ".join(
        [b"DSSEv1", str(len(kind)).encode(), kind.encode(), str(len(data)).encode(), data]
    )
    return {
        "payloadType": kind,
        "payload": base64.b64encode(data).decode(),
        "signatures": [
            {"keyid": "x", "sig": base64.b64encode(signature(key, signed)).decode()} for key in keys
        ],
    }


def attested(key: Private, **other: object) -> bytes:
    """Give a whole attestation, as a file has it."""
    return json.dumps(envelope(statement(**other), key)).encode()


def pem(key: Private) -> bytes:
    """Give the public half."""
    public = form.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(form.Encoding.PEM, public)


def private(key: PrivateKeyTypes, passphrase: bytes | None = None) -> bytes:
    """Give the private half in PKCS#8."""
    how = form.BestAvailableEncryption(passphrase) if passphrase else form.NoEncryption()
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, how)
