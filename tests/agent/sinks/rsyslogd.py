"""A real rsyslogd that speaks TLS and wants to know its clients."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Final

RSYSLOGD: Final = shutil.which("rsyslogd", path="/usr/sbin:/sbin:/usr/bin")
RECEIVED: Final = "received"
"""The file in its folder that takes the messages, a JSON object a line."""
_CONFIGURATION: Final = """
global(
  workDirectory="{folder}" maxMessageSize="64k"
  defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{folder}/ca.pem"
  defaultNetstreamDriverCertFile="{folder}/server.pem"
  defaultNetstreamDriverKeyFile="{folder}/server.key"
)
module(
  load="imtcp" streamDriver.name="gtls" streamDriver.mode="1"
  streamDriver.authMode="x509/name" permittedPeer=["client"]
)
input(type="imtcp" port="{port}" address="127.0.0.1")
template(name="all" type="list" option.jsonf="on") {{
  property(outname="pri" name="pri" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="process" name="procid" format="jsonf")
  property(outname="id" name="msgid" format="jsonf")
  property(outname="data" name="structured-data" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}}
action(type="omfile" file="{folder}/received" template="all" asyncWriting="off"
  flushOnTXEnd="on")
"""


def is_there() -> bool:
    """Say whether rsyslogd is installed, and its TLS."""
    return bool(RSYSLOGD and list(Path("/usr/lib").glob("*/rsyslog/lmnsd_gtls.so")))


def command(folder: Path, port: int) -> list[str]:
    """Write its configuration; give how it is started.

    folder: has ca.pem, server.pem and server.key; clients have to be "client", by the first.
    """
    assert RSYSLOGD
    conf = folder / "rsyslog.conf"
    conf.write_text(_CONFIGURATION.format(folder=folder, port=port))
    return [RSYSLOGD, "-n", "-f", str(conf), "-i", "NONE"]


class Rsyslogd:
    """One at a free port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._command = command(folder, self.port)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        """End it as a service is ended."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def messages(self, count: int) -> list[dict[str, Any]]:
        """Give what it wrote, once there is so much of it."""
        for _ in range(100):
            path = self.folder / RECEIVED
            lines = path.read_bytes().splitlines() if path.exists() else []
            if len(lines) >= count:
                break
            time.sleep(0.05)
        return [json.loads(line) for line in lines]
