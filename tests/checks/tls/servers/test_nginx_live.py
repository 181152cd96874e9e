"""What nginx really serves is what its configuration is read to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.tls.numbers import Version
from checks.tls.servers import nginx
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.checks.tls.servers.conftest import Live


def write(tmp_path: Path, live: Live, servers: str) -> str:
    main = tmp_path / "nginx.conf"
    main.write_text(
        f"pid {tmp_path}/pid; worker_processes 1; events {{ worker_connections 64; }}\n"
        f"http {{ access_log off; ssl_ciphers ALL:@SECLEVEL=0;\n"
        f"ssl_certificate {live.certificate}; ssl_certificate_key {live.key};\n{servers} }}\n"
    )
    return str(main)


def test_versions_are_those_that_are_served(tmp_path: Path, live: Live) -> None:
    """Lists, gaps, inheritance, commands and the default server's word, each on an address."""
    ports = [live.port() for _ in range(5)]
    listens = [f"listen 127.0.0.1:{port} ssl;" for port in ports]
    main = write(
        tmp_path,
        live,
        f"""
        ssl_protocols TLSv1.1 TLSv1.2;
        server {{ {listens[0]} server_name a.test; ssl_protocols TLSv1.2 TLSv1.3; }}
        server {{ {listens[0]} server_name b.test; ssl_protocols TLSv1; }}
        server {{ {listens[0]} server_name c.test; }}
        server {{ {listens[1]} server_name d.test; }}
        server {{ {listens[2]} server_name e.test; ssl_protocols TLSv1 TLSv1.2; }}
        server {{ {listens[3]} server_name f.test; ssl_conf_command MinProtocol TLSv1.2; }}
        server {{ {listens[4]} server_name g.test; ssl_protocols TLSv1; ssl_protocols TLSv1.3;
                  ssl_conf_command Protocol +TLSv1.1; }}
        """,
    )
    with RootTree() as tree:
        found = list(nginx.sites(tree, main))
    with live.run("nginx", main):
        served = {site.names[0]: live.versions(site) for site in found}
    assert served == {site.names[0]: site.protocols for site in found}
    assert served["b.test"] == (Version.TLS12, Version.TLS13)
    assert served["e.test"] == (Version.TLS10, Version.TLS12)


def test_groups_and_ciphers_are_those_that_are_served(tmp_path: Path, live: Live) -> None:
    """Of a server that is not the default the ciphers count, and the groups do not."""
    listen = f"listen 127.0.0.1:{live.port()} ssl;"
    main = write(
        tmp_path,
        live,
        f"""
        ssl_protocols TLSv1.2 TLSv1.3;
        server {{ {listen} server_name a.test; ssl_ecdh_curve P-256; }}
        server {{ {listen} server_name b.test; ssl_ecdh_curve X25519;
                  ssl_ciphers AES256-SHA:@SECLEVEL=0;
                  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; }}
        """,
    )
    with RootTree() as tree:
        first, second = nginx.sites(tree, main)
    with live.run("nginx", main):
        facts = live.ask(second)
    assert first.groups == second.groups
    assert {lost.setting.value for lost in second.ineffective} == {
        *("X25519", "TLS_AES_128_GCM_SHA256"),
    }
    assert facts.groups == (23,)
    suites = {accepted.suite for accepted in facts.suites if accepted.version is Version.TLS12}
    assert suites == {0x0035}
    assert second.suites is None
