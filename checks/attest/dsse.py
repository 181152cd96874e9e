"""Write and read signed envelopes: DSSE 1.0.2, protocol.md and envelope.md.

https://github.com/secure-systems-lab/dsse. What is signed is the type together with the payload,
each with its length, so that no signature holds for the same bytes as something else.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple, TypeVar

import msgspec

from checks.errors import AttestationError
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterable

_T = TypeVar("_T")
_UNSAID: Final = regex(r" - at|, got | '")
"""What follows in a message of msgspec was read; what comes before was expected."""
PAYLOAD: Final = "application/vnd.in-toto+json"
LARGEST: Final = 1024 * 1024
"""Bytes of the largest envelope that is read."""
SIGNATURES: Final = 16
"""The most that one may have: each is tried with each key."""


class Signature(NamedTuple):
    """One signature. key: the id of its key, a hint that nobody believes; "" where none is told."""

    key: str
    value: bytes


class Envelope(NamedTuple):
    """What was signed, by whom it says; nothing of it is proven yet."""

    payload: bytes
    signatures: tuple[Signature, ...]

    @property
    def signed(self) -> bytes:
        """Give the bytes that the signatures are over."""
        return encoded(self.payload)


class _Signature(msgspec.Struct, frozen=True):
    sig: str
    keyid: str = ""


class _Written(msgspec.Struct, frozen=True, rename="camel"):
    payload: str
    payload_type: str
    signatures: Annotated[tuple[_Signature, ...], msgspec.Meta(max_length=SIGNATURES)]


def encoded(payload: bytes, kind: str = PAYLOAD) -> bytes:
    """Give what is signed: protocol.md, "Pre-Authentication Encoding"."""
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def write(payload: bytes, signatures: Iterable[Signature]) -> str:
    """Give an envelope as JSON."""
    told = {
        "payloadType": PAYLOAD,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {"keyid": one.key, "sig": base64.b64encode(one.value).decode()} for one in signatures
        ],
    }
    return json.dumps(told, indent=2) + "\n"


def read(data: bytes) -> Envelope:
    """Take an envelope apart; raises AttestationError, which repeats nothing of it."""
    if len(data) > LARGEST:
        raise AttestationError(f"envelope: larger than {LARGEST >> 10} KiB")
    told = decoded(data, _Written, "envelope")
    if told.payload_type != PAYLOAD:
        raise AttestationError(f"envelope: expected a payload of type {PAYLOAD}, it is another")
    if not told.signatures:
        raise AttestationError("envelope: not signed")
    signatures = (Signature(one.keyid, _bytes(one.sig, "a signature")) for one in told.signatures)
    return Envelope(_bytes(told.payload, "the payload"), tuple(signatures))


def decoded(data: bytes, kind: type[_T], name: str) -> _T:
    """Decode a document; raises AttestationError, which repeats nothing of it."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        said = _UNSAID.split(str(error))[0].lower().replace("`", "")
        raise AttestationError(f"{name}: not what it should be ({said})") from error
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise AttestationError(f"{name}: not JSON") from error


def _bytes(text: str, what: str) -> bytes:
    """Decode Base64 of either alphabet, which envelope.md allows."""
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError as error:
        raise AttestationError(f"envelope: {what} is not Base64") from error
