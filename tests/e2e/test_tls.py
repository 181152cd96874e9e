"""`hygiene-agent tls` as people run it, against a real server of this host."""

from __future__ import annotations

import json
import runpy
import socket
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tests.conftest import Hygiene

_SERVING = runpy.run_path(str(Path(__file__).parents[1] / "checks" / "tls" / "serving.py"))
made, s_server = _SERVING["made"], _SERVING["s_server"]
WEAK = ("-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-min_protocol", "TLSv1")
SOUND = ("-cipher", "ECDHE+AESGCM")


class Server(NamedTuple):
    """Where it listens."""

    port: int

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"


@pytest.fixture(scope="module", params=[WEAK, SOUND], ids=["weak", "sound"])
def server(
    request: pytest.FixtureRequest, s_server: Callable[..., AbstractContextManager[int]]
) -> Iterator[Server]:
    with s_server("-www", *request.param) as port:
        yield Server(port)


def checks(hygiene: Hygiene, *words: str) -> set[str]:
    done = hygiene("tls", *words, "--format", "json")
    assert done.stderr == ""
    return {finding["check"] for finding in json.loads(done.stdout)["findings"]}


def test_what_a_server_does_is_told(
    hygiene: Hygiene, server: Server, request: pytest.FixtureRequest
) -> None:
    """A weak set-up is told fault by fault; a sound one gives none of them."""
    found = checks(hygiene, server.place, "--server-name", "localhost")
    weak = {"tls-1.0", "tls-1.1", "tls-cipher-null", "tls-cipher-anonymous", "tls-dh-weak"}
    assert found & weak == (weak if "weak" in request.node.name else set())
    assert {"cert-self-signed", "http-hsts-missing"} <= found
    assert "cert-name-mismatch" not in found
    assert "cert-name-mismatch" in checks(hygiene, server.place, "-n", "www.example.org")


def test_listeners_are_found_without_being_named(hygiene: Hygiene, server: Server) -> None:
    """Without an argument this host's listeners are looked for; an excluded one is left alone."""
    report = json.loads(hygiene("tls", "--format", "json").stdout)
    places = {finding["path"] for finding in report["findings"]}
    assert f"tls://{server.place}" in places


def test_an_excluded_listener_is_left_alone(
    hygiene: Hygiene, server: Server, tmp_path: Path
) -> None:
    """The policy names what is not asked."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"tls: {{exclude: ['*:{server.port}']}}\n", encoding="utf-8")
    report = json.loads(hygiene("tls", "--policy", policy, "--format", "json").stdout)
    assert f"tls://{server.place}" not in {one["path"] for one in report["findings"]}


@pytest.mark.parametrize("form", ["text", "jsonl", "sarif", "html"])
def test_every_output_names_the_endpoint(hygiene: Hygiene, server: Server, form: str) -> None:
    """An endpoint is a place like any other."""
    done = hygiene("tls", server.place, "--format", form)
    assert f"tls://{server.place}" in done.stdout


def test_what_does_not_answer_is_not_clean(hygiene: Hygiene) -> None:
    """A closed port is exit status 3 and named; a wrong address is wrong usage."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    done = hygiene("tls", f"127.0.0.1:{port}")
    assert done.returncode == 3
    assert f"127.0.0.1:{port}" in done.stdout
    assert hygiene("tls", "nowhere").returncode == 2


NGINX = """
events {{}}
http {{
  ssl_protocols {protocols};
  server {{ listen 443 ssl; server_name a.example; ssl_certificate /etc/ssl/a.pem; }}
}}
"""


def test_an_unpacked_root_is_read_without_anything_running(
    hygiene: Hygiene, tmp_path: Path
) -> None:
    """What its server's files switch on is told at their lines; a sound file gives nothing."""
    main = tmp_path / "etc/nginx/nginx.conf"
    main.parent.mkdir(parents=True)
    status = tmp_path / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text("\nPackage: libssl3\nStatus: install ok\nVersion: 3.0.19-1\n")
    main.write_text(NGINX.format(protocols="TLSv1 TLSv1.2 TLSv1.3"))
    report = json.loads(hygiene("tls", "--root", tmp_path, "--format", "json").stdout)
    told = {(one["check"], one["path"], one["line"]) for one in report["findings"]}
    place = ("/etc/nginx/nginx.conf", 4)
    assert told == {("config-legacy-protocol", *place), ("config-ineffective", *place)}
    (snippet,) = {one["snippet"] for one in report["findings"]}
    assert snippet == "ssl_protocols TLSv1.2 TLSv1.3;"
    assert all("ssl_protocols at /etc/nginx/nginx.conf:4" in o["fix"] for o in report["findings"])
    main.write_text(NGINX.format(protocols="TLSv1.2 TLSv1.3"))
    assert (
        json.loads(hygiene("tls", "--root", tmp_path, "--format", "json").stdout)["findings"] == []
    )
