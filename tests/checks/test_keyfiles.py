"""Private keys and keystores are judged where they stand, and joined across files."""

from __future__ import annotations

import datetime
import hashlib
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)

from checks import keyfiles
from checks.keyfiles import Keys, KeySeen
from checks.model import Access
from checks.secrets.keyfaults import Place

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

CLOSED = Access(0, 0, 0o600)
OPEN = Access(0, 0, 0o644)
INODE = (1, 2)
PASSPHRASE = b"kept nowhere but here 7"


def pem(key: PrivateKeyTypes, passphrase: bytes = b"") -> bytes:
    """Write a key as PKCS #8."""
    how = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def spki(key: ec.EllipticCurvePrivateKey) -> str:
    """Give the digest of a key's public half."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).hexdigest()


def certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Sign a certificate for a key by itself."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "web.example")])
    day = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
    builder = builder.public_key(key.public_key()).not_valid_before(day)
    signed = builder.not_valid_after(day + datetime.timedelta(30)).sign(key, hashes.SHA256())
    return signed.public_bytes(Encoding.PEM)


@pytest.fixture(scope="module")
def one() -> ec.EllipticCurvePrivateKey:
    """Make a key."""
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def two() -> ec.EllipticCurvePrivateKey:
    """Make another key."""
    return ec.generate_private_key(ec.SECP256R1())


def told(found: Keys) -> list[tuple[str, int]]:
    """Give check and line of each fault."""
    return [(key.fault.check, key.line) for key in found.faults]


def in_text(path: str, data: bytes, access: Access = CLOSED, place: Place = Place.HOST) -> Keys:
    """Look for armoured keys."""
    return keyfiles.in_text(path, data, access, INODE, place)


def test_a_closed_key_file_is_seen_and_has_no_fault(one: ec.EllipticCurvePrivateKey) -> None:
    """A key where keys belong is noted by its public half, never by its value."""
    found = in_text("/etc/ssl/web.key", pem(one))
    assert (told(found), found.unseen) == ([], [])
    form, key = "PRIVATE KEY", "EC secp256r1"
    assert found.seen == [
        KeySeen("/etc/ssl/web.key", spki(one), INODE, form, key, access=CLOSED),
    ]


def test_a_readable_key_file_is_a_fault(one: ec.EllipticCurvePrivateKey) -> None:
    """Whoever may read the key is named; the identity is that of the public half."""
    found = in_text("/etc/ssl/web.key", b"# made by hand\n" + pem(one), OPEN)
    assert told(found) == [("key-permissions", 2)]
    assert found.faults[0].identity == spki(one)


def test_a_key_within_another_file_is_embedded(one: ec.EllipticCurvePrivateKey) -> None:
    """In a definition the key is the fault, at its line; the mode is the definition's own."""
    body = b"name: web\nkey: |\n" + b"".join(b"  " + row + b"\n" for row in pem(one).splitlines())
    assert told(in_text("/srv/deploy.yaml", body, OPEN)) == [("embedded-private-key", 3)]
    assert told(in_text("/etc/ssl/web.key", pem(one), OPEN, Place.CHECKOUT)) == [
        ("embedded-private-key", 1)
    ]


def test_each_key_of_a_file_is_judged(
    one: ec.EllipticCurvePrivateKey, two: ec.EllipticCurvePrivateKey
) -> None:
    """Two keys in a bundle are two, each at its line."""
    found = in_text("/etc/ssl/web.key", pem(one) + pem(two), OPEN)
    assert told(found) == [("key-permissions", 1), ("key-permissions", 1 + pem(one).count(b"\n"))]
    assert {key.spki for key in found.seen} == {spki(one), spki(two)}


def test_what_an_encrypted_key_shows(one: ec.EllipticCurvePrivateKey) -> None:
    """Its public half is unknown, so it is joined with nothing; its armour still tells it apart."""
    found = in_text("/etc/ssl/web.key", pem(one, PASSPHRASE), OPEN)
    assert told(found) == [("key-permissions", 1)]
    assert [(key.spki, key.form, key.encrypted) for key in found.seen] == [
        ("", "ENCRYPTED PRIVATE KEY", True)
    ]
    assert list(keyfiles.joined(found.seen * 2, [("/etc/ssl/web.crt", spki(one))])) == []
    other = in_text("/etc/ssl/web.key", pem(one, PASSPHRASE), OPEN)
    assert found.faults[0].identity != other.faults[0].identity


