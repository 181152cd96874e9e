"""The team's policy: written, signed and published to a store that hosts pull from."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stage import private
from web import NAME

if TYPE_CHECKING:
    from stage import Stage
    from web import Web


class Team:
    """A folder of policy with its store, and the keys that sign it.

    The keys are protected by a passphrase in a file, since nobody types here.
    """

    def __init__(self, stage: Stage) -> None:
        """Choose the folder; nothing is written yet."""
        self._stage, self._folder = stage, stage.folder / "team"
        passphrase = stage.memory / "passphrase"
        private(passphrase, secrets.token_hex(16))
        self._keys = ("--keys", stage.memory / "keys", "--passphrase-file", passphrase)
        self._policy: dict[str, Any] = {"version": 1, "name": "shop"}

    def found(self, web: Web) -> None:
        """Make the store, and publish a policy that lets hosts look at one server alone."""
        self._stage.hygiene("policy", "init", self._folder, *self._keys)
        self._policy["tls"] = {"exclude": [f"*:{port}" for port in _listening() - {web.port}]}
        self._publish()

    def tighten(self, web: Web, good: str) -> None:
        """Ask for a TLS profile, and for a configuration file that is known to be good."""
        self._policy["tls"]["profiles"] = ["mozilla-intermediate"]
        (self._folder / web.file.name).write_text(good)
        self._policy["managed"] = {
            str(web.file): {
                "file": web.file.name,
                "answer": "prove",
                "test": "test",
                "action": "reload",
                "endpoints": [f"{web.address}/{NAME}"],
            }
        }
        self._publish()

    def store(self) -> dict[str, object]:
        """Say how a host pulls the policy, and what it trusts."""
        return {
            "url": f"file://{self._folder}/store",
            "root": str(self._folder / "store/metadata/1.root.json"),
            "every": 2,
            "probation": 5,
        }

    def _publish(self) -> None:
        (self._folder / "base.yaml").write_text(json.dumps(self._policy, indent=1))
        self._stage.hygiene("policy", "sign", self._folder, "--key", "policy", *self._keys)
        self._stage.hygiene("policy", "publish", self._folder, *self._keys)


def _listening() -> set[int]:
    """Give the ports on which this host listens: the story is of one server alone."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    rows += [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    return {int(row[1].rsplit(":", 1)[1], 16) for row in rows if row[3] == "0A"}
