"""Keystores are recognised by their contents and described without opening more than is cheap."""

from __future__ import annotations

import base64
import hashlib
import random
import struct
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.secrets import der, jks, keystores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec


def _spki(key: ec.EllipticCurvePrivateKey) -> str:
    encoded = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(encoded).hexdigest()


def _inspect(name: str, data: bytes) -> keystores.KeystoreFacts:
    facts = keystores.inspect(name, data)
    assert facts is not None
    return facts


def _p12(
    key: ec.EllipticCurvePrivateKey | None,
    certificate: x509.Certificate | None,
    password: str,
    *,
    old: bool = False,
) -> bytes:
    builder = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2048)
    if old:
        builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        builder = builder.hmac_hash(SHA1())
    else:
        builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        builder = builder.hmac_hash(SHA256())
    authorities = [certificate] if key is None and certificate else None
    return pkcs12.serialize_key_and_certificates(
        b"web", key, certificate if key else None, authorities, builder.build(password.encode())
    )


@pytest.mark.parametrize("old", [False, True], ids=["AES", "3DES"])
def test_opens_a_pkcs12_with_a_password_of_manuals(
    *, old: bool, ec_key: ec.EllipticCurvePrivateKey, issue: Callable[..., x509.Certificate]
) -> None:
    """A store that "changeit" opens gives its key's spki and its certificates."""
    facts = _inspect("any.name", _p12(ec_key, issue(ec_key), "changeit", old=old))
    assert (facts.kind, facts.private_keys, facts.encrypted, facts.opens) == (
        "pkcs12",
        1,
        True,
        True,
    )
    assert facts.spkis == (_spki(ec_key),)
    assert [one.subject for one in facts.certificates] == ["CN=web.example"]
    assert not facts.unseen


def test_leaves_a_pkcs12_with_a_good_password_closed(
    ec_key: ec.EllipticCurvePrivateKey, issue: Callable[..., x509.Certificate]
) -> None:
    """A store under another password is known to hold a key, and what is unseen is told."""
    facts = _inspect("a.p12", _p12(ec_key, issue(ec_key), "nobody knows this"))
    assert (facts.private_keys, facts.encrypted, facts.opens) == (1, True, False)
    assert facts.spkis == ()
    assert facts.unseen == "a part is encrypted"


def test_reads_an_unencrypted_pkcs12(
    ec_key: ec.EllipticCurvePrivateKey, issue: Callable[..., x509.Certificate]
) -> None:
    """A store without any password shows key and certificate."""
    data = pkcs12.serialize_key_and_certificates(b"n", ec_key, issue(ec_key), None, NoEncryption())
    facts = _inspect("a.pfx", data)
    assert (facts.private_keys, facts.encrypted, facts.spkis) == (1, False, (_spki(ec_key),))


def test_finds_no_key_among_trusted_certificates(
    ec_key: ec.EllipticCurvePrivateKey, issue: Callable[..., x509.Certificate]
) -> None:
    """A trust store holds no private key, whatever its password."""
    facts = _inspect("cacerts", _p12(None, issue(ec_key), "changeit"))
    assert facts.private_keys == 0
    assert len(facts.certificates) == 1


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    wide = (len(body).bit_length() + 7) // 8
    size = len(body).to_bytes(wide, "big") if len(body) > 127 else b""
    return bytes((tag, 0x80 | wide if size else len(body))) + size + body


def test_never_runs_an_expensive_derivation(
    ec_key: ec.EllipticCurvePrivateKey, issue: Callable[..., x509.Certificate]
) -> None:
    """A store whose MAC wants two thousand million iterations is told as unseen at once."""
    version, content, mac = der.read(_p12(ec_key, issue(ec_key), "changeit")).children
    digest, salt = mac.children[:2]
    for count, opens in ((mac.children[2].raw, True), (_der(2, b"\x7f\xff\xff\xff"), False)):
        made = _der(0x30, version.raw, content.raw, _der(0x30, digest.raw, salt.raw, count))
        start = time.process_time()
        facts = _inspect("a.p12", made)
        assert time.process_time() - start < 1
        assert facts.opens is opens
        assert ("expensive" in facts.unseen) is not opens


