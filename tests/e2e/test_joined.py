"""What shows only when Vault, files and servers are seen together, with a real OpenBao."""

from __future__ import annotations

import secrets
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from agent import rolestatus, snapshot
from agent.rolestatus import Findings
from checks.model import Severity
from checks.redact import FingerprintKey
from tests.agent.vault.authority import issue
from tests.e2e import approle
from tests.e2e.daemon import Daemon, ending, until
from tests.e2e.keyservers import Nginx
from tests.e2e.vaulting import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.findings import Tracked
    from checks.model import Finding
    from tests.agent.vault.conftest import Vault
    from tests.conftest import Hygiene

GUESSED = "Summer2026!Prod"
ON_DISK, STALE, KEY = "vault-secret-on-disk", "vault-key-stale", "key-on-disk"


class World:
    """A daemon that watches a folder, and secrets of Vault to compare with."""

    def __init__(self, hygiene: Hygiene, folder: Path, shared: Path, vault: Vault) -> None:
        self._hygiene, self.folder, self.shared = hygiene, folder, shared
        self._vault = vault
        self.values: list[str] = []
        self.daemon: Daemon

    def put(self, path: str, **fields: str) -> None:
        """Make a new version of a secret."""
        self.values += fields.values()
        self._vault.root.secrets.kv.v2.create_or_update_secret(path=path, secret=fields)

    def begin(self, *paths: str, port: int = 0) -> None:
        """Start the daemon; port: of the one listener that it may ask, 0 for none."""
        known = [{"path": path, "poll": 1} for path in paths]
        self.daemon = Daemon(
            self._hygiene,
            self.folder,
            vault=approle.section(self._vault, self.shared, known=known),
            tls={"enabled": bool(port), "discover": 1, "fingerprint": 1},
        )
        self.daemon.policy.write_text(f"version: 1\ntls: {{exclude: {_all_but(str(port))}}}\n")
        self.daemon.start()

    @property
    def key(self) -> Path:
        """The file of the key by which values are compared."""
        return self.shared / "keeper" / "compare.key"

    def write(self, name: str, value: str) -> Path:
        """Put a value into a file that is watched."""
        path = self.daemon.watched / name
        path.write_text(f"db:\n  password: {value}\n")
        return path

    def told(self, role: str) -> Findings:
        """Give what stands by what a role publishes."""
        place = self.daemon.state / role / "published" / rolestatus.FINDINGS
        return snapshot.read(place, Findings) or Findings(at=0)

    def open(self, role: str, check: str) -> dict[str, Finding]:
        """Give the open findings of a check by their places."""
        each: list[Tracked] = [*self.told(role).open]
        found = [one.finding for one in each if one.finding.check == check]
        return {one.location.path: one for one in found}

    def happened(self, check: str) -> list[str]:
        """Give what was reported of a check, in order."""
        told: list[dict[str, Any]] = self.daemon.reported()
        return [one["kind"] for one in told if one.get("finding", {}).get("check") == check]

    def leaks(self, *values: bytes) -> list[Path]:
        """Give the files of ours on a disk that have one of some values."""
        files = [one for one in self.daemon.state.rglob("*") if one.is_file()]
        return [one for one in files if any(value in one.read_bytes() for value in values)]

    def end(self) -> None:
        self.daemon.end()


@pytest.fixture
def world(hygiene: Hygiene, folder: Path, shared: Path, vault: Vault) -> Iterator[World]:
    with ending(World(hygiene, folder, shared, vault)) as one:
        yield one


def _all_but(port: str) -> list[str]:
    """Give globs that every listener fits but those of one port."""
    differ = [f"*:{port[:at]}[!{port[at]}]*" for at in range(len(port))]
    return [*differ, *(f"*:{port[:at]}" for at in range(1, len(port))), f"*:{port}?*"]


def _made() -> str:
    return secrets.token_urlsafe(24)


def _path() -> str:
    return f"app-{secrets.token_hex(4)}"


