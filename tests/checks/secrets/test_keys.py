"""Keys of every kind are described without anything secret of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import subprocess
import time
from math import gcd, prod
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import (
    dsa,
    ec,
    ed448,
    ed25519,
    rsa,
    x25519,
)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.errors import FormatError
from checks.secrets import costs, keys, pem
from checks.secrets.certificates import certificate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

LEGACY = PrivateFormat.TraditionalOpenSSL


def _facts(text: bytes) -> keys.KeyFacts:
    (block,) = (found for found in pem.find(text) if found.private)
    return keys.inspect(block)


def _spki(key: PrivateKeyTypes) -> str:
    encoded = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).hexdigest()


@pytest.mark.parametrize(
    ("form", "encoding"),
    [
        (PrivateFormat.PKCS8, Encoding.PEM),
        (LEGACY, Encoding.PEM),
        (PrivateFormat.OpenSSH, Encoding.PEM),
    ],
)
def test_describes_rsa(
    form: PrivateFormat, encoding: Encoding, rsa_key: rsa.RSAPrivateKey, write: Callable[..., bytes]
) -> None:
    """PKCS#1, PKCS#8 and OpenSSH say the same of one RSA key."""
    facts = _facts(write(rsa_key, form, "", encoding))
    assert facts == keys.KeyFacts("rsa", 2048, spki=_spki(rsa_key))


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, LEGACY, PrivateFormat.OpenSSH])
def test_describes_ec(
    form: PrivateFormat, ec_key: ec.EllipticCurvePrivateKey, write: Callable[..., bytes]
) -> None:
    """SEC 1, PKCS#8 and OpenSSH say the same of one EC key."""
    facts = _facts(write(ec_key, form))
    assert facts == keys.KeyFacts("ec", 256, "secp256r1", spki=_spki(ec_key))


def test_describes_edwards_and_montgomery_keys(write: Callable[..., bytes]) -> None:
    """Ed25519, Ed448 and X25519 keys are told apart, with their sizes."""
    made: dict[str, tuple[PrivateKeyTypes, int]] = {
        "ed25519": (ed25519.Ed25519PrivateKey.generate(), 256),
        "ed448": (ed448.Ed448PrivateKey.generate(), 448),
        "x25519": (x25519.X25519PrivateKey.generate(), 256),
    }
    for kind, (key, bits) in made.items():
        assert _facts(write(key)) == keys.KeyFacts(kind, bits, spki=_spki(key))


def test_calls_obsolete_and_short_keys_weak(write: Callable[..., bytes]) -> None:
    """RSA under 2048 bits, a small exponent, a small curve and DSA are weak."""
    short = _facts(write(rsa.generate_private_key(65537, 1024)))
    assert short.weak == "RSA with 1024 bits is under 2048"
    assert "curve" in _facts(write(ec.generate_private_key(ec.SECP192R1()))).weak
    old = _facts(write(dsa.generate_private_key(1024), LEGACY))
    assert old.kind == "dsa"
    assert "DSA" in old.weak
    assert "exponent" in _facts(write(rsa.generate_private_key(3, 2048))).weak


def test_calls_close_primes_weak(rsa_key: rsa.RSAPrivateKey, write: Callable[..., bytes]) -> None:
    """An RSA key whose primes are neighbours can be factored."""
    first = rsa_key.private_numbers().p
    small = prod(n for n in range(3, 2000, 2))
    near = (n for n in range(first + 2, first + 100_000, 2) if gcd(n, small) == 1)
    second = next(n for n in near if pow(2, n - 1, n) == 1)
    assert "close" in _facts(write(_from_primes(first, second), LEGACY)).weak


def test_calls_infineon_keys_weak(write: Callable[..., bytes]) -> None:
    """An RSA key whose primes are powers of 65537 modulo all small primes is found (ROCA)."""
    base = 1
    for prime in (n for n in range(2, 168) if all(n % d for d in range(2, n))):
        base *= prime
    found: list[int] = []
    factor = 7 << 1022 - base.bit_length()
    while len(found) < 2:
        factor += 12345
        number = factor * base + pow(65537, 5 + len(found), base)
        if pow(2, number - 1, number) == 1:
            found.append(number)
            factor += factor >> 5
    assert "Infineon" in _facts(write(_from_primes(*found), LEGACY)).weak