def _utf(text: str, size: int = 2) -> bytes:
    return len(text).to_bytes(size, "big") + text.encode()


def _java(magic: bytes, entries: list[bytes], password: str) -> bytes:
    data = magic + struct.pack(">II", 2, len(entries)) + b"".join(entries)
    digest = hashlib.sha1(password.encode("utf-16-be") + b"Mighty Aphrodite" + data).digest()
    return data + digest


def _certificate_part(certificate: x509.Certificate) -> bytes:
    encoded = certificate.public_bytes(Encoding.DER)
    return _utf("X.509") + len(encoded).to_bytes(4, "big") + encoded


def _private(alias: str, certificate: x509.Certificate) -> bytes:
    head = struct.pack(">I", 1) + _utf(alias) + bytes(8) + struct.pack(">I", 64) + bytes(range(64))
    return head + struct.pack(">I", 1) + _certificate_part(certificate)


def _trusted(alias: str, certificate: x509.Certificate) -> bytes:
    return struct.pack(">I", 2) + _utf(alias) + bytes(8) + _certificate_part(certificate)


JKS = b"\xfe\xed\xfe\xed"


def test_reads_a_java_keystore(
    ec_key: ec.EllipticCurvePrivateKey, issue: Callable[..., x509.Certificate]
) -> None:
    """Aliases, kinds of entries and certificates are known without a password."""
    made = issue(ec_key)
    entries = [_private("tomcat", made), _trusted("root", made)]
    facts = _inspect("server.keystore", _java(JKS, entries, "changeit"))
    assert (facts.kind, facts.private_keys, facts.entries) == ("jks", 1, 2)
    assert facts.names == ("tomcat", "root")
    assert facts.spkis == (_spki(ec_key),)
    assert facts.opens
    assert not _inspect("k", _java(JKS, entries, "nobody knows this")).opens


def test_reads_trust_stores_secret_keys_and_damage(
    ec_key: ec.EllipticCurvePrivateKey, issue: Callable[..., x509.Certificate]
) -> None:
    """A cacerts file has no key; a JCEKS with a secret key has one; a cut store says so."""
    made = issue(ec_key)
    trusted = _inspect("cacerts", _java(JKS, [_trusted("ca", made)], "changeit"))
    assert (trusted.private_keys, trusted.opens) == (0, True)
    secret = struct.pack(">I", 3) + _utf("aes") + bytes(8) + b"\xac\xed\0\5"
    facts = _inspect("k.jceks", _java(b"\xce" * 4, [secret, _trusted("ca", made)], "x"))
    assert (facts.kind, facts.private_keys) == ("jceks", 1)
    assert facts.unseen == "entries after a secret key"
    cut = _java(JKS, [_private("a", made), _private("b", made)], "x")[:-300]
    assert _inspect("k", cut).unseen == "the store is damaged"


def test_reads_what_keytool_writes(tmp_path: Path) -> None:
    """The stores of a real keytool are read, in both formats."""
    for kind in ("JKS", "PKCS12"):
        path = tmp_path / kind
        subprocess.run(
            ["keytool", "-genkeypair", "-keyalg", "EC", "-alias", "web", "-dname", "CN=web",
             "-storetype", kind, "-keystore", str(path), "-storepass", "changeit",
             "-keypass", "changeit"],
            check=True,
            capture_output=True,
        )  # fmt: skip
        facts = _inspect(path.name, path.read_bytes())
        assert (facts.kind, facts.private_keys, facts.opens) == (kind.lower(), 1, True)
        assert len(facts.spkis) == 1