def test_a_value_of_vault_on_the_disk_is_named_and_closed_when_it_was_changed(world: World) -> None:
    """By version; no value is anywhere, one that can be guessed is not compared, nothing too early.

    A newer version with the same value changes nothing, nor does a start of the machine.
    """
    app, other = _path(), _path()
    value, kept, changed = _made(), _made(), _made()
    world.put(app, password=value, user="app", pin=GUESSED)
    world.put(other, password=kept)
    world.begin(app, other)
    path, guessed, stays = (
        world.write("app.yml", value),
        world.write("guessed.yml", GUESSED),
        world.write("kept.yml", kept),
    )
    until(lambda: {str(path), str(stays)} == world.open("keeper", ON_DISK).keys())
    until(lambda: str(guessed) in {one.finding.location.path for one in world.told("watcher").open})
    found = world.open("keeper", ON_DISK)[str(path)]
    assert found.severity is Severity.HIGH
    assert found.message.endswith(f"secret/{app} version 1, the newest, field password")

    world.put(app, password=value, user="other", pin=GUESSED)
    until(lambda: "version 2, the newest" in world.open("keeper", ON_DISK)[str(path)].message)

    world.end()
    world.key.unlink()  # as when the machine starts again
    world.daemon.start()
    until(world.key.exists)
    world.put(app, password=changed, user="other", pin=GUESSED)
    until(lambda: "version 2 of 3" in world.open("keeper", ON_DISK)[str(path)].message)
    assert world.open("keeper", ON_DISK)[str(path)].severity is Severity.LOW

    stays.write_text("db: {}\n")
    path.write_text("db: {}\n")
    until(lambda: not world.open("keeper", ON_DISK))
    until(
        lambda: [one.finding.location.path for one in world.told("watcher").removed] == [str(stays)]
    )
    said = [one["result"] for one in world.daemon.audited("rotated")]
    assert any(f"since Vault holds another secret/{app} version 3" in one for one in said)
    assert world.happened(ON_DISK).count("opened") == 2
    assert str(guessed) in {one.finding.location.path for one in world.told("watcher").open}

    key = world.key.read_bytes()
    assert world.key.stat().st_mode & 0o777 == 0o400
    world.end()
    on_disk = [one.encode() for one in world.values if len(one) > 8]
    assert world.leaks(key, key.hex().encode(), *on_disk) == []
    kept_mark, *others = [FingerprintKey(key).of(one).value for one in (kept, changed, GUESSED)]
    assert world.leaks(*(one.encode() for one in others)) == []
    assert world.leaks(kept_mark.encode()) != []


def test_a_key_on_the_disk_is_joined_with_who_serves_it_and_with_vault(world: World) -> None:
    """The file names the server and the version of Vault, the server the file and what is newer."""
    web, old, new = _path(), issue("web", names=[NAME]), issue("web", names=[NAME])
    world.put(web, key=old.private, certificate=old.pem)
    pem = world.folder / "watched" / "web.pem"
    nginx = Nginx(world.folder / "server", pem)
    world.begin(web, port=nginx.port)
    pem.write_text(old.private + old.pem)
    pem.chmod(0o600)
    nginx.start()
    place = f"tls://127.0.0.1:{nginx.port}"
    try:
        until(lambda: str(pem) in world.open("watcher", KEY))
        found = world.open("watcher", KEY)[str(pem)]
        assert (found.severity, place in found.message) == (Severity.MEDIUM, True)
        until(lambda: "version 1, the newest" in world.open("watcher", KEY)[str(pem)].message)
        assert world.open("keeper", STALE) == {}

        world.put(web, key=new.private, certificate=new.pem)
        until(lambda: place in world.open("keeper", STALE))
        stale = world.open("keeper", STALE)[place]
        assert f"secret/{web} version 1, its key in {pem}; Vault has version 2" in stale.message
        until(lambda: "version 1 of 2" in world.open("watcher", KEY)[str(pem)].message)

        delivered = world.shared / "web.pem"
        delivered.write_text(new.private + new.pem)
        nginx.file.write_text(nginx.file.read_text().replace(str(pem), str(delivered)))
        subprocess.run(nginx.reload, check=True)
        until(lambda: not world.open("keeper", STALE) and not world.open("watcher", KEY))
        assert world.happened(STALE) == ["opened", "resolved"]
    finally:
        nginx.end()
    world.end()
    lines = [line.encode() for one in (old, new) for line in one.private.splitlines()[1:-1]]
    assert world.leaks(*lines) == []
