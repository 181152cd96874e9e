"""Set-ups that the matrix does not name: other servers, rare keys, several faults, hidden ones."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.matrix.conftest import Told
    from tests.matrix.running import Servers

    Ask = Callable[..., Told]
    SServer = Callable[..., AbstractContextManager[int]]

AEAD = "ECDHE+AESGCM:@SECLEVEL=0"
TLS12 = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-RSA"
TLS13 = "NORMAL:-VERS-ALL:+VERS-TLS1.3"
AGAIN = "tls-renegotiation-client"
STATIC = "tls-no-forward-secrecy"
OLD = "tls-1.0 tls-1.1"
LATEST = {"minVersion": [3, 3], "maxVersion": [3, 3]}


class Variation(NamedTuple):
    """A set-up. serious: all that is found at medium or above; slight, silent: ids below that."""

    start: Callable[[Servers, SServer], AbstractContextManager[int]]
    serious: str = ""
    slight: str = ""
    silent: str = ""


# What is hidden behind something sound
HIDDEN = {
    "a static key for RC4 alone": Variation(
        lambda v, _: v.tlslite(
            cipherNames=["rc4"], keyExchangeNames=["ecdhe_rsa", "rsa"], **LATEST
        ),
        f"tls-cipher-rc4 {STATIC}",
    ),
    "a static key for 3DES alone": Variation(
        lambda v, _: v.tlslite(
            cipherNames=["3des", "aes128gcm"], keyExchangeNames=["rsa"], **LATEST
        ),
        f"tls-cipher-64bit-block {STATIC}",
    ),
    "CBC for a static key that has GCM too": Variation(
        lambda v, _: v.haproxy("ciphers ECDHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA256:AES128-SHA"),
        STATIC,
        "tls-cipher-cbc",
    ),
    "nobody and nothing at once": Variation(
        lambda _, s: s("-nocert", "-cipher", "AECDH-NULL-SHA:@SECLEVEL=0", "-tls1_2", "-www"),
        "tls-cipher-null tls-cipher-anonymous",
    ),
    "no encryption in TLS 1.3": Variation(
        lambda v, _: v.newest(suites="TLS_SHA256_SHA256:TLS_AES_128_GCM_SHA256", ciphers=AEAD),
        "tls-cipher-null",
        silent="tls-1.3-missing",
    ),
    "an export suite behind sound ones": Variation(
        lambda v, _: v.jsse(
            "TLSv1,TLSv1.2",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
            ",SSL_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA",
        ),
        f"tls-cipher-export tls-dh-weak tls-1.0 {AGAIN}",
        "tls-fallback-scsv-missing",
    ),
    "shared secrets beside a certificate": Variation(
        lambda _, s: s("-psk", "aabb", "-cipher", "PSK-AES128-CBC-SHA:ECDHE+AESGCM", "-tls1_2"),
        STATIC,
        "tls-cipher-cbc",
    ),
    "everything at once": Variation(
        lambda _, s: s(
            *("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-groups", "P-192:X25519"),
            *("-early_data", "-client_renegotiation"),
        ),
        f"{OLD} tls-cipher-null tls-cipher-anonymous {STATIC} tls-dh-weak tls-dh-common-prime"
        f" tls-group-weak tls-early-data {AGAIN}",
        "tls-cipher-cbc tls-server-preference tls-pq-missing",
    ),
}
# Sound, though rare
RARE = {
    "Ed25519": Variation(lambda _, s: s("-www", kind="ed25519"), slight="tls-pq-missing"),
    "Ed448 in TLS 1.2": Variation(
        lambda _, s: s("-www", "-tls1_2", "-cipher", AEAD, kind="ed448"), slight="tls-1.3-missing"
    ),
    "ECDSA in TLS 1.2": Variation(
        lambda v, _: v.nginx("ssl_protocols TLSv1.2; ssl_ciphers ECDHE+AESGCM;", "p384"),
        slight="tls-1.3-missing",
        silent="tls-cipher-cbc tls-server-preference",
    ),
    "ChaCha20 only": Variation(
        lambda _, s: s(
            *("-cipher", "ECDHE-RSA-CHACHA20-POLY1305", "-www"),
            *("-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"),
        ),
        silent="tls-cipher-cbc tls-1.3-missing",
    ),
    "CCM only": Variation(
        lambda v, _: v.gnutls(f"{TLS13}:-CIPHER-ALL:+AES-128-CCM:+AES-128-CCM-8"),
        slight="http-hsts-missing",
    ),
    "ARIA only": Variation(
        lambda _, s: s("-cipher", "ECDHE-ARIA128-GCM-SHA256", "-tls1_2", "-www"),
        slight="tls-1.3-missing",
        silent="tls-cipher-cbc",
    ),
    "Camellia only": Variation(
        lambda _, s: s("-cipher", "ECDHE-RSA-CAMELLIA128-SHA256", "-tls1_2", "-www"),
        slight="tls-cipher-cbc",
    ),
    "finite fields only, in TLS 1.3": Variation(
        lambda v, _: v.gnutls(f"{TLS13}:-GROUP-ALL:+GROUP-FFDHE2048"),
        slight="http-hsts-missing tls-pq-missing",
    ),
    "the largest finite field": Variation(
        lambda v, _: v.newest(groups="ffdhe8192"), slight="http-hsts-missing"
    ),
    "Brainpool only, in TLS 1.3": Variation(
        lambda v, _: v.newest(groups="brainpoolP256r1tls13"), slight="http-hsts-missing"
    ),
    "another hybrid only": Variation(
        lambda v, _: v.newest(groups="SecP256r1MLKEM768"), slight="tls-pq-only http-hsts-missing"
    ),
    "TLS 1.3 only, of caddy": Variation(
        lambda v, _: v.caddy("protocols tls1.3"), silent="tls-extended-master-secret-missing"
    ),
    "Suite B": Variation(lambda v, _: v.gnutls("SUITEB192", kind="p384"), AGAIN),
    "both kinds of keys": Variation(
        lambda v, _: v.nginx(
            "ssl_protocols TLSv1.2; ssl_ciphers ECDHE+AESGCM;"
            f"ssl_certificate {v.files('rsa')[0]}; ssl_certificate_key {v.files('rsa')[1]};"
        ),
    ),
    "a client's certificate, of nginx": Variation(
        lambda v, _: v.nginx(f"ssl_verify_client on; ssl_client_certificate {v.files('rsa')[0]};")
    ),
    "a client's certificate, of apache": Variation(
        lambda v, _: v.apache(
            "SSLProtocol -all +TLSv1.2 +TLSv1.3\nSSLCipherSuite ECDHE+AESGCM\n"
            f"SSLVerifyClient require\nSSLCACertificateFile {v.files('rsa')[0]}"
        )
    ),
    "a client's certificate, of haproxy": Variation(
        lambda v, _: v.haproxy(f"ciphers ECDHE+AESGCM verify required ca-file {v.files('rsa')[0]}")
    ),
    "a client's certificate, of OpenSSL": Variation(
        lambda _, s: s("-Verify", "1", "-verify_return_error", "-cipher", "ECDHE+AESGCM")
    ),
    "a client's certificate below TLS 1.3": Variation(
        lambda _, s: s("-Verify", "1", "-verify_return_error", "-cipher", AEAD, "-tls1_2")
    ),
}
# The same faults, of other servers, and several of them
OTHERS = {
    "nginx with four": Variation(
        lambda v, _: v.nginx(
            "ssl_protocols TLSv1.1 TLSv1.2 TLSv1.3; ssl_early_data on; ssl_ecdh_curve"
            " X25519:secp224r1; ssl_ciphers ECDHE+AES:AES128-SHA:@SECLEVEL=0;",
            "rsa",
        ),
        f"tls-1.1 tls-early-data tls-group-weak {STATIC}",
    ),
    "apache": Variation(
        lambda v, _: v.apache(
            "SSLProtocol +TLSv1.1 +TLSv1.2\nSSLOpenSSLConfCmd Curves P-224:P-256\n"
            "SSLCipherSuite ECDHE+AES:@SECLEVEL=0"
        ),
        "tls-1.1 tls-group-weak",
    ),
    "haproxy": Variation(
        lambda v, _: v.haproxy("ssl-min-ver TLSv1.0 ciphers ECDHE+AES:aNULL:@SECLEVEL=0"),
        f"{OLD} tls-cipher-anonymous tls-cipher-null",
    ),
    "lighttpd": Variation(
        lambda v, _: v.lighttpd(
            'ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv1", "Curves" => "P-224:P-256",'
            ' "CipherString" => "ECDHE+AES:@SECLEVEL=0")'
        ),
        f"{OLD} tls-group-weak",
    ),
    "GnuTLS": Variation(
        lambda v, _: v.gnutls(f"{TLS12}:+3DES-CBC:+ARCFOUR-128:+ANON-ECDH"),
        f"tls-cipher-rc4 tls-cipher-64bit-block tls-cipher-anonymous {AGAIN}",
    ),
    "TLS 1.1 only": Variation(
        lambda v, _: v.haproxy("ssl-min-ver TLSv1.1 ssl-max-ver TLSv1.1 ciphers ECDHE:@SECLEVEL=0"),
        "tls-1.1 tls-cipher-null",
        "tls-1.3-missing",
        "tls-fallback-scsv-missing",
    ),
}
ALL = HIDDEN | RARE | OTHERS


@pytest.mark.parametrize("name", ALL)
def test_a_variation_is_found_and_nothing_else(
    name: str, servers: Servers, s_server: SServer, ask: Ask
) -> None:
    """What is there is told to the last id, what is sound gives nothing, nothing stays open."""
    wanted = ALL[name]
    with wanted.start(servers, s_server) as port:
        told = ask(port)
    assert told.serious == set(wanted.serious.split())
    assert set(wanted.slight.split()) <= told.slight
    assert told.slight.isdisjoint(wanted.silent.split())
    assert told.left == []


def test_a_server_of_shared_secrets_only_is_looked_at(
    servers: Servers, tmp_path: Path, ask: Ask
) -> None:
    """Without the secret its versions and suites are seen; that TLS 1.3 is not stays open."""
    secrets = tmp_path / "secrets"
    secrets.write_text("somebody:00112233445566778899aabbccddeeff\n")
    weak = "NONE:+VERS-TLS1.2:+VERS-TLS1.1:+AES-128-CBC:+NULL:+SHA1:+PSK:+SIGN-ALL:+GROUP-ALL"
    with servers.gnutls(weak, "--pskpasswd", str(secrets)) as port:
        told = ask(port)
    assert told.serious == {"tls-1.1", "tls-cipher-null", STATIC}
    sound = "NONE:+VERS-TLS1.2:+AES-128-GCM:+AEAD:+DHE-PSK:+SIGN-ALL:+GROUP-ALL"
    with servers.gnutls(sound, "--pskpasswd", str(secrets)) as port:
        told = ask(port)
    assert (told.status, told.serious) == (3, set())
    assert [why for why in told.left if "secret" in why] == told.left


def test_a_key_that_only_signs_in_pss_is_looked_at(
    s_server: SServer, tmp_path: Path, ask: Ask
) -> None:
    """Its certificate is seen in TLS 1.3 and below."""
    key, certificate = str(tmp_path / "key"), str(tmp_path / "certificate")
    make = ("openssl", "req", "-x509", "-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048")
    wishes = ("-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext")
    named = ("subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE")
    words = (*make, *wishes, *named, "-keyout", key, "-out", certificate)
    subprocess.run(words, check=True, capture_output=True)
    for version in ("-tls1_3", "-tls1_2"):
        with s_server("-cert", certificate, "-key", key, "-cipher", AEAD, version, "-www") as port:
            told = ask(port)
        assert told.serious == {"cert-self-signed"}
        assert told.left == []


def test_what_depends_on_the_name_is_told_of_that_name(servers: Servers, ask: Ask) -> None:
    """A weak host beside a sound one on one port is weak by its name alone."""
    weak = (
        "server { listen 127.0.0.1:PORT ssl; server_name weak.test; return 200 ok;"
        "ssl_ciphers AES128-SHA:@SECLEVEL=0; }"
    )
    sound = "ssl_protocols TLSv1.2; ssl_ciphers ECDHE+AESGCM:@SECLEVEL=0;"
    with servers.nginx(sound, "rsa", more=weak) as port:
        assert ask(port).serious == set()
        assert ask(port, name="weak.test").serious == {STATIC, "cert-name-mismatch"}


def test_an_address_of_ipv6_is_looked_at(servers: Servers, ask: Ask) -> None:
    """By its address in brackets; what is sound there gives nothing."""
    for protocols, expected in (("TLSv1.1", {"tls-1.1"}), ("TLSv1.2", set())):
        lines = f"ssl_protocols {protocols}; ssl_ciphers {AEAD}:ECDHE+AES;"
        with servers.nginx(lines, address="[::1]") as port:
            told = ask(port, address="[::1]", name="")
        assert told.serious == expected
        assert told.left == []


def test_who_wants_a_name_and_gets_none_is_not_clean(servers: Servers, ask: Ask) -> None:
    """Refusing clients without the right name is no answer; with it the server is looked at."""
    with servers.haproxy("strict-sni ciphers ECDHE+AESGCM") as port:
        assert ask(port, name="").status == 3
        told = ask(port)
    assert (told.serious, told.left) == (set(), [])
