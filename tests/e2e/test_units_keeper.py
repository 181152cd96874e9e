"""The keeper as a unit of its own: keys from a real Vault reach servers that are units too."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization

from tests.e2e import unithost
from tests.e2e.machine import PATIENCE, STATE, TARGET, until
from tests.e2e.unithost import (
    APP,
    CONFIG,
    KEEPER,
    PATHS,
    PEM,
    PYTHON,
    SOCKET,
    WEB,
    served,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.unithost import Host


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A system whose nginx and whose own service have their keys from Vault."""
    if why := unithost.missing():
        pytest.skip(why)
    with unithost.running(tmp_path_factory.mktemp("host")) as one:
        yield one


def test_servers_get_their_keys(host: Host) -> None:
    """A file for nginx and a credential for a service: each is proven to be served."""
    for name, port in (("web", WEB), ("app", APP)):
        record = host.wait(name)
        assert record.proven
        assert served(port) == record.sha256
    pem = host.machine.root / PEM.lstrip("/")
    status = pem.stat()
    keeper = host.machine.user("hygiene-agent-keeper")[0]
    assert (str(status.st_uid), str(status.st_gid)) == (keeper, host.machine.user("web")[1])
    assert status.st_mode & 0o777 == 0o640
    said = host.machine.run("journalctl", "--no-pager", "--unit=hygiene-agent-*").stdout
    assert KEEPER in said
    assert "Traceback" not in said


def test_the_keeper_has_no_power(host: Host) -> None:
    """No capability; its memory is locked where this host lets systemd allow that; not dumpable.

    It is the process that was started first: none of this ended one before it.
    """
    one = host.machine.main(KEEPER)
    assert int(one.status["CapEff"], 16) == int(one.status["CapBnd"], 16) == 0
    limits = Path(f"/proc/{one.pid}/limits").read_text()
    may_lock = re.search(r"Max locked memory +unlimited", limits) is not None
    assert (int(one.status["VmLck"].split()[0]) > 0) is may_lock
    assert Path(f"/proc/{one.pid}/environ").stat().st_uid == 0  # proc(5): of what is not dumpable
    told = json.loads(host.machine.run("hygiene-agent", "status", "-f", "json").stdout)
    [keeper] = [one for one in told["roles"] if one["role"] == "keeper"]
    assert keeper["faults"] == []
    assert host.machine.shown(KEEPER, "NRestarts") == "0"
    assert host.machine.main(KEEPER).pid == one.pid


def test_a_changed_secret_restarts_its_service(host: Host) -> None:
    """A new version in Vault: the service is restarted, and is proven to serve it."""
    before, pid = host.wait("app"), host.machine.main("app.service").pid
    nginx = host.machine.main("nginx.service").pid
    host.put()
    record = host.wait("app", but=before.sha256)
    assert int(record.version) > int(before.version)
    assert served(APP) == record.sha256
    assert host.machine.main("app.service").pid != pid
    assert host.machine.main("nginx.service").pid == nginx


def test_a_new_certificate_reloads_its_server(host: Host) -> None:
    """nginx takes it up and does not end for it."""
    before, pid = host.wait("web"), host.machine.main("nginx.service").pid
    host.another()
    record = host.wait("web", but=before.sha256)
    assert served(WEB) == record.sha256
    assert host.machine.main("nginx.service").pid == pid


def test_a_reload_that_fails_is_known(host: Host) -> None:
    """The keeper learns it, puts the one before back, and goes on when it works again."""
    before = host.wait("web")
    config = host.machine.root / "srv/nginx.conf"
    config.write_text(CONFIG.replace("listen", "listens"))
    host.another()
    until(lambda: host.record("web").fault == "key-not-taken-up", PATIENCE, "no fault")
    assert host.record("web").why == "nginx: systemctl reload nginx.service: exit-code"
    assert served(WEB) == before.sha256
    config.write_text(CONFIG)
    host.another()
    after = host.wait("web", but=before.sha256)
    assert served(WEB) == after.sha256


_WRITE = "open('/run/hygiene-agent/actions/{}', 'w').close()"
_NEVER = ("reload-app", "restart-nginx", "stop-nginx", "reload-nginx.service", "x")


def test_nothing_else_can_be_asked_for(host: Host) -> None:
    """What the keeper's user writes and is not enabled is not done; root follows no link of it."""
    app, nginx = (host.machine.main(f"{name}.service").pid for name in ("app", "nginx"))
    reloads = host.reloaded()
    for name in _NEVER:
        assert host.as_keeper(_WRITE.format(name)) == ""
    link = "import os; os.chdir('/run/hygiene-agent/actions'); os.symlink('{}', 'l'); {}"
    asked = link.format("/etc/hygiene-agent/agent.yaml", "os.rename('l', 'reload-nginx')")
    assert host.as_keeper(asked) == ""
    until(lambda: host.reloaded() > reloads, PATIENCE, "what is enabled was not done either")
    assert (host.machine.root / "etc/hygiene-agent/agent.yaml").read_text().startswith("actions:")
    for path in ("/run/hygiene-agent/results/reload-nginx", "/run/hygiene-agent/x", "/etc/x"):
        assert re.search("Permission denied|Read-only", host.as_keeper(f"open('{path}', 'w')"))
    assert host.machine.main("app.service").pid == app
    assert host.machine.main("nginx.service").pid == nginx
    left = {path.name for path in (host.machine.root / "run/hygiene-agent/actions").iterdir()}
    assert left >= set(_NEVER)
    for name in _NEVER:
        (host.machine.root / "run/hygiene-agent/actions" / name).unlink()


