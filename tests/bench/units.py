"""Measure the units at rest under a real systemd: memory of all roles together, and their CPU.

    python -m tests.bench.units [--files 20000] [--listeners 20] [--seconds 120]

It needs root, and runs from the top of the source tree. Memory is PSS: what several processes share
is divided among them, whoever else on the host has it too. "Alone" is what there is where nothing
else uses the same libraries: each piece of a file once. CPU is what the units' control groups used,
in percent of one core.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import time

from agent import settings
from agent.roles import table
from tests.bench import weight
from tests.e2e.machine import TARGET, Machine, refusal, until

_UNITS = [
    f"hygiene-agent-{role}.service" for role in table.roles(settings.from_mapping({"version": 1}))
]
_SETTINGS = "version: 1\nwatch: {roots: [/etc, /home, /srv]}\n"
_SERVER = """
[Service]
ExecStart=openssl s_server -quiet -www -accept 127.0.0.1:%i -cert /root/crt.pem -key /root/key.pem
"""
_MB = 1_000_000


def main() -> None:
    """Build a host, let it come to rest, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--listeners", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120)
    told = parser.parse_args()
    if why := refusal():
        raise SystemExit(why)
    with Machine() as machine:
        _furnish(machine, told.files, told.listeners)
        machine.systemctl("enable", "--now", TARGET)
        until(
            lambda: _is_at_rest(machine, told.files, told.listeners), 300, "it never came to rest"
        )
        time.sleep(20)
        _measure(machine, told.seconds)


def _furnish(machine: Machine, files: int, listeners: int) -> None:
    """Make files in folders of fifty, and servers."""
    for number in range(files):
        folder = machine.root / "srv" / f"folder{number // 50}"
        folder.mkdir(exist_ok=True)
        (folder / f"file{number}.conf").write_text(f"[section]\nname = value {number}\n" * 20)
    (machine.root / "etc/hygiene-agent/agent.yaml").write_text(_SETTINGS)
    units = machine.root / "etc/systemd/system"
    units.mkdir(exist_ok=True, parents=True)
    (units / "server@.service").write_text(_SERVER)
    words = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    pair = ("-keyout", machine.root / "root/key.pem", "-out", machine.root / "root/crt.pem")
    subprocess.run(
        [*words, "-nodes", "-days", "90", "-subj", "/CN=localhost", *pair],
        check=True,
        capture_output=True,
    )
    machine.systemctl("daemon-reload")
    machine.systemctl("start", *(f"server@{9000 + number}.service" for number in range(listeners)))


def _is_at_rest(machine: Machine, files: int, listeners: int) -> bool:
    told = machine.run("hygiene-agent", "status").stdout
    seen = re.search(r"([\d,]+) files in .* folders, (\d+) TLS", told)
    if not seen:
        return False
    return int(seen[1].replace(",", "")) >= files and int(seen[2]) == listeners


def _measure(machine: Machine, seconds: float) -> None:
    before = {unit: _used(machine, unit) for unit in _UNITS}
    begun = time.monotonic()
    time.sleep(seconds)
    spent = time.monotonic() - begun
    memory, cpu = 0.0, 0.0
    pids = [one.pid for unit in _UNITS for one in machine.processes(unit)]
    for unit in _UNITS:
        share = 100 * (_used(machine, unit) - before[unit]) / spent
        held = sum(weight.pss(one.pid) for one in machine.processes(unit)) / _MB
        count = len(machine.processes(unit))
        print(f"{unit:34} {held:6.1f} MB PSS in {count} processes  {share:.3f} % of a core")
        memory, cpu = memory + held, cpu + share
    print(f"{'together':34} {memory:6.1f} MB PSS  {cpu:.3f} % of a core over {spent:.0f} s")
    print(f"{'together, alone':34} {weight.alone(pids) / _MB:6.1f} MB")


def _used(machine: Machine, unit: str) -> float:
    """Give the seconds of processor that a unit's control group used."""
    told = (machine.root / "sys/fs/cgroup/system.slice" / unit / "cpu.stat").read_text()
    return int(told.split()[1]) / 1e6


if __name__ == "__main__":
    main()
