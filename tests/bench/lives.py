"""What packages have to do when they come, are exchanged and go: by dpkg and by rpm."""

from __future__ import annotations

import json
import random
import string
import time
from typing import TYPE_CHECKING

from tests.bench.installing import PATIENCE, Debian, changed, state
from tests.e2e.machine import TARGET, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.installing import Entry

NAME = "hygiene-agent"
LIBRARY = "usr/lib/hygiene-agent"
_USERS = {
    f"etc/{name}{end}" for name in ("group", "gshadow", "passwd", "shadow") for end in ("", "-")
}
_KEPT = {"etc/hygiene-agent", "etc/hygiene-agent/agent.yaml", "var/lib/hygiene-agent"}


class Packages:
    """The files that were built. deb, older, rpm: of the agent; deep: of sslyze."""

    def __init__(self, tree: Path, version: str) -> None:
        self.version = version
        self.deb = tree / f"dist/{NAME}_{version}_amd64.deb"
        self.deep = tree / f"dist/{NAME}-deep_{version}_amd64.deb"
        self.rpm = tree / f"dist/{NAME}-{version}-1.x86_64.rpm"
        self.archive = tree / f"dist/{NAME}-{version}-linux-x86_64.tar.gz"


def passwords() -> Iterator[str]:
    chance = random.Random(20261122)
    while True:
        yield "".join(chance.choices(string.ascii_letters + string.digits, k=20))


def life(system: Debian, older: Packages, newer: Packages) -> list[str]:
    """Install, upgrade, remove, install again, purge: with nothing of it running."""
    bare = system.files()
    system.install(older.deb)
    _whole(system, older)
    assert system.shown(TARGET, "ActiveState") == "inactive"
    assert (system.root / LIBRARY / "lib/python3.13/site-packages/agent/gone.py").exists()
    system.install(newer.deb)
    _whole(system, newer)
    assert system.shown(TARGET, "ActiveState") == "inactive", "an upgrade started what did not run"
    assert "# other words" not in (system.root / "etc/hygiene-agent/agent.yaml").read_text()
    assert not (system.root / LIBRARY / "lib/python3.13/site-packages/agent/gone.py").exists()
    installed = system.files()
    system.install(newer.deep)
    _deep(system)
    system.did("dpkg", "-P", f"{NAME}-deep")
    assert not changed(installed, system.files()), "sslyze left something"
    system.begin()
    known = system.plant("known.conf", next(passwords()))
    until(lambda: system.opened()[known] == 1, PATIENCE, "the first finding did not arrive")
    system.did("dpkg", "-r", NAME)
    (system.root / "srv/known.conf").rename(system.root / "srv/.known")
    _only_state_is_left(system, bare)
    (system.root / "srv/.known").rename(system.root / "srv/known.conf")
    system.install(newer.deb)
    assert "# ours" in (system.root / "etc/hygiene-agent/agent.yaml").read_text()
    system.did("systemctl", "enable", "--now", TARGET)
    system.wait()
    later = system.plant("later.conf", next(passwords())[::-1])
    until(lambda: system.opened()[later] == 1, PATIENCE, "nothing was found after all that")
    assert system.opened()[known] == 1, "a known finding was opened again"
    system.did("dpkg", "-P", NAME)
    left = {one for one in changed(bare, system.files()) if not one.startswith("srv/")}
    assert left <= _USERS, f"left after a purge: {sorted(left - _USERS)}"
    assert not system.run("systemctl", "list-units", "--all", "-q", f"{NAME}*").stdout.strip()
    return [
        "| install, upgrade, install and purge sslyze, remove, install, purge | what is left is"
        " what packaging/README.md says | so it is |"
    ]


def _whole(system: Debian, built: Packages) -> None:
    """Check what an installed package has to be."""
    assert system.did(NAME, "--version").split()[-1] == built.version
    assert not system.run("dpkg", "--verify", NAME).stdout.strip()
    for words in (("man", "-w", f"{NAME}-scan"), ("systemd-analyze", "verify", TARGET)):
        system.did(*words)
    for path, entry in system.files().items():
        if path.startswith((LIBRARY, f"etc/{NAME}")):
            assert entry.owner == (0, 0), path
            assert entry.mode[0] == "l" or "w" not in entry.mode[5] + entry.mode[8], path
    for shell in ("bash", "zsh", "fish"):
        system.did(shell, "-c", _COMPLETE[shell])


_COMPLETE = {
    "bash": ". /usr/share/bash-completion/completions/hygiene-agent && complete -p hygiene-agent",
    "zsh": "autoload -Uz compinit && compinit -D && [[ $_comps[hygiene-agent] == _hygiene-agent ]]",
    "fish": "complete -C 'hygiene-agent sc' | string match -q 'scan*'",
}


