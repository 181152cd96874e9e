"""What a person asks of keys, on a real OpenBao and nginx: rotate, prove, and jobs."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent import requests
from agent.requests import Rotate
from agent.vault.record import State
from tests.agent.vault.authority import issue
from tests.conftest import members
from tests.e2e import keyhost
from tests.e2e.keyservers import Nginx
from tests.e2e.sealing import until
from tests.e2e.vaulting import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Hygiene
    from tests.e2e.conftest import Search
    from tests.e2e.keyhost import Host, Source

_SIGNED = {"kind": "pki", "role": "web", "names": [NAME], "ttl": 3600}


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    with keyhost.source(tmp_path_factory.mktemp("bao")) as one:
        yield one


@pytest.fixture
def host(hygiene: Hygiene, vault: Source) -> Iterator[Host]:
    with keyhost.host(hygiene, vault, Nginx) as one:
        yield one


@pytest.fixture
def canary(vault: Source) -> str:
    """A value of the KV engine at the path `db`."""
    value = secrets.token_urlsafe(24)
    vault.vault.root.secrets.kv.v2.create_or_update_secret(path="db", secret={"password": value})
    return value


def _begin(host: Host, **more: object) -> None:
    """Start a host whose certificate is good for long. more: further keys."""
    settings = host.settings(_SIGNED)
    settings["keys"] |= more
    host.begin(settings)


def _db(*users: str) -> dict[str, Any]:
    """A secret that jobs get."""
    source = {"kind": "kv", "path": "db", "fields": {"password": "password"}, "poll": 1}
    return {"source": source, "deliver": [{"kind": "exec", "users": list(users)}]}


def _asked(host: Host, *words: str) -> subprocess.Popen[str]:
    return host._hygiene.start("keys", *words, "--settings", host.daemon.file)


def _job(host: Host, name: str, *words: str) -> list[str]:
    """Give the words that run a job; those of the job itself are behind a double dash."""
    return ["keys", "exec", "--settings", str(host.daemon.file), name, *words]


def _given(host: Host, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    return host._hygiene(*_job(host, name, *(words or ("--", "cat"))))


def test_a_rotation_serves_another_certificate_and_two_at_once_cause_one(
    host: Host, vault: Source
) -> None:
    """Both are told of the same new one; it is proven; each is in both audit logs."""
    _begin(host)
    before, given = host.record, len(vault.proxy.given)
    assert host.daemon.ask("keys", "prove", "web").returncode == 0
    both = [_asked(host, "rotate", "web") for _ in range(2)]
    said = [one.communicate(timeout=240)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert said[0] == said[1]
    record = host.record
    assert said[0].startswith(f"web: delivered: sha256 {record.sha256[:16]}, until ")
    assert "proven to be served" in said[0]
    assert record.sha256 != before.sha256
    assert len(vault.proxy.given) == given + 1
    proof = host.daemon.ask("keys", "prove", "web")
    assert proof.returncode == 0
    assert proof.stdout.splitlines()[-1] == "  is what is kept"
    acts = host.daemon.audited("rotate")
    assert sorted(one["chain"] for one in acts) == [f"cli-{os.geteuid()}"] * 2 + ["keeper"] * 2
    assert all("delivered: sha256" in one["result"] for one in acts)


def test_a_rotation_that_cannot_be_taken_up_says_so(host: Host) -> None:
    """The one before is served on, and the exit status is 1."""
    _begin(host)
    before = host.server.file.read_text()
    with host.looked_at() as client:
        host.server.file.write_text(before.replace("listen", "listens"))
        done = host.daemon.ask("keys", "rotate", "web")
        host.server.file.write_text(before)
        assert done.returncode == 1, done.stderr
        assert done.stdout.startswith("web: not done: key-not-taken-up: reload: ended with")
        assert "the one before is served on" in done.stdout
    assert client.failed == []
    assert len(client.served) == 1


def test_a_secret_is_looked_at_when_asked(host: Host, vault: Source, canary: str) -> None:
    """Nothing newer is done, not refused; a new version is delivered."""
    _begin(host, webdb=_db())
    until(lambda: _given(host, "webdb").returncode == 0, "no secret")
    done = host.daemon.ask("keys", "rotate", "webdb")
    assert (done.returncode, done.stdout) == (0, "webdb: nothing newer: version 1\n")
    other = secrets.token_urlsafe(24)
    vault.vault.root.secrets.kv.v2.create_or_update_secret(path="db", secret={"password": other})
    done = host.daemon.ask("keys", "rotate", "webdb")
    assert done.returncode == 0
    given = _given(host, "webdb", "--field", "password", "--", "cat")
    assert (given.returncode, given.stdout) == (0, other)
    assert canary not in given.stderr


def test_without_an_answer_it_says_so(host: Host) -> None:
    """The exit status is 3 for each that nobody answers, and 2 for what there is not."""
    _begin(host)
    assert host.daemon.ask("keys", "rotate", "other").returncode == 2
    assert host.daemon.ask("keys", "prove", "other").returncode == 2
    host.daemon.end()
    for act in ("rotate", "prove"):
        done = host.daemon.ask("keys", act, "web")
        assert (done.returncode, "does not answer" in done.stderr) == (3, True)
    done = _given(host, "web")
    assert (done.returncode, "does the keeper run" in done.stderr) == (125, True)


def test_another_certificate_is_told_from_the_kept_one(host: Host) -> None:
    """Both are shown with their dates."""
    _begin(host)
    other = issue("other", names=[NAME])
    place = host.where.memory / "other.pem"
    place.write_text(other.private + other.pem)
    host.server.file.write_text(host.server.file.read_text().replace(str(host.pem), str(place)))
    subprocess.run(host.server.reload, check=True, capture_output=True)
    with host.looked_at() as client:
        until(lambda: client.failed, "it serves the one before")
    done = host.daemon.ask("keys", "prove", "web")
    assert done.returncode == 1, done.stderr
    ends = f"{other.certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    assert done.stdout.splitlines()[0].endswith(ends)
    assert f"is not what is kept: sha256 {host.record.sha256[:16]}" in done.stdout


def test_only_who_owns_the_state_folder_may_have_keys_changed(host: Host) -> None:
    """A request of another user is refused, though it stands in the right folder."""
    if os.geteuid():
        pytest.skip("needs root to be another user")
    _begin(host)
    before = host.record
    folder = host.daemon.state / "keeper"
    made = requests.put(folder, Rotate(key="web"))
    moved = folder / "requests" / made.id
    stranger = Rotate(key="web")
    half = folder / "requests" / f".{stranger.id}"
    half.write_bytes(json.dumps({"act": "rotate", "key": "web", "id": stranger.id}).encode())
    os.chown(half, 65534, -1)
    half.rename(folder / "requests" / stranger.id)
    answer = requests.wait(folder / "published", stranger, 60)
    assert answer is not None
    assert (answer.done, "only root" in answer.result) == (False, True)
    answer = requests.wait(folder / "published", made, 60)
    assert answer is not None
    assert (answer.done, moved.exists()) == (True, False)
    assert host.record.sha256 != before.sha256


# Jobs


@pytest.fixture
def jobs(host: Host, canary: str, search_for: Callable[..., Search]) -> Iterator[Search]:
    """A host with the secret `webdb` for nobody's jobs; the value is nowhere afterwards."""
    _begin(host, webdb=_db("nobody"), webroot=_db())
    until(lambda: _given(host, "webdb").returncode == 0, "no secret")
    search = search_for(canary)
    yield search
    host.daemon.end()
    for path in (one for one in host.where.disk.rglob("*") if one.is_file()):
        assert search.leaks(path.read_bytes()) == [], path


