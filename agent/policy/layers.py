"""Put a host's policy together of its layers: base, then its groups, then the host itself. Pure.

The rules of merging: a mapping joins with the one below it, key by key; a list or a plain value
replaces the one below; a list under `KEY+` is put behind the one below; `null` takes away what is
below. What a layer says nothing of stays as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from checks.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BASE: Final = "base"
_APPEND: Final = "+"


class Layer(NamedTuple):
    """One layer: its name, such as "group/role/web", and the mapping that it says."""

    name: str
    says: Mapping[str, object]


class Merged(NamedTuple):
    """What all layers say together, and by key path which layers each value comes from."""

    policy: dict[str, object]
    origins: dict[str, tuple[str, ...]]


def names(labels: Mapping[str, str], host: str) -> tuple[str, ...]:
    """Name the layers of a host, the weakest first: groups go in the order of its labels."""
    groups = (f"group/{_plain(label)}/{_plain(value)}" for label, value in labels.items())
    return (BASE, *groups, f"host/{_plain(host)}")


def _plain(text: str) -> str:
    """Write a text as one part of a path; a name of dots alone would be another folder."""
    quoted = quote(text, safe="")
    return quoted.replace(".", "%2E") if not quoted.strip(".") else quoted


def merge(layers: Iterable[Layer]) -> Merged:
    """Put layers together, the weakest first; raises PolicyError with layer and key path."""
    merged = Merged({}, {})
    for layer in layers:
        _join(merged.policy, layer.says, "", layer.name, merged.origins)
    return merged


def _join(
    below: dict[str, object],
    says: Mapping[str, object],
    place: str,
    layer: str,
    origins: dict[str, tuple[str, ...]],
) -> None:
    """Put what one layer says over what is below, in place."""
    for told, value in says.items():
        key = told.removesuffix(_APPEND)
        path = f"{place}.{key}" if place else key
        if key != told:
            if key in says:
                raise PolicyError(f"{layer}: {path}: expected {key} or {told}, got both")
            below[key] = _behind(below.get(key), value, f"{layer}: {path}")
            origins[path] = (*origins.get(path, ()), layer)
        elif isinstance(value, dict):
            under = below.get(key)
            if not isinstance(under, dict):
                _forget(path, under, origins)
                under = below[key] = {}
            _join(under, value, path, layer, origins)
        else:
            _forget(path, below.pop(key, None), origins)
            if value is not None:
                below[key] = value
                origins[path] = (layer,)


def _behind(below: object, value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise PolicyError(f"{where}{_APPEND}: expected a list")
    if below is not None and not isinstance(below, list):
        raise PolicyError(f"{where}{_APPEND}: expected a list below, to append to")
    return [*(below or []), *value]


def _forget(path: str, value: object, origins: dict[str, tuple[str, ...]]) -> None:
    """Take away the origins of a value and of all that is in it."""
    origins.pop(path, None)
    if isinstance(value, dict):
        for key, inner in value.items():
            _forget(f"{path}.{key}", inner, origins)
