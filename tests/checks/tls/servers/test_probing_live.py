"""What only whole sessions show of real web servers, and what our probes leave in their logs."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from checks.tls import judging
from checks.tls.facts import Target
from checks.tls.faults import Context
from checks.tls.look import observe
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from checks.tls.facts import EndpointFacts
    from tests.checks.tls.servers.conftest import Live

MOST = 64
SECONDS = 5.0  # machines that test are busy; what a look takes is measured in tests/bench
HSTS = "max-age=63072000"
NGINX = """
pid {home}/pid; worker_processes 1; events {{ worker_connections 64; }} error_log stderr {level};
http {{ access_log off; ssl_certificate {certificate}; ssl_certificate_key {key};
server {{ listen 127.0.0.1:{port} ssl http2; ssl_protocols {protocols}; {more}
add_header Strict-Transport-Security "{hsts}"; location / {{ return 200 hello; }} }} }}
"""
APACHE = """
ServerName localhost
PidFile {home}/apache.pid
Listen 127.0.0.1:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LogLevel {level}
ErrorLog /dev/stderr
Header always set Strict-Transport-Security "{hsts}"
SSLEngine on
SSLCertificateFile {certificate}
SSLCertificateKeyFile {key}
{more}
"""
HAPROXY = """
global
  log stderr format raw local0 info
defaults
  mode http
  log global
  option dontlognull
  option httplog
  timeout client 5s
  timeout connect 5s
  timeout server 5s
frontend f
  bind 127.0.0.1:{port} ssl crt {both} {more}
  http-request return status 200 hdr Strict-Transport-Security "{hsts}"
"""
LIGHTTPD = """
server.modules = ("mod_openssl", "mod_setenv")
server.document-root = "{home}"
server.bind = "127.0.0.1"
server.port = {port}
$SERVER["socket"] == "127.0.0.1:{port}" {{ ssl.engine = "enable" }}
ssl.pemfile = "{certificate}"
ssl.privkey = "{key}"
setenv.set-response-header = ("Strict-Transport-Security" => "{hsts}")
{more}
"""
TEXTS = {"nginx": NGINX, "apache": APACHE, "haproxy": HAPROXY, "lighttpd": LIGHTTPD}
ONLY_12 = {
    "nginx": {"protocols": "TLSv1.2"},
    "apache": {"more": "SSLProtocol TLSv1.2"},
    "haproxy": {"more": "ssl-min-ver TLSv1.2 ssl-max-ver TLSv1.2 alpn h2,http/1.1"},
    "lighttpd": {"more": 'ssl.openssl.ssl-conf-cmd = ("MaxProtocol" => "TLSv1.2")'},
}
ONLY_13 = {
    "nginx": {"protocols": "TLSv1.3"},
    "apache": {"more": "SSLProtocol TLSv1.3"},
    "haproxy": {"more": "ssl-min-ver TLSv1.3 alpn h2,http/1.1"},
    "lighttpd": {"more": 'ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv1.3")'},
}


@pytest.fixture
def look(tmp_path: Path, live: Live) -> Callable[..., tuple[EndpointFacts, list[str]]]:
    """Run a server with changes to its text, look at it, and give its log too."""

    def looked(server: str, **changes: str) -> tuple[EndpointFacts, list[str]]:
        port, main = live.port(), tmp_path / f"{server}.conf"
        told = {"level": "error", "protocols": "TLSv1.2 TLSv1.3", "more": "", "hsts": HSTS}
        told |= {"certificate": str(live.certificate), "key": str(live.key)} | changes
        text = TEXTS[server].format(port=port, home=tmp_path, both=live.both, **told)
        main.write_text(text + f"# 127.0.0.1:{port}\n")
        with live.run(server, str(main)) as log:
            before = len(log.read_text().splitlines())
            facts = observe(Target("127.0.0.1", port, "localhost"))
        return facts, log.read_text().splitlines()[before:]

    return looked


@pytest.mark.parametrize("server", TEXTS)
def test_servers_of_one_version_show_all_the_same(
    look: Callable[..., tuple[EndpointFacts, list[str]]], server: str
) -> None:
    """HSTS, the proof of the key, ALPN and tickets are seen by TLS 1.2 alone and by 1.3 alone."""
    for only, version in ((ONLY_12, Version.TLS12), (ONLY_13, Version.TLS13)):
        facts, _ = look(server, **only[server])
        assert [v for v, yes in facts.versions.items() if yes] == [version]
        assert facts.http is not None
        assert facts.http.hsts == HSTS
        assert [chain.proved for chain in facts.chains] == [True]
        assert facts.tickets is True
        assert facts.asks_certificate is False
        assert set(facts.alpn) == {"http/1.1"} | ({"h2"} if server != "apache" else set())
        assert facts.unseen == ()


@pytest.mark.parametrize("server", TEXTS)
def test_servers_of_today_refuse_to_renegotiate(
    look: Callable[..., tuple[EndpointFacts, list[str]]], server: str
) -> None:
    """Where both versions are spoken it is asked in the older one; of 1.3 alone it is known."""
    facts, _ = look(server)
    assert facts.client_renegotiation is False
    assert facts.connections <= MOST
    assert facts.seconds < SECONDS
    assert look(server, **ONLY_13[server])[0].client_renegotiation is False


def stapled(live: Live, folder: Path) -> tuple[str, str, str]:
    """Make a certificate that demands a staple, and the answer; give their files and the key's."""
    key = serialization.load_pem_private_key(live.key.read_bytes(), None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    built = x509.CertificateBuilder(name, name, key.public_key(), 8, now - day, now + 9 * day)
    built = built.add_extension(x509.TLSFeature([x509.TLSFeatureType.status_request]), False)  # noqa: FBT003 - not critical
    made = built.sign(key, hashes.SHA256())
    answer = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            made, made, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, now, now + day, None, None
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, made)
        .sign(key, hashes.SHA256())
    )
    certificate, file = folder / "demanding.crt", folder / "answer.der"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    file.write_bytes(answer.public_bytes(serialization.Encoding.DER))
    return str(certificate), str(live.key), str(file)


