"""Drift between files and a running server: seen when it is there, silent when it is not."""

from __future__ import annotations

import hashlib
import os
import runpy
import signal
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from checks.tls import answering, drift, look
from checks.tls.config import Setting, Site
from checks.tls.drift import Configured
from checks.tls.facts import Accepted, Chain, EndpointFacts, Target
from checks.tls.numbers import Version
from checks.tls.servers import nginx
from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.checks.tls.conftest import Maker

_SERVING = runpy.run_path(str(Path(__file__).with_name("serving.py")))
CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  ssl_protocols {protocols};
  server {{
    listen 127.0.0.1:{port} ssl;
    server_name a.example;
    ssl_certificate {folder}/a.crt;
    ssl_certificate_key {folder}/a.key;
  }}
}}
"""


class Running:
    """An nginx of the test's own."""

    def __init__(self, folder: Path, maker: Maker) -> None:
        self.folder = folder
        self.port: int = _SERVING["free_port"]()
        self._maker = maker
        self.certify()
        self.configure("TLSv1.2 TLSv1.3")

    def certify(self) -> None:
        """Put a new key and certificate in place."""
        one = self._maker.make("a.example")
        _SERVING["written"](self.folder, "a", one.key, one.der)

    def configure(self, protocols: str) -> None:
        text = CONFIGURATION.format(folder=self.folder, port=self.port, protocols=protocols)
        (self.folder / "nginx.conf").write_text(text, encoding="ascii")

    def reload(self) -> None:
        os.kill(int((self.folder / "pid").read_text()), signal.SIGHUP)
        time.sleep(0.5)

    def faults(self) -> list[str]:
        with RootTree("/") as tree:
            (site,) = nginx.sites(tree, str(self.folder / "nginx.conf"))
        leaf = ssl.PEM_cert_to_DER_cert((self.folder / "a.crt").read_text())
        allowed = frozenset(site.protocols or ())
        configured = Configured(site, (leaf,), site.names, allowed)
        target = Target("127.0.0.1", self.port, "a.example")
        assert answering.serving([configured], target) == (configured,)
        return [fault.check for fault in drift.judge(look.observe(target), [configured])]


@pytest.fixture
def server(tmp_path: Path, maker: Maker) -> Iterator[Running]:
    running = Running(tmp_path, maker)
    words = ["nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    with _SERVING["running"](words, running.port):
        yield running


def test_a_renewed_certificate_that_was_not_loaded_is_told(server: Running) -> None:
    """It is told until the server is reloaded, and not before it was renewed."""
    assert server.faults() == []
    server.certify()
    assert server.faults() == ["drift-certificate-not-loaded"]
    server.reload()
    assert server.faults() == []


def test_a_set_up_that_was_tightened_and_not_loaded_is_told(server: Running) -> None:
    """The server still speaks what its file forbids, until it is reloaded."""
    server.configure("TLSv1.3")
    assert server.faults() == ["drift-config-not-loaded"]
    server.reload()
    assert server.faults() == []


def facts(target: Target, *chains: bytes, suites: tuple[Accepted, ...] = ()) -> EndpointFacts:
    sent = tuple(Chain((leaf,)) for leaf in chains)
    versions = {Version.TLS12: True, Version.TLS13: False}
    return EndpointFacts(target=target, versions=versions, suites=suites, chains=sent)


def configured(leaves: tuple[bytes, ...], suites: frozenset[int] | None = None) -> Configured:
    site = Site(server="nginx", place=Setting("server", "", "/etc/nginx/a", 3))
    return Configured(site, leaves, suites=suites)


TARGET = Target("127.0.0.1", 443)


@pytest.mark.parametrize(
    ("served", "files", "drifted"),
    [
        ((b"a",), [(b"a",)], 0),
        ((b"a",), [(b"b",)], 1),
        ((b"a",), [(b"b",), (b"a",)], 0),
        ((b"a",), [(b"b",), (b"c",)], 1),
        ((b"a",), [(b"b",), ()], 0),
        ((b"a", b"b"), [(b"a", b"b")], 0),
        ((b"a", b"b"), [(b"a", b"c")], 1),
        ((b"a", b"b"), [(b"c", b"d")], 2),
        ((b"a",), [(b"a", b"c")], 0),
        ((), [(b"a",)], 0),
    ],
)
def test_what_one_of_the_sites_may_serve_is_no_drift(
    served: tuple[bytes, ...], files: list[tuple[bytes, ...]], drifted: int
) -> None:
    """Which of several sites answered is not known; a pair may have been half asked for."""
    found = list(drift.judge(facts(TARGET, *served), [configured(one) for one in files]))
    assert [fault.check for fault in found] == ["drift-certificate-not-loaded"] * drifted


def test_both_fingerprints_are_told() -> None:
    """Whole, so that they can be searched for."""
    (fault,) = drift.judge(facts(TARGET, b"a"), [configured((b"b",))])
    told = [hashlib.sha256(leaf).hexdigest() for leaf in (b"a", b"b")]
    assert fault.message == f"serves {told[0]}, /etc/nginx/a:3 names {told[1]}"


def test_suites_that_were_taken_off_are_told() -> None:
    """Those of TLS 1.3 are another setting's, and what is not known allows everything."""
    accepted = (Accepted(Version.TLS13, 0x1301), Accepted(Version.TLS12, 0x002F))
    seen = facts(TARGET, suites=accepted)
    (fault,) = drift.judge(seen, [configured((), suites=frozenset({0xC02F}))])
    assert fault.message.startswith("accepts TLS_RSA_WITH_AES_128_CBC_SHA, which /etc/nginx/a:3 ")
    assert not list(drift.judge(seen, [configured((), suites=frozenset({0x002F}))]))
    some = [configured((), suites=frozenset({0xC02F})), configured(())]
    assert not list(drift.judge(seen, some))
