"""The numbers of TLS: each list offers what it names, and OpenSSL calls the groups the same."""

from __future__ import annotations

import subprocess

from checks.tls.numbers import (
    GROUPS,
    POST_QUANTUM,
    SCHEMES,
    TLS12_CURVES,
    TLS13_GROUPS,
    Version,
)


def test_versions_have_the_names_that_people_use() -> None:
    """SSL and TLS count apart."""
    assert [version.label for version in Version] == [
        "SSL 2", "SSL 3", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3",
    ]  # fmt: skip


def test_every_group_is_offered_somewhere_once() -> None:
    """Both lists name known groups, once each, and leave none out."""
    assert set(TLS12_CURVES) | set(TLS13_GROUPS) == set(GROUPS)
    assert len(set(TLS12_CURVES)) == len(TLS12_CURVES)
    assert len(set(TLS13_GROUPS)) == len(TLS13_GROUPS)
    assert set(TLS12_CURVES) == set(range(1, 31)) - {17}


def test_openssl_knows_the_curves_by_these_names() -> None:
    """Every curve but NIST's two, which have older names there, is one of OpenSSL's."""
    done = subprocess.run(["openssl", "ecparam", "-list_curves"], check=True, capture_output=True)
    known = {line.split(b":")[0].strip().decode() for line in done.stdout.splitlines()}
    weierstrass = {GROUPS[number] for number in TLS12_CURVES} - {"x25519", "x448"}
    assert weierstrass - known == {"secp192r1", "secp256r1"}
    assert {"prime192v1", "prime256v1"} <= known


def test_post_quantum_groups_are_named_for_it() -> None:
    """A group is post-quantum when a lattice is in its name, and only then."""
    lattices = {number for number, name in GROUPS.items() if "KEM" in name or "Kyber" in name}
    assert lattices == POST_QUANTUM


def test_schemes_are_numbered_by_digest_and_key() -> None:
    """Below 0x0700 the first byte is the digest and the second the kind of key (RFC 5246)."""
    digests = {1: "md5", 2: "sha1", 3: "sha224", 4: "sha256", 5: "sha384", 6: "sha512"}
    kinds = {1: "rsa_pkcs1", 2: "dsa", 3: "ecdsa"}
    for number, name in SCHEMES.items():
        if number < 0x0700:
            assert name.startswith(kinds[number & 0xFF]), name
            assert name.endswith(digests[number >> 8]), name
    assert {number & 0xFF for number in SCHEMES if number < 0x0700} == set(kinds)
