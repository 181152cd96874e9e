"""Real servers with certificates of an authority of our own, and the command that looks at them."""

from __future__ import annotations

import contextlib
import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.checks.tls.serving import Made
    from tests.conftest import Hygiene
    from tests.matrix.hosting import Authority
    from tests.matrix.running import Servers

HERE = Path(__file__).parent
_RUNNING = runpy.run_path(str(HERE / "running.py"))
NAME, _SERVING = _RUNNING["NAME"], _RUNNING["SERVING"]
s_server = _SERVING["s_server"]
_HOSTING = runpy.run_path(str(HERE / "hosting.py"))
ca, host = _HOSTING["ca"], _HOSTING["host"]
setups = runpy.run_path(str(HERE / "setups.py"))["setups"]
_ENOUGH = frozenset({"medium", "high", "critical"})


class Told(NamedTuple):
    """What the command told of an endpoint."""

    status: int
    report: dict[str, Any]

    @property
    def serious(self) -> set[str]:
        """The checks that found something of medium severity or above."""
        return {f["check"] for f in self.report["findings"] if f["severity"] in _ENOUGH}

    @property
    def slight(self) -> set[str]:
        """The other ones."""
        return {f["check"] for f in self.report["findings"]} - self.serious

    @property
    def unseen(self) -> list[str]:
        """What was not settled, and why."""
        return [f"{one['reason']}: {one['detail']}" for one in self.report["inconclusive"]]

    @property
    def left(self) -> list[str]:
        """What was not settled, but for renegotiation, which only a whole handshake settles."""
        return [why for why in self.unseen if "renegotiation" not in why]

    def said(self, check: str) -> str:
        """What one check found, in words; "" for nothing."""
        found = self.report["findings"]
        return "; ".join(one["message"] for one in found if one["check"] == check)


@pytest.fixture(scope="session")
def made(ca: Authority, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Give a function that makes a key of a kind and has the authority's root certify it, once."""
    folder = tmp_path_factory.mktemp("made")
    found: dict[str, Made] = {}

    def make(kind: str) -> Made:
        if kind not in found:
            names = (NAME, "127.0.0.1", "::1")
            issued = ca.make(NAME, ca.root, key=_SERVING["KEYS"][kind](), names=names)
            found[kind] = _SERVING["written"](folder, kind, issued.key, issued.der)
        return found[kind]

    return make


@pytest.fixture(scope="session")
def trusted(ca: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority's root in a file."""
    path = tmp_path_factory.mktemp("trusted") / "root.pem"
    path.write_bytes(_HOSTING["pem"](ca.root.der))
    return path


@pytest.fixture(scope="session")
def stubs() -> SimpleNamespace:
    """What the module of the stubs has."""
    return SimpleNamespace(**runpy.run_path(str(HERE / "stub_peer.py")))


@pytest.fixture
def stub(stubs: SimpleNamespace) -> Callable[..., AbstractContextManager[int]]:
    """Give a function that runs a stub by a rule; give its port."""

    def started(rule: Callable[[Any], bytes]) -> AbstractContextManager[int]:
        return contextlib.contextmanager(stubs.Peer(rule).running)()

    return started


@pytest.fixture
def servers(tmp_path: Path, made: Callable[[str], Made]) -> Servers:
    built: Servers = _RUNNING["Servers"](tmp_path, made)
    return built


@pytest.fixture
def ask(hygiene: Hygiene, trusted: Path) -> Callable[..., Told]:
    """Give a function that has the command look at a port of loopback, and tells what it told."""

    def asked(
        port: int, *words: str, address: str = "127.0.0.1", name: str = NAME, trust: bool = True
    ) -> Told:
        named = ("-n", name) if name else ()
        believed = ("--trust", trusted) if trust else ()
        place = f"{address}:{port}"
        done = hygiene("tls", place, *named, *believed, "-f", "json", *words)
        assert done.stderr == ""
        told = Told(done.returncode, json.loads(done.stdout))
        assert told.status == (1 if told.serious else 3 if told.unseen else 0)
        return told

    return asked
