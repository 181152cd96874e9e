"""Set-ups of real servers with places for snippets; found by path, not imported."""

from __future__ import annotations

from typing import NamedTuple

NGINX = """\
pid {home}/pid; worker_processes 1; daemon off;
events {{ worker_connections 64; }}
http {{
access_log off;
server {{
listen 127.0.0.1:{port} ssl;
server_name {name};
ssl_certificate {home}/site.pem;
ssl_certificate_key {home}/private.key;
return 200 ok;
{lines}
#HERE
}}
}}
"""
APACHE = """\
ServerRoot {home}
PidFile pid
ErrorLog error.log
ServerName {name}
Mutex file:{home}
{loaded}
#HERE SSLStaplingCache
Listen 127.0.0.1:{port}
<VirtualHost *:{port}>
ServerName {name}
DocumentRoot {home}/www
SSLEngine on
SSLCertificateFile {home}/site.pem
SSLCertificateKeyFile {home}/private.key
{lines}
#HERE
</VirtualHost>
"""
HAPROXY = """\
global
{lines}
#HERE
defaults
mode http
timeout client 5s
timeout connect 5s
timeout server 5s
frontend f
bind 127.0.0.1:{port} ssl crt {home}/whole.pem{bind}
http-request return status 200
{more}
#HERE http-
"""
LIGHTTPD = """\
server.modules = ("mod_openssl", "mod_setenv", "mod_redirect", "mod_indexfile", "mod_staticfile")
server.document-root = "{home}/www"
index-file.names = ("index.html")
server.bind = "127.0.0.1"
server.port = {port}
ssl.engine = "enable"
ssl.pemfile = "{home}/site.pem"
ssl.privkey = "{home}/private.key"
{lines}
#HERE
"""
CADDY = """\
{{
admin off
auto_https disable_redirects
storage file_system {home}/caddy
}}
https://{name}:{port} {{
bind 127.0.0.1
tls {home}/site.pem {home}/private.key {{
{lines}
#HERE protocols ciphers curves
}}
respond ok
{more}
#HERE
}}
"""
POSTGRESQL = """\
port = {port}
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
ssl = on
ssl_cert_file = '{home}/site.pem'
ssl_key_file = '{home}/private.key'
{lines}
#HERE
"""
POSTFIX = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
myhostname = {name}
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = 127.0.0.1
maillog_file = {home}/log
maillog_file_prefixes = {home}
smtpd_tls_cert_file = {home}/site.pem
smtpd_tls_key_file = {home}/private.key
smtpd_tls_security_level = may
{lines}
#HERE
"""
MASTER = "127.0.0.1:{port} inet n - n - - smtpd{options}"
DOVECOT = """\
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
ssl_cert = <{home}/site.pem
ssl_key = <{home}/private.key
service imap-login {{
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {port}
  }}
}}
passdb {{
  driver = static
}}
{lines}
#HERE
"""


class Kind(NamedTuple):
    """How a server is set up and started. words: its command, "" for one of its own making."""

    template: str
    file: str
    words: str
    starttls: str = ""


KINDS = {
    "apache": Kind(APACHE, "httpd.conf", "apache2 -DFOREGROUND -f {file}"),
    "caddy": Kind(CADDY, "Caddyfile", "caddy run --adapter caddyfile --config {file}"),
    "dovecot": Kind(DOVECOT, "dovecot.conf", "dovecot -F -c {file}"),
    "haproxy": Kind(HAPROXY, "haproxy.cfg", "haproxy -db -f {file}"),
    "lighttpd": Kind(LIGHTTPD, "lighttpd.conf", "lighttpd -D -f {file}"),
    "nginx": Kind(NGINX, "nginx.conf", "nginx -e stderr -c {file}"),
    "postfix": Kind(POSTFIX, "main.cf", "", "smtp"),
    "postgresql": Kind(POSTGRESQL, "postgresql.conf", "", "postgres"),
}
