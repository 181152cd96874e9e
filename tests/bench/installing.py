"""A Debian under a real systemd, in which packages come and go, and what that changes."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import threading
from collections import Counter
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tests.e2e.machine import STATE, TARGET, Machine, until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.machine import Process

_ROLES = ("courier", "prober", "watcher")
_UNITS = [f"hygiene-agent-{role}.service" for role in _ROLES]
_SETTINGS = """# ours
version: 1
watch: {roots: [/etc, /home, /srv]}
sinks: {here: {kind: file}}
"""
_NOT_FILES = ("dev", "proc", "run", "sys", "tmp")
_OF_THE_SYSTEM = (
    "root/.",
    "var/cache",
    "var/lib/dpkg",
    "var/lib/rpm",
    "var/lib/systemd",
    "var/log",
)
"""What any package changes: databases, caches, logs."""
PATIENCE = 60


class Entry(NamedTuple):
    """A file as it is on disk. what: its content's hash, or where a link leads."""

    mode: str
    owner: tuple[int, int]
    what: str


class Debian(Machine):
    """The system, with what an administrator does to packages."""

    def did(self, *words: str) -> str:
        """Run what must succeed, and give what it said."""
        done: subprocess.CompletedProcess[str] = self.run(*words, seconds=300)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def take(self, package: Path) -> str:
        """Copy a package into the system; gives its path inside."""
        shutil.copy(package, self.root / "root" / package.name)
        return f"/root/{package.name}"

    def install(self, *packages: Path) -> None:
        """Install or exchange packages, as a machine does that nobody sits at."""
        self.did("dpkg", "--force-confold", "-i", *(self.take(one) for one in packages))

    def begin(self) -> None:
        """Set the agent up as an administrator does, and wait until it works."""
        (self.root / "etc/hygiene-agent/agent.yaml").write_text(_SETTINGS)
        self.did("systemctl", "enable", "--now", TARGET)
        self.wait()

    def wait(self) -> None:
        """Wait until all roles are ready."""
        ready = [partial(self.shown, one, "ActiveState") for one in _UNITS]
        try:
            until(lambda: {one() for one in ready} == {"active"}, PATIENCE, "a role is not ready")
        except AssertionError as error:
            error.add_note(self.journal())
            raise

    def roles(self) -> dict[str, Process]:
        """Give the process of each role."""
        return {unit: self.main(unit) for unit in _UNITS}

    def plant(self, name: str, password: str) -> str:
        """Write a password into a file; gives its path inside."""
        (self.root / "srv" / name).write_text(f"password = '{password}'\n")
        return f"/srv/{name}"

    def opened(self) -> Counter[str]:
        """Count how often each path's finding arrived as opened."""
        told = [one["finding"] for one in self.events() if one["kind"] == "opened"]
        return Counter(one["location"]["path"] for one in told)

    @contextmanager
    def planting(self, make: Iterator[str], name: str) -> Iterator[list[str]]:
        """Plant passwords one after the other while something else happens; gives their paths."""
        paths: list[str] = []
        over = threading.Event()

        def plant() -> None:
            while not over.wait(0.1):
                paths.append(self.plant(f"{name}-{len(paths)}.conf", next(make)))

        thread = threading.Thread(target=plant)
        thread.start()
        try:
            yield paths
        finally:
            over.set()
            thread.join()

    def streams(self) -> dict[str, list[int]]:
        """Give the numbers of all events that arrived, by the stream they are of."""
        found: dict[str, list[int]] = {}
        for one in self.events():
            stream, _, number = one["id"].rpartition("-")
            found.setdefault(stream, []).append(int(number))
        return found

    def files(self) -> dict[str, Entry]:
        """Give everything on disk but what is of no package."""
        found: dict[str, Entry] = {}
        for folder, folders, names in os.walk(self.root):
            inside = os.path.relpath(folder, self.root)
            if inside == ".":
                folders[:] = [one for one in folders if one not in _NOT_FILES]
            for name in (*folders, *names):
                path = os.path.normpath(os.path.join(inside, name))
                if not path.startswith((*_OF_THE_SYSTEM, "root/")):
                    found[path] = _entry(os.path.join(folder, name))
        return found


def _entry(path: str) -> Entry:
    status = os.lstat(path)
    what = ""
    if stat.S_ISLNK(status.st_mode):
        what = os.readlink(path)
    elif stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            what = hashlib.file_digest(file, "sha256").hexdigest()
    return Entry(stat.filemode(status.st_mode), (status.st_uid, status.st_gid), what)


def changed(before: dict[str, Entry], after: dict[str, Entry]) -> set[str]:
    """Name what is new, gone or otherwise."""
    return {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}


def state(system: Debian) -> set[str]:
    """Name the files of the agent's own state."""
    top = system.root / STATE
    return {str(one.relative_to(system.root)) for one in top.rglob("*")} if top.exists() else set()
