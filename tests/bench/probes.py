"""What looks at a server in the benchmark of TLS: our probes, our command, and the peers."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final, Protocol

from paired import HERE, Ran, peak, timed
from servers import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FULL: Final = "full probe"
FINGERPRINT: Final = "fingerprint probe"
COMMAND: Final = "command"
SSLYZE: Final = "sslyze"
TESTSSL: Final = "testssl.sh"
STOCK: Final = ("nginx", "apache", "caddy")
"""Servers for which there are limits; those that testssl.sh looks at, too."""


class Tool(Protocol):
    """Something that looks at a server by its port on loopback."""

    name: str

    def once(self, port: int) -> Ran:
        """Look once."""

    def memory(self, port: int) -> float:
        """Look once and give the peak of resident memory in MB."""

    def said(self) -> int | None:
        """Give the connections of the last look by its own count, None where it tells none."""


class Resident:
    """A probe in a process that stays, as the daemon does."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        """Take the name of the probe and the process of resident.py."""
        self.name = name
        self._process = process
        self._last: dict[str, Any] = {}

    def once(self, port: int) -> Ran:
        """Look once; exits where the same server does not look the same again."""
        asked = {"probe": self.name.split()[0], "host": HOST, "port": port, "name": ""}
        if self._process.stdin is None or self._process.stdout is None:
            raise SystemExit("resident: no pipes")
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        self._last = json.loads(self._process.stdout.readline())
        return Ran(self._last["seconds"], self._last["processor"])

    def memory(self, port: int) -> float:
        """Look once; the peak is that of the process since it began."""
        self.once(port)
        return float(self._last["memory"])

    def said(self) -> int | None:
        """Give the probe's own count."""
        return int(self._last["connections"])


class Command:
    """A program that is started for each look."""

    def __init__(self, name: str, words: Callable[[int], list[str]], report: Path | None) -> None:
        """Take its command line by port, and our report where it writes one."""
        self.name = name
        self._words = words
        self._report = report

    def once(self, port: int) -> Ran:
        """Run it."""
        return timed(self._words(port))

    def memory(self, port: int) -> float:
        """Run it under watch; a report of an earlier run is not taken for one of this."""
        if self._report is not None:
            self._report.unlink(missing_ok=True)
        return peak(self._words(port))

    def said(self) -> int | None:
        """Give the count of our report."""
        if self._report is None:
            return None
        if not self._report.exists():
            raise SystemExit(f"{self.name}: wrote no report")
        return int(json.loads(self._report.read_text())["summary"]["connections"])


@contextlib.contextmanager
def residents(work: Path) -> Iterator[list[Resident]]:
    """Start a process for each of our probes; they end with their input."""
    words = [work / "hygiene-agent" / "bin" / "python", HERE / "resident.py"]
    with contextlib.ExitStack() as stack:
        made = []
        for name in (FULL, FINGERPRINT):
            process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            made.append(Resident(name, stack.enter_context(process)))
        yield made


def command(work: Path) -> Command:
    """Give our command as it is typed."""
    report = work / "tls.json"
    program = str(work / "hygiene-agent" / "bin" / "hygiene-agent")
    options = ["--quiet", "--format", "json", "--output", str(report)]
    return Command(COMMAND, lambda port: [program, "tls", f"{HOST}:{port}", *options], report)


def peers(work: Path, wanted: list[str]) -> list[Command]:
    """Give the peers with what they do where nothing else is asked for."""
    sslyze = str(work / "sslyze" / "bin" / "sslyze")
    testssl = shutil.which("testssl") or shutil.which("testssl.sh")
    found = []
    if SSLYZE in wanted:
        found.append(Command(SSLYZE, lambda port: [sslyze, f"{HOST}:{port}"], None))
    if TESTSSL in wanted and testssl:
        options = "--quiet --warnings off --color 0 --nodns none".split()
        found.append(Command(TESTSSL, lambda port: [testssl, *options, f"{HOST}:{port}"], None))
    return found


def meant(tools: list[Tool], server: str) -> list[Tool]:
    """Leave out for some servers what takes minutes for each."""
    return [tool for tool in tools if tool.name != TESTSSL or server in STOCK]


def versions(work: Path, wanted: list[str]) -> str:
    """Say which versions of the peers were measured."""
    told = []
    if SSLYZE in wanted:
        program = work / "sslyze" / "bin" / "python"
        words = [program, "-c", "import sslyze.__version__ as v; print(v.__version__)"]
        told.append(f"sslyze {subprocess.check_output(words, text=True).strip()}")
    if TESTSSL in wanted:
        words = ["testssl", "--version"]
        text = subprocess.run(words, check=False, capture_output=True, text=True).stdout
        found = re.search(r"testssl(?:\.sh)?\s+(?:version\s+)?(\d[\d.]+)", text)
        told.append(f"testssl.sh {found[1] if found else ''}")
    return ", ".join(told)


def processor(pid: int) -> float:
    """Give the processor seconds of one process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
