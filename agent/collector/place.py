"""Tell which findings of different hosts are the same fault, and keep them small. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

import msgspec

from checks.model import Evidence, Fingerprint

if TYPE_CHECKING:
    from checks.model import Finding

_ENDPOINT: Final = re.compile(r"([a-z0-9+]+://)(?:\[[^\]/]*\]|[^/:]*)(:[0-9]+)(.*)", re.DOTALL)


def fault(finding: Finding) -> bytes:
    """Give the same 16 bytes for the same fault at the same place, whichever the host.

    An identity is not that: the fingerprint in it is made by a key that each host has for itself.
    Of an endpoint the address does not count, its port and name do.
    """
    where = finding.location
    parts = (finding.check, shown(where.path), where.key_path, where.layer)
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).digest()


def shown(path: str) -> str:
    """Give a path as it is, an endpoint with "*" for its address."""
    match = _ENDPOINT.fullmatch(path)
    return f"{match[1]}*{match[2]}{match[3]}" if match else path


def bounded(finding: Finding) -> Finding:
    """Cut what is longer than anybody reads, so that no host can fill the receiver."""
    replace = msgspec.structs.replace
    where, who, seen = finding.location, finding.access, finding.evidence
    return replace(
        finding,
        message=finding.message[:1000],
        fix=finding.fix[:2000],
        snippet=finding.snippet[:4000],
        references=tuple(one[:500] for one in finding.references[:10]),
        location=replace(
            where,
            path=where.path[:4096],
            key_path=where.key_path[:500],
            layer=where.layer[:200],
            root=where.root[:4096],
        ),
        access=who and replace(who, owner=who.owner[:100], group=who.group[:100]),
        evidence=seen and _bounded_evidence(seen),
    )


def _bounded_evidence(seen: Evidence) -> Evidence:
    prints = tuple(Fingerprint(one.key[:200], one.value[:200]) for one in seen.fingerprints[:4])
    return Evidence(seen.preview[:200], seen.length, prints)
