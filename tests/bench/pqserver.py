"""A small HTTPS server on pyOpenSSL, whose OpenSSL agrees to post-quantum groups.

python pqserver.py PORT CERTIFICATE KEY
"""

from __future__ import annotations

import socket
import sys
import threading

from OpenSSL import SSL


def main(port: str, certificate: str, key: str) -> None:
    """Serve until killed."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file(certificate)
    context.use_privatekey_file(key)
    with socket.create_server(("127.0.0.1", int(port)), backlog=512) as listener:
        while True:
            link, _ = listener.accept()
            threading.Thread(target=_meet, args=(context, link), daemon=True).start()


def _meet(context: SSL.Context, link: socket.socket) -> None:
    with link:
        try:
            wrapped = SSL.Connection(context, link)
            wrapped.set_accept_state()
            while b"\r\n\r\n" not in wrapped.recv(1 << 16):
                pass
            wrapped.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            wrapped.shutdown()
        except SSL.Error as error:
            print(f"Error {error}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
