"""Armoured keys are found however they are quoted, and documentation's dummies are not."""

from __future__ import annotations

import base64
import json
import time
import urllib.parse
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import LimitError
from checks.secrets import bech32, pem

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

LEGACY = PrivateFormat.TraditionalOpenSSL
WAYS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda text: text,
    "CRLF": lambda text: text.replace(b"\n", b"\r\n"),
    "CR": lambda text: text.replace(b"\n", b"\r"),
    "JSON": lambda text: json.dumps({"a": 1, "key": text.decode(), "z": "b"}).encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"key": text.decode()})).encode(),
    "JSON of PHP": lambda text: json.dumps({"key": text.decode()}).replace("/", "\\/").encode(),
    "YAML block": lambda text: b"a:\n  key: |\n" + _each(text, b"    %s\n") + b"  other: 1\n",
    "one line": lambda text: b"KEY='" + text.strip().replace(b"\n", b" ") + b"'\n",
    "C": lambda text: _each(text, b'  "%s\\n"\n'),
    "JavaScript": lambda text: _each(text, b'  "%s\\n" +\n'),
    "JavaScript, plus in front": lambda text: _each(text, b'  + "%s\\n"\n'),
    "PHP": lambda text: _each(text, b"  '%s' . \"\\n\" .\n"),
    "diff": lambda text: _each(text, b"+%s\n"),
    "shell comment": lambda text: _each(text, b"# %s\n"),
    "URL": lambda text: b"k=" + urllib.parse.quote_plus(text).encode() + b"&x=1",
    "URL, strict": lambda text: b"k=" + urllib.parse.quote(text).encode() + b"&x=1",
    "XML": lambda text: b"<k>" + text.replace(b"\n", b"&#xA;") + b"</k>",
    "no END": lambda text: text.rpartition(b"-----END")[0] + b"other: text\nmore: text\n",
    "base64": lambda text: b"tls.key: " + base64.b64encode(text) + b"\ntls.crt: none\n",
    "base64 twice": lambda text: b"k: " + base64.b64encode(base64.b64encode(text)) + b"\n",
    "base64, wrapped": lambda text: (
        b"k: |\n" + _each(base64.encodebytes(text), b"  %s\n") + b"x: 1"
    ),
}


def _each(text: bytes, form: bytes) -> bytes:
    return b"".join(form % line for line in text.splitlines())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["rsa", "legacy encrypted", "ed25519"])
def test_finds_a_key_in_every_notation(
    way: str,
    kind: str,
    rsa_key: rsa.RSAPrivateKey,
    ed_key: ed25519.Ed25519PrivateKey,
    write: Callable[..., bytes],
) -> None:
    """A key is found whole, with the same body, in every way of quoting it."""
    text = {
        "rsa": lambda: write(rsa_key, LEGACY),
        "legacy encrypted": lambda: write(rsa_key, LEGACY, "a passphrase"),
        "ed25519": lambda: write(ed_key),
    }[kind]()
    (plain,) = pem.find(text)
    (found,) = pem.find(WAYS[way](text))
    assert found.label == plain.label
    assert found.body == plain.body
    assert dict(found.headers) == dict(plain.headers)
    assert found.whole or way == "no END"


def test_says_where_a_block_starts(
    ed_key: ed25519.Ed25519PrivateKey, write: Callable[..., bytes]
) -> None:
    """Offset and 1-based line are those of BEGIN, and raw is what stands there."""
    text = write(ed_key)
    data = b"# one\n# two\n" + text + b"\n\n" + text
    first, second = pem.find(data)
    assert (first.line, first.offset) == (3, 12)
    assert second.line == 8
    assert first.raw + b"\n" == text == data[second.offset :]
    assert not first.escaped


def test_tells_an_escaped_key(
    ed_key: ed25519.Ed25519PrivateKey, write: Callable[..., bytes]
) -> None:
    """A key on one line, or inside base64, is not one that a program loads from this file."""
    (found,) = pem.find(WAYS["JSON"](write(ed_key)))
    assert found.escaped
    (found,) = pem.find(WAYS["base64"](write(ed_key)))
    assert found.escaped
    assert found.layers == 1


def test_keeps_a_key_without_end_before_another(
    rsa_key: rsa.RSAPrivateKey, ed_key: ed25519.Ed25519PrivateKey, write: Callable[..., bytes]
) -> None:
    """A missing END ends a block at the next BEGIN, and both keys are found."""
    cut = write(rsa_key, LEGACY).rpartition(b"-----END")[0]
    first, second = pem.find(cut + write(ed_key))
    assert first.whole
    assert (first.label, second.label) == ("RSA PRIVATE KEY", "PRIVATE KEY")


def test_marks_a_cut_key_and_drops_a_stump(
    rsa_key: rsa.RSAPrivateKey, write: Callable[..., bytes]
) -> None:
    """More than half of a key is a leak that is marked; less has only public numbers."""
    text = write(rsa_key, LEGACY)
    (found,) = pem.find(text[:1200])
    assert not found.whole
    assert not list(pem.find(text[:400]))


