"""What a source in Vault gave: a key to be served, or values, and how long it is good. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from agent.vault.material import Material, MaterialError, Values, material

if TYPE_CHECKING:
    from collections.abc import Mapping

_SERVED: Final = {"key", "certificate", "chain"}


class Got(NamedTuple):
    """What a source gave. version: which it is, as Vault counts; good from `begins` to `ends`.

    Times in seconds since 1970; `ends` is infinite where nothing says when.
    """

    what: Material | Values
    version: str
    begins: float
    ends: float


def chosen(fields: Mapping[str, object], named: Mapping[str, str]) -> Material | Values:
    """Make of a secret what its source's names say: key, certificate and chain, or values.

    Raises MaterialError.
    """
    return material(fields, named) if named.keys() <= _SERVED else values(fields, named)


def values(fields: Mapping[str, object], named: Mapping[str, str]) -> Values:
    """Choose fields, by our names for them; raises MaterialError."""
    found = {ours: fields.get(theirs) for ours, theirs in named.items()}
    texts = {ours: value for ours, value in found.items() if isinstance(value, str)}
    for ours in found.keys() - texts.keys():
        raise MaterialError(f"{named[ours]}: expected a field with text")
    return Values(texts)