@pytest.mark.parametrize("protocols", ["TLSv1.2", "TLSv1.3", "TLSv1.2 TLSv1.3"])
def test_a_staple_that_is_demanded_is_seen_or_missed(
    look: Callable[..., tuple[EndpointFacts, list[str]]],
    live: Live,
    tmp_path: Path,
    protocols: str,
) -> None:
    """In every version nginx's answer is seen where it is switched on, and its lack is a fault."""
    certificate, key, file = stapled(live, tmp_path)
    files = {"certificate": certificate, "key": key, "protocols": protocols}
    context = Context(datetime.datetime.now(datetime.UTC))
    for more in (f"ssl_stapling on; ssl_stapling_file {file};", ""):
        facts, _ = look("nginx", **files, more=more)
        assert [bool(chain.staple) for chain in facts.chains] == [bool(more)]
        found = {finding.check for finding in judging.findings(facts, context)}
        assert ("cert-must-staple-missing" in found) is not bool(more)


@pytest.mark.parametrize("server", ["apache", "haproxy", "nginx"])
def test_a_look_leaves_no_errors_in_the_log(
    look: Callable[..., tuple[EndpointFacts, list[str]]], server: str
) -> None:
    """At the level that is usual nothing is left; HAProxy tells each handshake that failed."""
    facts, log = look(server)
    known = ("SSL handshake failure", '"GET / HTTP/1.1"', "getpwuid", ":notice]")
    assert [line for line in log if not any(one in line for one in known)] == []
    assert len(log) <= facts.failed + 3
    assert facts.failed < facts.connections / 2


def test_what_is_left_where_all_is_logged(
    look: Callable[..., tuple[EndpointFacts, list[str]]],
) -> None:
    """nginx at level info: a line for each handshake that failed, and none of them an error."""
    facts, log = look("nginx", level="info")
    failed = ("SSL_do_handshake() failed", "closed connection in SSL handshake")
    told = [line for line in log if any(one in line for one in failed)]
    assert 0 < len(told) <= facts.failed <= 20
    assert not [line for line in log if "[info]" not in line and "[notice]" not in line]


def test_lighttpd_logs_refusals_only(
    look: Callable[..., tuple[EndpointFacts, list[str]]],
) -> None:
    """It logs each as an error; what we break off is not among them."""
    facts, log = look("lighttpd")
    refused = [line for line in log if "SSL: " in line]
    assert len(refused) <= 16
    assert sum("renegotiation" in line for line in refused) == 1
    assert facts.unseen == ()
