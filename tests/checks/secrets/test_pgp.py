"""OpenPGP secret keys are told apart by kind and protection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import FormatError
from checks.secrets import pgp

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = b"\x04" + bytes(4)
RSA = HEAD + b"\x01" + b"\x08\x00" + b"\xff" * 256 + b"\x00\x11\x01\x00\x01"
ED25519 = HEAD + b"\x16\x09" + bytes.fromhex("2b06010401da470f01") + b"\x01\x07" + b"\x40" * 33


def _old(body: bytes, tag: int = 5) -> bytes:
    return bytes((0x80 | tag << 2 | 1,)) + len(body).to_bytes(2, "big") + body


def _new(body: bytes, tag: int = 5) -> bytes:
    return bytes((0xC0 | tag, 255)) + len(body).to_bytes(4, "big") + body


@pytest.mark.parametrize("packet", [_old, _new])
def test_reads_both_packet_formats(packet: Callable[[bytes], bytes]) -> None:
    """Old and new headers lead to the same key."""
    (key,) = pgp.read(packet(RSA + b"\0" + bytes(20)))
    assert (key.kind, key.bits, key.encrypted, key.stub) == ("rsa", 2048, False, False)


def test_reads_curves() -> None:
    """An EdDSA key has its curve's name and size."""
    (key,) = pgp.read(_old(ED25519 + b"\0" + bytes(20)))
    assert (key.kind, key.curve, key.bits) == ("ed25519", "ed25519", 256)


def test_reads_protection() -> None:
    """Iterated, simple, MD5 and Argon2 derivations are told, and so is a stub."""
    cases = {
        b"\xfe\x09\x03\x08" + bytes(8) + b"\xee": (True, "s2k 31457280", False, False),
        b"\xfe\x09\x03\x08" + bytes(8) + b"\x00": (True, "s2k 1024", True, False),
        b"\xfe\x09\x00\x08": (True, "s2k 1", True, False),
        b"\x09": (True, "md5 1", True, False),
        b"\xfd\x09\x02\x04\x00": (True, "argon2", False, False),
        b"\xfe\x00\x65\x00GNU\x01": (True, "", False, True),
    }
    for tail, expected in cases.items():
        (key,) = pgp.read(_old(RSA + tail + bytes(30)))
        assert (key.encrypted, key.kdf, key.weak_kdf, key.stub) == expected


def test_keeps_what_came_before_a_cut() -> None:
    """A ring that is cut gives the keys before the cut; one without any key is an error."""
    whole = _old(RSA + b"\0" + bytes(20))
    assert len(pgp.read(whole + whole[:50])) == 1
    with pytest.raises(FormatError):
        pgp.read(whole[:50])


@given(
    st.sampled_from([b"", _old(RSA), _old(RSA + b"\xfe"), _new(ED25519 + b"\0")]),
    st.binary(max_size=80),
)
def test_never_fails_otherwise(start: bytes, rest: bytes) -> None:
    """Any bytes are read or refused with FormatError."""
    try:
        found = pgp.read(start + rest)
    except FormatError:
        return
    assert all(key.kind for key in found)
