"""Make the cases that do not lie in the repository: shaped like keys, or long and dull."""

from __future__ import annotations

import base64
import datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Iterator


def cases() -> Iterator[tuple[str, bytes]]:
    """Give (target, input); the first byte of an input chooses a variant."""
    for unit in (b",", b" ", b"\t", b"a:b,"):
        yield "formats", b"realm\0x=a" + unit * (60_000 // len(unit)) + b'"'
    yield "rules", b"\1" + b"{" * 65_000
    yield "keys", b"\0" + _compressed_point()
    yield (
        "keys",
        b"\0" + _armoured(_certificate(), b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07"),
    )
    yield "keys", b"\0" + _armoured(_certificate(), b"\x82\x01a", b"\x85\x01a")


def _compressed_point() -> bytes:
    """An OpenSSH key whose public point is compressed, which its readers do not implement."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    first, *rows, last = pem.split(b"\n")[:-1]
    body = base64.b64decode(b"".join(rows)).replace(b"\0\0\0A\x04", b"\0\0\0A\x02")
    return b"\n".join((first, base64.b64encode(body), last))


def _certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a")])
    day = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, day, day)
    names = x509.SubjectAlternativeName([x509.DNSName("a")])
    signed = built.add_extension(names, critical=False).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def _armoured(encoded: bytes, old: bytes, new: bytes) -> bytes:
    assert old in encoded
    body = base64.b64encode(encoded.replace(old, new))
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"\n-----END CERTIFICATE-----\n"
