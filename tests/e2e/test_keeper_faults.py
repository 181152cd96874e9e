"""Whatever fails, a right certificate is served, one finding says what is wrong, and nobody storms.

A daemon, a real nginx and a real OpenBao, with what spoils its answers between them.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.agent.vault.authority import issue
from tests.bench.soaking.parts import Clock, compiled
from tests.e2e import keyhost
from tests.e2e.keyservers import Haproxy, Nginx
from tests.e2e.sealing import until
from tests.e2e.vaulting import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Hygiene
    from tests.e2e.keyhost import Host, Source
    from tests.e2e.vaulting import Client

_SOURCE = {"kind": "pki", "role": "web", "names": [NAME], "ttl": 3600, "local": False}
_DAY = 86_400
_WINDOW = 5.0
_MOST = 3
"""Requests within that many seconds after something began to fail, each a try of its own.

By the shortest waits of `agent.vault.lease`: at once, after 1 s, after 2 s more, then after 4 s.
"""


class Running(NamedTuple):
    """A host that serves, and its clock."""

    host: Host
    clock: Clock


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    with keyhost.source(tmp_path_factory.mktemp("bao")) as one:
        yield one


@pytest.fixture(scope="module")
def running(
    hygiene: Hygiene, vault: Source, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """One for all faults, since each has to leave it as it was."""
    folder = tmp_path_factory.mktemp("clock")
    clock = Clock(folder / "shift", compiled(folder))
    with keyhost.host(hygiene, vault, Nginx) as host:
        host.environ = dict(clock.environ)
        host.begin(host.settings(_SOURCE))
        yield Running(host, clock)


@contextlib.contextmanager
def _served(host: Host) -> Iterator[Client]:
    """Have every handshake meanwhile looked at, and another certificate in the end by itself.

    That the finding closes is seen by who looks for the next one, which has to be alone.
    """
    given, before = host.vault.proxy.given, host.record.sha256
    with host.looked_at() as client:
        yield client
        until(lambda: not host.record.fault, lambda: f"it does not recover: {host.record}")
        until(lambda: client.seen[-1].sha256 != before, "it is not renewed any more")
    assert client.failed == []
    assert client.served <= given.keys()
    assert client.expired(given) == []
    assert host.leaks() == []


def _told(host: Host, *starts: str) -> None:
    """Wait for findings that say just that, and see that there are no others."""

    def right() -> bool:
        told = sorted(host.findings)
        return len(told) == len(starts) and all(map(str.startswith, told, sorted(starts)))

    until(right, lambda: f"expected {starts}: {host.findings} {host.record}")


class Fault(NamedTuple):
    """What goes wrong, and what is said of it. name: of what the proxy does, "" for the others."""

    name: str
    says: str
    most: int = _MOST


_FAULTS = [
    Fault("sealed", "vault-away: web: Vault does not give it: pki/issue/web: Vault is sealed"),
    Fault("away", "vault-away: web: Vault does not give it: pki/issue/web: "),
    Fault("slow", "vault-away: web: Vault does not give it: pki/issue/web: "),
    Fault(  # the first try is denied, as is what it asks about its token, before it logs in
        "denied", "vault-away: web: Vault does not give it: auth/approle/login: Vault does not a", 5
    ),
    Fault("limited", "vault-away: web: Vault does not give it: pki/issue/web: asked too often", 1),
    Fault("failing", "vault-away: web: Vault does not give it: pki/issue/web: failed (HTTP 500)"),
    Fault("not JSON", "vault-away: web: Vault does not give it: pki/issue/web: not what was ask"),
    Fault("huge", "vault-away: web: Vault does not give it: pki/issue/web: the answer is longer"),
    Fault("truncated", "vault-away: web: Vault does not give it: pki/issue/web: TLS: unexpected"),
    Fault("redirect", "vault-away: web: Vault does not give it: pki/issue/web: answers with a re"),
    Fault("mismatch", "vault-key-unfit: web: what Vault gave is not fit to be served: the key is"),
]


@pytest.mark.parametrize("fault", _FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_vault_fails(running: Running, vault: Source, fault: Fault) -> None:
    """The one before is served on, it is asked again ever more rarely, and recovers by itself."""
    host, proxy = running.host, vault.proxy
    with _served(host) as client:
        began, version = time.monotonic(), host.record.version
        proxy.fault = fault.name
        try:
            host.daemon.hurry()
            _told(host, fault.says)
            until(lambda: time.monotonic() > began + _WINDOW, "")
            assert 0 < proxy.since(began) <= fault.most
            _told(host, fault.says)
            assert (host.record.version, len(client.served)) == (version, 1)
        finally:
            proxy.fault = ""
    assert not proxy.redirected


def test_who_looks_at_all_listeners_is_not_counted(hygiene: Hygiene, vault: Source) -> None:
    """Tests that run beside this one look at what listens here, at the proxy too, many times."""
    place = vault.proxy.address.rpartition(":")[2]
    began = time.monotonic()
    for fault in ("", "away"):
        vault.proxy.fault = fault
        try:
            assert place in hygiene("tls", f"127.0.0.1:{place}").stdout
        finally:
            vault.proxy.fault = ""
    assert vault.proxy.since(began) == 0


def test_vault_is_sealed_in_truth(running: Running, vault: Source) -> None:
    """A real one says so itself, and what it gives once it is opened is served."""
    host, before = running.host, running.host.record.version
    with _served(host) as client:
        vault.server.seal()
        try:
            host.daemon.hurry()
            _told(host, "vault-away: web: Vault does not give it: pki/issue/web: Vault is s")
            assert (host.record.version, len(client.served)) == (before, 1)
        finally:
            vault.server.unseal()
    assert host.record.version != before


def test_its_token_is_revoked(running: Running, vault: Source) -> None:
    """One login more, and no finding: nothing is wrong that it cannot mend itself."""
    host, before = running.host, running.host.record.version
    until(lambda: not host.findings, lambda: f"does not close: {host.findings}")
    with _served(host):
        vault.vault.root.sys.revoke_prefix("auth/approle/login")
        began = time.monotonic()
        host.daemon.hurry()
        until(lambda: host.record.version != before, "it is not renewed")
        assert 1 < vault.proxy.since(began) <= 5
        assert host.findings == []


def test_a_clock_that_is_behind(running: Running) -> None:
    """What Vault gives begins in its future: the one before stays, and the new one follows."""
    host, before = running.host, running.host.record.version
    with _served(host) as client:
        running.clock.shift(-_DAY)
        try:
            _told(host, "vault-key-unfit: web: what Vault gave is not fit to be served: CN=")
            assert (host.record.version, len(client.served)) == (before, 1)
        finally:
            running.clock.shift(0)
    assert host.record.version != before


def test_a_clock_that_is_ahead(running: Running) -> None:
    """All is over by it, which is said; once it is right again nothing waits for its future."""
    host, before = running.host, running.host.record.version
    with _served(host) as client:
        running.clock.shift(_DAY)
        try:
            unfit = "vault-key-unfit: web: what Vault gave is not fit to be served: CN="
            _told(host, unfit, "key-ending: web: it ends soon, and there is no other: ended")
            assert (host.record.version, len(client.served)) == (before, 1)
        finally:
            running.clock.shift(0)
    assert host.record.version != before


def test_a_clock_by_which_half_is_over(running: Running, vault: Source) -> None:
    """What Vault gives is due at once by it, again and again: it is not asked all the time."""
    with _served(running.host):
        running.clock.shift(3000)
        try:
            before = set(vault.proxy.given)
            until(lambda: vault.proxy.given.keys() - before, "it is not renewed")
            began = time.monotonic()
            until(lambda: time.monotonic() > began + _WINDOW, "")
            assert vault.proxy.since(began) <= 1
        finally:
            running.clock.shift(0)


def test_a_reload_that_fails(running: Running) -> None:
    """A server with a broken configuration goes on with what it has, and its file with it."""
    host = running.host
    right, before = host.server.file.read_text(), host.pem.read_bytes()
    with _served(host) as client:
        host.server.file.write_text(right.replace("listen", "listens"))
        try:
            host.daemon.hurry()
            _told(host, "key-not-taken-up: web: its service did not take it up: reload: ended with")
            until(lambda: host.pem.read_bytes() == before, "the one before was not put back")
            assert len(client.served) == 1
        finally:
            host.server.file.write_text(right)
    assert host.pem.read_bytes() != before


def test_a_reload_that_does_nothing(hygiene: Hygiene, vault: Source) -> None:
    """What is not served is told with what is, and the one before comes back into its place."""
    with keyhost.host(hygiene, vault, Nginx) as host:
        told = host.settings(_SOURCE)
        does = host.where.disk / "does"
        told["actions"]["reload"]["command"] = ["/bin/sh", str(does)]
        does.write_text(f"exec {' '.join(host.server.reload)}\n")
        host.begin(told)
        before, right = host.pem.read_bytes(), does.read_text()
        with _served(host) as client:
            does.write_text("exit 0\n")
            try:
                host.daemon.hurry()
                _told(host, "key-not-served: web: it is not what is served: 127.0.0.1:")
                until(lambda: host.pem.read_bytes() == before, "the one before was not put back")
                assert len(client.served) == 1
            finally:
                does.write_text(right)
        assert host.pem.read_bytes() != before


def _ask(host: Host, command: str) -> str:
    """Give haproxy's answer on its runtime socket."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(host.server.socket))
        line.sendall(command.encode() + b"\n")
        return line.makefile().read()