def _from_primes(first: int, second: int) -> rsa.RSAPrivateKey:
    exponent = pow(65537, -1, (first - 1) * (second - 1))
    public = rsa.RSAPublicNumbers(65537, first * second)
    numbers = rsa.RSAPrivateNumbers(
        first,
        second,
        exponent,
        exponent % (first - 1),
        exponent % (second - 1),
        pow(second, -1, first),
        public,
    )
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, LEGACY])
def test_opens_what_manuals_write(
    form: PrivateFormat, rsa_key: rsa.RSAPrivateKey, write: Callable[..., bytes]
) -> None:
    """A key under an example passphrase is opened; under another it is only encrypted."""
    facts = _facts(write(rsa_key, form, "changeit"))
    assert facts.encrypted
    assert facts.default_passphrase
    assert facts.weak == keys.OPENS_BY_DEFAULT
    assert facts.spki == _spki(rsa_key)
    facts = _facts(write(rsa_key, form, "nobody knows this"))
    assert facts.encrypted
    assert facts.well_formed
    assert not facts.default_passphrase
    assert not facts.weak
    assert facts.spki == ""
    assert facts.weak_kdf is (form is LEGACY)


def test_never_pays_a_high_price(
    ed_key: ed25519.Ed25519PrivateKey, write: Callable[..., bytes]
) -> None:
    """A derivation over the limit is read and named, and not run."""
    text = write(ed_key, PrivateFormat.PKCS8, "changeit")
    (block,) = pem.find(text)
    # PBKDF2's iteration count, 2048, becomes 2 ** 30 + 2048 where the DER has room for it.
    at = block.body.index(b"\x02\x02\x08\x00")
    grown = block.body[:at] + b"\x02\x04\x40\x00\x08\x00" + block.body[at + 4 :]
    patched = bytearray(grown)
    for place in _lengths_over(grown, at):
        patched[place] += 2
    facts = keys.inspect(block._replace(body=bytes(patched)))
    assert facts.encrypted
    assert facts.kdf == f"pbkdf2 {2**30 + 2048}"
    assert not facts.default_passphrase
    assert keys.inspect(block).default_passphrase


def _lengths_over(encoded: bytes, at: int) -> list[int]:
    """Give the places of the last length byte of every element around offset AT."""
    places, start = [], 0
    while start < at:
        wide = encoded[start + 1] & 0x7F if encoded[start + 1] & 0x80 else 0
        size = (
            int.from_bytes(encoded[start + 2 : start + 2 + wide], "big")
            if wide
            else encoded[start + 1]
        )
        inner = start + 2 + wide
        if encoded[start] & 0x20 and inner + size > at - 2:
            places.append(inner - 1)
            start = inner
        else:
            start = inner + size
    return places


def test_tries_passphrases_on_few_keys_of_a_file(
    ed_key: ed25519.Ed25519PrivateKey, write: Callable[..., bytes]
) -> None:
    """A file full of encrypted keys cannot keep us busy."""
    text = write(ed_key, PrivateFormat.PKCS8, "secret") * (keys.MOST_TRIED + 3)
    opened = [facts.default_passphrase for _, facts in keys.each(pem.find(text))]
    assert opened == [True] * keys.MOST_TRIED + [False] * 3


def test_reads_the_head_of_an_encrypted_openssh_key(tmp_path: Path) -> None:
    """Of an encrypted OpenSSH key kind, derivation and public key are known without opening it."""
    path = tmp_path / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-a", "40", "-N", "nobody knows", "-f", str(path)],
        check=True,
    )
    facts = _facts(path.read_bytes())
    assert (facts.kind, facts.encrypted, facts.kdf) == ("ed25519", True, "bcrypt 40")
    assert facts.well_formed
    assert facts.spki
    assert not costs.bcrypt(40).cheap
    assert costs.bcrypt(16).cheap


