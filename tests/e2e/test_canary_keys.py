"""Nothing of what comes from Vault is repeated anywhere: the keeper goes through every way to fail.

A Vault that throws back all that it knows and was sent, reloads that print what was delivered, and
deliveries that are refused; then all that was written, said and kept is searched. What is looked
for is seen by the proxy before Vault: tokens, secret ids, keys, passwords, ids of leases.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent import snapshot
from agent.roles.keeper import Published
from tests.agent.vault.authority import issue
from tests.e2e import keyhost, vaulting
from tests.e2e.conftest import Label
from tests.e2e.conftest import Search as Words
from tests.e2e.keyhost import Host, Source
from tests.e2e.keysearch import Search
from tests.e2e.keyservers import Nginx
from tests.e2e.sealing import Bao, until
from tests.e2e.vaulting import NAME, Proxy, Said, ready, said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.vault.record import Record
    from tests.conftest import Hygiene

_KEYS = ("db", "kept", "leased", "web")
_SECRET = {"client_token", "lease_id", "password", "secret_id", "token"}
"""Names of what nobody else may know, in requests and in answers."""
_POWERLESS = ("setpriv", "--bounding-set", "-all")
_NOISY = """[ -e {folder}/fail ] || exec {reload}
cat {folder}/*.pem {folder}/*.json
cat {folder}/*.pem {folder}/*.json >&2
exit 3
"""


class Repeating(Proxy):
    """Knows what went through it. secrets: all but keys; it gives a secret with a lease itself."""

    def __init__(self, server: Bao) -> None:
        self.secrets: set[str] = set()
        super().__init__(server)

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Said:
        """Have Vault answer, or answer for an engine of dynamic secrets."""
        self.learn(headers, body)
        if path == "/v1/lease/app":
            word = f"lease-{os.urandom(16).hex()}"
            lease = {"lease_id": f"lease/app/{word}", "lease_duration": 3600, "renewable": True}
            return said(200, {**lease, "data": {"password": f"Pw!{os.urandom(12).hex()}"}})
        return super().ask(method, path, headers, body)

    def note(self, told: Said) -> Said:
        """Remember what is secret in an answer."""
        self.learn({}, told.body)
        return super().note(told)

    def learn(self, headers: dict[str, str], body: bytes) -> None:
        """Remember what is secret in a question or an answer."""
        found = [text for name, text in vaulting._texts(vaulting._decoded(body)) if name in _SECRET]
        token = next((v for k, v in headers.items() if k.lower() == "x-vault-token"), "")
        self.secrets |= {one for one in (*found, token) if len(one) > 8}

    def all(self) -> list[str]:
        """Give all that a Vault could throw back."""
        return [*self.secrets, *self.keys]


def _thrown(status: int, *, odd: bool = False, **headers: str) -> Callable[[Any], None]:
    """Answer with all that is known, as errors or as what was asked for."""

    def answer(line: Any) -> None:  # noqa: ANN401 - a part of the proxy
        proxy = line._proxy
        proxy.learn(dict(line.headers), b"")
        every = proxy.all()
        body = {"data": {"data": every, "current_version": every[0]}, "auth": every}
        line.answers(said(status, body if odd else {"errors": every, **body}, **headers))

    return answer


def _raw(line: Any) -> None:  # noqa: ANN401 - a part of the proxy
    """Begin the answer with what is secret, so that not even its status can be read."""
    line.close_connection = True
    with contextlib.suppress(OSError):
        line.wfile.write("\r\n".join(line._proxy.all()).encode())


def _cut(line: Any) -> None:  # noqa: ANN401 - a part of the proxy
    """End in the middle of what is secret."""
    line.close_connection = True
    whole = json.dumps({"data": line._proxy.all()}).encode()
    line._say(said(200, whole[: len(whole) // 2]), length=len(whole))


_FAULTS: dict[str, Callable[[Any], None]] = {
    "throws back with 400": _thrown(400),
    "throws back with 403": _thrown(403),
    "throws back with 404": _thrown(404),
    "throws back with 429": _thrown(429, Retry_After="1"),
    "throws back with 500": _thrown(500),
    "throws back with 503": _thrown(503),
    "throws back with 200": _thrown(200, odd=True),
    "throws back raw": _raw,
    "throws back half": _cut,
}
_USUAL = ("away", "sealed", "denied", "not JSON", "truncated", "redirect", "mismatch")


class World:
    """A daemon with four keys: two certificates, a password, and one with a lease."""

    def __init__(self, host: Host, proxy: Repeating) -> None:
        self.host, self.proxy, self.vault = host, proxy, host.vault.vault
        self.disk, self.memory = host.where.disk, host.where.memory
        self.password = f"Kv7!{os.urandom(14).hex()}"
        self.pair = issue("web", issue("authority"), names=[NAME])
        self.said: list[str] = []

    def settings(self) -> dict[str, Any]:
        """Give the bootstrap file: a wrapped secret id, and an action that may print keys."""
        told = self.host.settings({"kind": "pki", "role": "web", "names": [NAME], "local": False})
        role, number = self.vault.role()
        self.enter = partial(self._wrapped, role)
        told["vault"]["revoke"] = True
        told["vault"]["login"] = {
            "kind": "approle",
            "role_id": number,
            "wrapped": True,
            "secret_id_file": self.enter(),
            "creation_path": f"auth/approle/role/{role}/secret-id",
        }
        script = self.disk / "noisy.sh"
        words = " ".join(self.host.server.reload)
        script.write_text(_NOISY.format(folder=self.memory, reload=words))
        told["actions"] = {"reload": {"command": ["/bin/sh", str(script)]}}
        fields = {"password": "password"}
        told["keys"] |= {
            "db": {
                "source": {"kind": "kv", "path": self.put("db", 1), "poll": 1, "fields": fields},
                "deliver": [self.file("db.json")],
                "action": "reload",
            },
            "kept": {
                "source": {"kind": "kv", "path": self.put("kept", 1), "poll": 1},
                "deliver": [self.file("kept.pem")],
            },
            "leased": {
                "source": {"kind": "lease", "path": "lease/app", "fields": fields},
                "deliver": [self.file("leased.json")],
            },
        }
        return told

    def _wrapped(self, role: str) -> str:
        """Bring the host a wrapped secret id; gives its file."""
        wrapped = self.vault.wrapped(role)
        self.proxy.secrets.add(wrapped)
        return self.vault.file(wrapped, "secret-id")

    def file(self, name: str) -> dict[str, str]:
        return {"kind": "file", "path": str(self.memory / name), "mode": "0600"}

    def put(self, name: str, number: int, **more: str) -> str:
        """Put a new version into a secret; gives its path."""
        fields = {"password": f"{self.password}{number}"}
        if name == "kept":
            fields |= {"key": self.pair.private, "certificate": self.pair.pem}
        told = {**fields, **more}
        self.vault.root.secrets.kv.v2.create_or_update_secret(path=name, secret=told)
        return name

    def records(self) -> dict[str, Record]:
        place = self.host.daemon.state / "keeper" / "published" / "keys"
        told = snapshot.read(place, Published)
        return {one.name: one for one in told.keys} if told else {}

    def hurry_until(self, true: Callable[[dict[str, Record]], object]) -> None:
        """Have the keeper look now, again and again, but leave the roles time to answer."""
        hurried = 0.0

        def seen() -> bool:
            nonlocal hurried
            if time.monotonic() - hurried > 5:
                hurried = time.monotonic()
                self.host.daemon.hurry()
            time.sleep(0.3)
            return bool(true(self.records()))

        until(seen, lambda: f"{self.records()}")
        self.listen()

    def listen(self) -> None:
        """Keep what people are told."""
        for words in (
            ("status",),
            ("status", "--format", "json"),
            ("keys", "status"),
            ("keys", "status", "--format", "json"),
        ):
            done = self.host.daemon.ask(*words)
            self.said += [done.stdout, done.stderr]

    def well(self) -> None:
        self.hurry_until(
            lambda told: {*told} == {*_KEYS} and not any(one.fault for one in told.values())
        )

    @property
    def processes(self) -> list[int]:
        """All processes of the daemon and of the server."""
        assert self.host.daemon.process
        assert self.host.server.process
        found = [self.host.daemon.process.pid, self.host.server.process.pid]
        for pid in found:
            for path in Path(f"/proc/{pid}/task").glob("*/children"):
                with contextlib.suppress(OSError):
                    found += map(int, path.read_text().split())
        return found

    def shown(self) -> bytes:
        """Give what everybody can read of the processes."""
        told = []
        for pid in self.processes:
            for name in ("cmdline", "environ", "comm"):
                with contextlib.suppress(OSError):
                    told.append(Path(f"/proc/{pid}/{name}").read_bytes())
        return b"\0".join(told)


