"""Envelopes are those of the specification, and hostile ones are refused in one short line."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as Theirs
from securesystemslib.signer import Signature as TheirSignature
from securesystemslib.signer import SSlibKey

from checks.attest import dsse, publickeys
from checks.attest.dsse import Signature
from checks.errors import AttestationError
from tests.checks.attest import making

KEY = Ed25519PrivateKey.generate()


def test_what_is_signed_is_as_the_specification_says() -> None:
    """The example of protocol.md: type and payload, each with its length."""
    told = dsse.encoded(b"hello world", "http://example.com/HelloWorld")
    assert told == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_another_implementation_believes_ours() -> None:
    """securesystemslib reads our envelope and proves it; with one bit changed it does not."""
    payload = b'{"some": "statement"}'
    public = KEY.public_key()
    name = publickeys.name(public)
    written = dsse.write(payload, [Signature(name, KEY.sign(dsse.encoded(payload)))])
    theirs = Theirs.from_dict(json.loads(written))
    assert theirs.payload == payload
    key = SSlibKey.from_crypto(public, keyid=name)
    assert set(theirs.verify([key], 1)) == {name}
    theirs.payload = payload.replace(b"some", b"sore")
    with pytest.raises(Exception, match="do not match threshold"):
        theirs.verify([key], 1)


def test_ours_reads_what_another_wrote() -> None:
    """An envelope of securesystemslib is taken apart as it was put together."""
    theirs = Theirs(b"payload", dsse.PAYLOAD, {})
    theirs.signatures["k"] = TheirSignature("k", "00ff")
    found = dsse.read(json.dumps(theirs.to_dict()).encode())
    assert found == dsse.Envelope(b"payload", (Signature("k", b"\0\xff"),))
    assert found.signed == theirs.pae()


def test_both_alphabets_and_no_key_id_are_read() -> None:
    """envelope.md allows URL-safe Base64, further fields, and a signature without a key's id."""
    data = bytes(range(256))
    told = {
        "payloadType": dsse.PAYLOAD,
        "payload": base64.urlsafe_b64encode(data).decode(),
        "signatures": [{"sig": base64.b64encode(data).decode(), "more": 1}],
        "other": [],
    }
    assert dsse.read(json.dumps(told).encode()).payload == data
    assert dsse.read(json.dumps(told).encode()).signatures == (Signature("", data),)


def _changed(**other: object) -> bytes:
    return json.dumps(making.envelope(b"{}", KEY) | other).encode()


HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not JSON"),
    "a list": (b"[]", "expected object"),
    "binary": (bytes(range(256)), "not JSON"),
    "cut off": (_changed()[:-5], "not JSON"),
    "deep": (b"[" * 500_000, "expected object|not JSON"),
    "deep beside": (b'{"more": ' + b"[" * 500_000, "not JSON"),
    "huge": (b" " * (dsse.LARGEST + 1), "larger than 1024 KiB"),
    "no payload": (b'{"payloadType": "x", "signatures": []}', "missing required field payload"),
    "payload is a number": (_changed(payload=7), "expected str"),
    "payload is null": (_changed(payload=None), "expected str"),
    "payload is no Base64": (_changed(payload="a b\u202e"), "the payload is not Base64"),
    "payload is cut": (_changed(payload="e30"), "the payload is not Base64"),
    "signature is no Base64": (_changed(signatures=[{"sig": "?"}]), "a signature is not Base64"),
    "signature is an object": (_changed(signatures=[{"sig": {}}]), "expected str"),
    "signatures are an object": (_changed(signatures={}), "expected array"),
    "key id is a list": (_changed(signatures=[{"sig": "", "keyid": []}]), "expected str"),
    "no signature": (_changed(signatures=[]), "not signed"),
    "many signatures": (_changed(signatures=[{"sig": "AA=="}] * 17), "of length <= 16"),
    "another payload": (_changed(payloadType="application/json"), "expected a payload of type"),
    "type in capitals": (_changed(payloadType=dsse.PAYLOAD.upper()), "expected a payload of type"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_envelope_is_refused(name: str) -> None:
    """The refusal is one short line that repeats nothing of it."""
    data, said = HOSTILE[name]
    with pytest.raises(AttestationError, match=said) as caught:
        dsse.read(data)
    assert len(str(caught.value)) < 120
    assert str(caught.value).isprintable()
    assert dsse.read(_changed())


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_nothing_but_an_envelope_is_read(data: bytes) -> None:
    """Whatever it is, there is one kind of error."""
    with pytest.raises(AttestationError):
        dsse.read(data)
