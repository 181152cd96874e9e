"""What is asked for and what is configured there belong together."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

from agent import endpoints, together
from agent.endpoints import Endpoint
from checks.tls.facts import Target

if TYPE_CHECKING:
    from pathlib import Path


def test_an_endpoint_of_this_host_is_told_with_its_owner() -> None:
    """By any of the addresses that lead to it; a port that nobody listens on has none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        asked = [Endpoint(Target(host, port)) for host in ("127.0.0.1", "localhost", "127.0.0.2")]
        found = endpoints.given(asked)
    assert [one.target for one in found.endpoints] == [one.target for one in asked]
    owned = [os.path.realpath(sys.executable), os.path.realpath(sys.executable), ""]
    if socket.getaddrinfo("localhost", port)[0][4][0] == "::1":
        owned[1] = ""
    assert [one.owner.executable for one in found.endpoints] == owned
    assert (found.exact, found.started, found.heard) == (True, (), ())


def test_of_an_endpoint_elsewhere_no_files_are_read() -> None:
    """192.0.2.0/24 is nobody's (RFC 5737)."""
    found, files = together.find([Endpoint(Target("192.0.2.1", 443))])
    assert [one.owner.executable for one in found.endpoints] == [""]
    assert files.configured == ()


def test_below_a_root_nothing_is_looked_for_on_this_host(tmp_path: Path) -> None:
    """Its files are read, and what was asked for is asked besides."""
    place = tmp_path / "etc/nginx/nginx.conf"
    place.parent.mkdir(parents=True)
    place.write_text("events {} http { server { listen 443 ssl; server_name a.test; } }")
    found, files = together.find([], str(tmp_path))
    assert found.endpoints == ()
    assert [one.site.names for one in files.configured] == [("a.test",)]
    asked = [Endpoint(Target("127.0.0.1", 443))]
    assert together.find(asked, str(tmp_path)).found.endpoints == tuple(asked)
