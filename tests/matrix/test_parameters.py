"""Row 12: parameters of Diffie-Hellman that real servers were given, judged by what they are."""

from __future__ import annotations

import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from checks.tls import primes

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.checks.tls.serving import Made
    from tests.matrix.conftest import Told
    from tests.matrix.hosting import Authority
    from tests.matrix.running import Servers

    SServer = Callable[..., AbstractContextManager[int]]
    Start = Callable[[Servers, SServer, str], AbstractContextManager[int]]

OWN = "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"
GNUTLS = "NONE:+VERS-TLS1.2:+AES-128-GCM:+AEAD:+DHE-RSA:+SIGN-ALL:+GROUP-ALL"
TLSLITE: dict[str, Any] = {
    "cipherNames": ["aes128gcm"],
    "keyExchangeNames": ["dhe_rsa"],
    "maxVersion": [3, 3],
    "minVersion": [3, 3],
}
AGAIN = "tls-renegotiation-client"


def _prime(name: str, made: Callable[[str], Made]) -> int:
    """Give a number to agree modulo: a published prime by its name, a fresh one, a composite."""
    if name == "own":
        words = ("openssl", "prime", "-generate", "-bits", "1024")
        return int(subprocess.run(words, check=True, capture_output=True).stdout)
    if name == "composite":  # of two large primes
        return int(made("rsa").key.public_key().public_numbers().n)
    return next(number for number, known in primes.known().items() if known.name == name)


def _parameters(prime: int, ca: Authority, folder: Path) -> str:
    """Write DH parameters with the generator 2 into a file; give its path."""
    prime_too = prime.to_bytes(prime.bit_length() // 8 + 1, "big")
    encoded = ca.maker.tlv(0x30, ca.maker.tlv(2, prime_too), ca.maker.tlv(2, b"\2"))
    path = folder / "dh.pem"
    path.write_text(ssl.DER_cert_to_PEM_cert(encoded).replace("CERTIFICATE", "DH PARAMETERS"))
    return str(path)


DHE: dict[str, Start] = {
    "nginx": lambda v, _, path: v.nginx(
        f"ssl_protocols TLSv1.2; ssl_ciphers {OWN}; ssl_dhparam {path};", "rsa"
    ),
    "openssl": lambda _, s, path: s("-cipher", OWN, "-tls1_2", "-www", "-dhparam", path),
    # GnuTLS and tlslite-ng take parameters of their own only for clients without RFC 7919.
    "gnutls": lambda v, _, path: v.gnutls(GNUTLS, "--dhparams", path),
    "tlslite": lambda v, _, number: v.tlslite(dhParams=[2, int(number)], **TLSLITE),
}
WEAK, COMMON, COMPOSITE = "tls-dh-weak", "tls-dh-common-prime", "tls-dh-composite"


@pytest.mark.parametrize(
    ("server", "prime", "expected"),
    [
        ("openssl", "own", {WEAK}),
        ("gnutls", "own", {WEAK}),
        ("nginx", "RFC 2409 group 2", {WEAK, COMMON}),
        ("tlslite", "RFC 2409 group 2", {WEAK, COMMON}),
        ("openssl", "RFC 5114 group 24", {COMMON}),
        ("openssl", "composite", {COMPOSITE}),
        ("tlslite", "composite", {COMPOSITE}),
        ("openssl", "RFC 7919 ffdhe2048", set()),
        ("nginx", "RFC 7919 ffdhe3072", set()),
        ("gnutls", "RFC 7919 ffdhe2048", set()),
        ("tlslite", "RFC 7919 ffdhe2048", set()),
    ],
)
def test_parameters_are_judged_by_what_they_are(
    server: str,
    prime: str,
    expected: set[str],
    *,
    servers: Servers,
    s_server: SServer,
    made: Callable[[str], Made],
    ca: Authority,
    tmp_path: Path,
    ask: Callable[..., Told],
) -> None:
    """Short, shared by everybody, no prime at all; a named group of RFC 7919 is sound."""
    number = _prime(prime, made)
    given = str(number) if server == "tlslite" else _parameters(number, ca, tmp_path)
    with DHE[server](servers, s_server, given) as port:
        told = ask(port)
    assert told.serious - {AGAIN} == expected
    assert told.slight <= {"tls-1.3-missing", "http-hsts-missing"}
    assert told.left == []
