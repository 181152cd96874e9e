"""The matrix's rows on where TLS is met: names, addresses, networks, strangers, STARTTLS."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    import socket
    import subprocess
    from contextlib import AbstractContextManager

    from tests.checks.tls.conftest import Issued
    from tests.matrix.hosting import Authority, Files, Host
    from tests.matrix.setups import Setups

NAME = "www.matrix.test"
SCRIPTED = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("scripted.py"))))
SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
LOW = "CipherString = DEFAULT@SECLEVEL=0"
AGAIN = "tls-renegotiation-client"
"""GnuTLS's servers begin anew whenever a client asks."""
BOTH = ("a.test", "b.test")
SECOND = {
    "nginx": "server {{ listen 443 ssl; server_name b.test; ssl_certificate {chain};"
    " ssl_certificate_key {key}; ssl_ciphers {weak}; location / {{ return 200 ok; }} }}",
    "apache": "<VirtualHost *:443>\nServerName b.test\nSSLEngine on\nSSLCipherSuite {weak}\n"
    "SSLCertificateFile {chain}\nSSLCertificateKeyFile {key}\n</VirtualHost>",
}


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.mark.parametrize("server", SECOND)
def test_a_weak_second_host_is_found_by_its_name(
    host: Host, ca: Authority, setups: Setups, server: str
) -> None:
    """Row 20: suites are weak and the certificate has expired behind one of two names only."""
    first, second = (
        host.certify(name, ca.leaf(name, key=rsa_key(), left=left), ca.middle)
        for name, left in zip(BOTH, (80, -3), strict=True)
    )
    text = SECOND[server].format(**second._asdict(), weak=f"{SUITES}:AES128-SHA")
    setups.run(server, first, name="a.test", end=text)
    told = host.tls()
    assert told.at("127.0.0.1:443") == told.at("127.0.0.1:443/a.test") == set()
    assert told.at("127.0.0.1:443/b.test") == {"cert-expired", "tls-no-forward-secrecy"}
    assert host.tls("127.0.0.1:443", "-n", "a.test").serious == set()
    assert host.tls("127.0.0.1:443", "-n", "b.test").serious == {
        "cert-expired",
        "tls-no-forward-secrecy",
    }


