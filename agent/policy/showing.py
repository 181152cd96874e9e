"""Show the policy that holds, value by value, with the layers that each comes from. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from checks import policy
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.policy.activation import Effective

_DEFAULT = "built in"


def lines(effective: Effective, *, origin: bool) -> Iterator[str]:
    """Give a line for each value; origin: also for those that no layer says, with what says them.

    A list of mappings, such as waivers, has a line for each of them.
    """
    for path, value in _values(_whole(effective) if origin else effective.says):
        said = printable(f"{path}: {_text(value)}", longest=2000)
        yield f"{said}  [{', '.join(_origin(path, effective.origins))}]" if origin else said


def told(effective: Effective, *, origin: bool) -> dict[str, object]:
    """Give it as JSON has it."""
    made: dict[str, object] = {
        "name": effective.name,
        "sha256": effective.sha256,
        "editions": effective.editions,
        "policy": effective.says,
    }
    return made | ({"origins": effective.origins} if origin else {})


def _whole(effective: Effective) -> dict[str, object]:
    """Give every value there is, as the policy itself has it."""
    import msgspec

    whole: dict[str, object] = msgspec.to_builtins(policy.from_mapping(effective.says))
    return whole


def _values(tree: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, object]]:
    for key, value in sorted(tree.items()):
        path = f"{place}.{key}" if place else key
        if isinstance(value, dict) and value:
            yield from _values(value, path)
        elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
            yield from ((f"{path}[{i}]", one) for i, one in enumerate(value))
        else:
            yield path, value


def _origin(path: str, origins: Mapping[str, Sequence[str]]) -> Sequence[str]:
    return origins.get(path.partition("[")[0], (_DEFAULT,))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
