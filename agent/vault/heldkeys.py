"""Keep what is served over a restart of the keeper, in memory alone: a file a key on tmpfs. EDGE.

So a certificate that is still good is not made again, and what is to be put back is still there.
After a start of the machine there is nothing, and everything is fetched.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent import home
from agent.deliver import DeliveryError
from agent.deliver.file import File
from agent.home import StateError
from agent.keysettings import FileDelivery
from agent.vault.material import Material, MaterialError, Values

if TYPE_CHECKING:
    from agent.vault.record import Record

_FOLDER: Final = "held"
_PEM: Final = b"-----BEGIN"


class Held:
    """The folder of what is served."""

    def __init__(self, folder: str) -> None:
        """Make it below the keeper's own; where that cannot be, nothing is kept."""
        self._folder = Path(folder) / _FOLDER
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            self.fault = f"{self._folder}: {error.strerror}"
        else:
            self.fault = ""

    def read(self, name: str, record: Record) -> Material | Values | None:
        """Give what a record says is served; None where it is gone or is something else."""
        try:
            version, _, data = (home.read(self._folder / name) or b"").partition(b"\n")
            if not record.version or version != record.version.encode():
                return None
            if not data.startswith(_PEM):
                fields = json.loads(data)
                return Values(fields) if isinstance(fields, dict) else None
            text = data.decode("ascii")
            found = Material(text, text[text.index("-----BEGIN CERTIFICATE") :])
        except (StateError, MaterialError, ValueError, RecursionError):
            return None
        return found if found.sha256 == record.sha256 else None

    def write(self, record: Record, what: bytes) -> None:
        """Keep what is served now; where that cannot be, the next start fetches it again."""
        told = FileDelivery(path=str(self._folder / record.name), mode="0600")
        try:
            File(told).publish(record.version.encode() + b"\n" + what)
            self.fault = ""
        except DeliveryError as error:
            self.fault = str(error)
