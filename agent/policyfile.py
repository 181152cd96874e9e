"""Read a policy file, or give the built-in policy. EDGE."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from checks import policy
from checks.errors import PolicyError

if TYPE_CHECKING:
    from checks.policy import Policy


class Holding(NamedTuple):
    """A policy, and the folder that the files it names are beside."""

    policy: Policy
    beside: Path


def holding(path: Path | None) -> Holding:
    """Read a policy file, or give the built-in policy; raises PolicyError."""
    return Holding(load(path), path.parent if path else Path())


def load(path: Path | None) -> Policy:
    """Read a policy file, or give the built-in policy; raises PolicyError."""
    if path is None:
        return policy.Policy()
    from agent import given, yamlfile
    from agent.policy import contents

    raw = yamlfile.load(path)
    try:
        contents.written_out(raw, lambda name: given.read(path.parent / name, PolicyError))
        told = policy.from_mapping(raw)
        if told.tls.profiles:
            from agent import profiling

            profiling.of_policy(told, path.parent)
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from error
    return told