def test_a_weak_line_of_an_haproxy_list_is_found_by_its_name(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """Row 20: a crt-list whose lines have filters, options or the certificate's name alone."""
    made = {
        name: host.certify(name, ca.leaf(f"{name}.test", key=rsa_key(), left=left), ca.middle)
        for name, left in {"a": 80, "b": 80, "c": -3, "d": 80, "e": 80}.items()
    }
    wild = host.certify("f", ca.leaf("f.test", names=("*.f.test",), key=rsa_key()), ca.middle)
    weak = f"[ciphers {SUITES}:AES128-SHA ssl-min-ver TLSv1.0]"
    host.openssl(LOW)
    host.file(
        "/etc/haproxy/list",
        f"{made['b'].both} {weak} b.test\n{made['c'].both}\n{made['d'].both} [alpn h2]\n"
        f"{made['e'].both} {weak}\n{wild.both} {weak} *.f.test !no.f.test\n",
    )
    setups.run("haproxy", made["a"], name="a.test", more="crt-list /etc/haproxy/list")
    told = host.tls()
    weak_faults = {"tls-1.0", "tls-1.1", "tls-no-forward-secrecy"}
    assert {one["server_name"]: told.at(one["place"][6:]) for one in told.report["endpoints"]} == {
        "": set(),
        "a.test": set(),
        "b.test": weak_faults,
        "c.test": {"cert-expired"},
        "d.test": set(),
        "e.test": weak_faults,
        "hygiene-agent.f.test": weak_faults,
    }


def test_listeners_anywhere_on_a_host_are_found(host: Host, ca: Authority, setups: Setups) -> None:
    """Row 21: one address of loopback, IPv6 alone, odd ports, in a network of their own."""
    bad = host.certify("bad", ca.leaf(left=-3), ca.middle)
    listens = ("127.0.0.1:31337", "127.0.0.2:443", "[::1]:50000", "[::]:8443 ipv6only=on")
    end = "".join(
        f"server {{ listen {listen} ssl; ssl_certificate {bad.chain};"
        f" ssl_certificate_key {bad.key}; location / {{ return 200 ok; }} }}"
        for listen in listens
    )
    setups.run("nginx", host.certify("sound", ca.leaf(), ca.middle), 127, end=end)
    told = host.tls()
    assert told.places("cert-expired") == {
        "tls://127.0.0.1:31337",
        "tls://127.0.0.2:443",
        "tls://[::1]:50000",
        "tls://[::1]:8443",
    }
    assert told.at("127.0.0.1:127") == told.at(f"127.0.0.1:127/{NAME}") == set()
    assert {one["owner"]["executable"] for one in told.report["endpoints"]} == {"/usr/sbin/nginx"}


def test_listeners_of_another_network_are_told_of(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """Row 21: they are not looked at from outside, which is said; from inside they are."""
    setups.write("nginx", host.certify("a", ca.leaf(left=-3), ca.middle))
    inside = "ip link set lo up; mkfifo /srv/up; echo > /srv/up; exec nginx"
    network = host.serve("unshare", "--net", "sh", "-c", inside)
    host.run("sh", "-c", "until [ -p /srv/up ]; do sleep 0.1; done; read line < /srv/up")
    told = host.tls()
    assert told.serious == set()
    assert "1 other network namespaces" in told.unsettled("listeners")
    assert host.tls(inside=network).serious == {"cert-expired"}


CLIENTS = {
    "nginx": "ssl_client_certificate {roots}; ssl_verify_client on;",
    "apache": "SSLCACertificateFile {roots}\nSSLVerifyClient require",
    "haproxy": "ca-file {roots} verify required",
    "caddy": "client_auth {{\n mode require_and_verify\n trusted_ca_cert_file {roots}\n }}",
    "lighttpd": 'ssl.verifyclient.activate = "enable"\nssl.verifyclient.enforce = "enable"\n'
    'ssl.verifyclient.ca-file = "{roots}"',
}


def test_who_wants_a_certificate_of_clients_is_seen_all_the_same(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """Row 23: what such servers show strangers is judged, and nothing hangs."""
    roots = host.file("/etc/tls/roots.pem", ca.pem())
    for left, expected in ((80, set()), (-3, {"cert-expired"})):
        running = []
        for port, (server, more) in enumerate(CLIENTS.items(), 4401):
            files = host.certify(server, ca.leaf(left=left), ca.middle)
            running.append(setups.run(server, files, port, more=more.format(roots=roots)))
        told = host.tls()
        ports = range(4401, 4401 + len(CLIENTS))
        assert [told.on(port) for port in ports] == [expected] * len(CLIENTS)
        shown = {one["port"] for one in told.report["endpoints"] if one["certificates"]}
        assert shown == set(ports)
        assert told.seconds < 10
        for server in running:
            host.end(server)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_bare_libraries_that_want_a_certificate(host: Host, ca: Authority, version: str) -> None:
    """Row 23: OpenSSL and GnuTLS turn a stranger away with their alerts."""
    files = host.certify("a", ca.leaf(left=-3), ca.middle)
    roots = host.file("/etc/tls/roots.pem", ca.pem())
    host.serve(
        *("openssl", "s_server", "-quiet", "-accept", "4431", "-Verify", "1", "-CAfile", roots),
        *("-verify_return_error", f"-tls{version.replace('.', '_')}", "-cipher", SUITES),
        *("-cert", files.chain, "-key", files.key, "-cert_chain", files.chain),
        ports=(4431,),
    )
    host.serve(
        *("gnutls-serv", "-q", "--echo", "-p", "4432", "--require-client-cert"),
        *("--verify-client-cert", "--x509cafile", roots, "--x509certfile", files.chain),
        *("--x509keyfile", files.key, "--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}:-RSA"),
        ports=(4432,),
    )
    told = host.tls()
    for port in (4431, 4432):
        assert told.at(f"127.0.0.1:{port}") - {AGAIN} == {"cert-expired"}
    assert told.seconds < 10


ALERTS = {"bad_certificate": 42, "unknown_ca": 48, "access_denied": 49, "certificate_required": 116}


def turning_away(leaf: Issued, *chain: bytes, alert: int) -> AbstractContextManager[int]:
    """Listen, shake hands in TLS 1.3, ask for a certificate, and answer with an alert."""
    known = SCRIPTED.PEER13

    def talk(link: socket.socket) -> None:
        peer = SCRIPTED.begun(link, leaf, *chain)
        if peer:
            link.sendall(peer.flight(before=known.ENCRYPTED_EXTENSIONS + known.REQUEST))
            link.recv(1 << 16)
            link.sendall(peer.seal(known.ALERT, bytes([2, alert])))
            link.recv(1 << 16)

    return SCRIPTED.listening(talk)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_to_strangers_is_an_end(
    host: Host, ca: Authority, tmp_path: Path, alert: str
) -> None:
    """Row 23: whatever the alert, the certificate was seen before it."""
    trusted = tmp_path / "roots.pem"
    trusted.write_bytes(ca.pem())
    for left, expected in ((80, set()), (-3, {"cert-expired"})):
        with turning_away(ca.leaf(left=left), ca.middle.der, alert=ALERTS[alert]) as port:
            asked = ("-n", NAME, "--trust", str(trusted))
            told = host.tls(f"127.0.0.1:{port}", *asked, outside=True)
        assert told.serious == expected
        assert told.seconds < 10


def postgresql(host: Host, files: Files, more: str = "") -> subprocess.Popen[bytes]:
    """Run PostgreSQL with Debian's folders."""
    home = max(Path("/usr/lib/postgresql").iterdir(), key=lambda one: int(one.name))
    host.run(
        "sh", "-c", f"mkdir /srv/pg; cp {files.chain} {files.key} /srv; chown -R postgres /srv"
    )
    host.run(
        *("setpriv", "--reuid=postgres", "--clear-groups", f"{home}/bin/initdb"),
        *("-D", "/srv/pg", "-A", "trust", "--no-sync", "--no-instructions"),
    )
    host.file(
        f"/etc/postgresql/{home.name}/main/postgresql.conf",
        "data_directory = '/srv/pg'\nhba_file = '/srv/pg/pg_hba.conf'\n"
        "ident_file = '/srv/pg/pg_ident.conf'\nunix_socket_directories = '/srv'\n"
        f"fsync = off\nssl = on\nssl_cert_file = '/srv/a.pem'\nssl_key_file = '/srv/a.key'\n"
        f"ssl_ciphers = '{SUITES}'\n{more}\n",
    )
    return host.serve(
        *("setpriv", "--reuid=postgres", "--clear-groups", f"{home}/bin/postgres"),
        *("-c", f"config_file=/etc/postgresql/{home.name}/main/postgresql.conf"),
        ports=(5432,),
    )


def test_postgresql_is_asked_in_its_own_words(host: Host, ca: Authority) -> None:
    """Row 24: found by itself and where it is asked for; weak, then sound."""
    host.openssl(LOW)
    files = host.certify("a", ca.leaf("localhost", key=rsa_key()), ca.middle)
    weak = f"ssl_min_protocol_version = 'TLSv1'\nssl_ciphers = '{SUITES}:AES128-SHA'"
    running = postgresql(host, files, weak)
    told = host.tls()
    faults = {"tls-1.0", "tls-1.1", "tls-no-forward-secrecy"}
    assert told.serious == told.at("127.0.0.1:5432") == faults
    assert told.places("tls-1.0") == {"postgres+tls://127.0.0.1:5432"}
    assert host.tls("localhost:5432", "--starttls", "postgres").serious == faults
    host.end(running)
    host.run("rm", "-r", "/srv/pg")
    postgresql(host, files)
    told = host.tls()
    assert told.serious == set()
    assert [one["starttls"] for one in told.report["endpoints"]] == ["postgres"]


STARTTLS = {
    "dovecot": ("imap", 143, ("ssl_min_protocol = TLSv1.2", "ssl_min_protocol = TLSv1")),
    "postfix": ("smtp", 25, ("smtpd_tls_protocols = >=TLSv1.2", "smtpd_tls_protocols = >=TLSv1")),
    "slapd": ("ldap", 389, ("NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-RSA:%COMPAT:+VERS-TLS1.0")),
}
PATHS = {
    "dovecot": "/etc/dovecot/dovecot.conf",
    "postfix": "/etc/postfix/main.cf",
    "slapd": "/etc/ldap/slapd.conf",
}


def test_mail_and_directories_are_asked_in_their_own_words(
    host: Host, ca: Authority, setups: Setups
) -> None:
    """Row 24: sound, then with TLS 1.0 and an expired certificate."""
    host.openssl(LOW)
    running = []
    for server, (_, port, _) in STARTTLS.items():
        setups.write(server, host.certify(server, ca.leaf(key=rsa_key()), ca.middle), port)
        running.append(setups.start(server, port))
    told = host.tls()
    assert told.serious == set()
    protocols = {protocol for protocol, _, _ in STARTTLS.values()}
    assert {one["starttls"] for one in told.report["endpoints"]} == {*protocols, ""}
    for process in running:
        host.end(process)
    for server, (_, port, loosened) in STARTTLS.items():
        leaf = ca.leaf(key=rsa_key(), left=-3)
        setups.write(server, host.certify(server, leaf, ca.middle), port)
        host.edit(PATHS[server], *loosened)
        if server != "slapd":
            host.edit(PATHS[server], SUITES, "ECDHE+AES:@SECLEVEL=0")
        setups.start(server, port)
    told = host.tls()
    for protocol, port, _ in STARTTLS.values():
        asked = host.tls(f"127.0.0.1:{port}", "--starttls", protocol)
        for found in (told.on(port), asked.serious):
            assert found - {AGAIN} == {"tls-1.0", "tls-1.1", "cert-expired"}
        assert f"{protocol}+tls://127.0.0.1:{port}" in told.places("tls-1.0")


def test_lighttpd_weak_and_caddy_clean(host: Host, ca: Authority, setups: Setups) -> None:
    """Row 25: side by side, each at its own port."""
    host.openssl(LOW)
    setups.write("lighttpd", host.certify("a", ca.leaf(key=rsa_key()), ca.middle))
    host.edit(
        "/etc/lighttpd/lighttpd.conf",
        f'("CipherString" => "{SUITES}")',
        f'("MinProtocol" => "TLSv1", "CipherString" => "{SUITES}:AES128-SHA:@SECLEVEL=0")',
    )
    setups.start("lighttpd")
    setups.run("caddy", host.certify("b", ca.leaf(), ca.middle), 8443)
    told = host.tls()
    assert told.at("127.0.0.1:443") == {"tls-1.0", "tls-1.1", "tls-no-forward-secrecy"}
    assert told.at(f"127.0.0.1:8443/{NAME}") == told.at("127.0.0.1:8443") == set()
    assert told.serious == told.at("127.0.0.1:443")
    assert {one["owner"]["software"] for one in told.report["endpoints"]} == {"caddy", "lighttpd"}
