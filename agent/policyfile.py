"""Read a policy file, or give the built-in policy. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks import policy
from checks.errors import PolicyError

if TYPE_CHECKING:
    from pathlib import Path

    from checks.policy import Policy


def load(path: Path | None) -> Policy:
    """Read a policy file, or give the built-in policy; raises PolicyError."""
    if path is None:
        return policy.Policy()
    from agent import yamlfile

    raw = yamlfile.load(path)
    try:
        told = policy.from_mapping(raw)
        if told.tls.profiles:
            from agent import profiling

            profiling.of_policy(told, path.parent)
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from error
    return told
