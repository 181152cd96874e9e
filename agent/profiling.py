"""Find the TLS profiles that are asked for: shipped ones, own ones in files or policies. EDGE."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from checks import redact
from checks.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from checks.policy import Policy
    from checks.tls.profilefile import Profile

_SUFFIXES: Final = frozenset({".yaml", ".yml"})
_LONGEST: Final = 80


def wanted(asked: Iterable[str], told: Policy, home: Path) -> tuple[Profile, ...]:
    """Give the profiles of a command line and of a policy, each once; raises PolicyError.

    home: the folder of the policy file, which the files that it names are relative to.
    """
    found = {said: named(said) for said in asked}.values()
    return _distinct((*found, *of_policy(told, home)))


def of_policy(told: Policy, home: Path) -> tuple[Profile, ...]:
    """Give the profiles that a policy asks for; raises PolicyError with the place in it."""
    profiles = told.tls.profiles
    return _distinct(_told(said, home, f"tls.profiles[{i}]") for i, said in enumerate(profiles))


def _told(said: str | Mapping[str, object], home: Path, where: str) -> Profile:
    if not isinstance(said, str):
        from checks.tls import profilefile  # heavy

        return profilefile.from_mapping(said, where, ".")
    return named(said, home, where)


def named(said: str, home: Path = Path(), where: str = "profile") -> Profile:
    """Give a shipped profile by its name, or one's own by its file; raises PolicyError."""
    from checks.tls import profilefile  # heavy

    if said in profilefile.names():
        return profilefile.shipped(said)
    if "/" in said or Path(said).suffix.lower() in _SUFFIXES:
        from agent import yamlfile

        path = home / said
        return profilefile.from_mapping(yamlfile.load(path), str(path))
    known = ", ".join(profilefile.names())
    got = redact.shown(said[:_LONGEST])
    raise PolicyError(f"{where}: expected a file such as ours.yaml, or one of {known}, got {got!r}")


def _distinct(profiles: Iterable[Profile]) -> tuple[Profile, ...]:
    """Give each once; findings are told apart by a profile's id, so that no two may share one."""
    found: dict[str, Profile] = {}
    for profile in profiles:
        if found.setdefault(profile.id, profile) != profile:
            raise PolicyError(f"profile {profile.id}: given twice, with other rules")
    return tuple(found.values())