def test_finds_certificates_but_no_public_keys(
    ec_key: ec.EllipticCurvePrivateKey, issue: Callable[..., x509.Certificate]
) -> None:
    """Certificates are given for matching; public keys are nobody's secret and no owner's name."""
    (found,) = pem.find(issue(ec_key).public_bytes(Encoding.PEM))
    assert not found.private
    public = ec_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert not list(pem.find(public))


@pytest.mark.parametrize(
    "body",
    [
        "...",
        "MIIEpAIBAAKCAQEA...",
        "<your private key>",
        "{{ vault_key | indent(2) }}",
        "${KEY}",
        "x" * 64,
        "A" * 640,
        "this is where the text of your own private key goes, as it was given to you",
        "MIIE" + "abcdefghijklmnop" * 4,
        "",
    ],
)
def test_passes_over_dummies(body: str) -> None:
    """What documentation writes for a key is none."""
    text = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n"
    assert not list(pem.find(text.encode()))


def test_passes_over_an_elided_key(rsa_key: rsa.RSAPrivateKey, write: Callable[..., bytes]) -> None:
    """A real key whose middle was replaced by dots is a dummy."""
    text = write(rsa_key, LEGACY)
    assert not list(pem.find(text[:1300] + b"\n...\n" + text[-30:]))


def _age(prefix: str, size: int, seed: int) -> str:
    data = [(seed * 31 + place * 7) % 32 for place in range(size)]
    polymod = bech32.checksum(prefix, data + [0] * 6) ^ 1
    data += [polymod >> 5 * (5 - place) & 31 for place in range(6)]
    return (prefix + "1" + "".join(bech32.ALPHABET[value] for value in data)).upper()


def test_finds_age_identities_by_their_checksum() -> None:
    """An age identity is believed when its Bech32 checksum holds."""
    identity = _age("age-secret-key-", 52, 5)
    data = f"# created: today\n{identity}\n".encode()
    (found,) = pem.find(data)
    assert (found.label, found.line) == (pem.AGE, 2)
    wrong = identity[:-1] + ("Q" if identity[-1] != "Q" else "P")
    assert not list(pem.find(wrong.encode()))


def test_reads_more_than_a_thousand_certificates_but_not_without_end(
    ec_key: ec.EllipticCurvePrivateKey, issue: Callable[..., x509.Certificate]
) -> None:
    """A file with more blocks than the limit is told, not passed over."""
    text = issue(ec_key).public_bytes(Encoding.PEM)
    assert len(list(pem.find(text * 1000))) == 1000
    with pytest.raises(LimitError):
        list(pem.find(text * (pem.MOST + 1)))


@pytest.mark.parametrize(
    "data",
    [
        b"-----BEGIN RSA PRIVATE KEY-----\n" * 10_000,
        b"LS0tLS1CRUdJTi" + b" " * 300_000,
        b"LS0tLS1CRUdJTi " * 20_000,
        b"-----BEGIN RSA PRIVATE KEY-----\n" + b'" + " ' * 50_000,
        b"-----BEGIN RSA PRIVATE KEY-----\n" + b"A\n" * 130_000,
        b"-----BEGIN " + b"-" * 300_000,
        b"PuTTY-User-Key-File-2: " * 10_000,
    ],
    ids=range(7),
)
def test_takes_linear_time_on_hostile_text(data: bytes) -> None:
    """A quarter of a megabyte made to confuse takes a second at the most."""
    start = time.process_time()
    assert not list(pem.find(data))
    assert time.process_time() - start < 4


PIECES = st.sampled_from(
    [
        b"-----BEGIN RSA PRIVATE KEY-----", b"-----END RSA PRIVATE KEY-----", b"-----BEGIN ",
        b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----", b"\n", b"\\n", b"MIIEpAIBAAKCAQEA", b"=",
        b"Proc-Type: 4,ENCRYPTED", b"DEK-Info: AES-128-CBC,00", b"LS0tLS1CRUdJTi", b"%0A", b'"',
        b"PuTTY-User-Key-File-3: ", b"Private-Lines: 3", b"Private-MAC: ", b"AGE-SECRET-KEY-1",
        b"TFMwdExTMUNSVWRKVGl", b"+", b" ", b"\xff\x00", b"a" * 40,
    ]
)  # fmt: skip


@given(st.lists(PIECES | st.binary(max_size=30), max_size=60).map(b"".join))
def test_never_fails_on_any_bytes(data: bytes) -> None:
    """Any mixture of markers and rubbish is read without an error, and offsets are true."""
    for block in pem.find(data):
        assert data[block.offset :].startswith(block.raw)


def test_shows_nothing_of_a_key(rsa_key: rsa.RSAPrivateKey, write: Callable[..., bytes]) -> None:
    """The repr of a block has no contents."""
    (found,) = pem.find(write(rsa_key))
    assert "MII" not in repr(found)
    assert len(repr(found)) < 80
