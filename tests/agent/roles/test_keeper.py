"""The keeper's loop ends with what it is for, so that another one begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent import powers, settings
from agent.roles.base import Base
from agent.roles.keeper import _Loop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Base]:
    login = {"kind": "token", "token_file": str(tmp_path / "token")}
    vault = {"address": "https://127.0.0.1:1", "folder": str(tmp_path / "run"), "login": login}
    told = settings.from_mapping({"version": 1, "state": str(tmp_path / "state"), "vault": vault})
    powers.prepare(told)
    one = Base("keeper", told)
    yield one
    one.close()


@pytest.mark.parametrize("broken", [False, True])
def test_work_that_ends_by_itself_ends_the_role(base: Base, *, broken: bool) -> None:
    """Something that nobody thought of is told by its kind; while all is well the role goes on."""
    loop = _Loop(base)
    if broken:
        loop._worker._said = None  # type: ignore[assignment]  # nobody can be told of a failed login
    loop.start()
    for _ in range(8):
        loop.turn()
    loop.stop()
    assert (base.stopping, loop._worker.ended) == (broken, "AttributeError" if broken else "")