def _keytab(*entries: tuple[str, str, int]) -> bytes:
    data = b"\x05\x02"
    for principal, realm, cipher in entries:
        parts = principal.split("/")
        body = len(parts).to_bytes(2, "big") + _utf(realm) + b"".join(map(_utf, parts))
        body += bytes(8) + b"\x02" + cipher.to_bytes(2, "big") + b"\0\x20" + bytes(range(32))
        data += len(body).to_bytes(4, "big") + body + struct.pack(">i", -4) + bytes(4)
    return data


def test_reads_a_keytab() -> None:
    """A keytab gives its principals, and RC4 keys are weak."""
    facts = _inspect("krb5.keytab", _keytab(("host/web", "X.ORG", 18), ("HTTP/web", "X.ORG", 23)))
    assert facts.names == ("host/web@X.ORG", "HTTP/web@X.ORG")
    assert facts.private_keys == 2
    assert "RC4" in facts.weak
    assert not _inspect("a", _keytab(("host/web", "X.ORG", 18))).weak


def test_recognises_bare_der(
    ec_key: ec.EllipticCurvePrivateKey, issue: Callable[..., x509.Certificate]
) -> None:
    """A private key in DER is a keystore of one; a certificate in DER is none."""
    data = ec_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert _inspect("key.der", data).spkis == (_spki(ec_key),)
    assert keystores.inspect("cert.der", issue(ec_key).public_bytes(Encoding.DER)) is None


def test_recognises_the_others() -> None:
    """Each format is known by its first bytes, and some by the name as well."""
    rng = random.Random(7)
    kinds = {
        "keepass": ("a.kdbx", b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5" + rng.randbytes(99)),
        "tor": (
            "hs_ed25519_secret_key",
            b"== ed25519v1-secret: type0 ==\0\0\0" + rng.randbytes(64),
        ),
        "ssh1": ("ssh_host_key", b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0\0" + rng.randbytes(64)),
        "bks": ("a.bks", b"\0\0\0\2\0\0\0\x14" + rng.randbytes(64)),
        "nss": ("x/key4.db", b"SQLite format 3\0" + bytes(100) + b"nssPrivate"),
        "gnupg": ("AB.key", b"(21:protected-private-key(3:rsa" + rng.randbytes(64)),
        "bind": ("Kx.private", b"Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\n"),
    }
    for kind, (name, data) in kinds.items():
        facts = _inspect(name, data)
        assert (facts.kind, facts.private_keys, facts.weak != "") == (kind, 1, kind == "ssh1")
        assert keystores.inspect(name, b"#" + data) is None


def test_tells_a_card_from_a_file() -> None:
    """GnuPG's shadowed keys are on a card, and its plain ones are unencrypted."""
    assert _inspect("a.key", b"(20:shadowed-private-key(3:rsa").private_keys == 0
    facts = _inspect("a.key", b"Created: 20250101T000000\nKey: (private-key (rsa (n #00#)))\n")
    assert (facts.private_keys, facts.encrypted) == (1, False)


def test_judges_bind_keys() -> None:
    """HMAC-MD5 and short RSA keys of BIND are weak."""
    head = b"Private-key-format: v1.3\nAlgorithm: "
    assert "MD5" in _inspect("k.private", head + b"157 (HMAC_MD5)\nKey: \n").weak
    modulus = base64.b64encode(random.Random(1).randbytes(128))
    weak = _inspect("k.private", head + b"8 (RSASHA256)\nModulus: " + modulus + b"\n").weak
    assert weak == "RSA with 1024 bits is under 2048"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"$ANSIBLE_VAULT;1.1;AES256\n6162\n",
        b"LUKS\xba\xbe\0\2" + bytes(600),
        b"\x7fELF" + bytes(100),
        b"SQLite format 3\0" + bytes(100),
        b"\x05\x02\0\0",
        b"\x95\x01",
        b"0\x82\x01",
    ],
)
def test_takes_nothing_else_for_a_keystore(data: bytes) -> None:
    """Encrypted files without a key of the host, and likenesses, are no keystores."""
    assert keystores.inspect("any", data) is None


