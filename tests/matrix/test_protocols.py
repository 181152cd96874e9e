"""The rows of the matrix about protocols, suites and key exchange: what is found, and nothing else.

Each server is looked at by the whole program. Of what is found at medium or above the set is exact;
every row has a neighbour that differs in the fault alone and is silent about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from checks.tls.checks import ciphers, exchange, protocols

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.matrix.conftest import Told
    from tests.matrix.hosting import Authority, Host
    from tests.matrix.running import Servers

    Ask = Callable[..., Told]
    SServer = Callable[..., AbstractContextManager[int]]

SOUND = "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;"
HSTS = "add_header Strict-Transport-Security max-age=63072000;"
AEAD = "ECDHE+AESGCM:@SECLEVEL=0"
TLS12 = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-RSA"
AGAIN = "tls-renegotiation-client"
"""GnuTLS's server and Java's begin anew whenever a client asks."""


class Row(NamedTuple):
    """A set-up. serious: all that is found at medium or above; slight, silent: ids below that.

    options: of `hygiene-agent tls`.
    """

    start: Callable[[Servers, SServer], AbstractContextManager[int]]
    serious: str = ""
    slight: str = ""
    silent: str = ""
    options: tuple[str, ...] = ()


ROWS = {
    "2 SSL 3": Row(
        lambda v, _: v.tlslite(minVersion=[3, 0], maxVersion=[3, 0], cipherNames=["aes128"]),
        "tls-sslv3 tls-no-forward-secrecy",
        "tls-cipher-cbc tls-1.3-missing",
    ),
    "2 TLS 1.2 instead": Row(
        lambda v, _: v.tlslite(minVersion=[3, 3], maxVersion=[3, 3], cipherNames=["aes128"]),
        "tls-no-forward-secrecy",
        silent="tls-sslv3 tls-fallback-scsv-missing",
    ),
    "3 TLS 1.0 and 1.1 let through": Row(
        lambda v, _: v.nginx("ssl_protocols TLSv1 TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0;"),
        "tls-1.0 tls-1.1",
        "tls-1.3-missing",
        "tls-fallback-scsv-missing",
    ),
    "4 TLS 1.0 and 1.1 held back": Row(
        lambda v, _: v.nginx("ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers DEFAULT;"),
        silent="tls-1.0 tls-1.1",
    ),
    "5 TLS 1.2 only, as Mozilla has it": Row(
        lambda v, _: v.nginx(
            f"{HSTS} ssl_protocols TLSv1.2; ssl_prefer_server_ciphers off; ssl_ciphers"
            " ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
            ":ECDHE-ECDSA-CHACHA20-POLY1305; ssl_ecdh_curve X25519:prime256v1:secp384r1;"
        ),
        slight="tls-1.3-missing",
        silent="profile-violation http-hsts-missing",
        options=("--profile", "mozilla-intermediate"),
    ),
    "5 with CBC beside": Row(
        lambda v, _: v.nginx(f"{HSTS} ssl_protocols TLSv1.2; ssl_ciphers ECDHE+AES;"),
        "profile-violation",
        "tls-cipher-cbc",
        options=("--profile", "mozilla-intermediate"),
    ),
    "6 TLS 1.3 only, as Mozilla has it": Row(
        lambda v, _: v.nginx(
            f"{HSTS} ssl_protocols TLSv1.3; ssl_ecdh_curve X25519:prime256v1:secp384r1;"
        ),
        slight="tls-pq-missing",
        silent="profile-violation http-hsts-missing tls-1.3-missing",
        options=("--profile", "mozilla-modern"),
    ),
    "6 with TLS 1.2 beside": Row(
        lambda v, _: v.nginx(f"{SOUND} {HSTS} ssl_ecdh_curve X25519:prime256v1:secp384r1;"),
        "profile-violation",
        options=("--profile", "mozilla-modern"),
    ),
    "7 NULL": Row(
        lambda v, _: v.gnutls(f"{TLS12}:-CIPHER-ALL:+NULL:+SHA1:+AES-128-GCM"),
        f"tls-cipher-null {AGAIN}",
    ),
    "7 without NULL": Row(
        lambda v, _: v.gnutls(f"{TLS12}:-CIPHER-ALL:+SHA1:+AES-128-GCM"),
        AGAIN,
        silent="tls-cipher-cbc",
    ),
    "8 anonymous": Row(
        lambda _, s: s("-nocert", "-cipher", "AECDH-AES128-SHA:@SECLEVEL=0", "-tls1_2"),
        "tls-cipher-anonymous",
        "tls-1.3-missing",
    ),
    "8 everything anonymous": Row(
        lambda _, s: s("-nocert", "-cipher", "aNULL:@SECLEVEL=0", "-no_tls1_3", "-www"),
        "tls-cipher-anonymous tls-cipher-null tls-dh-weak tls-dh-common-prime tls-1.0 tls-1.1",
    ),
    "8 with a certificate": Row(
        lambda _, s: s("-cipher", "ECDHE+AESGCM", "-tls1_2", "-www"),
        silent="tls-cipher-cbc tls-server-preference",
    ),
    "9 RC4": Row(lambda v, _: v.tlslite(**_one("rc4")), "tls-cipher-rc4", silent="tls-cipher-cbc"),
    "9 3DES": Row(
        lambda v, _: v.tlslite(**_one("3des")), "tls-cipher-64bit-block", silent="tls-cipher-cbc"
    ),
    "9 AES": Row(lambda v, _: v.tlslite(**_one("aes128gcm")), silent="tls-cipher-cbc"),
    "10 export suites": Row(
        lambda v, _: v.jsse("TLSv1", "SSL_RSA_EXPORT_WITH_RC4_40_MD5"),
        "tls-cipher-export tls-1.0",
    ),
    "11 a static key": Row(
        lambda v, _: v.haproxy("ciphers AES128-SHA ssl-max-ver TLSv1.2"),
        "tls-no-forward-secrecy",
        "tls-cipher-cbc tls-1.3-missing",
    ),
    "11 an ephemeral one": Row(
        lambda v, _: v.haproxy("ciphers ECDHE-RSA-AES128-SHA ssl-max-ver TLSv1.2"),
        slight="tls-cipher-cbc tls-1.3-missing",
    ),
    "13 a weak curve": Row(
        lambda _, s: s("-groups", "P-224", "-cipher", AEAD, "-tls1_2"), "tls-group-weak"
    ),
    "13 a weak curve beside": Row(
        lambda v, _: v.nginx(
            f"ssl_protocols TLSv1.2; ssl_ciphers {AEAD}; ssl_ecdh_curve prime256v1:secp224r1;"
        ),
        "tls-group-weak",
    ),
    "13 sound curves": Row(
        lambda _, s: s("-groups", "P-256:P-384:P-521", "-cipher", AEAD, "-tls1_2", "-www"),
    ),
    "14 classical groups": Row(
        lambda _, s: s("-www", kind="p256"),
        slight="tls-pq-missing tls-server-preference tls-cipher-cbc",
        silent="tls-pq-only tls-1.3-missing",
    ),
    "14 post-quantum groups": Row(
        lambda v, _: v.newest(), silent="tls-pq-missing tls-pq-only tls-1.3-missing"
    ),
    "14 post-quantum groups only": Row(
        lambda v, _: v.newest(groups="X25519MLKEM768"),
        slight="tls-pq-only",
        silent="tls-pq-missing tls-1.3-missing",
    ),
    "early data of nginx": Row(
        lambda v, _: v.nginx(f"{SOUND} ssl_early_data on;"), "tls-early-data"
    ),
    "early data of haproxy": Row(
        lambda v, _: v.haproxy("allow-0rtt ciphers ECDHE+AESGCM"), "tls-early-data"
    ),
    "no early data": Row(
        lambda v, _: v.haproxy("ciphers ECDHE+AESGCM"), silent="tls-server-preference"
    ),
    "no secure renegotiation": Row(
        lambda v, _: v.gnutls(f"{TLS12}:%DISABLE_SAFE_RENEGOTIATION"),
        f"tls-renegotiation-insecure {AGAIN}",
    ),
    "secure renegotiation as far as clients have it": Row(
        lambda v, _: v.gnutls(f"{TLS12}:%PARTIAL_RENEGOTIATION"), AGAIN
    ),
    "no extended master secret": Row(
        lambda v, _: v.gnutls(f"{TLS12}:%NO_SESSION_HASH"),
        AGAIN,
        slight="tls-extended-master-secret-missing",
    ),
    "an extended master secret": Row(
        lambda v, _: v.gnutls(TLS12), AGAIN, silent="tls-extended-master-secret-missing"
    ),
    "a forced fallback": Row(
        lambda v, _: v.jsse("TLSv1.1,TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
        f"tls-1.1 {AGAIN}",
        "tls-fallback-scsv-missing",
    ),
    "a fallback that is noticed": Row(
        lambda v, _: v.gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.1:-RSA"),
        f"tls-1.1 {AGAIN}",
        silent="tls-fallback-scsv-missing",
    ),
    "the client's order": Row(
        lambda _, s: s("-cipher", "ECDHE+AES", "-tls1_2", "-www"), slight="tls-server-preference"
    ),
    "the server's order": Row(
        lambda _, s: s("-cipher", "ECDHE+AES", "-tls1_2", "-www", "-serverpref"),
        slight="tls-cipher-cbc",
        silent="tls-server-preference",
    ),
}


def _one(cipher: str) -> dict[str, Any]:
    """Settings of tlslite-ng for one cipher in TLS 1.2 with an ephemeral key."""
    versions = {"minVersion": [3, 3], "maxVersion": [3, 3]}
    return {**versions, "cipherNames": [cipher], "keyExchangeNames": ["ecdhe_rsa"]}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_found_and_nothing_else(
    row: str, servers: Servers, s_server: SServer, ask: Ask
) -> None:
    """What the server does is told; what it does not do is not, and nothing is left open."""
    wanted = ROWS[row]
    with wanted.start(servers, s_server) as port:
        told = ask(port, *wanted.options)
    assert told.serious == set(wanted.serious.split())
    assert set(wanted.slight.split()) <= told.slight
    assert told.slight.isdisjoint(wanted.silent.split())
    assert told.left == []


# Rows 3 and 4 as they stand in files

NGINX = """
pid /run/nginx.pid; worker_processes 1; daemon off; events { worker_connections 64; }
http { access_log off; ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers %s;
add_header Strict-Transport-Security max-age=63072000;
server { listen 443 ssl; server_name www.matrix.test; return 200 ok;
ssl_certificate %s; ssl_certificate_key %s; } }
"""


@pytest.mark.parametrize("level", [0, 2])
def test_what_the_library_refuses_is_a_fault_of_the_file(
    host: Host, ca: Authority, level: int
) -> None:
    """Without SECLEVEL=0 the versions named are not spoken: the line is told, not the server."""
    files = host.certify("web", ca.leaf(), ca.middle)
    ciphers = f"ECDHE+AESGCM:ECDHE+AES:@SECLEVEL={level}"
    host.file("/etc/nginx/nginx.conf", NGINX % (ciphers, files.chain, files.key))
    host.serve("nginx", "-e", "stderr", ports=(443,))
    told = host.tls()
    assert told.serious == ({"tls-1.0", "tls-1.1"} if level == 0 else set())
    of_files = {one for one in told.found if one.startswith("config-")}
    assert of_files - {"config-ineffective"} == {"config-legacy-protocol"}
    assert ("config-ineffective" in of_files) is (level == 2)
    assert told.places("config-legacy-protocol") == {"/etc/nginx/nginx.conf:3"}


def test_every_check_of_these_families_has_a_row() -> None:
    """Each id fires in a row, or in a test of its own where a stub or parameters are needed."""
    rows = {name for row in ROWS.values() for name in f"{row.serious} {row.slight}".split()}
    apart = {"tls-sslv2", "tls-compression", "tls-dh-weak", "tls-dh-common-prime"}
    apart |= {"tls-dh-composite"}
    known = {*ciphers.CHECKS, *exchange.CHECKS, *protocols.CHECKS}
    assert known - rows - apart == set()
