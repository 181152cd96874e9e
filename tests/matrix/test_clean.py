"""Sound set-ups of stock servers under a private authority: nothing at medium or above."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.matrix.conftest import Told
    from tests.matrix.running import Servers

    Ask = Callable[..., Told]

SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
    ":ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
CLEAN: dict[str, Callable[[Servers], AbstractContextManager[int]]] = {
    "nginx as packaged": lambda v: v.nginx(
        "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on;"
    ),
    "nginx": lambda v: v.nginx(
        f"ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers {SUITES};"
        " add_header Strict-Transport-Security max-age=63072000 always;",
        "rsa",
    ),
    "apache": lambda v: v.apache(
        f"SSLProtocol -all +TLSv1.2 +TLSv1.3\nSSLCipherSuite {SUITES}\nSSLSessionTickets off\n"
        "Header always set Strict-Transport-Security max-age=63072000"
    ),
    "haproxy as packaged": lambda v: v.haproxy(
        "",
        globally=f"ssl-default-bind-ciphers {SUITES}\n"
        " ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384\n"
        " ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets",
    ),
    "lighttpd as packaged": lambda v: v.lighttpd(),
    "caddy as packaged": lambda v: v.caddy(),
    "caddy with RSA": lambda v: v.caddy(kind="rsa"),
    "the newest OpenSSL": lambda v: v.newest(),
}


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_server_is_left_in_peace(name: str, servers: Servers, ask: Ask) -> None:
    """No finding at medium or above, nothing left open, and exit status 0."""
    with CLEAN[name](servers) as port:
        told = ask(port)
    assert told.serious == set()
    assert told.unseen == []
    assert told.status == 0


def test_without_its_root_the_same_server_is_not_trusted(servers: Servers, ask: Ask) -> None:
    """The host's own roots do not know the private authority; --trust names it."""
    with servers.nginx("ssl_protocols TLSv1.2 TLSv1.3;") as port:
        assert ask(port).serious == set()
        assert ask(port, trust=False).serious == {"cert-chain-incomplete"}


def test_a_file_without_a_root_is_not_taken_for_trust(
    servers: Servers, tmp_path: Path, ask: Ask
) -> None:
    """Where no root is known trust cannot be judged, and that is told."""
    (tmp_path / "empty.pem").write_text("")
    with servers.nginx("ssl_protocols TLSv1.2 TLSv1.3;") as port:
        told = ask(port, "--trust", str(tmp_path / "empty.pem"), trust=False)
    assert told.status == 3
    assert any("has no certificate in it" in why for why in told.unseen)
