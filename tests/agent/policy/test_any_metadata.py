"""Whatever bytes a store or a disk has, and whatever a role's own keys sign: refused, or a view."""

from __future__ import annotations

import copy
import json
import runpy
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import packing
from agent.policy.belief import Seen
from agent.policy.trust import Client, RefusedError

if TYPE_CHECKING:
    from tests.agent.policy.published import Repository

ROLES = ("root", "timestamp", "snapshot", "targets")
SERVED = ("2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json")
COPIES = ("root_history/2.root.json", "timestamp.json", "snapshot.json", "targets.json")
RIGHT = dict.fromkeys(ROLES, 1) | {"root": 2}
ODD: tuple[object, ...] = (
    None, True, False, 0, -1, 1, 2**53 + 1, 10**400, "", "\ud800", "x" * 300, [], {}, [[]],
    {"": {}}, ["a", "a"], "2030-01-01T00:00:00Z", "9999-99-99T00:00:00Z", "\x1b[2J", "1.x",
)  # fmt: skip


@cache
def _repository() -> Repository:
    path = Path(__file__).with_name("published.py")
    repository: Repository = runpy.run_path(str(path))["Repository"]()
    repository.rotate("root")
    return repository


def _client(folder: Path) -> Client:
    repository = _repository()
    return Client(
        repository.shelf,
        folder,
        repository.pin,
        minimum={},
        longest=None,
        now=lambda: repository.now,
    )


def _tried(folder: Path) -> bool:
    """Refresh: only our own error leaves, short, in one line; say whether. A view can be kept."""
    said, view = "", None
    try:
        view = _client(folder).refresh(Seen())
    except RefusedError as error:
        said = str(error)
    assert bool(said) != bool(view)
    assert len(said) < 1000
    assert said.isprintable()
    assert view is None or packing.unpack(packing.pack(view.seen), Seen) == view.seen
    return bool(said)


def _versions(folder: Path) -> dict[str, int]:
    """Refresh with what is right; gives the versions that are then in force."""
    return _client(folder).refresh(Seen()).versions


@st.composite
def damaged(draw: st.DrawFn, right: bytes) -> bytes:
    """Give bytes that are like the right ones, or like nothing."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=300))
    start = draw(st.integers(0, len(right)))
    end = draw(st.integers(start, min(start + 40, len(right))))
    return right[:start] + draw(st.binary(max_size=40)) + right[end:]


def _places(value: object, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Give the way to everything in a JSON value."""
    found = [place] if place else []
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for key, one in inner:
        found += _places(one, (*place, key))
    return found


@pytest.mark.parametrize("number", range(4))
@given(data=st.data())
@settings(max_examples=60)
def test_any_bytes_of_a_store(number: int, data: st.DataObject) -> None:
    """They are refused, and the right ones are taken afterwards."""
    repository = _repository()
    name = f"metadata/{SERVED[number]}"
    right = repository.shelf.files[name]
    assert isinstance(right, bytes)
    with tempfile.TemporaryDirectory() as folder:
        repository.shelf.files[name] = data.draw(damaged(right))
        try:
            _tried(Path(folder))
        finally:
            repository.shelf.files[name] = right
        assert _versions(Path(folder)) == RIGHT


@pytest.mark.parametrize("number", range(4))
@given(data=st.data())
@settings(max_examples=60)
def test_any_bytes_of_a_copy(number: int, data: st.DataObject) -> None:
    """They are no matter at all."""
    with tempfile.TemporaryDirectory() as folder:
        assert _versions(Path(folder)) == RIGHT
        file = Path(folder, "metadata", COPIES[number])
        file.write_bytes(data.draw(damaged(file.read_bytes())))
        assert _versions(Path(folder)) == RIGHT


@pytest.mark.parametrize("role", ROLES)
@given(data=st.data())
@settings(max_examples=150)
def test_anything_that_is_signed(role: str, data: st.DataObject) -> None:
    """A role's keys may sign nonsense: that is refused in our own words too."""
    repository = _repository()
    said = json.loads(json.dumps(repository.signed[role].to_dict()))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(_places(said)))
        held = said
        for key in place[:-1]:
            held = held[key]
        odd = copy.deepcopy(data.draw(st.sampled_from(ODD)))
        if odd is None and isinstance(held, dict):
            del held[place[-1]]
        else:
            held[place[-1]] = odd
    name = f"metadata/{SERVED[ROLES.index(role)]}"
    right = repository.shelf.files[name]
    with tempfile.TemporaryDirectory() as folder:
        try:
            repository.shelf.files[name] = repository.forged(role, said)
            refused, again = _tried(Path(folder)), _tried(Path(folder))
        except UnicodeEncodeError:
            return  # nobody can sign that
        finally:
            repository.shelf.files[name] = right
    assert refused == again
