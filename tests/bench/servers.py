"""Start the servers that are probed, with set-ups as Debian ships them, on loopback."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import re
import shutil
import socket
import struct
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HOST: Final = "127.0.0.1"
NAME: Final = "localhost"
_PATIENCE: Final = 10.0


class Place(NamedTuple):
    """Where a server has its files, port, key and certificate."""

    folder: Path
    port: int
    certificate: Path
    key: Path
    both: Path
    """Key and certificate in one file."""


class Server(NamedTuple):
    """How a server is started and its error log read.

    files: by name, what is written into its folder; command: its words; level: finds the level of
    a line of its log, "" a line without one; quiet: levels that a stock set-up does not log;
    rest: seconds for which it may sleep after a look.
    """

    name: str
    files: Callable[[Place], Mapping[str, str]]
    command: Callable[[Place], list[str]]
    level: Callable[[str], str]
    quiet: frozenset[str] = frozenset()
    rest: float = 0.0

    @property
    def word(self) -> str:
        """Its name in one word."""
        return self.name.partition(" ")[0]


class Logged(NamedTuple):
    """Lines of a log by level; quiet: how many more there were that a stock set-up leaves out."""

    lines: Counter[str]
    quiet: int


class Running(NamedTuple):
    """A server that listens."""

    server: Server
    port: int
    pid: int
    log: Path

    def logged(self, start: int) -> Logged:
        """Count the lines of its log from a place on."""
        text = self.log.read_bytes()[start:].decode("utf-8", "replace")
        levels = Counter(filter(None, map(self.server.level, text.splitlines())))
        quiet = sum(levels.pop(level, 0) for level in self.server.quiet)
        return Logged(levels, quiet)


def certificate(folder: Path) -> tuple[Path, Path, Path]:
    """Make a key and a certificate for it; give certificate, key, and both in one file."""
    folder.mkdir(parents=True)
    made, key, both = folder / "site.crt", folder / "site.key", folder / "site.pem"
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=localhost"
    names = ["-addext", f"subjectAltName=DNS:{NAME},IP:{HOST}"]
    files = ["-keyout", str(key), "-out", str(made)]
    subprocess.run([*words.split(), *names, *files], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + made.read_bytes())
    return made, key, both


@contextlib.contextmanager
def running(server: Server, folder: Path) -> Iterator[Running]:
    """Start a server in a folder of its own and stop it by its process at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    place = Place(folder, *free_ports(1), *certificate(folder))
    for name, text in server.files(place).items():
        (folder / name).write_text(text)
    log = folder / "error.log"
    with (
        log.open("ab") as output,
        subprocess.Popen(
            server.command(place), stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=folder
        ) as process,
    ):
        try:
            _wait(place.port, process, log)
            yield Running(server, place.port, process.pid, log)
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def apart() -> bool:
    """Go where nothing else listens, a network namespace; False where that is not allowed."""
    if ctypes.CDLL(None).unshare(0x40000000):  # CLONE_NEWNET
        return False
    with socket.socket() as link:  # SIOCSIFFLAGS: the loopback interface is up and runs
        fcntl.ioctl(link, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
    return True


def free_ports(count: int) -> list[int]:
    """Give different ports of loopback that nobody listens on."""
    with contextlib.ExitStack() as held:
        bound = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in bound:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in bound]


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection((HOST, port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            time.sleep(0.2)  # workers come after the listener
            return
    raise SystemExit(f"server did not begin to listen: {log.read_text(errors='replace')[-2000:]}")


_NGINX: Final = """\
daemon off;
pid {folder}/nginx.pid;
worker_processes auto;
error_log {folder}/error.log info;
events {{ worker_connections 768; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    ssl_prefer_server_ciphers on;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
{sites}
}}
"""


def nginx_files(place: Place, sites: str = "") -> dict[str, str]:
    """Give Debian's nginx.conf with one site of TLS, or with the SITES given."""
    one = f"server {{ listen {HOST}:{place.port} ssl; return 200 ok; }}"
    text = _NGINX.format(
        folder=place.folder, certificate=place.certificate, key=place.key, sites=sites or one
    )
    return {"nginx.conf": text}


def nginx_command(place: Place) -> list[str]:
    """Start nginx with the file of `nginx_files`."""
    return ["nginx", "-p", str(place.folder), "-c", str(place.folder / "nginx.conf")]


def _apache_files(place: Place) -> dict[str, str]:
    modules = "mpm_event authz_core dir ssl socache_shmcb".split()
    loaded = [f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in modules]
    return {
        "index.html": "ok",
        "httpd.conf": "\n".join(loaded)
        + f"""
ServerRoot {place.folder}
DefaultRuntimeDir {place.folder}
PidFile {place.folder}/pid
ServerName {NAME}
Listen {HOST}:{place.port}
ErrorLog {place.folder}/error.log
LogLevel info
DocumentRoot {place.folder}
SSLSessionCache shmcb:{place.folder}/cache(512000)
SSLCipherSuite HIGH:!aNULL
SSLProtocol all -SSLv3
SSLSessionTickets off
SSLEngine on
SSLCertificateFile {place.certificate}
SSLCertificateKeyFile {place.key}
""",
    }


def _caddy_files(place: Place) -> dict[str, str]:
    site = f'tls {place.certificate} {place.key}\n    respond "ok"'
    text = "{\n    admin off\n    auto_https off\n}\n"
    return {"Caddyfile": f"{text}https://:{place.port} {{\n    bind {HOST}\n    {site}\n}}\n"}


def _haproxy_files(place: Place) -> dict[str, str]:
    suites = ":".join(
        f"{key}-{cipher}"
        for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
        for key in ("ECDHE-ECDSA", "ECDHE-RSA")
    )
    return {
        "haproxy.cfg": f"""\
global
    log stdout format short daemon
    ssl-default-bind-ciphers {suites}:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384
    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
defaults
    log global
    mode http
    option httplog
    option dontlognull
    timeout connect 5000
    timeout client 50000
    timeout server 50000
frontend site
    bind {HOST}:{place.port} ssl crt {place.both}
    http-request return status 200 content-type text/plain string ok
"""
    }


def _lighttpd_files(place: Place) -> dict[str, str]:
    return {
        "index.html": "ok",
        "lighttpd.conf": f"""\
server.modules = ("mod_openssl", "mod_indexfile", "mod_staticfile")
index-file.names = ("index.html")
server.document-root = "{place.folder}"
server.errorlog = "{place.folder}/error.log"
server.bind = "{HOST}"
server.port = {place.port}
ssl.engine = "enable"
ssl.pemfile = "{place.both}"
""",
    }


def _s_server(place: Place) -> list[str]:
    words = f"openssl s_server -www -accept {HOST}:{place.port}".split()
    return [*words, "-cert", str(place.certificate), "-key", str(place.key)]


def post_quantum(python: Path) -> Server:
    """Give a server with OpenSSL 3.5 or newer, from the environment of PYTHON (pyOpenSSL)."""
    program = Path(__file__).with_name("pqserver.py")
    return Server(
        "post-quantum (pyOpenSSL)",
        lambda _: {},
        lambda p: [*map(str, (python, program, p.port, p.certificate, p.key))],
        lambda line: "error" if "Error" in line else "",
    )


def _bracketed(line: str) -> str:
    found = re.search(r"\[(?:\w+:)?(emerg|alert|crit|error|warn|notice|info)\]", line)
    return found[1] if found else ""


_SYSLOG: Final = "emerg alert crit error warn notice info debug".split()


def _syslog(line: str) -> str:
    """Read the level of a line of haproxy; its lines about requests are no errors."""
    found = re.match(r"<(\d)>", line)
    return _SYSLOG[int(found[1])] if found and " site/1: " in line else ""


def _caddy(line: str) -> str:
    try:
        return str(json.loads(line)["level"])
    except (ValueError, KeyError):
        return ""


ALL: Final = (
    Server("nginx", nginx_files, nginx_command, _bracketed, frozenset({"warn", "notice", "info"})),
    Server(
        "apache",
        _apache_files,
        lambda p: ["apache2", "-D", "FOREGROUND", "-f", str(p.folder / "httpd.conf")],
        _bracketed,
        frozenset({"notice", "info"}),
    ),
    Server(
        "caddy",
        _caddy_files,
        lambda p: ["caddy", "run", "--config", str(p.folder / "Caddyfile")],
        _caddy,
    ),
    Server(
        "haproxy",
        _haproxy_files,
        lambda p: ["haproxy", "-db", "-f", str(p.folder / "haproxy.cfg")],
        _syslog,
    ),
    Server(
        "lighttpd",
        _lighttpd_files,
        lambda p: ["lighttpd", "-D", "-f", str(p.folder / "lighttpd.conf")],
        lambda line: "line" if "SSL" in line else "",
    ),
    Server(
        "openssl s_server",
        lambda _: {},
        _s_server,
        lambda line: "line" if ":error:" in line else "",
        rest=1.0,  # it serves one at a time, and sleeps where a read has to be tried again
    ),
)


def installed(python: Path) -> Iterator[Server]:
    """Give the servers that this host has, and a post-quantum one of the environment of PYTHON."""
    here = Path()
    place = Place(here, 0, here, here, here)
    yield from (one for one in ALL if shutil.which(one.command(place)[0]))
    yield post_quantum(python)
