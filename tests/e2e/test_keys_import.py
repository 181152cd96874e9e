"""From a file on a disk to Vault and back to the server, by `keys import`, on OpenBao and nginx."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import secrets
import select
import signal
import subprocess
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from tests.agent.vault.authority import issue
from tests.e2e import keyhost
from tests.e2e.daemon import Daemon
from tests.e2e.keyservers import Nginx
from tests.e2e.sealing import until
from tests.e2e.vaulting import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.agent.vault.authority import Issued
    from tests.conftest import Hygiene
    from tests.e2e.conftest import Search
    from tests.e2e.keyhost import Host, Source

_POLICY = 'path "secret/data/*" { capabilities = ["create", "update", "read"] }'


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    with keyhost.source(tmp_path_factory.mktemp("bao")) as one:
        one.vault.root.sys.create_or_update_policy("operator", _POLICY)
        yield one


class World(NamedTuple):
    """A host whose server has its key in a file on a disk, and the daemon without any key.

    to: a place in Vault that nobody else uses; token: a person's, in a private file.
    """

    host: Host
    issued: Issued
    old: Path
    to: str
    token: Path

    def imported(self, file: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return self.host._hygiene(*self.words(file, "--wait", "90", *words), timeout=180)

    def words(self, file: Path, *words: str) -> list[str]:
        told = ("--to", self.to, "--token-file", str(self.token))
        return ["keys", "import", str(file), *told, *words, "--settings", self.settings]

    @property
    def settings(self) -> str:
        return str(self.host.daemon.file)

    def kept(self) -> dict[str, str]:
        """Give what Vault has there."""
        kv = self.host.vault.vault.root.secrets.kv.v2
        found = kv.read_secret_version(
            self.to.removeprefix("secret/"), raise_on_deleted_version=True
        )
        told: dict[str, str] = found["data"]["data"]
        return told

    def serve_from(self, path: Path) -> None:
        """Have the server read another file."""
        conf = self.host.server.file
        said = conf.read_text()
        before = next(
            line.split()[1].rstrip(";") for line in said.splitlines() if "ssl_cert" in line
        )
        conf.write_text(said.replace(before, str(path)))


@pytest.fixture
def world(hygiene: Hygiene, vault: Source) -> Iterator[World]:
    with keyhost.host(hygiene, vault, Nginx) as host:
        issued = issue("web", names=[NAME])
        old = host.where.disk / "old.pem"
        old.write_text(issued.private + issued.pem)
        old.chmod(0o600)
        told = {**host.settings({"kind": "kv", "path": "none"}), "keys": {}}
        host.daemon = Daemon(hygiene, host.where.disk, **told)
        host.daemon.policy.write_text("version: 1\ntls: {exclude: ['*']}\n")
        token = Path(vault.vault.file(vault.vault.token("operator")))
        made = World(host, issued, old, f"secret/{keyhost.fresh()}", token)
        made.serve_from(old)
        host.server.start()
        host.daemon.start()
        yield made


def _web(world: World) -> tuple[str, ...]:
    server = world.host.server
    where = ("--deliver", str(world.host.pem), "--at", f"127.0.0.1:{server.port}")
    return ("--name", "web", *where, "--action", "reload")


def test_a_key_moves_from_a_disk_to_vault_and_its_server_never_stops(world: World) -> None:
    """It is stored, delivered, proven; its file stays until no configuration names it."""
    host = world.host
    host.search.add(world.issued.private)
    assert host.search.found(host.where.disk) == [world.old]
    with host.looked_at() as client:
        client._context.load_verify_locations(cadata=world.issued.pem)
        done = world.imported(world.old, *_web(world), "--write")
        assert done.returncode == 0, done.stderr
        assert world.kept() == {"key": world.issued.private, "certificate": world.issued.pem}
        host.daemon.end()
        host.daemon.start()
        refused = world.imported(world.old, *_web(world), "--prove", "--remove")
        assert refused.returncode == 1, refused.stderr
        assert f"still named by {host.server.file}:" in refused.stderr
        assert world.old.exists()
        world.serve_from(host.pem)
        subprocess.run(host.server.reload, check=True, capture_output=True)
        left = world.imported(world.old, *_web(world), "--prove")
        assert (left.returncode, world.old.exists()) == (0, True), left.stderr
        gone = world.imported(world.old, *_web(world), "--prove", "--remove")
        assert (gone.returncode, world.old.exists()) == (0, False), gone.stderr
        assert "should be rotated" in gone.stdout
    assert client.failed == []
    assert len(client.served) == 1
    assert host.search.found(host.where.disk) == []
    assert [one["act"] for one in host.daemon.audited("file removed")] == ["file removed"]
    for said in (done, refused, left, gone):
        assert "PRIVATE" not in said.stdout + said.stderr
        assert world.token.read_text().strip() not in said.stdout + said.stderr


def test_nothing_in_vault_is_written_over(world: World) -> None:
    """What is there stays as it is, and nothing is removed."""
    kv = world.host.vault.vault.root.secrets.kv.v2
    kv.create_or_update_secret(path=world.to.removeprefix("secret/"), secret={"key": "other"})
    done = world.imported(world.old, *_web(world), "--write")
    assert (done.returncode, "something is there already" in done.stderr) == (2, True)
    assert world.kept() == {"key": "other"}
    assert not Path(world.settings).with_name("keys.d").exists()


def test_who_may_not_is_refused(world: World) -> None:
    """A token that may not write, one that is none, and one that others could read."""
    vault = world.host.vault.vault
    for content, said in (
        (vault.token("default"), "does not allow"),
        (f"{secrets.token_hex(9)} x", "bearer"),
    ):
        token = Path(vault.file(content))
        done = world._replace(token=token).imported(world.old, *_web(world))
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        assert content not in done.stdout + done.stderr
    world.token.chmod(0o644)
    done = world.imported(world.old, *_web(world))
    assert (done.returncode, "not a private file" in done.stderr) == (2, True)


@pytest.mark.parametrize("field", [("--line", "3"), ()])
def test_a_password_goes_to_jobs_and_its_file_stays(
    world: World, field: tuple[str, ...], search_for: Callable[..., Search]
) -> None:
    """Of several the line says which; the entry that is printed is one that the keeper takes."""
    value, other = (secrets.token_urlsafe(18) for _ in range(2))
    file = world.host.where.disk / "app.env"
    file.write_text(f"# database\nDB_PASSWORD={other}\nMAIL_PASSWORD={value}\n")
    done = world.imported(file, "--name", "mail", *field)
    search = search_for(value, other=other)
    assert search.leaks((done.stdout + done.stderr).encode()) == []
    if not field:
        assert done.returncode == 2
        assert "line 2: embedded-password DB_PASSWORD" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert world.kept() == {"value": value}
    shown: dict[str, Any] = yaml.safe_load(done.stdout.partition("`keys`:")[2])
    daemon = Path(world.settings)
    daemon.with_name("keys.d").mkdir()
    shown["mail"]["deliver"] = [{"kind": "exec"}]
    daemon.with_name("keys.d").joinpath("mail.yaml").write_text(yaml.safe_dump(shown["mail"]))
    world.host.daemon.end()
    world.host.daemon.start()
    done = world.imported(file, "--name", "mail", *field, "--prove", "--remove")
    assert (done.returncode, "by hand" in done.stderr) == (1, True), done.stderr
    words = ("keys", "exec", "--settings", world.settings, "mail", "--field", "value", "--", "cat")
    assert world.host._hygiene(*words).stdout == value
    assert value in file.read_text()


def test_neither_key_nor_token_is_in_arguments_or_environment(
    world: World, search_for: Callable[..., Search]
) -> None:
    """Looked at while it waits for a keeper that does not come; nothing is removed."""
    words = world.words(world.old, *_web(world), "--write", "--prove", "--remove", "--wait", "600")
    with world.host._hygiene.start(*words) as process:
        assert process.stdout
        until(lambda: "written" in process.stdout.readline(), "it is not written")  # type: ignore[union-attr]  # it is a pipe
        line = world.issued.private.splitlines()[1]
        for value in (world.token.read_text().strip(), line):
            search = search_for(value)
            for name in ("cmdline", "environ"):
                assert search.leaks(Path(f"/proc/{process.pid}/{name}").read_bytes()) == []
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        core = next(one for one in limits.splitlines() if one.startswith("Max core file"))
        assert core.split()[4] == "0"
        process.send_signal(signal.SIGTERM)
    assert world.old.exists()


class Terminal:
    """A command at a terminal of its own, and who types there."""

    def __init__(self, hygiene: Hygiene, words: list[str]) -> None:
        self._ours, theirs = pty.openpty()
        self.said = b""
        with os.fdopen(theirs, "rb+", buffering=0) as tty:
            self.process = subprocess.Popen(
                [*hygiene.command, *words],
                stdin=tty,
                stdout=tty,
                stderr=tty,
                env={**os.environ, "HYGIENE_AGENT_STATE": str(hygiene.state)},
                start_new_session=True,
                preexec_fn=_own_terminal,  # noqa: PLW1509 - it is one call of the system
            )

    def answer(self, question: str, text: str) -> None:
        """Wait for a question, and type."""
        until(lambda: question.encode() in self._read(), f"not asked: {question}")
        os.write(self._ours, text.encode() + b"\n")

    def _read(self) -> bytes:
        with contextlib.suppress(OSError):  # who was there has gone
            if select.select([self._ours], [], [], 0.1)[0]:
                self.said += os.read(self._ours, 65536)
        return self.said

    def end(self) -> int:
        until(lambda: self._read() and self.process.poll() is not None, "it goes on")
        self._read()
        os.close(self._ours)
        return self.process.returncode


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize("answer", ["n", "y"])
def test_a_person_types_a_token_that_nobody_sees_and_is_asked_before_anything_goes(
    world: World, answer: str
) -> None:
    """The terminal shows neither; without a yes the file stays."""
    host = world.host
    assert world.imported(world.old, *_web(world), "--write").returncode == 0
    host.daemon.end()
    host.daemon.start()
    until(host.pem.exists, "it is not delivered")
    world.serve_from(host.pem)
    subprocess.run(host.server.reload, check=True, capture_output=True)
    words = world.words(world.old, *_web(world), "--prove")
    at = words.index("--token-file")
    terminal = Terminal(host._hygiene, words[:at] + words[at + 2 :])
    terminal.answer("Token for Vault: ", token := world.token.read_text().strip())
    terminal.answer(f"Remove {world.old}? [y/N]", answer)
    assert terminal.end() == 0, terminal.said
    assert token.encode() not in terminal.said
    assert world.old.exists() is (answer == "n")
