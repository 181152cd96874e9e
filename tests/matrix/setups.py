"""Sound set-ups of real servers at their usual places; what a test does not say is as it should be.

Tests are found by path, not imported: conftest.py takes the fixture out of this file.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    import subprocess

    from tests.matrix.hosting import Files, Host

NAME = "www.matrix.test"
SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
_MODULES = "/usr/lib/apache2/modules"
_HSTS = "max-age=63072000"


class Setup(NamedTuple):
    """A server's main file, and the words that start it in the foreground."""

    path: str
    text: str
    words: tuple[str, ...]


_NGINX = f"""
pid /run/nginx.pid; worker_processes 1; daemon off; events {{ worker_connections 64; }}
http {{
access_log off; server_names_hash_bucket_size 128; ssl_session_tickets off;
ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers {SUITES};
add_header Strict-Transport-Security {_HSTS} always;
@top
server {{ listen @port ssl; server_name @name;
ssl_certificate @chain; ssl_certificate_key @key; @more
location / {{ return 200 ok; }} }}
@end
}}
"""
_APACHE = f"""
ServerRoot /etc/apache2
PidFile /run/apache2.pid
User www-data
Group www-data
ErrorLog /var/log/apache2/error.log
ServerName @name
Mutex file:/run
LoadModule mpm_event_module {_MODULES}/mod_mpm_event.so
LoadModule authz_core_module {_MODULES}/mod_authz_core.so
LoadModule headers_module {_MODULES}/mod_headers.so
LoadModule socache_shmcb_module {_MODULES}/mod_socache_shmcb.so
LoadModule ssl_module {_MODULES}/mod_ssl.so
Listen @port
Header always set Strict-Transport-Security {_HSTS}
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLCipherSuite {SUITES}
@top
<VirtualHost *:@port>
ServerName @name
SSLEngine on
SSLCertificateFile @chain
SSLCertificateKeyFile @key
@more
</VirtualHost>
@end
"""
_HAPROXY = f"""
global
 stats socket /run/haproxy.sock level admin
 ssl-default-bind-ciphers {SUITES}
 @top
defaults
 mode http
 timeout client 5s
 timeout server 5s
 timeout connect 5s
frontend f
 bind :@port ssl crt @both @more
 http-response set-header Strict-Transport-Security {_HSTS}
 http-request return status 200 hdr Strict-Transport-Security {_HSTS}
@end
"""
_LIGHTTPD = f"""
server.modules = ("mod_openssl", "mod_setenv")
server.document-root = "/srv"
server.port = @port
server.errorlog = "/var/log/lighttpd.log"
ssl.engine = "enable"
ssl.pemfile = "@chain"
ssl.privkey = "@key"
ssl.openssl.ssl-conf-cmd = ("CipherString" => "{SUITES}")
setenv.add-response-header = ("Strict-Transport-Security" => "{_HSTS}")
@top
@more
@end
"""
_CADDY = f"""
{{
 admin off
 auto_https disable_redirects
 storage file_system /srv/caddy
 @top
}}
https://@name:@port {{
 tls @chain @key {{
 @more
 }}
 header Strict-Transport-Security {_HSTS}
 respond ok
}}
@end
"""
_SLAPD = """
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile /run/slapd.pid
TLSCertificateFile @chain
TLSCertificateKeyFile @key
TLSCACertificateFile /etc/ssl/certs/ca-certificates.crt
TLSCipherSuite NORMAL:-VERS-ALL:+VERS-TLS1.3
@top
database mdb
directory /srv
suffix "dc=matrix,dc=test"
@end
"""
_POSTFIX = f"""
compatibility_level = 3.6
myhostname = @name
inet_protocols = ipv4
mydestination =
local_recipient_maps =
alias_maps =
maillog_file = /var/log/mail.log
smtpd_tls_chain_files = @key, @chain
smtpd_tls_security_level = may
smtpd_tls_protocols = >=TLSv1.2
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_tls_ciphers = high
tls_high_cipherlist = {SUITES}
@top
@more
@end
"""
_DOVECOT = f"""
protocols = imap
listen = *
service imap-login {{
  inet_listener imap {{
    port = @imap
  }}
  inet_listener imaps {{
    port = @imaps
  }}
}}
base_dir = /run/dovecot
log_path = /var/log/dovecot.log
ssl = required
ssl_cert = <@chain
ssl_key = <@key
ssl_min_protocol = TLSv1.2
ssl_cipher_list = {SUITES}
passdb {{
  driver = static
}}
@top
@more
@end
"""
SETUPS = {
    "apache": Setup("/etc/apache2/apache2.conf", _APACHE, ("apache2", "-DFOREGROUND")),
    "caddy": Setup(
        "/etc/caddy/Caddyfile", _CADDY, ("caddy", "run", "--config", "/etc/caddy/Caddyfile")
    ),
    "dovecot": Setup("/etc/dovecot/dovecot.conf", _DOVECOT, ("dovecot", "-F")),
    "haproxy": Setup(
        "/etc/haproxy/haproxy.cfg",
        _HAPROXY,
        ("haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"),
    ),
    "lighttpd": Setup(
        "/etc/lighttpd/lighttpd.conf",
        _LIGHTTPD,
        ("lighttpd", "-D", "-f", "/etc/lighttpd/lighttpd.conf"),
    ),
    "nginx": Setup("/etc/nginx/nginx.conf", _NGINX, ("nginx",)),
    "postfix": Setup("/etc/postfix/main.cf", _POSTFIX, ("postfix", "start-fg")),
    "slapd": Setup(
        "/etc/ldap/slapd.conf",
        _SLAPD,
        ("slapd", "-f", "/etc/ldap/slapd.conf", "-h", "ldap://0.0.0.0 ldaps://0.0.0.0", "-d", "0"),
    ),
}
_SERVING = Path(__file__).parents[1] / "checks" / "tls" / "serving.py"
_MASTER = "smtp inet n - n - - smtpd" + runpy.run_path(str(_SERVING))["POSTFIX_SERVICES"]


class Setups:
    """Writes and runs set-ups on a host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def write(
        self, server: str, files: Files, port: int = 443, name: str = NAME, **more: str
    ) -> str:
        """Write a server's files. more, top, end: words for its one site, before it, behind it."""
        chosen = SETUPS[server]
        words = {"port": str(port), "name": name, "more": "", "top": "", "end": "", **more}
        words |= files._asdict()
        words |= {"imap": str(port * (port == 143)), "imaps": str(port * (port != 143))}
        text = chosen.text
        for word in sorted(words, key=len, reverse=True):
            text = text.replace(f"@{word}", words[word])
        if server == "postfix" and not (self._host.root / "etc/postfix/master.cf").exists():
            self._host.file("/etc/postfix/master.cf", _MASTER)
        return str(self._host.file(chosen.path, text))

    def start(self, server: str, *ports: int) -> subprocess.Popen[bytes]:
        """Start a server whose files are written, and wait until it listens."""
        env = {"HOME": "/srv"}
        return self._host.serve(*SETUPS[server].words, ports=ports or (443,), env=env)

    def run(
        self, server: str, files: Files, port: int = 443, **more: str
    ) -> subprocess.Popen[bytes]:
        """Write a server's files and start it."""
        self.write(server, files, port, **more)
        return self.start(server, port)


@pytest.fixture
def setups(host: Host) -> Setups:
    return Setups(host)
