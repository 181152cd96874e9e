"""A file goes only as it was read, and only where nothing else is in it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from agent.importing import finding, leaving, pairing
from agent.importing.leaving import LeavingError
from agent.importing.storing import Place
from agent.importing.taking import Plan, Taken
from agent.keysettings import FileDelivery, KeySettings, KvSource
from tests.agent.vault.authority import issue

if TYPE_CHECKING:
    from pathlib import Path

_ONE = issue("web", names=["www.example.net"])


def _plan(path: Path, new: Path) -> Plan:
    read = finding.read(str(path))
    blocks = finding.blocks(read)
    key = next(one for one in blocks if one.private)
    made = pairing.paired(key, blocks, (), time.time())
    told = KeySettings(source=KvSource(path="x"), deliver=(FileDelivery(path=str(new)),))
    return Plan("web", Place("secret", "x"), Taken(read, blocks, {}, made), told, "")


def test_a_file_that_holds_more_is_left(tmp_path: Path) -> None:
    """Only keys and certificates go; a setting beside them would go with them."""
    path = tmp_path / "web.pem"
    path.write_text(_ONE.private + "\n" + _ONE.pem)
    assert leaving.doubt(_plan(path, tmp_path / "new")) == (
        "Whether a server still reads it cannot be told."
    )
    path.write_text(f"name: web\n{_ONE.private}{_ONE.pem}")
    with pytest.raises(LeavingError, match="holds more than a key"):
        leaving.doubt(_plan(path, tmp_path / "new"))


def test_a_file_that_changed_is_left(tmp_path: Path) -> None:
    """Whoever wrote it meanwhile wants it there."""
    path = tmp_path / "web.pem"
    path.write_text(_ONE.private + _ONE.pem)
    read = finding.read(str(path))
    os.utime(path)
    with pytest.raises(LeavingError, match="changed since it was read"):
        leaving.remove(read)
    other = tmp_path / "other"
    other.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(other)
    with pytest.raises(LeavingError, match="changed"):
        leaving.remove(read)
    leaving.remove(finding.read(str(other)))
    assert not other.exists()
    with pytest.raises(LeavingError, match="No such file"):
        leaving.remove(read._replace(path=str(other)))
