"""The daemon as it is run: its status, its audit logs and requests, seen from outside."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.e2e.daemon import Daemon, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Hygiene

WELL, TROUBLE, UNREADABLE = 0, 1, 3


@pytest.fixture
def daemon(hygiene: Hygiene, folder: Path) -> Iterator[Daemon]:
    one = Daemon(hygiene, folder)
    one.start()
    try:
        until(lambda: one.ask("status").returncode == WELL)
        yield one
    finally:
        one.end()


def test_a_daemon_from_start_to_end(daemon: Daemon, password: str) -> None:
    """It is well, a role that is killed shows at once, and a stop says that it was one."""
    (daemon.watched / "app.env").write_text(f"DB_PASSWORD={password}\n")
    until(lambda: daemon.status()["findings"]["open"] == 1)
    told = daemon.status()
    assert told["findings"]["worst"][0]["path"] == str(daemon.watched / "app.env")
    assert told["coverage"]["files"] == 1
    assert 0 < told["coverage"]["watches"]["used"] < told["coverage"]["watches"]["limit"]
    assert told["policies"][0]["name"] == "first"
    assert [(one["name"], one["state"]) for one in told["sinks"]] == [("local", "delivers")]
    assert {one["role"] for one in told["roles"]} == {"courier", "supervisor", "watcher"}
    listed = daemon.ask("status", "--findings")
    assert (listed.returncode, str(daemon.watched / "app.env") in listed.stdout) == (WELL, True)
    assert password not in listed.stdout + json.dumps(told)

    pid = daemon.role("watcher")["pid"]
    os.kill(pid, signal.SIGSTOP)
    os.kill(daemon.role("supervisor")["pid"], signal.SIGSTOP)  # it would start another
    os.kill(pid, signal.SIGKILL)
    until(lambda: daemon.role("watcher")["state"] == "dead")
    assert daemon.ask("status").returncode == TROUBLE
    os.kill(daemon.role("supervisor")["pid"], signal.SIGCONT)
    until(lambda: daemon.role("watcher")["pid"] != pid and daemon.ask("status").returncode == WELL)

    daemon.end()
    assert daemon.role("watcher")["state"] == "stopped"
    assert daemon.ask("status").returncode == TROUBLE


def test_a_leak_is_one_until_its_owner_says_that_it_was_changed(
    daemon: Daemon, password: str
) -> None:
    """Taken out of its file it is removed; `rotated` resolves it, and both are on record."""
    path = daemon.watched / "app.env"
    path.write_text(f"DB_PASSWORD={password}\n")
    until(lambda: daemon.status()["findings"]["open"] == 1)
    identity = daemon.status()["findings"]["worst"][0]["identity"]
    assert daemon.ask("rotated", identity).returncode == 1
    path.write_text("DB_PASSWORD=${FROM_VAULT}\n")
    until(lambda: daemon.status()["findings"]["removed"] == 1)
    done = daemon.ask("rotated", identity[:12])
    assert (done.returncode, "resolved" in done.stdout) == (WELL, True)
    until(lambda: daemon.status()["findings"]["removed"] == 0)
    noted = daemon.audited("rotated")
    assert [one["chain"] for one in noted].count("watcher") == 2
    assert f"cli-{os.geteuid()}" in {one["chain"] for one in noted}
    until(lambda: any(one["kind"] == "resolved" for one in daemon.reported()))


def test_what_was_done_is_on_record_here_and_elsewhere(daemon: Daemon) -> None:
    """Starts, policy and waivers; the heads that were reported are those of the logs."""
    daemon.policy.write_text(
        "version: 1\nname: second\nwaivers:\n"
        "  - {check: weak-password, path: /x, owner: me, reason: test, until: 2999-01-01}\n"
    )
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGHUP)
    until(lambda: daemon.audited("waiver in effect"))
    assert [one["subject"] for one in daemon.audited("policy in effect")] == ["first", "second"]
    assert {one["chain"] for one in daemon.audited("started")} >= {"courier", "watcher"}
    assert daemon.audited("reloaded")
    assert daemon.ask("audit", "verify").returncode == WELL

    heads = {one["role"]: one["audit"] for one in daemon.status()["roles"]}

    def elsewhere() -> set[str]:
        told = [one["audit"] for one in daemon.reported() if one.get("audit")]
        return {f"{one['sequence']}:{one['sha256']}" for one in told}

    until(lambda: set(heads.values()) <= elsewhere())
    assert daemon.ask("audit", "verify", "--head", heads["watcher"]).returncode == WELL


def test_covering_tracks_is_noticed(daemon: Daemon) -> None:
    """While the daemon runs by a report, and later beside the head that was reported."""
    log = daemon.state / "watcher" / "published" / "audit.log"
    head = until(lambda: {daemon.role("watcher")["audit"]} & daemon.heads("watcher")).pop()
    kept = log.read_bytes().splitlines(keepends=True)[:-1]
    log.write_bytes(b"".join(kept))
    assert daemon.ask("audit", "verify").returncode == WELL
    assert daemon.ask("audit", "verify", "--head", head).returncode == TROUBLE

    def noticed() -> bool:
        health = [one["health"] for one in daemon.reported() if one["kind"] == "health"]
        return any(one["state"] == "audit log changed" for one in health)

    until(noticed)
    daemon.end()
    assert daemon.ask("audit", "verify").returncode == TROUBLE


def test_nobody_else_reads_the_status(daemon: Daemon, person: Hygiene) -> None:
    """A user without the group is told so, and nothing else."""
    if os.geteuid():
        pytest.skip("there is no other user")
    for path in (daemon.file.parent, daemon.file):
        path.chmod(0o755)
    done = person("status", "--settings", daemon.file)
    assert (done.returncode, "Permission denied" in done.stderr) == (UNREADABLE, True)
    assert not done.stdout


def test_a_baseline_is_on_record(hygiene: Hygiene, tree: Path) -> None:
    """Who accepted what, by the digest of the file."""
    baseline = tree / ".hygiene.json"
    assert hygiene("baseline", tree, "--output", baseline).returncode == WELL
    log = hygiene.state / "audit" / f"cli-{os.geteuid()}.log"
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    [entry] = [one for one in entries if one["subject"] == str(baseline)]
    assert entry["act"] == "baseline taken"
    assert entry["result"].startswith("1 findings, sha256 ")
