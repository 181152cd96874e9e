"""Errors of a decoded document say where, what was expected, and what was found."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest

from checks import mismatch


class Cat(msgspec.Struct, tag="cat", tag_field="kind", forbid_unknown_fields=True):
    """One kind of many."""

    lives: Annotated[int, msgspec.Meta(ge=0)]


class Dog(msgspec.Struct, tag="dog", tag_field="kind", forbid_unknown_fields=True):
    """The other."""

    size: Literal["small", "big"] = "small"


class House(msgspec.Struct, forbid_unknown_fields=True):
    """What they live in."""

    pets: tuple[Cat | Dog, ...] = ()
    first: Cat | None = None
    rooms: dict[str, Literal["on", "off"]] = {}


FAULTS: list[tuple[Any, str]] = [
    ([], "house: expected object, got array"),
    ({"pet": []}, "pet: unknown key, expected one of first, pets, rooms"),
    ({"pets": [{"kind": "cat"}]}, "pets[0].lives: expected a value, got none"),
    ({"pets": [{"kind": "cow"}]}, "pets[0].kind: expected one of cat, dog, got 'cow'"),
    ({"pets": [{"kind": "cat", "lives": "9"}]}, "pets[0].lives: expected int, got '9'"),
    ({"pets": [{"kind": "cat", "size": 1}]}, "pets[0].size: unknown key, expected one of"),
    (
        {"pets": [{"kind": "dog"}, {"kind": "dog", "size": "tall"}]},
        "pets[1].size: expected one of big, small, got 'tall'",
    ),
    ({"first": {"kind": "cat", "life": 9}}, "first.life: unknown key, expected one of"),
    ({"rooms": {"a": "on", "b": True}}, "rooms.b: expected one of off, on, got true"),
    ({"rooms": {"\x1b[2J": 1}}, "rooms.?[2J: expected one of off, on, got 1"),
]


@pytest.mark.parametrize(("raw", "said"), FAULTS)
def test_an_error_names_place_expected_and_found(raw: Any, said: str) -> None:  # noqa: ANN401 - any document
    """Through lists, mappings, what may be missing, and one kind of many."""
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(raw, House)
    told = mismatch.explained(raw, str(error.value), msgspec.json.schema(House), "house")
    assert told.startswith(said)
    assert told.isprintable()
