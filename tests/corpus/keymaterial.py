"""Make real keys from a random source that repeats: the same source gives the same keys."""

from __future__ import annotations

import base64
import datetime
import functools
import random
from math import gcd
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

_SMALL = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]
# PROTOCOL.key: where an unencrypted Ed25519 key has its two equal check numbers, which are random.
_CHECKS, _OPENSSH_WIDTH = 98, 76
EXPONENT, PLAIN = 65537, ser.NoEncryption()


def pem_rsa(rng: random.Random) -> str:
    """RSA 2048 in the traditional form."""
    return _pem(_rsa(rng.randrange(1000)), ser.PrivateFormat.TraditionalOpenSSL)


def pem_rsa_pkcs8(rng: random.Random) -> str:
    """RSA 2048 in PKCS#8, as Google's service accounts have it."""
    return _pem(_rsa(rng.randrange(1000)), ser.PrivateFormat.PKCS8)


def pem_ec(rng: random.Random) -> str:
    """P-256 in SEC 1."""
    return _pem(_ec(rng), ser.PrivateFormat.TraditionalOpenSSL)


def pem_ed25519(rng: random.Random) -> str:
    """Ed25519 in PKCS#8."""
    return _pem(_ed25519(rng), ser.PrivateFormat.PKCS8)


def pem_openssh(rng: random.Random) -> str:
    """Ed25519 as ssh-keygen writes it."""
    first, *body, last = _pem(_ed25519(rng), ser.PrivateFormat.OpenSSH).split("\n")
    blob = bytearray(base64.b64decode("".join(body)))
    blob[_CHECKS : _CHECKS + 8] = rng.randbytes(4) * 2
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + _OPENSSH_WIDTH] for at in range(0, len(text), _OPENSSH_WIDTH)]
    return "\n".join([first, *lines, last])


def ssh_public(rng: random.Random) -> str:
    """Give an authorized_keys line without its comment."""
    public = _ed25519(rng).public_key()
    return public.public_bytes(ser.Encoding.OpenSSH, ser.PublicFormat.OpenSSH).decode()


def public_key(rng: random.Random) -> str:
    """P-256 public key in PEM."""
    public = _ec(rng).public_key()
    pem = public.public_bytes(ser.Encoding.PEM, ser.PublicFormat.SubjectPublicKeyInfo)
    return pem.decode().strip()


def certificate(rng: random.Random) -> str:
    """Self-signed P-256 certificate of 2025 to 2035, in PEM."""
    key = _ec(rng)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "intranet.corp.lan")])
    start = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), rng.getrandbits(120) + 1)
    builder = builder.not_valid_before(start).not_valid_after(start.replace(year=2035))
    made = builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)
    return made.public_bytes(ser.Encoding.PEM).decode().strip()


def openvpn_static(rng: random.Random) -> str:
    """Give a 2048 bit OpenVPN static key: 16 lines of hex between its marks."""
    lines = [rng.randbytes(16).hex() for _ in range(16)]
    title = "OpenVPN Static key V1"
    return "\n".join([f"-----BEGIN {title}-----", *lines, f"-----END {title}-----"])


def _pem(key: PrivateKeyTypes, shape: ser.PrivateFormat) -> str:
    return key.private_bytes(ser.Encoding.PEM, shape, PLAIN).decode().strip()


def _ec(rng: random.Random) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(rng.getrandbits(250) + 2, ec.SECP256R1())


def _ed25519(rng: random.Random) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(rng.randbytes(32))


@functools.cache
def _rsa(number: int) -> rsa.RSAPrivateKey:
    """Give RSA key NUMBER; the primes are searched here since the library draws its own."""
    rng = random.Random(f"rsa {number}")
    p, q = _prime(rng), _prime(rng)
    public = rsa.RSAPublicNumbers(EXPONENT, p * q)
    d = pow(EXPONENT, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public
    ).private_key()


def _prime(rng: random.Random) -> int:
    while True:
        number = rng.getrandbits(1024) | 3 << 1022 | 1
        if gcd(number - 1, EXPONENT) == 1 and _likely_prime(number, rng):
            return number


def _likely_prime(number: int, rng: random.Random) -> bool:
    """Miller-Rabin after trial division; 8 rounds are plenty at 1024 bits."""
    if not all(number % small for small in _SMALL):
        return False
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    return all(not _witness(rng.randrange(2, number - 1), odd, twos, number) for _ in range(8))


def _witness(base: int, odd: int, twos: int, number: int) -> bool:
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return False
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return False
    return True