def test_calls_a_security_key_handle_harmless(write: Callable[..., bytes]) -> None:
    """The file of a FIDO key is of no use without the token."""
    name = b"sk-ssh-ed25519@openssh.com"
    public = _string(name) + _string(bytes(range(32))) + _string(b"ssh:")
    body = b"openssh-key-v1\0" + _string(b"none") * 2 + _string(b"") + (1).to_bytes(4, "big")
    body += _string(public) + _string(bytes(range(128)))
    facts = keys.inspect(pem.PemBlock("OPENSSH PRIVATE KEY", 0, 1, b"", body))
    assert facts.hardware
    assert facts.well_formed


def _string(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + text


def _ppk(key: ed25519.Ed25519PrivateKey, version: int, passphrase: str = "") -> bytes:
    seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    point = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    public = _string(b"ssh-ed25519") + _string(point)
    private = _string(seed)
    cipher = b"aes256-cbc" if passphrase else b"none"
    private += bytes(-len(private) % 16) if passphrase else b""
    signed = b"".join(map(_string, (b"ssh-ed25519", cipher, b"me@host", public, private)))
    secret = passphrase.encode()
    if version == 3:
        mac = hmac.digest(b"", signed, "sha256")
    else:
        mac_key = hashlib.sha1(b"putty-private-key-file-mac-key" + secret).digest()
        mac = hmac.digest(mac_key, signed, "sha1")
    if passphrase:
        stretched = b"".join(hashlib.sha1(bytes((0, 0, 0, n)) + secret).digest() for n in (0, 1))
        encryptor = Cipher(algorithms.AES(stretched[:32]), modes.CBC(bytes(16))).encryptor()
        private = encryptor.update(private) + encryptor.finalize()
    lines = [f"PuTTY-User-Key-File-{version}: ssh-ed25519", f"Encryption: {cipher.decode()}"]
    lines.append("Comment: me@host")
    for name, blob in (("Public", public), ("Private", private)):
        text = base64.b64encode(blob).decode()
        rows = [text[at : at + 64] for at in range(0, len(text), 64)]
        lines += [f"{name}-Lines: {len(rows)}", *rows]
    return ("\n".join([*lines, f"Private-MAC: {mac.hex()}"]) + "\n").encode()


@pytest.mark.parametrize("version", [2, 3])
def test_describes_putty_keys(version: int, ed_key: ed25519.Ed25519PrivateKey) -> None:
    """An unencrypted PuTTY key is described, and one whose MAC is wrong is not well formed."""
    text = _ppk(ed_key, version)
    assert _facts(text) == keys.KeyFacts("ed25519", 256, spki=_spki(ed_key))
    assert not _facts(text.replace(b"me@host", b"me@here")).well_formed
    assert _facts(text.replace(b"\n", b"\r\n")).well_formed


def test_tries_old_putty_keys(ed_key: ed25519.Ed25519PrivateKey) -> None:
    """A version 2 PuTTY key under an example passphrase is told; another is only encrypted."""
    facts = _facts(_ppk(ed_key, 2, "changeme"))
    assert facts.encrypted
    assert facts.default_passphrase
    assert facts.weak_kdf
    assert not _facts(_ppk(ed_key, 2, "nobody knows this")).default_passphrase


@pytest.mark.parametrize("passphrase", ["", "nobody knows this"])
def test_describes_openpgp_keys(passphrase: str, tmp_path: Path) -> None:
    """A key that gpg exports is told as encrypted exactly when it has a passphrase."""
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    base = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback"]
    base += ["--passphrase", passphrase]
    try:
        subprocess.run(
            [*base, "--quick-gen-key", "a <a@example.org>", "rsa2048"],
            check=True,
            capture_output=True,
        )
        exported = subprocess.run(
            [*base, "--armor", "--export-secret-keys"], check=True, capture_output=True
        )
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False)
    facts = _facts(exported.stdout)
    assert (facts.kind, facts.bits, facts.curve) == ("pgp", 2048, "rsa")
    assert facts.encrypted is bool(passphrase)
    assert facts.kdf.startswith("s2k" if passphrase else "")


