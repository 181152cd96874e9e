"""Managed files come back by themselves, of real servers that serve all the time."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.daemon import until
from tests.e2e.keyservers import Apache, Haproxy
from tests.e2e.mending import AT_ONCE, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Hygiene
    from tests.e2e.keyservers import Server

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@pytest.fixture
def world(hygiene: Hygiene, tmp_path: Path) -> Iterator[World]:
    made = World(hygiene, tmp_path)
    yield made
    made.end()


def test_a_bad_edit_comes_back_proven_at_the_first_try(world: World) -> None:
    """The weak set-up goes once and for all, and the service never stops."""
    world.serve()
    client = world.client()
    took = []
    for weak in ("TLSv1.2", "TLSv1.1 TLSv1.2"):
        at = time.time()
        world.conf.write_text(world.approved.replace("TLSv1.2 TLSv1.3", weak))
        until(lambda since=at: world.restored(world.conf) > since)
        took.append(world.restored(world.conf) - at)
        assert world.conf.read_text() == world.approved
    client.end()
    assert client.failed == []
    assert len(world.noted("restored", world.conf)) == len(took)
    assert world.noted("not restored", world.conf) == []
    assert min(took) < AT_ONCE


def test_what_was_put_back_is_told_reported_and_can_be_undone(world: World) -> None:
    """Before and after stand in the audit log and the report; undo leaves it to a person."""
    world.serve()
    edited = world.approved.replace("TLSv1.2 TLSv1.3", "TLSv1.2")
    world.conf.write_text(edited)
    until(lambda: world.daemon.audited("restored"))
    [told] = world.daemon.audited("restored")
    listed = world.daemon.ask("restore", "list").stdout
    kept = listed.split()[0]
    assert kept in told["result"]
    assert str(world.conf) in listed
    until(
        lambda: any(
            one["kind"] == "health" and one["health"]["state"] == "restored"
            for one in world.daemon.reported()
        )
    )
    undone = world.daemon.ask("restore", "undo", kept)
    assert (undone.returncode, world.conf.read_text()) == (0, edited)
    until(lambda: ("managed-changed", "conf") in world.findings())
    until(lambda: ("managed-not-restored", "conf") in world.findings())
    assert world.daemon.ask("restore", "now", "--dry-run").returncode == 1
    assert world.conf.read_text() == edited
    now = world.daemon.ask("restore", "now")
    assert now.returncode == 0, world.daemon.audited("not restored")
    assert world.conf.read_text() == world.approved
    until(lambda: not world.findings())


DRIFTS: Final[dict[str, Callable[[Path, str], object]]] = {
    "weak": lambda p, text: p.write_text(_weak(text)),
    "syntax error": lambda p, _: p.write_text("{ nonsense"),
    "removed": lambda p, _: p.unlink(),
    "link": lambda p, _: (p.unlink(), p.symlink_to("/etc/passwd")),
    "replaced": lambda p, text: (
        p.with_name("new").write_text(f"# {text}") and p.with_name("new").rename(p)
    ),
    "owner and mode": lambda p, _: (os.chown(p, 65534, 65534), p.chmod(0o666)),
}


def _weak(text: str) -> str:
    return text.replace("-all +TLSv1.2", "-all +TLSv1.1 +TLSv1.2").replace(
        "min-ver TLSv1.2", "min-ver TLSv1.0"
    )


@pytest.mark.parametrize("kind", [Apache, Haproxy])
def test_another_server_comes_back_as_well(
    hygiene: Hygiene, tmp_path: Path, kind: type[Server]
) -> None:
    """Each kind of drift of its one file, while it serves without a gap."""
    world = World(hygiene, tmp_path, kind)
    try:
        world.serve()
        client = world.client()
        for number, drift in enumerate(DRIFTS.values()):
            at = time.time()
            drift(world.conf, world.approved)
            until(lambda since=at: world.restored(world.conf) > since)
            status = world.conf.lstat()
            assert world.conf.read_text() == world.approved
            assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o644)
            if number % 2:
                world.daemon.ask("restore", "now")  # a person's word: begin to count anew
        client.end()
        assert client.failed == []
        assert len(client.seen) > 10
    finally:
        world.end()


def test_what_is_not_proven_is_as_it_was_and_the_reason_is_told(world: World) -> None:
    """Approved content that is weaker, that the server refuses, that cannot be taken up."""
    world.serve()
    client = world.client()
    weak = world.approved.replace("TLSv1.2 TLSv1.3", "TLSv1 TLSv1.1 TLSv1.2")
    faults = {
        "would be worse": {"content": weak.replace("ssl;", "ssl; ssl_ciphers ALL:@SECLEVEL=0;")},
        "test: ended with status 1": {"content": "nonsense on;"},
        "fail: ended with status 1": {"content": world.approved + "# more", "action": "fail"},
        "not among the actions": {"content": world.approved + "# more", "test": "unknown"},
    }
    for why, fault in faults.items():
        world.manage({str(world.conf): world.wanted | fault})
        until(lambda said=why: said in str(world.noted("not restored", world.conf)[-1:]))
        assert world.conf.read_text() == world.approved
        assert [one.name for one in world.managed.glob(".*")] == []
    client.end()
    assert (client.failed, world.restored(world.conf)) == ([], 0)
    until(lambda: why in world.findings().get(("managed-not-restored", "conf"), ""))
    world.manage({str(world.conf): world.wanted})
    until(lambda: not world.findings())


def test_an_edit_that_was_right_is_learned(world: World) -> None:
    """Undone by a person, then put into the policy: nothing is put back any more."""
    world.serve()
    edited = world.approved.replace("TLSv1.2 TLSv1.3", "TLSv1.3")
    world.conf.write_text(edited)
    until(lambda: world.restored(world.conf))
    until(world.kept)
    assert world.daemon.ask("restore", "undo", world.kept()[0]).returncode == 0
    until(lambda: ("managed-not-restored", "conf") in world.findings())
    kept = world.kept()
    world.manage({str(world.conf): world.wanted | {"content": edited}})
    until(lambda: not world.findings())
    assert (world.conf.read_text(), world.kept()) == (edited, kept)
    assert len(world.noted("restored", world.conf)) == 1
