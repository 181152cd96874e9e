"""What is kept of a key on the disk: numbers and hashes, which an older or newer one can read."""

from __future__ import annotations

import msgspec
import pytest

from agent import packing
from agent.vault.record import Record, State

WHOLE = Record(
    name="web",
    state=State.KEPT,
    source="cd" * 32,
    version="7",
    sha256="ab" * 32,
    begins=1.0,
    ends=2.0,
    got=3.0,
    proven=4.0,
    due=5.0,
    failures=6,
    fault="vault-away",
    why="sealed",
)


def test_it_comes_back_as_it_was() -> None:
    """All of it, and one of which nothing is known yet."""
    for one in (WHOLE, Record(name="web")):
        assert packing.unpack(packing.pack(one), Record) == one
    with pytest.raises(msgspec.MsgspecError):
        packing.unpack(packing.pack(Record(name="web"))[:-1], Record)


def test_what_is_not_known_takes_no_place() -> None:
    """A record of nothing is a name, and so is what older ones wrote."""
    assert msgspec.to_builtins(Record(name="web")) == {"name": "web"}
    assert msgspec.convert({"name": "web", "later": 1}, Record) == Record(name="web")


def test_it_has_no_room_for_a_secret() -> None:
    """Each field is a number, a hash, a name or a reason of ours; a new one fails here."""
    assert (
        set(Record.__struct_fields__)
        == set(msgspec.to_builtins(WHOLE))
        == {
            *("name", "state", "version", "sha256", "begins", "ends", "got", "proven", "due"),
            *("failures", "fault", "why", "source"),
        }
    )
