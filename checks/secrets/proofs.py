"""Prove offline that a token is well formed, where its issuer built a proof into it.

A proof has `holds(value)`, which says whether the value carries it, and `make(rng, *arguments)`,
which builds a sample that does. Sources are named at each proof.
"""

from __future__ import annotations

import base64
import binascii
import json
import string
import uuid
import zlib
from typing import TYPE_CHECKING, NamedTuple

from checks.secrets import bech32

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

_BASE36 = string.digits + string.ascii_lowercase
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ALNUM = string.ascii_letters + string.digits


class Proof(NamedTuple):
    """A check on a token's inner structure and the maker of samples that pass it."""

    holds: Callable[[str], bool]
    make: Callable[..., str]


def _written(number: int, digits: str, width: int) -> str:
    """Write a number in the base that DIGITS has, padded with zeros to WIDTH."""
    text = ""
    while number:
        number, rest = divmod(number, len(digits))
        text = digits[rest] + text
    return text.rjust(width, "0")


def _base36(number: int, width: int) -> str:
    return _written(number, _BASE36, width)


def _base62(number: int, width: int) -> str:
    return _written(number, _BASE62, width)


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
    text = json.dumps(value, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _jwt_make(rng: random.Random, *claims: str) -> str:
    """Build a token; claims are words such as iss=kubernetes/serviceaccount, put first."""
    payload: dict[str, object] = {}
    for claim in claims:
        name, _, value = claim.partition("=")
        payload[name] = value
    payload |= {"sub": str(rng.getrandbits(40)), "iat": 1_700_000_000 + rng.randrange(10**7)}
    signature = base64.urlsafe_b64encode(rng.randbytes(32)).decode().rstrip("=")
    return f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(payload)}.{signature}"


def _base64_json_holds(value: str) -> bool:
    """Tokens that are base64 of a JSON object, alone or after their prefix (glc_, ops_)."""
    body = value if value.startswith("eyJ") else value.partition("_")[2]
    try:
        return isinstance(_segment(body.rstrip("=")), dict)
    except (ValueError, binascii.Error, RecursionError):
        return False


def _base64_json_make(rng: random.Random, prefix: str = "") -> str:
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


def _crc_base36_holds(value: str) -> bool:
    """GitLab routable tokens: the last 7 characters are the base36 CRC-32 of all before them.

    What stands in front of the first "-" may be an instance's own prefix or unrelated text.
    Source: gitlab-org/gitlab, lib/authn/token_field/generator/routable_token.rb.
    """
    return any(
        _base36(zlib.crc32(token[:-7].encode()), 7) == token[-7:]
        for token in (value, value.partition("-")[2])
    )


def _crc_base36_make(rng: random.Random, prefix: str, length: str = "36") -> str:
    payload = "".join(rng.choice(_ALNUM) for _ in range(int(length)))
    body = f"{prefix}{payload}.01.{_base36(int(length), 2)}"
    return body + _base36(zlib.crc32(body.encode()), 7)


def _bech32_make(rng: random.Random, prefix: str) -> str:
    """Build an age identity: 32 bytes in 52 characters (one bit in the last), and 6 more."""
    body = [rng.randrange(32) for _ in range(51)] + [rng.choice((0, 16))]
    rest = bech32.checksum(prefix.lower(), body + [0] * 6) ^ 1
    tail = [rest >> 5 * (5 - place) & 31 for place in range(6)]
    return f"{prefix}1".upper() + "".join(bech32.ALPHABET[v] for v in body + tail).upper()


def _discord_holds(value: str) -> bool:
    """Discord bot tokens: their first part is the base64 of the bot's decimal user id.

    Source: Discord developer documentation, "Authentication" and "Snowflakes".
    """
    first = value.partition(".")[0]
    try:
        return base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).isdigit()
    except (ValueError, binascii.Error):
        return False


def _discord_make(rng: random.Random) -> str:
    user = base64.urlsafe_b64encode(str(rng.randrange(10**17, 10**19)).encode()).decode()
    parts = ("".join(rng.choice(_ALNUM) for _ in range(n)) for n in (6, 38))
    return ".".join((user.rstrip("="), *parts))


def _macaroon_kinds(data: bytes) -> list[int]:
    """List the field types of a version 2 macaroon; raises ValueError where it is not one."""
    kinds = []
    at = 1
    while at < len(data):
        kind, at = data[at], at + 1
        kinds.append(kind)
        if kind:
            size, shift = 0, 0
            while data[at : at + 1] > b"\x7f" and shift < 21:
                size, shift, at = size | (data[at] & 127) << shift, shift + 7, at + 1
            size |= int.from_bytes(data[at : at + 1]) << shift
            at += 1 + size
    if at != len(data):
        message = "macaroon: cut short"
        raise ValueError(message)
    return kinds


def _macaroon_holds(value: str) -> bool:
    """PyPI: a version 2 macaroon of location, identifier, caveats and a signature of 32 bytes.

    Sources: libmacaroons, doc/format.txt; pypi/warehouse, warehouse/macaroons/services.py.
    """
    body = value.partition("-")[2]
    try:
        data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        kinds = _macaroon_kinds(data)
    except (ValueError, binascii.Error):
        return False
    whole = data[:1] == b"\2" and kinds[:3] == [1, 2, 0] and kinds[-2:] == [0, 6]
    return whole and data[-34:-32] == b"\6\x20"


def _macaroon_make(rng: random.Random, prefix: str, location: str) -> str:
    def field(kind: int, content: bytes) -> bytes:
        return bytes((kind, len(content))) + content

    identifier = str(uuid.UUID(int=rng.getrandbits(128), version=4)).encode()
    caveat = json.dumps({"version": 1, "permissions": "user"}).encode()
    head = b"\2" + field(1, location.encode()) + field(2, identifier) + b"\0"
    data = head + field(2, caveat) + b"\0\0" + field(6, rng.randbytes(32))
    return prefix + base64.urlsafe_b64encode(data).decode().rstrip("=")


def _nkey_holds(value: str) -> bool:
    """NATS seeds: base32 of the key and its CRC-16/XMODEM, low byte first.

    Source: nats-io/nkeys, strkey.go and crc16.go.
    """
    try:
        data = base64.b32decode(value + "=" * (-len(value) % 8))
    except (ValueError, binascii.Error):
        return False
    check = int.from_bytes(data[-2:], "little")
    return len(data) == 36 and binascii.crc_hqx(data[:-2], 0) == check


def _nkey_make(rng: random.Random, kind: str) -> str:
    """Build the seed of a KIND: U user, A account, O operator, N server, C cluster, X curve."""
    public = (string.ascii_uppercase.index(kind)) << 3
    data = bytes((144 | public >> 5, (public & 31) << 3)) + rng.randbytes(32)
    data += binascii.crc_hqx(data, 0).to_bytes(2, "little")
    return base64.b32encode(data).decode().rstrip("=")


PROOFS = {
    "base64-json": Proof(_base64_json_holds, _base64_json_make),
    "bech32": Proof(bech32.holds, _bech32_make),
    "crc32-base36": Proof(_crc_base36_holds, _crc_base36_make),
    "crc32-base62": Proof(_crc_base62_holds, _crc_base62_make),
    "crc32-hex": Proof(_crc_hex_holds, _crc_hex_make),
    "discord": Proof(_discord_holds, _discord_make),
    "jwt": Proof(_jwt_holds, _jwt_make),
    "macaroon": Proof(_macaroon_holds, _macaroon_make),
    "nkey": Proof(_nkey_holds, _nkey_make),
}
