"""A server of tlslite-ng, which still speaks SSL 3, RC4 and 3DES and takes any DH parameters.

`python tlslite_peer.py PORT CERTIFICATE KEY SETTINGS`: SETTINGS is JSON, by the names that
`tlslite.HandshakeSettings` has; "anon", "prefer_client" and "request_certificate" beside them.
"""

from __future__ import annotations

import contextlib
import json
import socketserver
import sys
from pathlib import Path
from typing import Any

from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
from tlslite.errors import TLSError

_PAGE = b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"


class _Talk(socketserver.BaseRequestHandler):
    """Shakes hands and answers one request."""

    server: _Server

    def handle(self) -> None:
        link = TLSConnection(self.request)
        with contextlib.suppress(TLSError, OSError, ValueError):
            link.handshakeServer(**self.server.words)
            link.read(min=1, max=4096)
            link.write(_PAGE)
            link.close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    words: dict[str, Any]


def _words(certificate: str, key: str, wanted: dict[str, Any]) -> dict[str, Any]:
    chain = X509CertChain()
    chain.parsePemList(Path(certificate).read_text(encoding="ascii"))
    private = parsePEMKey(Path(key).read_text(encoding="ascii"), private=True)
    words = {"anon": wanted.pop("anon", False), "reqCert": wanted.pop("request", False)}
    settings = HandshakeSettings()
    for name, value in wanted.items():
        setattr(settings, name, tuple(value) if name.endswith("Version") else value)
    keyed = {} if words["anon"] else {"certChain": chain, "privateKey": private}
    return {**words, **keyed, "settings": settings}


if __name__ == "__main__":
    with _Server(("127.0.0.1", int(sys.argv[1])), _Talk) as _server:
        _server.words = _words(*sys.argv[2:4], json.loads(sys.argv[4]))
        _server.serve_forever()
