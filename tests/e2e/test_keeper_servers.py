"""Keys from a real OpenBao to real servers: none fails a handshake, and no disk ever has a key."""

from __future__ import annotations

import secrets
import ssl
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.agent.vault.authority import issue
from tests.e2e import keyhost
from tests.e2e.keysearch import Search
from tests.e2e.keyservers import Apache, Haproxy, Lighttpd, Nginx
from tests.e2e.sealing import until
from tests.e2e.vaulting import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Hygiene
    from tests.e2e.keyhost import Host, Source
    from tests.e2e.keyservers import Server

_SIGNED = {"kind": "pki", "role": "web", "names": [NAME], "ttl": 6}
_ISSUED = {**_SIGNED, "local": False}
_KEPT = {"kind": "kv", "poll": 1}


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    with keyhost.source(tmp_path_factory.mktemp("bao")) as one:
        yield one


@pytest.mark.parametrize(
    ("kind", "told"),
    [(Nginx, _SIGNED), (Apache, _ISSUED), (Haproxy, _SIGNED), (Lighttpd, _KEPT)],
    ids=["nginx-sign", "apache-issue", "haproxy-sign", "lighttpd-kv"],
)
def test_it_is_renewed_while_all_are_served(
    hygiene: Hygiene, vault: Source, kind: type[Server], told: dict[str, Any]
) -> None:
    """Three certificates, each of Vault's, no failed handshake, and no key on the disk."""
    with keyhost.host(hygiene, vault, kind) as host:
        if told is _KEPT:
            told = {**told, "path": keyhost.fresh()}
            vault.put(told["path"])
        host.begin(host.settings(told))
        with host.looked_at() as client:
            for count in (1, 2, 3):
                until(lambda n=count: len(client.served) >= n, "it is not renewed")
                assert host.leaks() == []
                if told["kind"] == "kv":
                    vault.put(told["path"])
        host.daemon.end()
        assert client.failed == []
        assert client.served <= vault.proxy.given.keys()
        assert client.expired(vault.proxy.given) == []
        host.server.end()
        assert host.leaks() == []
        assert len(host.search.keys) >= 3
        planted = host.where.disk / "state" / "planted"
        planted.write_bytes(secrets.token_bytes(100) + host.pem.read_bytes())
        assert host.leaks() == [planted]


@pytest.fixture
def runtime(hygiene: Hygiene, vault: Source) -> Iterator[Host]:
    """A haproxy that begins with a placeholder."""
    with keyhost.host(hygiene, vault, RuntimeHaproxy) as one:
        yield one


class RuntimeHaproxy(Haproxy):
    """One whose file of a key is there before the first delivery, and stays as it is."""

    def start(self) -> None:
        if self.process is None:
            super().start()


def _runtime(host: Host, *more: dict[str, str], **source: object) -> dict[str, Any]:
    """Give settings that deliver through its socket, after what is delivered otherwise."""
    told = host.settings({**_ISSUED, **source})
    socket = {"kind": "haproxy", "socket": str(host.server.socket), "certificate": str(host.pem)}
    told["keys"]["web"] |= {"deliver": [*more, socket], "action": ""}
    return told


def _placed(host: Host) -> None:
    """Start haproxy with another authority's certificate."""
    other = issue("placeholder", names=[NAME])
    host.pem.write_text(other.private + other.pem)
    host.pem.chmod(0o600)
    host.server.start()


def _reload(host: Host) -> None:
    """Have haproxy begin again with its file, by its own administrator."""
    workers = _workers(host)
    subprocess.run(host.server.reload, check=True)
    until(lambda: not workers & _workers(host), "haproxy did not reload")


def _workers(host: Host) -> set[int]:
    assert host.server.process
    pid = host.server.process.pid
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def test_haproxy_is_told_without_a_reload(runtime: Host) -> None:
    """Renewed in its memory, and put there again after its own reload, which loses it."""
    _placed(runtime)
    runtime.begin(_runtime(runtime))
    workers = _workers(runtime)
    with runtime.looked_at() as client:
        until(lambda: len(client.served) >= 3, "it is not renewed")
        assert client.failed == []
        assert _workers(runtime) == workers, "it was reloaded"
        began = time.time()
        _reload(runtime)
        until(lambda: client.failed, "its placeholder was not served")
        until(lambda: client.seen[-1].sha256, "it was not told again")
        until(lambda: len(client.served) >= 4, "it is not renewed")
    assert max(one.at for one in client.failed) - began < 10, "the placeholder was there too long"
    assert client.served <= runtime.vault.proxy.given.keys()
    assert runtime.leaks() == []


def test_haproxy_with_file_and_socket_never_serves_another(runtime: Host) -> None:
    """With the same object in its file, not even its own reload brings an older one back."""
    file = {"kind": "file", "path": str(runtime.pem), "mode": "0600"}
    _placed(runtime)
    runtime.begin(_runtime(runtime, file))
    with runtime.looked_at() as client:
        for count in (1, 2, 3):
            until(lambda n=count: len(client.served) >= n, "it is not renewed")
            _reload(runtime)
    assert client.failed == []
    assert client.served <= runtime.vault.proxy.given.keys()
    assert client.expired(runtime.vault.proxy.given) == []
    assert runtime.leaks() == []


def test_haproxy_is_told_again_by_a_keeper_that_was_away(runtime: Host) -> None:
    """What haproxy lost while no keeper looked is there again with the next one, not renewed."""
    _placed(runtime)
    runtime.begin(_runtime(runtime, ttl=3600))
    with runtime.looked_at() as client:
        until(lambda: client.served, "nothing is served")
        runtime.daemon.end()
        _reload(runtime)
        until(lambda: client.seen[-1].why, "its placeholder is not served")
        runtime.daemon.start()
        until(lambda: client.seen[-1].sha256, "it was not told again")
    assert len(client.served) == 1


@pytest.mark.parametrize("form", ["line", "der", "exponent", "hex"])
def test_a_key_in_a_file_is_noticed(tmp_path: Path, form: str) -> None:
    """Control: however a key is written, the search finds it, and not another one."""
    one, other = issue("one", names=[NAME]), issue("other", names=[NAME])
    number = one.key.private_numbers().private_value.to_bytes(32)
    kinds = {
        "line": one.private.splitlines()[2].encode(),
        "der": ssl.PEM_cert_to_DER_cert(one.private.replace("PRIVATE KEY", "CERTIFICATE")),
        "exponent": number,
        "hex": number.hex().encode(),
    }
    (tmp_path / "deep").mkdir()
    place = tmp_path / "deep" / "file"
    place.write_bytes(b"before" + kinds[form] + b"after")
    search = Search()
    search.add(other.private)
    assert search.found(tmp_path) == []
    search.add(one.private)
    assert search.found(tmp_path) == [place]