@pytest.mark.parametrize("role", ["courier", "prober", "watcher"])
def test_no_other_role_can_ask(host: Host, role: str) -> None:
    """The folder of requests is the keeper's."""
    user, group = host.machine.user(f"hygiene-agent-{role}")
    words = ("nsenter", "-S", user, "-G", group, *PYTHON.split(), "-c")
    done = host.machine.run(*words, _WRITE.format("reload-nginx"))
    assert "Permission denied" in done.stderr


def test_reloads_that_are_asked_for_all_the_time(host: Host) -> None:
    """At most one a second is done, and the path unit goes on."""
    began, before = time.monotonic(), host.reloaded()
    asking = f"""
import time
ends = time.monotonic() + 4
while time.monotonic() < ends:
    {_WRITE.format("reload-nginx")}
    time.sleep(0.01)
"""
    assert host.as_keeper(asking) == ""
    until(lambda: host.reloaded() - before > 1, PATIENCE, "too few were done")
    # One that was done before may be in the journal after it, and there may be one at each end.
    assert host.reloaded() - before <= time.monotonic() - began + 2
    assert host.machine.shown(PATHS[0], "ActiveState") == "active"
    before = host.wait("web").sha256
    host.another()
    host.wait("web", but=before)


def test_who_takes_the_name_of_a_unit_gets_nothing(host: Host) -> None:
    """Root in another unit, called what systemd calls itself; in the right unit it gets the key."""
    assert not host.machine.systemctl("start", "thief.service").returncode
    assert (host.machine.root / "srv/thief.got").read_text() == "0\n"
    join = "echo $$ >/sys/fs/cgroup/system.slice/app.service/cgroup.procs"
    done = host.machine.run("sh", "-c", f"{join}; exec {PYTHON} /srv/thief.py {SOCKET}")
    assert int(done.stdout) == len(host.places()[1].read_bytes()), done.stderr


def test_a_service_that_starts_later_gets_its_key(host: Host) -> None:
    """The keeper is restarted, asks for nothing again, and has the credential for its unit."""
    before, pid = host.wait("app"), host.machine.main(KEEPER).pid
    assert not host.machine.systemctl("restart", KEEPER).returncode
    assert host.machine.main(KEEPER).pid != pid
    until((host.machine.root / SOCKET.lstrip("/")).exists, PATIENCE, "no socket")
    assert not host.machine.systemctl("restart", "app.service").returncode
    until(lambda: _serves(APP, before.sha256), PATIENCE, "it does not serve its key")
    assert host.wait("app").got == before.got


def _serves(port: int, sha256: str) -> bool:
    with contextlib.suppress(OSError):
        return served(port) == sha256
    return False


def _holders(root: Path, keys: set[bytes]) -> set[str]:
    """Give the files on what would be a disk that hold a part of a key: DER, its number, a line."""
    needles = []
    for pem in keys:
        made = serialization.load_pem_private_key(pem, None)
        number = made.private_numbers().private_value.to_bytes(32, "big")
        lines = [line for line in pem.splitlines() if len(line) > 20 and b"-----" not in line]
        needles += [*lines, number, number.hex().encode(), base64.b64encode(number)[:40]]
    device, found = root.stat().st_dev, set()
    for folder, below, names in os.walk(root):
        below[:] = [one for one in below if os.lstat(f"{folder}/{one}").st_dev == device]
        for path in (Path(folder, name) for name in names):
            if path.is_file() and not path.is_symlink():
                data = path.read_bytes()
                if any(needle in data for needle in needles):
                    found.add(str(path.relative_to(root)))
    return found


def test_no_key_is_left_on_a_disk(host: Host) -> None:
    """After a stop of all: in no file outside of memory, nor in the journal, is a part of a key."""
    before = {name: host.wait(name).sha256 for name in ("web", "app")}
    host.put()
    host.another()
    for name, sha256 in before.items():
        host.wait(name, but=sha256)
    began = time.monotonic()
    stopped = host.machine.systemctl("stop", TARGET, "nginx.service", "app.service")
    assert not stopped.returncode, stopped.stderr
    until(lambda: host.machine.shown(KEEPER, "ActiveState") == "inactive", PATIENCE, "it goes on")
    assert host.machine.shown(KEEPER, "Result") == "success"
    assert time.monotonic() - began < 15
    assert len(host.keys) >= 4
    root = host.machine.root
    assert _holders(root, host.keys) == set()
    assert _holders(root / "run/log", host.keys) == set()
    pem = min(host.keys)
    made = serialization.load_pem_private_key(pem, None)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (root / "var/lib/x.pem").write_bytes(b"# kept\n" + pem)
    (root / STATE / "keeper/x.der").write_bytes(
        made.private_bytes(serialization.Encoding.DER, form, plain)
    )
    assert _holders(root, host.keys) == {"var/lib/x.pem", f"{STATE}/keeper/x.der"}
    assert (root / PEM.lstrip("/")).exists()  # in memory: nginx can be started without the keeper
