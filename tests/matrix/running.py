"""Servers with set-ups of a test's own, on loopback: each gives its port and ends with its block.

Tests are found by path, not imported: conftest.py takes what it needs out of this file.
"""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.checks.tls.serving import Made

    Running = AbstractContextManager[int]

HERE = Path(__file__).parent
SERVING = runpy.run_path(str(HERE.parent / "checks" / "tls" / "serving.py"))
NAME = "localhost"
_free_port, _running = SERVING["free_port"], SERVING["running"]
_MODULES = "/usr/lib/apache2/modules"
_LOADED = ("mpm_event", "authz_core", "headers", "ssl")
_PASSWORD = "changeit"
"""Java wants one, and it protects nothing here."""


class Servers:
    """Starts servers; `kind` is that of the key in their certificate."""

    def __init__(self, folder: Path, made: Callable[[str], Made]) -> None:
        self._folder, self._made = folder, made

    def files(self, kind: str) -> tuple[str, str]:
        """Name the files of a certificate and its key."""
        one = self._made(kind)
        return one.certificate, one.private

    def nginx(
        self, lines: str, kind: str = "p256", *, more: str = "", address: str = "127.0.0.1"
    ) -> Running:
        """Run nginx with LINES in its server; more: further servers, PORT standing for the port."""
        port, one = _free_port(), self._made(kind)
        text = (
            f"pid {self._folder}/nginx.{port}.pid; worker_processes 1; daemon off;\n"
            "events { worker_connections 64; }\n"
            f"http {{ access_log off; ssl_certificate {one.certificate};\n"
            f"ssl_certificate_key {one.private};\n"
            f"server {{ listen {address}:{port} ssl; server_name {NAME}; return 200 ok;\n"
            f"{lines} }}\n{more.replace('PORT', str(port))} }}\n"
        )
        words = ("nginx", "-e", "stderr", "-c")
        return self._run(text, port, *words, address=address.strip("[]"))

    def haproxy(self, bind: str, kind: str = "rsa", *, globally: str = "") -> Running:
        """Run haproxy with these words behind its bind, and lines of its global section."""
        port, one = _free_port(), self._made(kind)
        text = (
            f"global\n {globally}\ndefaults\n mode http\n timeout client 5s\n timeout connect 5s\n"
            f" timeout server 5s\nfrontend f\n bind 127.0.0.1:{port} ssl crt"
            f" {one.both} {bind}\n"
            " http-request return status 200\n"
        )
        return self._run(text, port, "haproxy", "-db", "-f")

    def apache(self, lines: str, kind: str = "rsa") -> Running:
        """Run apache with LINES in its host."""
        port, one = _free_port(), self._made(kind)
        folder = self._folder / f"apache.{port}.d"
        folder.mkdir()
        loaded = "".join(f"LoadModule {o}_module {_MODULES}/mod_{o}.so\n" for o in _LOADED)
        text = (
            f"ServerRoot {folder}\nPidFile pid\nErrorLog error.log\nServerName {NAME}\n"
            f"Mutex file:{folder}\n{loaded}Listen 127.0.0.1:{port}\n"
            f"SSLCertificateFile {one.certificate}\nSSLCertificateKeyFile {one.private}\n"
            f"<VirtualHost *:{port}>\nServerName {NAME}\nSSLEngine on\n{lines}\n</VirtualHost>\n"
        )
        return self._run(text, port, "apache2", "-DFOREGROUND", "-f")

    def lighttpd(self, lines: str = "", kind: str = "rsa") -> Running:
        """Run lighttpd with LINES for its one socket."""
        port, one = _free_port(), self._made(kind)
        text = (
            f'server.modules = ("mod_openssl")\nserver.document-root = "{self._folder}"\n'
            f'server.bind = "127.0.0.1"\nserver.port = {port}\nssl.engine = "enable"\n'
            f'ssl.pemfile = "{one.certificate}"\nssl.privkey = "{one.private}"\n{lines}\n'
        )
        return self._run(text, port, "lighttpd", "-D", "-f")

    def caddy(self, lines: str = "", kind: str = "p256") -> Running:
        """Run caddy with LINES in its one site's `tls`."""
        port, one = _free_port(), self._made(kind)
        text = (
            "{\n admin off\n auto_https disable_redirects\n"
            f" storage file_system {self._folder}/caddy.d\n}}\n"
            f"https://{NAME}:{port} {{\n bind 127.0.0.1\n"
            f" tls {one.certificate} {one.private} {{\n {lines}\n }}\n respond ok\n}}\n"
        )
        return self._run(text, port, "caddy", "run", "--adapter", "caddyfile", "--config")

    def gnutls(self, priority: str, *options: str, kind: str = "rsa") -> Running:
        """Run GnuTLS's own server, which answers requests with a page."""
        port, one = _free_port(), self._made(kind)
        words = ["gnutls-serv", "-q", "-p", str(port), "--x509certfile", one.certificate]
        words += ["--x509keyfile", one.private, "--priority", priority, *options]
        running: Running = _running(words, port)
        return running

    def tlslite(self, kind: str = "rsa", **settings: Any) -> Running:  # noqa: ANN401 - many kinds
        """Run tlslite-ng with settings by the names that it has for them."""
        return self._peer("tlslite_peer.py", kind, settings)

    def newest(self, kind: str = "p256", **settings: str) -> Running:
        """Run the OpenSSL that cryptography ships; groups, ciphers, suites: as OpenSSL's."""
        return self._peer("openssl_peer.py", kind, settings)

    def jsse(self, protocols: str, suites: str, kind: str = "rsa") -> Running:
        """Run Java's own TLS with nothing disabled; lists with commas."""
        port, one = _free_port(), self._made(kind)
        store = self._folder / f"java.{port}.p12"
        store.write_bytes(_keystore(one))
        words = ["java", "-XX:TieredStopAtLevel=1", str(HERE / "JssePeer.java"), str(port)]
        running: Running = _running([*words, str(store), _PASSWORD, protocols, suites], port)
        return running

    def _run(self, text: str, port: int, *words: str, address: str = "127.0.0.1") -> Running:
        """Run a program of this host with a file as its last word."""
        path = self._folder / f"{words[0]}.{port}"
        path.write_text(text)
        program = shutil.which(words[0], path=SERVING["PROGRAMS"])
        assert program, "packaging/test installs it"
        running: Running = _running([program, *words[1:], str(path)], port, address=address)
        return running

    def _peer(self, script: str, kind: str, settings: dict[str, Any]) -> Running:
        port, one = _free_port(), self._made(kind)
        words = [sys.executable, "-I", str(HERE / script), str(port)]
        words += [one.certificate, one.private, json.dumps(settings)]
        running: Running = _running(words, port)
        return running


def _keystore(one: Made) -> bytes:
    certificate = x509.load_der_x509_certificate(one.der)
    lock = BestAvailableEncryption(_PASSWORD.encode())
    return pkcs12.serialize_key_and_certificates(b"", one.key, certificate, None, lock)