def test_a_weak_key_is_a_fault_even_when_closed() -> None:
    """1024 bits of RSA are told; 3072 are not."""
    weak = pem(rsa.generate_private_key(65537, 1024))
    assert told(in_text("/etc/ssl/web.key", weak)) == [("key-weak", 1)]
    good = pem(rsa.generate_private_key(65537, 3072))
    assert told(in_text("/etc/ssl/web.key", good)) == []


def test_public_halves_are_no_keys(one: ec.EllipticCurvePrivateKey) -> None:
    """Certificates and public keys give nothing."""
    public = one.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert in_text("/etc/ssl/web.key", public + certificate(one), OPEN) == Keys([], [], [])
    assert in_text("/etc/ssl/web.key", b"", OPEN) == Keys([], [], [])


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        ("/srv/app/web.p12", b"", True),
        ("/srv/app/WEB.PFX", b"", True),
        ("/srv/app/web", b"\xfe\xed\xfe\xed\0\0\0\2", True),
        ("/home/a/.gnupg/private-keys-v1.d/AB", b"", True),
        ("/srv/app/web.txt", b"text", False),
        ("/srv/p12/readme", b"", False),
    ],
)
def test_keystores_are_told_by_name_or_first_bytes(
    path: str, data: bytes, *, expected: bool
) -> None:
    """Only files that could be keystores are asked for one."""
    assert keyfiles.is_keystore(path, data) is expected


def test_a_keystore_is_judged_by_who_can_open_it(one: ec.EllipticCurvePrivateKey) -> None:
    """One under a password of the manuals is a fault wherever it lies; a closed one is not."""

    def store(password: bytes) -> bytes:
        how = BestAvailableEncryption(password)
        return pkcs12.serialize_key_and_certificates(b"web", one, None, None, how)

    def look(password: bytes, access: Access) -> Keys:
        return keyfiles.in_keystore("/srv/web.p12", store(password), access, INODE, Place.HOST)

    default = look(b"changeit", CLOSED)
    assert told(default) == [("key-passphrase-default", 0)]
    assert [key.spki for key in default.seen] == [spki(one)]
    assert told(look(PASSPHRASE, CLOSED)) == []
    closed = look(PASSPHRASE, CLOSED).seen
    assert [(key.spki, key.form, key.encrypted) for key in closed] == [("", "pkcs12", True)]
    assert told(look(PASSPHRASE, OPEN)) == [("key-permissions", 0)]


def test_a_damaged_keystore_is_unseen() -> None:
    """What promises a keystore and cannot be read is told; what is none gives nothing."""
    broken = b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1" + b"\xff" * 40
    found = keyfiles.in_keystore("/srv/a.jks", broken, CLOSED, INODE, Place.HOST)
    assert found.unseen
    assert found.unseen[0].startswith("jks keystore: ")
    text = keyfiles.in_keystore("/srv/notes.key", b"just text", CLOSED, INODE, Place.HOST)
    assert text == Keys([], [], [])


def test_the_first_certificate_names_its_key(
    one: ec.EllipticCurvePrivateKey, two: ec.EllipticCurvePrivateKey
) -> None:
    """Of a chain the first counts; a key or a damaged certificate gives nothing."""
    chain = certificate(one) + certificate(two)
    assert keyfiles.first_certificate(chain) == spki(one)
    assert keyfiles.first_certificate(pem(one) + chain) == spki(one)
    assert keyfiles.first_certificate(pem(one)) == ""
    assert keyfiles.first_certificate(b"") == ""
    assert keyfiles.first_certificate(certificate(one).replace(b"MII", b"AAA", 1)) == ""


def test_copies_of_a_key_are_shared() -> None:
    """The same key in two files is a fault at the first; two links to one file are not."""
    seen = [KeySeen("/b", "s", (1, 2)), KeySeen("/a", "s", (1, 1)), KeySeen("/c", "t", (1, 3))]
    faults = list(keyfiles.joined(seen, []))
    assert [(path, public, fault.check) for path, public, fault in faults] == [
        ("/a", "s", "key-shared")
    ]
    assert list(keyfiles.joined([KeySeen("/a", "s", (1, 1)), KeySeen("/b", "s", (1, 1))], [])) == []


def test_a_key_beside_a_foreign_certificate_is_told() -> None:
    """By their names they belong together, by their content they do not."""
    seen = [KeySeen("/etc/ssl/web.key", "s", (1, 1))]
    fits = list(keyfiles.joined(seen, [("/etc/ssl/web.crt", "s")]))
    misfits = list(keyfiles.joined(seen, [("/etc/ssl/web.crt", "t")]))
    assert fits == []
    assert [(path, fault.check) for path, _, fault in misfits] == [
        ("/etc/ssl/web.key", "key-mismatch")
    ]
