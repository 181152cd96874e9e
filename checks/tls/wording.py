"""Name suites, groups and versions in the one line that a fault has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls import suites
from checks.tls.numbers import GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checks.tls.facts import Accepted
    from checks.tls.numbers import Version

_MOST: Final = 4
"""So many names are written out; a fault is one line."""


def listed(names: Iterable[str]) -> str:
    """Join names, each once; of many the first few and how many more there are."""
    once = list(dict.fromkeys(names))
    rest = len(once) - _MOST
    return ", ".join(once[:_MOST]) + (f" and {rest} more" if rest > 0 else "")


def suite_names(accepted: Sequence[Accepted]) -> str:
    """Name accepted suites with their versions: "TLS_RSA_WITH_RC4_128_SHA (TLS 1.0, TLS 1.2)"."""
    versions: dict[int, list[str]] = {}
    for one in accepted:
        versions.setdefault(one.suite, []).append(one.version.label)
    return listed(f"{suites.of(s).name} ({', '.join(sorted(v))})" for s, v in versions.items())


def version_names(versions: Iterable[Version]) -> str:
    """Name versions: "TLS 1.0 and TLS 1.1"."""
    *first, last = (version.label for version in versions)
    return f"{', '.join(first)} and {last}" if first else last


def group_name(number: int) -> str:
    """Give a group's name; one that has none here is named by its number."""
    return GROUPS.get(number, f"group {number}")
