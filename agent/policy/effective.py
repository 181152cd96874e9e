"""Make of a host's layers the policy that holds for it, or say what is wrong with it. Pure.

What comes from a store names no file of the host: rules and TLS profiles are written out in it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import msgspec

from agent import packing, policychange
from agent.policy import layers
from agent.policy.activation import Effective
from agent.policy.layers import Layer
from checks import policy
from checks.errors import PolicyError
from checks.tls import profilefile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from checks.policy import Policy

_LARGEST: Final = 4 * 1024 * 1024
"""Bytes of the largest policy: every role holds it, and compiles its rules, within its budget."""
_DEEPEST: Final = 64
"""Mappings and lists within each other."""


def layer(name: str, content: bytes) -> Layer:
    """Read one edition of a layer; raises PolicyError."""
    if len(content) > _LARGEST:
        raise PolicyError(f"{name}: expected at most {_LARGEST} bytes, got {len(content)}")
    try:
        says = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"{name}: not JSON") from error
    if not isinstance(says, dict):
        raise PolicyError(f"{name}: expected a mapping")
    if _is_deep(says):
        raise PolicyError(f"{name}: expected at most {_DEEPEST} mappings and lists in each other")
    return Layer(name, says)


def _is_deep(says: dict[str, object]) -> bool:
    level: list[object] = [says]
    for _ in range(_DEEPEST):
        level = [inner for one in level for inner in _inside(one)]
    return any(isinstance(one, dict | list) for one in level)


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def made(
    joined: Iterable[Layer], editions: Mapping[str, int], versions: Mapping[str, int]
) -> Effective:
    """Put layers together; raises PolicyError with the place and the layer it comes from."""
    merged = layers.merge(joined)
    try:
        told = contained(policy.from_mapping(merged.policy))
    except PolicyError as error:
        raise PolicyError(f"{error}{_whose(str(error), merged.origins)}") from error
    return _held(
        Effective(
            name=told.name,
            sha256=policychange.digest(told),
            says=merged.policy,
            editions=dict(editions),
            origins=merged.origins,
            versions=dict(versions),
        )
    )


def _held(made: Effective) -> Effective:
    """Refuse a policy that this host could not keep; raises PolicyError."""
    try:
        size = len(packing.pack(made))
    except OverflowError as error:
        raise PolicyError("expected no number of more than 64 bits") from error
    if size > _LARGEST:
        raise PolicyError(f"all layers together: expected at most {_LARGEST} bytes, got {size}")
    return made


def own(told: Policy, file: str) -> Effective:
    """Give a policy of the host's own; file: what it was read from, "" for the built-in one."""
    says: dict[str, object] = msgspec.to_builtins(told)
    before: dict[str, object] = msgspec.to_builtins(policy.Policy())
    changed = _changed(before, says) if file else {}
    merged = layers.merge([Layer(file, changed)])
    return Effective(
        name=told.name,
        sha256=policychange.digest(told),
        says=merged.policy,
        editions={},
        origins=merged.origins,
    )


def _changed(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, object]:
    """Give what differs from what is built in."""
    found: dict[str, object] = {}
    for key, value in after.items():
        known = before.get(key)
        if isinstance(value, dict) and isinstance(known, dict) and known:
            if inner := _changed(known, value):
                found[key] = inner
        elif value != known:
            found[key] = value
    return found


def contained(told: Policy) -> Policy:
    """Refuse a policy that names files of the host; raises PolicyError."""
    for i, rules in enumerate(told.secrets.rules):
        if isinstance(rules, str):
            raise PolicyError(f"secrets.rules[{i}]: expected rules written out, got a file's name")
    for i, profile in enumerate(told.tls.profiles):
        if isinstance(profile, str) and profile not in profilefile.names():
            raise PolicyError(f"tls.profiles[{i}]: expected a shipped profile or one written out")
    return told


def policy_of(effective: Effective) -> Policy:
    """Give the policy itself; raises PolicyError, also where the hash is another one."""
    told = contained(policy.from_mapping(msgspec.to_builtins(effective.says)))
    if policychange.digest(told) != effective.sha256:
        raise PolicyError("its hash is not what was said")
    return told


def _whose(error: str, origins: Mapping[str, tuple[str, ...]]) -> str:
    """Name the layers that said what is wrong, where the message begins with the place of it."""
    place = error.partition(":")[0].partition("[")[0]
    found = origins.get(place) or next(
        (whose for path, whose in origins.items() if path.startswith(f"{place}.")), ()
    )
    return f" (from {', '.join(found)})" if found else ""
