"""Say whether a certificate is for the name a client asks for.

RFC 9525 6 (and RFC 6125 before it): DNS names against DNS names, addresses against addresses, never
the common name; a wildcard stands for the whole leftmost label.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

_LONGEST: Final = 253
_LONGEST_LABEL: Final = 63


def matches(wanted: str, names: Collection[str], addresses: Collection[str]) -> bool:
    """Say whether DNS names in lower case and addresses cover WANTED, a host name or an address."""
    if written := address(wanted):
        return written in addresses
    host = ascii_name(wanted)
    if not host:
        return False
    if host in names:
        return True
    _, dot, parent = host.partition(".")
    # A wildcard right under a top-level domain is refused by clients.
    return bool(dot) and "." in parent and f"*.{parent}" in names


def ascii_name(name: str) -> str:
    """Write a host name as it goes over the wire, in lower case and without the last dot.

    Labels that are not ASCII become A-labels (RFC 5890 2.3.2.1); "" for what is no host name.
    """
    if len(name) > _LONGEST:
        return ""
    folded = unicodedata.normalize("NFKC", name).lower().replace("\u3002", ".").removesuffix(".")
    labels = [_label(label) for label in folded.split(".")]
    return ".".join(labels) if all(labels) else ""


def _label(label: str) -> str:
    if len(label) > _LONGEST_LABEL:
        return ""
    if not label.isascii():
        label = "xn--" + unicodedata.normalize("NFC", label).encode("punycode").decode("ascii")
    return "" if len(label) > _LONGEST_LABEL or "*" in label else label


def address(text: str) -> str:
    """Give an address in its usual form, "" for anything else."""
    try:
        return str(ipaddress.ip_address(text.strip("[]").partition("%")[0]))
    except ValueError:
        return ""