@pytest.fixture
def haproxy(hygiene: Hygiene, vault: Source) -> Iterator[Callable[[], Host]]:
    """One that is told by its file and by its socket."""
    with keyhost.host(hygiene, vault, Haproxy) as host:

        def begun() -> Host:
            told = host.settings(_SOURCE)
            line = {"kind": "haproxy", "socket": str(host.server.socket)}
            told["keys"]["web"]["deliver"] += [line | {"certificate": str(host.pem)}]
            told["keys"]["web"]["action"] = ""
            host.begin(told)
            return host

        yield begun


def test_haproxy_refuses(haproxy: Callable[[], Host]) -> None:
    """While another's change is under way nothing is changed, in its file neither."""
    host = haproxy()
    other, placed = host.where.disk / "other.pem", issue("other", names=[NAME])
    before = host.pem.read_bytes()
    with _served(host):
        _ask(host, f"new ssl cert {other}")
        _ask(host, f"set ssl cert {other} <<\n{placed.private}{placed.pem}")
        try:
            host.daemon.hurry()
            _told(host, "key-not-delivered: web: it could not be delivered: ")
            assert "another change is under way there" in host.findings[0]
            until(lambda: host.pem.read_bytes() == before, "the one before was not put back")
        finally:
            _ask(host, f"abort ssl cert {other}")


def test_haproxy_is_told_again_in_vain(haproxy: Callable[[], Host]) -> None:
    """What it lost and cannot be told again is a finding, not only when something is renewed."""
    host = haproxy()
    other, placed = host.where.disk / "other.pem", issue("other", names=[NAME])
    lost = issue("lost", names=[NAME])
    _ask(host, f"set ssl cert {host.pem} <<\n{lost.private}{lost.pem}")
    _ask(host, f"new ssl cert {other}")
    _ask(host, f"commit ssl cert {host.pem}")
    _ask(host, f"set ssl cert {other} <<\n{placed.private}{placed.pem}")
    _told(host, "key-not-delivered: web: it could not be delivered: ")
    _ask(host, f"abort ssl cert {other}")
    until(lambda: not host.findings, lambda: f"does not close: {host.findings}")
    with host.looked_at() as client:
        until(lambda: client.seen, "nobody looks")
    assert client.served == {host.record.sha256}
