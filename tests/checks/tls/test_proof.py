"""Whether a server holds the key of its certificate: every kind of key, and hostile ones."""

from __future__ import annotations

import datetime
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (
    ec,
    ed448,
    ed25519,
    mldsa,
    padding,
    rsa,
    x25519,
)
from hypothesis import given
from hypothesis import strategies as st

from checks.tls.proof import is_proved

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIGNED = b"what is signed"
SIGNER = ec.generate_private_key(ec.SECP256R1())


def certificate(public: Any) -> bytes:  # noqa: ANN401 - any public key
    """Make a certificate for a key, signed by another."""
    name = x509.Name([])
    day = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
    built = x509.CertificateBuilder(name, name, public, 7, day, day)
    return built.sign(SIGNER, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _ecdsa(curve: ec.EllipticCurve, digest: hashes.HashAlgorithm) -> Callable[[], tuple[Any, Any]]:
    def make() -> tuple[Any, Any]:
        key = ec.generate_private_key(curve)
        return key, lambda: key.sign(SIGNED, ec.ECDSA(digest))

    return make


def _rsa(digest: hashes.HashAlgorithm) -> Callable[[], tuple[Any, Any]]:
    def make() -> tuple[Any, Any]:
        key = rsa.generate_private_key(65537, 2048)
        mask = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return key, lambda: key.sign(SIGNED, mask, digest)

    return make


def _plain(kind: Any) -> Callable[[], tuple[Any, Any]]:  # noqa: ANN401 - a class of keys
    def make() -> tuple[Any, Any]:
        key = kind.generate()
        return key, lambda: key.sign(SIGNED)

    return make


KEYS = {
    0x0403: _ecdsa(ec.SECP256R1(), hashes.SHA256()),
    0x0503: _ecdsa(ec.SECP384R1(), hashes.SHA384()),
    0x0603: _ecdsa(ec.SECP521R1(), hashes.SHA512()),
    0x0804: _rsa(hashes.SHA256()),
    0x0805: _rsa(hashes.SHA384()),
    0x080B: _rsa(hashes.SHA512()),
    0x0807: _plain(ed25519.Ed25519PrivateKey),
    0x0808: _plain(ed448.Ed448PrivateKey),
    0x0904: _plain(mldsa.MLDSA44PrivateKey),
    0x0906: _plain(mldsa.MLDSA87PrivateKey),
}


@pytest.mark.parametrize("scheme", KEYS)
def test_a_signature_proves_its_key_only(scheme: int) -> None:
    """Right is True; another text, a turned bit, another key and another kind of scheme are not."""
    (key, sign), (other, _) = KEYS[scheme](), KEYS[scheme]()
    shown, signature = certificate(key.public_key()), sign()
    assert is_proved(shown, scheme, signature, SIGNED) is True
    assert is_proved(shown, scheme, signature, SIGNED + b"!") is False
    assert is_proved(shown, scheme, bytes((signature[0] ^ 1,)) + signature[1:], SIGNED) is False
    assert is_proved(shown, scheme, b"", SIGNED) is False
    assert is_proved(certificate(other.public_key()), scheme, signature, SIGNED) is False
    wrong = 0x0807 if scheme in {0x0403, 0x0503, 0x0603} else 0x0403
    assert is_proved(shown, wrong, signature, SIGNED) is False


@pytest.mark.parametrize("scheme", [0, 0x0401, 0x0201, 0x0708, 0xFFFF])
def test_an_unknown_scheme_leaves_the_question_open(scheme: int) -> None:
    """TLS 1.3 has no PKCS#1 signatures of handshakes; others nobody knows here."""
    assert is_proved(certificate(SIGNER.public_key()), scheme, bytes(70), SIGNED) is None


def test_a_key_for_pss_only_is_understood(tmp_path: Path) -> None:
    """A certificate of the algorithm RSASSA-PSS proves itself as any RSA key does."""
    private, public = tmp_path / "pss.key", tmp_path / "pss.crt"
    words = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa-pss", "-subj", "/CN=a"]
    words += ["-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER"]
    subprocess.run([*words, "-keyout", private, "-out", public], check=True, capture_output=True)
    key = serialization.load_pem_private_key(private.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    mask = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    signature = key.sign(SIGNED, mask, hashes.SHA256())
    assert is_proved(public.read_bytes(), 0x0809, signature, SIGNED) is True
    assert is_proved(public.read_bytes(), 0x0809, signature, b"") is False


def _patched(old: bytes, new: bytes) -> bytes:
    shown = certificate(SIGNER.public_key())
    assert old in shown
    return shown.replace(old, new, 1)


HOSTILE = {
    "nothing": lambda: b"",
    "text": lambda: b"no certificate",
    "an unknown version": lambda: _patched(b"\xa0\3\2\1\2", b"\xa0\3\2\1\7"),
    "an unknown curve": lambda: _patched(
        bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d03017f")
    ),
    "a point off the curve": lambda: _patched(b"\x03\x42\x00\x04", b"\x03\x42\x00\x04\xff")[:-1],
    "an unknown algorithm": lambda: _patched(
        bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d027f")
    ),
    "bytes behind it": lambda: certificate(SIGNER.public_key()) + b"x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_certificate_that_cannot_be_read_proves_nothing(name: str) -> None:
    """Whatever the library raises, the question is open."""
    assert is_proved(HOSTILE[name](), 0x0403, bytes(70), SIGNED) is None


def test_a_bad_serial_number_is_no_news() -> None:
    """The library's warning about it is not passed on: warnings are errors in these tests."""
    signature = SIGNER.sign(SIGNED, ec.ECDSA(hashes.SHA256()))
    for serial in (b"\x02\x01\x00", b"\x02\x01\xf9"):
        shown = _patched(b"\x02\x01\x07", serial)
        assert is_proved(shown, 0x0403, signature, SIGNED) is True


def test_a_key_that_signs_nothing_is_not_proved() -> None:
    """A certificate for key agreement cannot be behind a signature."""
    shown = certificate(x25519.X25519PrivateKey.generate().public_key())
    assert is_proved(shown, 0x0807, bytes(64), SIGNED) is False


@pytest.mark.parametrize("bits", [512, 1024, 16_384, 65_536, 500_000])
def test_a_key_of_any_size_takes_no_time(bits: int) -> None:
    """A tiny or giant RSA key is refused or not proved, and soon."""
    small = rsa.generate_private_key(65537, 2048).public_key()
    shown = certificate(small)
    modulus = small.public_numbers().n.to_bytes(256, "big")
    giant = (1 << (bits - 1) | 1).to_bytes(bits // 8, "big")
    body = _integer(giant) + _integer((1 << min(bits, 64) - 1 | 1).to_bytes(8, "big"))
    assert modulus in shown
    key = _tlv(0x03, b"\0" + _tlv(0x30, body))
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    parsed = x509.load_der_x509_certificate(shown)
    old = parsed.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    tbs = parsed.tbs_certificate_bytes
    inner = tbs[4:].replace(old, _tlv(0x30, algorithm + key))
    tail = shown[4 + len(tbs) :]
    started = time.process_time()
    for scheme in (0x0804, 0x0806):
        assert is_proved(_tlv(0x30, _tlv(0x30, inner) + tail), scheme, giant, SIGNED) is not True
    assert time.process_time() - started < 1


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _integer(value: bytes) -> bytes:
    return _tlv(2, b"\0" + value)


@given(st.binary(max_size=200), st.integers(0, 0xFFFF), st.binary(max_size=100))
def test_random_bytes_prove_nothing(shown: bytes, scheme: int, signature: bytes) -> None:
    """Nothing is raised, and nothing is ever proved."""
    assert is_proved(shown, scheme, signature, SIGNED) is None
    assert is_proved(certificate(SIGNER.public_key()), scheme, signature, SIGNED) is not True
