"""What a role was allowed, and when it has to begin again."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from agent import settings
from agent.roles.walls import confined

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.settings import Settings


def told(folder: Path) -> Settings:
    """Give the settings of a courier with a store that is reached with an authority's file."""
    store = {"url": "https://localhost/", "ca": str(folder / "ca.pem")}
    raw = {"version": 1, "state": str(folder / "state"), "store": store}
    return settings.from_mapping(raw)


def stands(folder: Path, change: Callable[[Path], object]) -> list[bool]:
    """Say in a confined process whether the walls stand before and after a change."""
    ours, theirs = os.pipe()
    before, after = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            walls = confined("courier", told(folder))
            seen = [walls.stand]
            os.write(before[1], b"x")
            os.read(after[0], 1)
            seen.append(walls.stand)
            os.write(theirs, json.dumps(seen).encode())
        except Exception as error:  # noqa: BLE001 - the parent has to hear of it
            sys.stderr.write(repr(error))
        finally:
            os._exit(0)
    os.read(before[0], 1)
    change(folder)
    os.write(after[1], b"x")
    os.waitpid(pid, 0)
    os.close(theirs)
    with open(ours, "rb") as said:
        found: list[bool] = json.loads(said.read())
    for end in (*before, *after):
        os.close(end)
    return found


def test_a_role_begins_again_when_a_file_comes(tmp_path: Path) -> None:
    """It was not there to be allowed, and nobody should have to know that."""
    assert stands(tmp_path, lambda folder: (folder / "ca.pem").write_text("x")) == [True, False]


def test_a_role_goes_on_when_nothing_of_its_own_changes(tmp_path: Path) -> None:
    """Nor when a file is gone: it may only be out of sight."""
    assert stands(tmp_path, lambda folder: (folder / "other").write_text("x")) == [True, True]


def test_a_role_begins_again_when_a_file_is_another_one(tmp_path: Path) -> None:
    """What was renamed into its place is not what was allowed."""
    (tmp_path / "ca.pem").write_text("x")

    def replace(folder: Path) -> None:
        (folder / "new").write_text("y")
        (folder / "new").rename(folder / "ca.pem")

    assert stands(tmp_path, replace) == [True, False]
