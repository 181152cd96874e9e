"""Keys are joined with their copies and with the certificates they were made for."""

from __future__ import annotations

import pytest

from checks.secrets.keypairs import (
    Mismatch,
    SharedKey,
    certificates_of,
    key_mismatch,
    key_shared,
    mismatch_fault,
    shared_fault,
)

ONE, TWO = "11" * 32, "22" * 32


def test_finds_copies_but_not_links() -> None:
    """The same key in two files is shared; links to one inode are one file; "" is nobody's."""
    found = key_shared(
        [
            ("/b/key", ONE, (1, 20)),
            ("/a/key", ONE, (1, 10)),
            ("/a/link", ONE, (1, 10)),
            ("/c/key", TWO, (1, 30)),
            ("/c/link", TWO, (1, 30)),
            ("/d/sealed", "", (1, 40)),
            ("/e/sealed", "", (1, 50)),
        ]
    )
    assert found == (SharedKey(ONE, ("/a/key", "/b/key")),)
    fault = shared_fault(found[0])
    assert fault.check == "key-shared"
    assert "2 files: /a/key, /b/key" in fault.message


def test_shortens_long_lists() -> None:
    """A key in many files is told with three of them and their number."""
    (shared,) = key_shared([(f"/{n}", ONE, (1, n)) for n in range(9)])
    assert shared_fault(shared).message.endswith("9 files: /0, /1, /2 and 6 more")


PAIRS = [
    ("/e/server.key", "/e/server.crt"),
    ("/e/server.key", "/e/server.pem"),
    ("/e/server.key", "/e/server.cer"),
    ("/e/example.org.key.pem", "/e/example.org.crt.pem"),
    ("/etc/letsencrypt/live/a/privkey.pem", "/etc/letsencrypt/live/a/fullchain.pem"),
    ("/etc/letsencrypt/archive/a/privkey3.pem", "/etc/letsencrypt/archive/a/cert3.pem"),
    ("/run/tls.key", "/run/tls.crt"),
    ("/m/server-key.pem", "/m/server-cert.pem"),
    ("/d/ca-key.pem", "/d/ca.pem"),
    ("/d/key.pem", "/d/cert.pem"),
    ("/etc/ssl/private/web.key", "/etc/ssl/certs/web.pem"),
    ("/etc/haproxy/all.pem", "/etc/haproxy/all.pem"),
]


@pytest.mark.parametrize(("key", "certificate"), PAIRS)
def test_finds_pairs_that_do_not_fit(key: str, certificate: str) -> None:
    """A key and certificate that belong together by name must have one public key."""
    assert key_mismatch([(key, ONE)], [(certificate, TWO)]) == (Mismatch(key, certificate),)
    assert key_mismatch([(key, ONE)], [(certificate, ONE)]) == ()
    assert key_mismatch([(key, "")], [(certificate, TWO)]) == ()


@pytest.mark.parametrize(
    ("key", "certificate"),
    [
        ("/e/server.key", "/e/client.crt"),
        ("/e/server.key", "/f/server.crt"),
        ("/e/server.key", "/e/server.crt.old"),
        ("/e/server.key.bak", "/e/server.crt"),
        ("/e/privkey1.pem", "/e/cert2.pem"),
        ("/e/server.key", "/e/ca.pem"),
        ("/e/monkey.pem", "/e/mon.pem"),
    ],
)
def test_pairs_no_strangers(key: str, certificate: str) -> None:
    """Files with other names, in other folders or kept aside are no pair."""
    assert key_mismatch([(key, ONE)], [(certificate, TWO)]) == ()


def test_looks_at_the_first_certificate_of_a_file() -> None:
    """A server shows the first certificate, so that a chain in the wrong order does not fit."""
    leaf, root = ("/p.pem", ONE), ("/p.pem", TWO)
    assert key_mismatch([("/p.pem", ONE)], [leaf, root]) == ()
    (mismatch,) = key_mismatch([("/p.pem", ONE)], [root, leaf])
    assert "this file" in mismatch_fault(mismatch).message


def test_is_content_with_one_fitting_certificate() -> None:
    """Of several certificates with the stem one that fits is enough."""
    certificates = [("/e/web.crt", TWO), ("/e/web.pem", ONE)]
    assert key_mismatch([("/e/web.key", ONE)], certificates) == ()
    assert key_mismatch([("/e/web.key", "33" * 32)], certificates) == (
        Mismatch("/e/web.key", "/e/web.crt"),
    )


def test_lists_the_certificates_of_a_key() -> None:
    """Every key has the list of certificates made for it, which may be empty."""
    keys = [("/a.key", ONE), ("/b.key", TWO), ("/c.key", "")]
    certificates = [("/z.crt", ONE), ("/a.crt", ONE), ("/q.crt", "")]
    assert certificates_of(keys, certificates) == {
        "/a.key": ("/a.crt", "/z.crt"),
        "/b.key": (),
        "/c.key": (),
    }
