"""The host of the web server: its bootstrap file, its agent, and what that finds."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stage import beside

if TYPE_CHECKING:
    import subprocess

    from company import OpenBao, Receiver
    from stage import Stage
    from team import Team
    from web import Web

_NAME: Final = "shop-1"
_SHOWN: Final = ("critical", "high", "medium")


class Finding(NamedTuple):
    """What the agent says of one finding. rank: the worst is 0; place: below the story's folder."""

    rank: int
    severity: str
    check: str
    place: str

    def __str__(self) -> str:
        return f"{self.severity:<8}  {self.check:<21}  {self.place}"


class Host:
    """Where the agent runs."""

    def __init__(self, stage: Stage, web: Web) -> None:
        """Choose the bootstrap file; nothing runs yet."""
        self._stage, self._web = stage, web
        self.settings = ("--settings", stage.folder / "agent.yaml")
        self.delivered = stage.memory / "keeper" / "web.pem"
        self._agent: subprocess.Popen[bytes] | None = None

    def bootstrap(self, team: Team, bao: OpenBao, receiver: Receiver) -> None:
        """Write what this host alone decides."""
        web = self._web
        vault = {
            "address": bao.url,
            "ca": str(bao.ca),
            "folder": str(self.delivered.parent),
            "login": bao.login(),
            "known": [{"path": "web"}],
        }
        told = {
            "version": 1,
            "host": {"name": _NAME, "labels": {"role": "web"}},
            "state": str(self._stage.folder / "state"),
            "watch": {"roots": [str(web.site)]},
            "tls": {"discover": 2, "fingerprint": 3},
            "store": team.store(),
            "sinks": {"central": receiver.sink(_NAME)},
            "vault": vault,
            "actions": {
                "test": {"command": web.command("-t")},
                "reload": {"command": web.command("-s", "reload")},
            },
            "mend": {"folders": [str(web.site)]},
        }
        (self._stage.folder / "agent.yaml").write_text(json.dumps(told, indent=1))

    def watch(self) -> None:
        """Start the agent, anew if it runs."""
        if self._agent:
            self._stage.stop(self._agent)
        self._agent = self._stage.start(beside("hygiene-agent"), "run", *self.settings)

    def open(self) -> dict[str, Finding]:
        """Give what is open on the web server at medium or above, by identity."""
        return {
            one["identity"]: self._finding(one)
            for one in self._listed("worst")
            if one["severity"] in _SHOWN and one["status"] == "open" and self._is_ours(one)
        }

    def removed(self) -> list[str]:
        """Give the identities of leaks that are gone from their file and may still work."""
        return [one["identity"] for one in self._listed("removed_not_changed")]

    def known(self) -> set[str]:
        """Give all that is open or not changed, by identity, whatever its severity."""
        return {one["identity"] for one in self._listed("worst")} | set(self.removed())

    def _listed(self, what: str) -> list[dict[str, Any]]:
        """Give a list of the agent's status; an agent that only just starts has none."""
        done = self._stage.run("status", "--findings", "--format", "json", *self.settings)
        with contextlib.suppress(ValueError):
            rows: list[dict[str, Any]] = json.loads(done.stdout)["findings"][what]
            return rows
        return []

    def _is_ours(self, one: dict[str, Any]) -> bool:
        """Leave out other servers of this host, seen before the policy came."""
        return one["path"].startswith(str(self._web.site)) or self._web.address in one["path"]

    def _finding(self, one: dict[str, Any]) -> Finding:
        place = one["path"].replace(f"{self._stage.folder}/", "")
        line = f":{one['line']}" if one["line"] else ""
        rank = _SHOWN.index(one["severity"])
        return Finding(rank, one["severity"], one["check"], place + line)