def _deep(system: Debian) -> None:
    """Check that sslyze runs by the path that the agent gives it, in its environment alone."""
    ask = "import sslyze, sys, json; print(json.dumps([sys.prefix, sys.path]))"
    python = f"/{LIBRARY}/deep/bin/python"
    prefix, path = json.loads(system.did(python, "-I", "-B", "-c", ask))
    assert prefix == f"/{LIBRARY}/deep"
    assert f"/{LIBRARY}/lib/python3.13/site-packages" not in path
    believe = "from checks.tls import deepenv; import sys; "
    own = f"/{LIBRARY}/bin/python3.13"
    asked = believe + "print(deepenv.believed(deepenv.location({}, sys.prefix)).path)"
    assert system.did(own, "-I", "-c", asked).strip() == python


def _only_state_is_left(system: Debian, bare: dict[str, Entry]) -> None:
    left = {one for one in changed(bare, system.files()) if not one.startswith("srv/")}
    assert left <= _USERS | _KEPT | state(system), f"left: {sorted(left)}"
    assert state(system), "the state is gone"
    running = system.run("ps", "-eo", "args").stdout
    assert LIBRARY not in running, running


def running(system: Debian, older: Packages, newer: Packages) -> list[str]:
    """Upgrade and downgrade a daemon at work, while passwords are written all the time."""
    system.install(older.deb)
    system.begin()
    rows, made = [], passwords()
    for name, steps in (("upgrade", _slowly(newer)), ("downgrade", _slowly(older))):
        before, number = system.roles(), len(system.opened())
        began = time.monotonic()
        with system.planting(made, name) as paths:
            steps(system)
            system.wait()
            took = time.monotonic() - began
            time.sleep(2)
        until(lambda: set(paths) <= set(system.opened()), PATIENCE, "a finding was lost")
        after = system.roles()
        assert all(before[one].pid != after[one].pid for one in before), "a role is not the new one"
        assert set(system.opened().values()) == {1}, "a finding was opened twice"
        assert len(system.opened()) == number + len(paths)
        for stream, told in system.streams().items():
            assert sorted(told) == list(range(min(told), max(told) + 1)), f"{stream}: {told}"
        again = sum(len(told) - len(set(told)) for told in system.streams().values())
        assert not again, f"{again} events arrived twice"
        assert all(system.shown(one, "NRestarts") == "0" for one in before)
        rows.append(
            f"| {name} of a running daemon, a password written every 0.1 s | each opened once, no"
            f" event missing or twice | {len(paths)} of {len(paths)}, each once; {took:.0f} s |"
        )
    assert "# ours" in (system.root / "etc/hygiene-agent/agent.yaml").read_text()
    gaps = [one["gap"] for one in system.events() if one["kind"] == "gap"]
    assert gaps, "that nobody watched for a moment was not told"
    over = {one["started"] for one in gaps if one.get("ended")}
    assert {one["started"] for one in gaps} == over, gaps
    said = system.journal()
    assert "Traceback" not in said
    assert "internal error" not in said
    return rows


def _slowly(built: Packages) -> Callable[[Debian], None]:
    """Exchange a package as apt does among many: it is unpacked a while before it is set up."""

    def steps(system: Debian) -> None:
        system.did("dpkg", "--force-confold", "--unpack", system.take(built.deb))
        time.sleep(5)
        system.did("dpkg", "--force-confold", "--configure", "-a")

    return steps


def by_rpm(system: Debian, older: Packages, newer: Packages) -> list[str]:
    """Go the same way by rpm, which has other words for it, and no Fedora to try it on."""
    rpm = ("rpm", "--force-debian", "--nodeps")
    bare = system.files()
    system.did(*rpm, "-i", system.take(older.rpm))
    system.begin()
    before = system.roles()
    with system.planting(passwords(), "rpm") as paths:
        system.did(*rpm, "-U", system.take(newer.rpm))
        system.wait()
    until(lambda: set(paths) <= set(system.opened()), PATIENCE, "a finding was lost")
    after = system.roles()
    assert all(before[one].pid != after[one].pid for one in before), "a role is not the new one"
    assert system.did(NAME, "--version").split()[-1] == newer.version
    assert "# ours" in (system.root / "etc/hygiene-agent/agent.yaml").read_text()
    system.did(*rpm, "-e", NAME)
    # The last is a folder of zsh's, where there is rpm and zsh came by it.
    files = {f"etc/hygiene-agent/agent.yaml.{end}" for end in ("rpmnew", "rpmsave")}
    saved = files | {"usr/share/zsh/site-functions"}
    left = {one for one in changed(bare, system.files()) if not one.startswith("srv/")}
    assert left <= _USERS | _KEPT | saved | state(system), f"left: {sorted(left)}"
    assert LIBRARY not in system.run("ps", "-eo", "args").stdout
    return [
        "| the rpm, by rpm in the same Debian: install, upgrade while running, erase | as above;"
        f" the state stays | {len(paths)} of {len(paths)} findings; so it is |"
    ]
