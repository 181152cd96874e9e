"""How real servers are told a set-up and started: a file or words for each. Found by path."""

from __future__ import annotations

import runpy
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.checks.tls.drawn import Drawn, Place

_SERVING = runpy.run_path(str(Path(__file__).with_name("serving.py")))
POSTFIX_SERVICES: str = _SERVING["POSTFIX_SERVICES"]


def _written(place: Place, name: str, text: str) -> str:
    path = place.folder / name
    path.write_text(text)
    return str(path)


def _apache(drawn: Drawn, place: Place) -> tuple[list[str], str]:
    modules = "mpm_event authz_core ssl".split()
    loaded = [f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in modules]
    wanted = " ".join(f"+{word}" for word in drawn.named.split())
    text = (
        "\n".join(loaded)
        + f"""
ServerRoot {place.folder}
DefaultRuntimeDir {place.folder}
PidFile {place.folder}/pid
ServerName localhost
Listen 127.0.0.1:{place.port}
ErrorLog {place.folder}/error.log
Mutex file:{place.folder}
SSLEngine on
SSLProtocol -all {wanted}
SSLCipherSuite {drawn.suites}
SSLCipherSuite TLSv1.3 {drawn.modern}
SSLCertificateFile {place.certificate}
SSLCertificateKeyFile {place.key}
"""
    )
    return ["apache2", "-DFOREGROUND", "-f", _written(place, "httpd.conf", text)], ""


def _caddy(drawn: Drawn, place: Place) -> tuple[list[str], str]:
    versions = [word.replace("TLSv", "tls") for word in drawn.named.split()]
    text = f"""
{{
    admin off
    auto_https disable_redirects
    storage file_system {place.folder}/store
}}
https://localhost:{place.port} {{
    bind 127.0.0.1
    tls {place.certificate} {place.key} {{
        protocols {versions[0]} {versions[-1]}
        ciphers {drawn.suites}
    }}
    respond ok
}}
"""
    path = _written(place, "Caddyfile", text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", path], ""


def _dovecot(drawn: Drawn, place: Place) -> tuple[list[str], str]:
    text = f"""
base_dir = {place.folder}/run
state_dir = {place.folder}/state
log_path = {place.folder}/log
protocols = imap
ssl_cert = <{place.certificate}
ssl_key = <{place.key}
ssl_min_protocol = {drawn.least}
ssl_cipher_list = {drawn.suites}
ssl_cipher_suites = {drawn.modern}
service imap-login {{
  service_count = 0
  inet_listener imap {{
    address = 127.0.0.1
    port = {place.port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
passdb {{
  driver = static
}}
"""
    return ["dovecot", "-F", "-c", _written(place, "dovecot.conf", text)], "imap"


def _gnutls(drawn: Drawn, place: Place) -> tuple[list[str], str]:
    words = ["gnutls-serv", "-q", "-p", str(place.port), "--priority", drawn.suites]
    words += ["--disable-client-cert"]  # sslyze waits long for what becomes of its having none
    words += ["--earlydata"] if drawn.early_data else []
    return [*words, "--x509certfile", place.certificate, "--x509keyfile", place.key], ""


def _haproxy(drawn: Drawn, place: Place) -> tuple[list[str], str]:
    least, most = (f"{one}.0" if one == "TLSv1" else one for one in (drawn.least, drawn.most))
    early = " allow-0rtt" if drawn.early_data else ""
    text = f"""
global
    tune.ssl.default-dh-param 2048
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend site
    bind 127.0.0.1:{place.port} ssl crt {place.both} ssl-min-ver {least} ssl-max-ver {most} \
ciphers {drawn.suites} ciphersuites {drawn.modern}{early}
    http-request return status 200
"""
    return ["haproxy", "-db", "-f", _written(place, "haproxy.cfg", text)], ""


def _lighttpd(drawn: Drawn, place: Place) -> tuple[list[str], str]:
    text = f"""
server.modules = ("mod_openssl")
server.document-root = "{place.folder}"
server.bind = "127.0.0.1"
server.port = {place.port}
ssl.engine = "enable"
ssl.pemfile = "{place.both}"
ssl.openssl.ssl-conf-cmd = (
    "MinProtocol" => "{drawn.least}",
    "MaxProtocol" => "{drawn.most}",
    "CipherString" => "{drawn.suites}",
    "Ciphersuites" => "{drawn.modern}"
)
"""
    return ["lighttpd", "-D", "-f", _written(place, "lighttpd.conf", text)], ""


def _nginx(drawn: Drawn, place: Place) -> tuple[list[str], str]:
    text = f"""
daemon off;
pid {place.folder}/pid;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{place.port} ssl;
        ssl_protocols {drawn.named};
        ssl_ciphers {drawn.suites};
        ssl_conf_command Ciphersuites {drawn.modern};
        ssl_early_data {"on" if drawn.early_data else "off"};
        ssl_certificate {place.certificate};
        ssl_certificate_key {place.key};
        return 200 ok;
    }}
}}
"""
    return ["nginx", "-e", "stderr", "-c", _written(place, "nginx.conf", text)], ""


def _postfix(drawn: Drawn, place: Place) -> tuple[list[str], str]:
    main = f"""
compatibility_level = 3.6
queue_directory = {place.folder}/queue
data_directory = {place.folder}/data
myhostname = localhost
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = 127.0.0.1
maillog_file = {place.folder}/log
maillog_file_prefixes = {place.folder}
smtpd_tls_chain_files = {place.both}
smtpd_tls_security_level = may
smtpd_tls_protocols = >={drawn.least}, <={drawn.most}
smtpd_tls_ciphers = high
tls_high_cipherlist = {drawn.suites}
"""
    master = f"""
127.0.0.1:{place.port} inet n - n - - smtpd
{POSTFIX_SERVICES}"""
    for name in ("conf", "queue", "data"):
        (place.folder / name).mkdir()
    shutil.chown(place.folder / "data", "postfix")
    _written(place, "conf/main.cf", main)
    _written(place, "conf/master.cf", master)
    folder = str(place.folder / "conf")
    # What `postfix start` does, without the shell that would outlive its signals.
    subprocess.run(["postfix", "-c", folder, "check"], check=True, capture_output=True)
    return ["/usr/lib/postfix/sbin/master", "-c", folder], "smtp"


def _s_server(drawn: Drawn, place: Place) -> tuple[list[str], str]:
    words = ["openssl", "s_server", "-www", "-accept", f"127.0.0.1:{place.port}"]
    words += ["-cert", place.certificate, "-key", place.key, "-cipher", drawn.suites]
    words += ["-ciphersuites", drawn.modern, "-min_protocol", drawn.least]
    return [*words, "-max_protocol", drawn.most], ""


SERVERS: dict[str, Callable[[Drawn, Place], tuple[list[str], str]]] = {
    "apache": _apache,
    "caddy": _caddy,
    "dovecot": _dovecot,
    "gnutls": _gnutls,
    "haproxy": _haproxy,
    "lighttpd": _lighttpd,
    "nginx": _nginx,
    "postfix": _postfix,
    "s_server": _s_server,
}
