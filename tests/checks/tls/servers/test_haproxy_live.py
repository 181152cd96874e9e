"""What haproxy really serves is what its configuration is read to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.tls.numbers import Version
from checks.tls.servers import haproxy
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.checks.tls.servers.conftest import Live

DEFAULTS = "defaults\n mode http\n timeout client 5s\n timeout connect 5s\n timeout server 5s\n"


def write(tmp_path: Path, live: Live, binds: list[str]) -> str:
    main = tmp_path / "haproxy.cfg"
    lines = "".join(f" bind 127.0.0.1:{live.port()} ssl {bind}\n" for bind in binds)
    main.write_text(
        "global\n ssl-default-bind-options no-tlsv10\n ssl-default-bind-ciphers ALL:@SECLEVEL=0\n"
        f" crt-base {live.folder}\n{DEFAULTS}frontend f\n{lines}"
    )
    return str(main)


@pytest.mark.parametrize(
    "bind",
    [
        "crt site.pem ssl-min-ver TLSv1.0",
        "crt site.pem ssl-min-ver TLSv1.1 ssl-max-ver TLSv1.2",
        "crt site.pem ssl-max-ver TLSv1.1",
        "crt site.pem force-tlsv11",
        "crt site.pem no-tlsv12",
        "crt site.pem no-tlsv13 no-tlsv11",
        "crt site.pem ssl-min-ver TLSv1.0 no-tlsv11",
    ],
)
def test_versions_are_those_that_are_served(tmp_path: Path, live: Live, bind: str) -> None:
    """Ranges, forced versions and words that switch one off."""
    main = write(tmp_path, live, [bind])
    with RootTree() as tree:
        (site,) = haproxy.sites(tree, main)
    with live.run("haproxy", main):
        assert live.versions(site) == site.protocols


def test_lines_of_a_list_are_served_as_they_are_read(tmp_path: Path, live: Live) -> None:
    """Versions and suites of a line count for its names, its curves do not."""
    (tmp_path / "list").write_text(
        "site.pem\nsite.pem [ssl-min-ver TLSv1.0 ssl-max-ver TLSv1.1] b.test\n"
        "site.pem [ssl-min-ver TLSv1.2 curves P-384 ciphers AES256-SHA:@SECLEVEL=0"
        " ciphersuites TLS_AES_128_GCM_SHA256] c.test\n"
    )
    main = write(tmp_path, live, [f"crt-list {tmp_path}/list curves P-256 ssl-min-ver TLSv1.1"])
    with RootTree() as tree:
        found = list(haproxy.sites(tree, main))
    with live.run("haproxy", main):
        assert [live.versions(site) for site in found] == [site.protocols for site in found]
        facts = live.ask(found[2])
    assert facts.groups == (23,)
    assert {accepted.suite for accepted in facts.suites} == {0x0035, 0x1301}
    assert len(found[2].ineffective) == len(found[0].ineffective) + 1
    assert found[1].protocols == (Version.TLS10, Version.TLS11)