def test_reports_what_only_its_name_promises() -> None:
    """A .p12 in BER or cut off is told as unseen, not as clean."""
    facts = _inspect("a.p12", b"\x30\x80\x02\x01\x03\x30\x80\x06\x09")
    assert (facts.kind, facts.private_keys) == ("pkcs12", 0)
    assert facts.unseen


def test_facts_show_nothing_secret(
    ec_key: ec.EllipticCurvePrivateKey, issue: Callable[..., x509.Certificate]
) -> None:
    """Neither a number of the key nor the password appears in the repr of the facts."""
    shown = repr(_inspect("a.p12", _p12(ec_key, issue(ec_key), "changeme")))
    assert str(ec_key.private_numbers().private_value)[:12] not in shown
    assert "changeme" not in shown


@pytest.fixture(scope="session")
def stores(
    ec_key: ec.EllipticCurvePrivateKey, issue: Callable[..., x509.Certificate]
) -> list[bytes]:
    made = issue(ec_key)
    return [
        _p12(ec_key, made, "changeit"),
        pkcs12.serialize_key_and_certificates(b"n", ec_key, made, None, NoEncryption()),
        _java(JKS, [_private("a", made), _trusted("b", made)], "changeit"),
        _keytab(("host/web", "X.ORG", 18)),
        ec_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    ]


@settings(max_examples=150)
@given(st.data())
def test_never_fails_on_damaged_stores(stores: list[bytes], data: st.DataObject) -> None:
    """Any store with some bytes changed or cut off gives facts or None, and no error."""
    changed = bytearray(data.draw(st.sampled_from(stores)))
    places = st.tuples(st.integers(0, len(changed) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(places, max_size=4)):
        changed[place] = value
    size = data.draw(st.integers(0, len(changed)) | st.just(len(changed)))
    facts = keystores.inspect("a.p12", bytes(changed[:size]))
    assert facts is None or facts.kind


MAGICS = st.sampled_from(
    [JKS, b"\xce" * 4, b"\x05\x02", b"\x95\x01\x00\x04", b"\xc5\x30\x04",
     b"0\x82\x01\x00\x02\x01\x03\x30", b"\x30\x80", b"(21:protected-private-key",
     b"Private-key-format: v1.3\nModulus: "]
)  # fmt: skip


@given(MAGICS, st.binary(max_size=200), st.sampled_from(["a", "a.jks", "a.keytab", "a.p12"]))
def test_never_fails_on_any_bytes(magic: bytes, rest: bytes, name: str) -> None:
    """Rubbish behind a good beginning is read without an error."""
    facts = keystores.inspect(name, magic + rest)
    assert facts is None or facts.kind


_EMPTY_PRIVATE = b"\0\0\0\1" + bytes(14) + b"\0\0\0\1" + bytes(6)


@pytest.mark.parametrize(
    "data",
    [
        JKS + struct.pack(">II", 2, 2**31) + (b"\0\0\0\2" + bytes(16)) * 50_000,
        JKS + struct.pack(">II", 2, 2**31) + _EMPTY_PRIVATE * 50_000,
        b"\x05\x02" + b"\xff\xff\xff\xff\0" * 200_000,
        b"\xc5\x00" * 500_000,
        b"\x30\x83\x0f\x00\x00\x02\x01\x00" + b"\x02\x01\x00" * 330_000,
    ],
    ids=["trusted", "private", "holes", "packets", "numbers"],
)  # fmt: skip
def test_takes_little_time_on_floods(data: bytes) -> None:
    """A store of countless empty entries is read up to a limit."""
    start = time.process_time()
    keystores.inspect("a.jks", data)
    assert time.process_time() - start < 3


def test_authenticates_only_the_right_password() -> None:
    """The digest of a Java store is that of its password alone."""
    data = _java(JKS, [], "changeit")
    assert jks.authenticates(data, "changeit")
    assert not jks.authenticates(data, "changeme")
