"""Time bad edits of a running nginx's files until they are put back and proven.

Run by hand:  .venv-test/bin/python -m tests.bench.mending [--edits 20]
It needs nginx, and root. Each edit is of a file of its own, one after the other, while a client
shakes hands every 50 ms: from the write to the entry "restored" in the audit log, which is made
when the file is back, nginx's own test passed, it reloaded, and the prober found its endpoint no
worse than before. It writes tests/bench/results-mending.md.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.conftest import Hygiene
from tests.e2e.mending import World

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS: Final = Path(__file__).with_name("results-mending.md")
_PATIENCE: Final = 60.0
_PAUSE: Final = 0.02
_SPREAD: Final = 1.0
"""Edits come at any moment of a role's turns."""
_TEXT: Final = "map $host $part_{number} {{\n  default 1;\n}}\n"


class Taken(NamedTuple):
    """Seconds of each edit, and what the client saw. asked: handshakes; failed: of these."""

    seconds: Sequence[float]
    asked: int
    failed: int


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=20)
    edits = parser.parse_args().edits
    with tempfile.TemporaryDirectory() as folder:
        taken = _measured(Path(folder), edits)
    text = _told(taken)
    RESULTS.write_text(text)
    print(text)


def _measured(folder: Path, edits: int) -> Taken:
    world = World(Hygiene(folder / "home"), folder)
    texts = _parts(world, edits)
    part = world.wanted
    wanted = {str(path): part | {"content": text} for path, text in texts.items()}
    try:
        world.serve({str(world.conf): world.wanted} | wanted)
        time.sleep(3)  # what a daemon does once, when it starts
        client = world.client()
        seconds = [_edit(world, path) for path in texts]
        client.end()
        return Taken(seconds, len(client.seen), len(client.failed))
    finally:
        world.end()


def _parts(world: World, edits: int) -> dict[Path, str]:
    """Have nginx read a file for each edit."""
    folder = world.managed / "parts"
    folder.mkdir()
    world.approved = world.approved.replace("http {", f"http {{ include {folder}/*.conf;")
    world.conf.write_text(world.approved)
    texts = {folder / f"{i:02}.conf": _TEXT.format(number=i) for i in range(edits)}
    for path, text in texts.items():
        path.write_text(text)
    return texts


def _edit(world: World, path: Path) -> float:
    """Make one bad edit; gives how long it took until it was put back, and that was proven."""
    time.sleep(random.uniform(0, _SPREAD))
    at = time.time()
    path.write_text("ssl_protocols TLSv1 TLSv1.1;\n")
    end = time.monotonic() + _PATIENCE
    while not (restored := world.restored(path)):
        assert time.monotonic() < end, path
        time.sleep(_PAUSE)
    return restored - at


def _told(taken: Taken) -> str:
    load = os.getloadavg()[0]
    today = datetime.datetime.now(datetime.UTC).date()
    where = f"{os.cpu_count()} cores (load {load:.1f} after), Python {platform.python_version()}"
    ordered = sorted(taken.seconds)
    return f"""# From a bad edit to the proven good state

{len(ordered)} edits of an nginx's files, {where}, {today}. `python -m tests.bench.mending`

| from the write to the proof, seconds | |
| --- | --- |
| median | {statistics.median(ordered):.2f} |
| fastest | {ordered[0]:.2f} |
| slowest | {ordered[-1]:.2f} |

{taken.asked} handshakes of a client meanwhile, one every 50 ms; {taken.failed} failed.
"""


if __name__ == "__main__":
    main()
