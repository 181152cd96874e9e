"""What a host has of listeners, certificates and keys, joined by the fingerprints of keys.

Made for the inventories that PCI DSS 4.0.1 asks for: trusted keys and certificates (4.2.1.1), and
cipher suites and protocols in use with their purpose and where they are used (12.3.3).
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from checks.model import Access, Inconclusive  # noqa: TC001 - msgspec resolves them
from checks.tls.summary import (  # noqa: TC001 - msgspec resolves them
    CertificateSummary,
    EndpointSummary,
    Owner,
)

if TYPE_CHECKING:
    from agent.endpoints import Heard
    from agent.report import Report
    from checks.keyfiles import KeySeen
    from checks.tls.keyuse import Use

SCHEMA: Final = "hygiene-agent/inventory/1"
_WEB: Final = frozenset({"h2", "http/1.0", "http/1.1"})


class ListenerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A listening socket of this host.

    speaks: in words; tls: None where that is not known; endpoints: what was asked through it.
    """

    address: str
    port: int
    speaks: str
    tls: bool | None
    owner: Owner
    pids: tuple[int, ...] = ()
    endpoints: tuple[str, ...] = ()


class SuiteRow(msgspec.Struct, frozen=True, kw_only=True):
    """A protocol and a suite in use. name: "" for a protocol of which no suite was seen.

    exchange, authentication: "" in TLS 1.3, which agrees on them apart (see an endpoint's groups
    and certificates); bits: effective strength of the cipher; endpoints: where it is used.
    """

    protocol: str
    name: str
    exchange: str
    authentication: str
    cipher: str
    bits: int
    forward_secrecy: bool
    endpoints: tuple[str, ...]


class CertificateRow(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that is served, that a configuration names, or that belongs to a key.

    days: from first to last of its life; days_left: when the inventory was taken, below 0 once it
    is over; served: by which endpoints; files: that hold it; named: "path:line" of configuration;
    keys: the files of its private key; faults: of certificates, at the endpoints that serve it.
    """

    certificate: CertificateSummary
    days: int
    days_left: int
    served: tuple[str, ...]
    files: tuple[str, ...]
    named: tuple[str, ...]
    keys: tuple[str, ...]
    faults: tuple[str, ...]


class KeyFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that holds a key. form: how; named: "path:line" of configuration.

    proved: its public half was seen; else only configuration says to which certificate it belongs.
    """

    path: str
    form: str
    encrypted: bool
    proved: bool
    access: Access | None
    named: tuple[str, ...]


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A private key. spki: SHA-256 of its public half in hex, "" where nothing gives it away.

    key: its kind and strength; certificates: by SHA-256; endpoints: that serve one of these.
    """

    spki: str
    key: str
    files: tuple[KeyFile, ...]
    certificates: tuple[str, ...]
    endpoints: tuple[str, ...]


class Absent(msgspec.Struct, frozen=True):
    """A certificate file that configuration names and that is not there."""

    path: str
    named: tuple[str, ...]


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found; taken: ISO 8601; root: "" for a live host; below: where keys were sought.

    Paths may hold surrogates (PEP 383): every output makes them safe in its own way.
    """

    version: str
    host: str
    root: str
    taken: str
    seconds: float
    below: tuple[str, ...]
    listeners: tuple[ListenerRow, ...] = ()
    endpoints: tuple[EndpointSummary, ...] = ()
    suites: tuple[SuiteRow, ...] = ()
    certificates: tuple[CertificateRow, ...] = ()
    keys: tuple[KeyRow, ...] = ()
    absent: tuple[Absent, ...] = ()
    inconclusive: tuple[Inconclusive, ...] = ()


class Held(NamedTuple):
    """A certificate in a file; named: "path:line" of the configuration that names it, or ""."""

    certificate: CertificateSummary
    path: str
    named: str = ""


class Gathered(NamedTuple):
    """What an inventory is made of. report: of the look at TLS; missing: (path, "path:line")."""

    host: str
    root: str
    below: tuple[str, ...]
    report: Report
    seconds: float = 0.0
    heard: tuple[Heard, ...] = ()
    held: tuple[Held, ...] = ()
    keys: tuple[KeySeen, ...] = ()
    uses: tuple[Use, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    unseen: tuple[Inconclusive, ...] = ()


def purpose(endpoint: EndpointSummary) -> str:
    """Say what an endpoint is for as far as it shows: "https by nginx, nginx.service"."""
    owner = endpoint.owner
    what = ", ".join(endpoint.alpn) or "TLS"
    if endpoint.http or not _WEB.isdisjoint(endpoint.alpn):
        what = "https"
    if endpoint.starttls:
        what = f"{endpoint.starttls} with STARTTLS"
    who = owner.software or posixpath.basename(owner.executable)
    told = ", ".join(dict.fromkeys(filter(None, (who, owner.unit))))
    return f"{what} by {told}" if told else what