@pytest.fixture
def world(hygiene: Hygiene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, fault in _FAULTS.items():
        monkeypatch.setitem(vaulting.FAULTS, name, fault)
    with contextlib.ExitStack() as stack:
        server = Bao(tmp_path)
        stack.callback(server.end)
        proxy = Repeating(server)
        stack.callback(proxy.end)
        vault = ready(server, tmp_path, proxy)
        source = Source(vault, server, proxy, vault.root.secrets.pki.read_ca_certificate())
        host = stack.enter_context(keyhost.host(hygiene, source, Nginx))
        monkeypatch.chdir(host.where.disk)  # where a core dump would be
        one = World(host, proxy)
        host.begin(one.settings())
        yield one


def _break(world: World) -> None:
    """Go through everything that can go wrong, and come back each time."""
    for fault in (*_FAULTS, *_USUAL):
        world.proxy.fault = fault
        if fault == "mismatch":  # of the certificate that is made then
            world.host.daemon.ask("keys", "rotate", "web")
        world.hurry_until(
            lambda told: told["web" if world.proxy.fault == "mismatch" else "db"].fault
        )
        world.proxy.fault = ""
        world.well()
    world.put("kept", 2, certificate=world.password)
    world.hurry_until(lambda told: told["kept"].fault == "vault-key-unfit")
    world.put("kept", 3)
    (world.memory / "db.json").unlink()
    (world.memory / "db.json").mkdir()
    world.put("db", 2)
    world.hurry_until(lambda told: told["db"].fault == "key-not-delivered")
    (world.memory / "db.json").rmdir()
    world.well()
    (world.memory / "fail").touch()
    world.put("db", 3)
    world.hurry_until(lambda told: told["db"].fault == "key-not-taken-up")
    (world.memory / "fail").unlink()
    world.well()


def _revoke(world: World) -> None:
    """Take the token away; another one is got with the secret id that is kept in memory."""
    auth = world.vault.root.auth.token
    for one in world.vault.root.list("auth/token/accessors")["data"]["keys"]:
        told = auth.lookup_accessor(one)["data"]
        if told["path"] == "auth/approle/login":
            auth.revoke_accessor(one)
    world.put("db", 4)
    world.hurry_until(lambda told: told["db"].version == "4")


def _abort(world: World) -> None:
    """Have the keeper end in the way that leaves a core dump, and see what follows."""
    world.enter()  # what was opened before is in the memory of the one that ends
    pid = world.host.daemon.role("keeper")["pid"]
    with contextlib.suppress(PermissionError):  # it may have given up to be allowed one
        resource.prlimit(pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
    os.kill(pid, signal.SIGABRT)
    until(lambda: world.host.daemon.role("keeper").get("pid") not in {pid, 0, None}, "no keeper")
    world.well()


def _is_open(pid: int) -> bool:
    """Say whether its own user, with no power over others, may look into a process."""
    words = (*_POWERLESS, "cat", f"/proc/{pid}/environ")
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_no_key_is_repeated_anywhere(world: World) -> None:
    """Logs, status, state, reports, processes, core dumps: all is but where it was delivered."""
    world.well()
    _break(world)
    _revoke(world)
    for words in (("keys", "prove", "web"), ("keys", "rotate", "db"), ("audit", "show")):
        done = world.host.daemon.ask(*words)
        world.said += [done.stdout, done.stderr]
    shown = world.shown()
    assert not _is_open(world.host.daemon.role("keeper")["pid"])
    _abort(world)
    process, world.host.daemon.process = world.host.daemon.process, None
    assert process
    process.send_signal(signal.SIGTERM)
    world.said += process.communicate(timeout=60)

    words = {*world.proxy.secrets, *(f"{world.password}{one}" for one in range(1, 5))}
    search = Words([Label("", "strong", one) for one in words], [Label("", "", "lease/app/lease-")])
    keys = Search()
    for pem in (*world.proxy.keys, world.pair.private):
        keys.add(pem)
    assert len(words) > 20
    assert len(keys.keys) > 2
    everything = {path: path.read_bytes() for path in world.disk.rglob("*") if path.is_file()}
    everything[Path("processes")] = shown
    everything[Path("output")] = "\n".join(world.said).encode("utf-8", "surrogateescape")
    assert len(everything[Path("output")]) > 10_000
    assert not [path for path in everything if path.name.startswith("core")]
    assert {path for path, data in everything.items() if search.leaks(data)} == set()
    assert [path for path, data in everything.items() if keys.has(data)] == []
    for name in ("db.json", "kept.pem", "leased.json", "web.pem"):  # it finds them where they are
        data = (world.memory / name).read_bytes()
        assert search.leaks(data) or keys.has(data), name


def test_a_process_that_is_not_kept_from_it_can_be_looked_into(tmp_path: Path) -> None:
    """It leaves a core dump, and its user may read what is in it."""
    unlimited = "import resource as r; r.setrlimit(r.RLIMIT_CORE, (r.RLIM_INFINITY,) * 2)"
    script = f"{unlimited}; import os; print(flush=True); input(); os.abort()"
    words = [*_POWERLESS, sys.executable, "-c", script]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=tmp_path, stdin=pipe, stdout=pipe) as process:
        assert process.stdout
        assert process.stdout.readline()
        assert _is_open(process.pid)
        process.communicate(b"\n")
    if Path("/proc/sys/kernel/core_pattern").read_text().strip() == "core":
        assert [path for path in tmp_path.iterdir() if path.name.startswith("core")]