def test_calls_a_cut_or_damaged_key_malformed(
    rsa_key: rsa.RSAPrivateKey, write: Callable[..., bytes]
) -> None:
    """A cut key and one with wrong numbers are keys that cannot be used."""
    text = write(rsa_key, LEGACY)
    cut = _facts(text[:1300])
    assert (cut.kind, cut.well_formed) == ("rsa", False)
    (block,) = pem.find(text)
    damaged = bytearray(block.body)
    damaged[-20] ^= 1
    damaged[700] ^= 1
    assert not keys.inspect(block._replace(body=bytes(damaged))).well_formed
    assert keys.inspect(block).well_formed


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    wide = (len(body).bit_length() + 7) // 8
    size = len(body).to_bytes(wide, "big") if len(body) > 127 else b""
    return bytes((tag, 0x80 | wide if size else len(body))) + size + body


@pytest.mark.parametrize("bits", [1024, 30_000])
@pytest.mark.parametrize("algorithm", ["2a8648ce380401", "2a864886f70d010301"], ids=["DSA", "DH"])
def test_never_computes_with_giant_numbers(algorithm: str, bits: int) -> None:
    """Loading a DSA or DH key with numbers that nobody uses would take minutes; it is refused."""
    rng = random.Random(bits)
    number = _der(2, b"\0" + rng.randbytes(bits // 8 - 1) + b"\xff")
    name = _der(6, bytes.fromhex(algorithm))
    parameters = _der(0x30, name, _der(0x30, number, number, number))
    body = _der(0x30, b"\2\1\0", parameters, _der(4, number))
    start = time.process_time()
    facts = keys.inspect(pem.PemBlock("PRIVATE KEY", 0, 1, b"", body))
    assert time.process_time() - start < 1
    assert facts.well_formed is False or bits == 1024


def test_describes_a_certificate(
    ec_key: ec.EllipticCurvePrivateKey, issue: Callable[..., x509.Certificate]
) -> None:
    """A certificate gives its names, dates in ISO 8601 and the spki of its key."""
    made = issue(ec_key)
    (block,) = pem.find(made.public_bytes(Encoding.PEM))
    facts = certificate(block)
    assert facts.names == ("192.0.2.1", "web.example")
    assert facts.subject == facts.issuer == "CN=web.example"
    assert (facts.not_before, facts.not_after) == (
        "2025-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00+00:00",
    )
    assert facts.spki == _spki(ec_key)
    assert facts.sha256 == hashlib.sha256(made.public_bytes(Encoding.DER)).hexdigest()
    with pytest.raises(FormatError):
        certificate(block._replace(body=block.body[:-9]))


@settings(max_examples=300)
@given(st.data())
def test_never_fails_on_damaged_keys(data: st.DataObject) -> None:
    """Any key with some bytes changed, cut or added gives facts, and no other error."""
    text = data.draw(st.sampled_from(_SAMPLES))
    (block,) = pem.find(text)
    body = bytearray(block.body)
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(body) - 1), st.integers(0, 255)), max_size=4)
    ):
        body[place] = value
    size = data.draw(st.integers(0, len(body)) | st.just(len(body)))
    facts = keys.inspect(block._replace(body=bytes(body[:size])))
    assert facts.kind or not facts.well_formed


def _samples() -> list[bytes]:
    made = ed25519.Ed25519PrivateKey.generate()
    curve = ec.generate_private_key(ec.SECP256R1())
    plain = NoEncryption()
    return [
        made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, plain),
        made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, plain),
        curve.private_bytes(Encoding.PEM, LEGACY, plain),
        _ppk(made, 2),
        _ppk(made, 3),
        _ppk(made, 2, "x"),
    ]


_SAMPLES = _samples()


def test_facts_show_nothing_secret(write: Callable[..., bytes]) -> None:
    """No number and no byte of a private key appears in the repr of its facts."""
    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_numbers().private_value
    (block,) = pem.find(write(key))
    for shown in (repr(block), repr(keys.inspect(block)), repr(list(keys.each([block])))):
        assert f"{secret:x}"[:12] not in shown
        assert str(secret)[:12] not in shown
        assert base64.b64encode(block.body).decode()[20:40] not in shown
