"""Prove offline that a token is well formed, where its issuer built a proof into it.

A proof has `holds(value)`, which says whether the value carries it, and `make(rng, *arguments)`,
which builds a sample that does. Sources are named at each proof.
"""

from __future__ import annotations

import base64
import binascii
import json
import string
import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ALNUM = string.ascii_letters + string.digits


class Proof(NamedTuple):
    """A check on a token's inner structure and the maker of samples that pass it."""

    holds: Callable[[str], bool]
    make: Callable[..., str]


def _base62(number: int, width: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return digits.rjust(width, "0")


def _crc_base62_holds(value: str) -> bool:
    """GitHub and npm: the last 6 characters are the base62 CRC-32 of the part after the prefix.

    Source: the GitHub blog, "Behind GitHub's new authentication token formats", 2021.
    """
    body = value.partition("_")[2]
    return _base62(zlib.crc32(body[:-6].encode()), 6) == body[-6:]


def _crc_base62_make(rng: random.Random, prefix: str, length: str = "30") -> str:
    body = "".join(rng.choice(_ALNUM) for _ in range(int(length)))
    return prefix + body + _base62(zlib.crc32(body.encode()), 6)


def _segment(text: str) -> object:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def _jwt_holds(value: str) -> bool:
    """RFC 7519: a JSON header that names an algorithm, and a JSON payload."""
    parts = value.split(".")
    try:
        header, payload = _segment(parts[0]), _segment(parts[1])
    except (ValueError, IndexError, binascii.Error, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header and isinstance(payload, dict)


def _encode(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _jwt_make(rng: random.Random) -> str:
    payload = {"sub": str(rng.getrandbits(40)), "iat": 1_700_000_000 + rng.randrange(10**7)}
    signature = base64.urlsafe_b64encode(rng.randbytes(32)).decode().rstrip("=")
    return f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(payload)}.{signature}"


def _base64_json_holds(value: str) -> bool:
    """Tokens that are base64 of a JSON object after their prefix (glc_, ops_)."""
    try:
        return isinstance(_segment(value.partition("_")[2].rstrip("=")), dict)
    except (ValueError, binascii.Error, RecursionError):
        return False


def _base64_json_make(rng: random.Random, prefix: str) -> str:
    body = {"o": str(rng.randrange(10**6)), "k": "".join(rng.choice(_ALNUM) for _ in range(32))}
    return prefix + _encode(body)


def _crc_hex_holds(value: str) -> bool:
    """Grafana service accounts: glsa_ + 32 characters + "_" + hexadecimal CRC-32 of all before it.

    Source: grafana/grafana, pkg/components/satokengen.
    """
    body, _, checksum = value.rpartition("_")
    return f"{zlib.crc32(body.encode()):08x}" == checksum


def _crc_hex_make(rng: random.Random, prefix: str, length: str = "32") -> str:
    body = prefix + "".join(rng.choice(_ALNUM) for _ in range(int(length)))
    return f"{body}_{zlib.crc32(body.encode()):08x}"


PROOFS = {
    "base64-json": Proof(_base64_json_holds, _base64_json_make),
    "crc32-base62": Proof(_crc_base62_holds, _crc_base62_make),
    "crc32-hex": Proof(_crc_hex_holds, _crc_hex_make),
    "jwt": Proof(_jwt_holds, _jwt_make),
}
