"""A server of the OpenSSL that cryptography ships, which is newer than the host's: post-quantum.

`python openssl_peer.py PORT CERTIFICATE KEY SETTINGS`: SETTINGS is JSON: "groups", "ciphers" and
"suites" (of TLS 1.3) as OpenSSL lists them.
"""

from __future__ import annotations

import contextlib
import json
import socketserver
import sys

from OpenSSL import SSL

_PAGE = b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"


class _Talk(socketserver.BaseRequestHandler):
    """Shakes hands and answers one request."""

    server: _Server

    def handle(self) -> None:
        link = SSL.Connection(self.server.context, self.request)
        link.set_accept_state()
        with contextlib.suppress(SSL.Error, OSError):
            link.do_handshake()
            link.recv(4096)
            link.sendall(_PAGE)
            link.shutdown()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    context: SSL.Context


def _context(
    certificate: str, key: str, groups: str = "", ciphers: str = "", suites: str = ""
) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file(certificate)
    context.use_privatekey_file(key)
    if groups:  # pyOpenSSL has no public name for it
        assert SSL._lib.SSL_CTX_set1_curves_list(context._context, groups.encode()) == 1
    if ciphers:
        context.set_cipher_list(ciphers.encode())
    if suites:
        context.set_tls13_ciphersuites(suites.encode())
    return context


if __name__ == "__main__":
    with _Server(("127.0.0.1", int(sys.argv[1])), _Talk) as _server:
        _server.context = _context(*sys.argv[2:4], **json.loads(sys.argv[4]))
        _server.serve_forever()