def test_a_job_reads_it_on_its_standard_input_alone(host: Host, canary: str, jobs: Search) -> None:
    """Not in its environment, its arguments or any file, and not in a core dump of it."""
    script = 'read x; echo "$$ ${#x}"; cat /proc/self/coredump_filter; ulimit -c; sleep 60'
    words = ("--field", "password", "--", "sh", "-c", script)
    with host._hygiene.start(*_job(host, "webdb", *words)) as process:
        assert process.stdout
        pid, length = map(int, process.stdout.readline().split())
        assert (pid, length) == (process.pid, len(canary))
        assert [process.stdout.readline().strip() for _ in range(2)] == ["00000000", "0"]
        for one in members(process.pid):
            for name in ("cmdline", "environ"):
                assert jobs.leaks(Path(f"/proc/{one}/{name}").read_bytes()) == []
        process.send_signal(signal.SIGTERM)
    assert process.returncode == -signal.SIGTERM


@pytest.mark.parametrize(
    ("words", "status"),
    [(("sh", "-c", "exit 7"), 7), (("/nowhere/x",), 127), (("/etc/passwd",), 126)],
)
def test_the_exit_status_is_the_jobs_own(
    host: Host, jobs: Search, words: tuple[str, ...], status: int
) -> None:
    """Or what a shell gives for a command that cannot be run."""
    done = _given(host, "webdb", "--", *words)
    assert done.returncode == status
    assert jobs.leaks((done.stdout + done.stderr).encode()) == []


def _faults(host: Host) -> str:
    """Give what the keeper says is wrong."""
    return "; ".join(host.daemon.role("keeper").get("faults", []))


def test_only_the_users_that_are_named_get_it(
    host: Host, person: Hygiene, canary: str, jobs: Search
) -> None:
    """Root always; nobody what is nobody's; anybody who connects holds up no other."""
    if os.geteuid():
        pytest.skip("needs root to be another user")
    host.where.memory.chmod(0o711)
    at = host.where.memory / "keeper" / "jobs.sock"
    exec_ = ("keys", "exec", "--socket", at)
    given = person(*exec_, "webdb", "--", "cat", cwd=Path("/"))
    assert (given.returncode, json.loads(given.stdout)) == (0, {"password": canary})
    refused = person(*exec_, "webroot", "--", "cat", cwd=Path("/"))
    assert (refused.returncode, refused.stdout) == (125, "")
    assert "not to this user" in refused.stderr
    until(lambda: "key/webroot: refused 1 times" in _faults(host), lambda: _faults(host))
    assert _given(host, "webroot").returncode == 0
    held = (host.where.memory / "keeper" / "held").stat()
    assert held.st_mode & 0o077 == 0


def test_it_is_there_again_after_a_restart_of_the_keeper(
    host: Host, canary: str, jobs: Search
) -> None:
    """A job that comes after the keeper was killed gets it too."""
    pid = host.daemon.role("keeper")["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: host.daemon.role("keeper").get("pid") not in {pid, 0, None}, "no keeper")

    def given() -> bool:
        done = _given(host, "webdb")
        return canary in done.stdout

    until(given, "no secret")
    assert host.record.state is State.SERVED
