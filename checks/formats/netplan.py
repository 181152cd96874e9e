"""Netplan: YAML whose wireless passwords, tunnel keys and modem codes are credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import yaml_docs
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "netplan/*.yaml", "netplan/*.yml", "netplan/*.yaml.*", "netplan.yaml", "*netplan*.yaml",
    "network-config",
)  # fmt: skip

_SECRET: Final = frozenset({"password", "psk", "client-key-password", "pin"})
_TUNNEL: Final = frozenset({"key", "private", "shared", "input", "output"})


def parse(text: str) -> Iterator[Entry]:
    """Give the entries of the YAML text, credentials as such; raises FormatError as it does."""
    for entry in filter(_is_named, yaml_docs.parse(text)):
        yield entry._replace(role=Role.SECRET) if _is_secret(entry) else entry


def _is_secret(entry: Entry) -> bool:
    name = entry.keys[-1]
    if name in _SECRET:
        return True
    tunnel = "tunnels" in entry.keys and not entry.value.startswith("/")
    # A number or an address is the key of a GRE tunnel, which protects nothing.
    return tunnel and name in _TUNNEL and len(entry.value) > 15 and not entry.value.isdigit()


def _is_named(entry: Entry) -> bool:
    """Leave out the value of a document that is one scalar."""
    return bool(entry.keys)
