"""Real servers whose key is delivered to them: their files, how they start and reload."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.sealing import PATIENCE, until
from tests.e2e.vaulting import NAME

if TYPE_CHECKING:
    from collections.abc import Callable

_PATH = "/usr/sbin:/usr/bin"
_NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; user root;
events {{}}
http {{
  access_log {folder}/access.log; error_log {folder}/error.log info;
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t;
  fastcgi_temp_path {folder}/t; uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{
    listen 127.0.0.1:{port} ssl; server_name {name};
    ssl_certificate {pem}; ssl_certificate_key {pem};
    location / {{ return 204; }}
  }}
}}
"""
_APACHE = """
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ServerName {name}
Listen 127.0.0.1:{port}
ErrorLog {folder}/error.log
LogLevel info
DocumentRoot {folder}
StartServers 1
ThreadsPerChild 8
MaxRequestWorkers 16
SSLSessionCache shmcb:{folder}/cache(512000)
SSLEngine on
SSLCertificateFile {pem}
SSLCertificateKeyFile {pem}
"""
_HAPROXY = """
global
 log {folder}/log.sock local0
 stats socket {socket} mode 600 level admin expose-fd listeners
defaults
 mode http
 timeout client 5s
 timeout connect 5s
 timeout server 5s
frontend f
 bind 127.0.0.1:{port} ssl crt {pem}
"""
_LIGHTTPD = """
server.modules = ("mod_openssl")
server.document-root = "{folder}"
server.errorlog = "{folder}/error.log"
server.pid-file = "{folder}/pid"
server.bind = "127.0.0.1"
server.port = {port}
server.feature-flags = ("server.graceful-restart-bg" => "enable")
ssl.engine = "enable"
ssl.pemfile = "{pem}"
"""


def free() -> int:
    """Give a port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


class Server:
    """One server. folder: its prefix, on a disk; pem: where its key is delivered, in memory."""

    config: str
    words: Callable[[Path], list[str]]
    """How it is started with a file."""

    def __init__(self, folder: Path, pem: Path) -> None:
        self.folder, self.pem, self.port = folder, pem, free()
        folder.mkdir()
        self.file, self.socket = folder / "conf", pem.with_name("admin.sock")
        self.file.write_text(
            self.config.format(
                folder=folder, pem=pem, port=self.port, name=NAME, socket=self.socket
            )
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def reload(self) -> list[str]:
        """The command that has it take up what is there now."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with (self.folder / "out.log").open("ab") as log:
            self.process = subprocess.Popen(
                type(self).words(self.file), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until(self._listens, f"{self.folder.name} does not listen")

    def _listens(self) -> bool:
        assert self.process
        assert self.process.poll() is None, (self.folder / "out.log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
        except OSError:
            return False
        return self._heeds()

    def _heeds(self) -> bool:
        """Say whether it can be told to reload."""
        return (self.folder / "pid").exists()

    def end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)


def _program(name: str) -> str:
    found = shutil.which(name, path=_PATH)
    assert found, "packaging/test installs it"
    return found


class Nginx(Server):
    config = _NGINX

    @staticmethod
    def words(file: Path) -> list[str]:
        return [_program("nginx"), "-e", "stderr", "-p", str(file.parent), "-c", str(file)]

    @property
    def reload(self) -> list[str]:
        return [*self.words(self.file), "-s", "reload"]


class Apache(Server):
    config = _APACHE

    @staticmethod
    def words(file: Path) -> list[str]:
        return [_program("apache2"), "-D", "FOREGROUND", "-f", str(file)]

    @property
    def reload(self) -> list[str]:
        return [_program("apache2"), "-f", str(self.file), "-k", "graceful"]


class Lighttpd(Server):
    config = _LIGHTTPD

    @staticmethod
    def words(file: Path) -> list[str]:
        return [_program("lighttpd"), "-D", "-f", str(file)]

    @property
    def reload(self) -> list[str]:
        return ["/bin/sh", "-c", f'kill -USR1 "$(cat {self.folder}/pid)"']


class Haproxy(Server):
    config = _HAPROXY

    @staticmethod
    def words(file: Path) -> list[str]:
        """Give them. It has no includes: further parts are in a folder that it is told of."""
        pid, parts = str(file.with_name("pid")), file.with_name("parts")
        more = ["-f", str(parts)] if parts.is_dir() else []
        return [_program("haproxy"), "-W", "-db", "-p", pid, "-f", str(file), *more]

    @property
    def reload(self) -> list[str]:
        return ["/bin/sh", "-c", f'kill -USR2 "$(head -n 1 {self.folder}/pid)"']

    def _heeds(self) -> bool:
        """Say whether the master catches the signal to reload; what comes earlier is lost."""
        assert self.process
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        masks = {name: value for name, _, value in (line.partition(":") for line in lines)}
        caught, blocked = (int(masks[name], 16) for name in ("SigCgt", "SigBlk"))
        return bool(caught & ~blocked & 1 << signal.SIGUSR2 - 1) and super()._heeds()
