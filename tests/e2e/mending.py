"""Hosts whose managed files come back, with a real server that is asked all the time or none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from agent import audit
from tests.agent.vault.authority import issue
from tests.e2e.daemon import Daemon, until
from tests.e2e.keyservers import Apache, Haproxy, Nginx
from tests.e2e.vaulting import NAME, Client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Hygiene
    from tests.e2e.keyservers import Server

APPROVED = {
    Nginx: ("location /", "ssl_protocols TLSv1.2 TLSv1.3; location /"),
    Apache: ("SSLEngine on", "SSLEngine on\nSSLProtocol -all +TLSv1.2 +TLSv1.3"),
    Haproxy: (" ssl crt", " ssl ssl-min-ver TLSv1.2 crt"),
}
"""What policy has in each server's file that is not there at first."""
AT_ONCE: Final = 10.0
"""Seconds before which nothing is tried again: what is back sooner came back at the first try.

How long that takes where nothing else runs is measured by tests/bench/mending.py.
"""
TEST = {Nginx: ("-t",), Apache: ("-t",), Haproxy: ("-c",)}


class Host:
    """A daemon that manages files in a folder."""

    def __init__(self, hygiene: Hygiene, folder: Path) -> None:
        self.hygiene, self.folder = hygiene, folder
        self.managed = folder / "managed"
        self.daemon: Daemon

    def begin(
        self, managed: dict[str, Any], mend: dict[str, Any] | None = None, **more: object
    ) -> None:
        """Start the daemon. mend: beside the folder; more: of the bootstrap file."""
        self.managed.mkdir(exist_ok=True)
        sink = {"kind": "file", "path": str(self.folder / "state/courier/events.jsonl")}
        told = {"mend": {"folders": [str(self.managed)], **(mend or {})}, "sinks": {"file": sink}}
        self.daemon = Daemon(self.hygiene, self.folder, **told | more)
        self.manage(managed)
        self.start()

    def unmended(self, managed: dict[str, Any], **more: object) -> None:
        """Start a daemon that has no mender, and a policy that wants one."""
        self.daemon = Daemon(self.hygiene, self.folder, tls={"enabled": True}, **more)
        self.manage(managed)
        self.daemon.start()
        until((self.daemon.state / "prober/requests").exists)

    def start(self) -> None:
        self.daemon.start()
        until((self.daemon.state / "mender/published/kept").exists)

    def manage(self, managed: dict[str, Any]) -> None:
        """Have another policy."""
        # Whoever else listens on this host is no part of the test.
        tls = {"exclude": ["*"]}
        told = {"version": 1, "name": "known good", "managed": managed, "tls": tls}
        beside = self.daemon.policy.with_name("policy.new")
        beside.write_text(json.dumps(told))
        beside.rename(self.daemon.policy)
        if self.daemon.process is not None:
            self.daemon.hurry()

    def noted(self, act: str, path: Path) -> list[audit.Entry]:
        """Give what the mender's audit log has of a path, the oldest first."""
        log = self.daemon.state / "mender/published" / audit.NAME
        return [one for one in audit.entries(log) if (one.act, one.subject) == (act, str(path))]

    def restored(self, path: Path) -> float:
        """Give when a path was last put back and proven, 0 if never."""
        return max((one.at for one in self.noted("restored", path)), default=0.0)

    def findings(self) -> dict[tuple[str, str], str]:
        """Give by check and name what was reported of managed files and stands."""
        standing = {}
        for event in self.daemon.reported():
            if found := event.get("finding"):
                standing.pop(found["identity"], None)
                if event["kind"] in {"opened", "changed"}:
                    standing[found["identity"]] = found
        return {
            (one["check"], one["location"]["path"].rpartition("/")[2]): one["message"]
            for one in standing.values()
            if one["check"].startswith(("managed-", "immutable-"))
        }

    def kept(self) -> list[str]:
        """Give the ids that `restore list` shows, the latest first."""
        lines = self.daemon.ask("restore", "list").stdout.splitlines()
        return [line.split()[0] for line in lines if not line.startswith(" ")]

    def end(self) -> None:
        if hasattr(self, "daemon"):
            self.daemon.end()


class World(Host):
    """One with a server, whose configuration policy has approved."""

    def __init__(self, hygiene: Hygiene, folder: Path, kind: type[Server] = Nginx) -> None:
        super().__init__(hygiene, folder)
        pem = folder / "web.pem"
        self._material = issue(NAME, names=[NAME])
        pem.write_text(self._material.private + self._material.pem)
        self.server = kind(folder / "server", pem)
        self.managed, self.conf = self.server.folder, self.server.file
        self.approved = self.conf.read_text().replace(*APPROVED[kind])
        self.conf.write_text(self.approved)

    @property
    def wanted(self) -> dict[str, Any]:
        return {
            "content": self.approved,
            "owner": "root",
            "group": "root",
            "mode": "0644",
            "answer": "prove",
            "test": "test",
            "action": "reload",
            "endpoints": [f"127.0.0.1:{self.server.port}/{NAME}"],
        }

    def serve(self, managed: dict[str, Any] | None = None) -> None:
        """Start the server, then the daemon."""
        self.server.start()
        kind = type(self.server)
        actions = {
            "test": {"command": [*kind.words(self.conf), *TEST[kind]]},
            "reload": {"command": self.server.reload},
            "fail": {"command": ["/bin/false"]},
        }
        tls = {"enabled": True}
        self.begin(managed or {str(self.conf): self.wanted}, actions=actions, tls=tls)

    def client(self) -> Client:
        """Ask the server all the time."""
        return Client(self.server.port, self._material.pem)

    def end(self) -> None:
        super().end()
        self.server.end()
