"""A credential or a fault at its place, and how it becomes a finding without its value."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from checks import redact
from checks.keyfiles import KeyFault
from checks.model import Confidence, Evidence, Finding, Location, Severity
from checks.secrets import advice
from checks.secrets.keyfaults import Place

if TYPE_CHECKING:
    from checks.catalog import Named
    from checks.model import Access
    from checks.redact import FingerprintKey
    from checks.secrets import judge
    from checks.secrets.engine import Hits, Token
    from checks.secrets.keyfaults import Fault


class Glance(NamedTuple):
    """What a first glance at a text showed: its candidates and the format of its name."""

    hits: Hits
    named: Named


class Document(NamedTuple):
    """One text to look at: a file, a piece of one, or a member of an archive."""

    path: str
    data: bytes
    access: Access | None = None
    inode: tuple[int, int] = (0, 0)
    place: Place = Place.HOST
    first_line: int = 1
    whole: bool = True
    """False for a piece of a large file, which is read in line mode only."""
    root: str = ""
    """The scanned path that `path` lies under."""
    glance: Glance | None = None
    """What is known of `data`, where that is a text as it is."""

    def __repr__(self) -> str:
        """Leave the data out."""
        return f"<Document {self.path!r} {len(self.data)} bytes>"


class Spotted(NamedTuple):
    """A credential at its place, still with its value; never leaves the process that found it."""

    check: str
    severity: Severity
    confidence: Confidence
    value: str
    line: int
    keys: tuple[str, ...]
    message: str
    fix: str
    references: tuple[str, ...] = ()
    prefix: int = 0
    length: int = -1
    """Characters of what was found, where `value` only stands for it (a key's public half)."""

    def __repr__(self) -> str:
        """Leave the value out."""
        return f"<Spotted {self.check} line {self.line}>"


def from_token(token: Token, line: int, keys: tuple[str, ...] = ()) -> Spotted:
    """Describe a confirmed token; keys: the way to it where it stood in parsed entries."""
    rule = token.rule
    return Spotted(
        check=rule.id,
        severity=Severity.named(rule.severity),
        confidence=Confidence[rule.confidence.upper()],
        value=token.value,
        line=line,
        keys=keys,
        message=f"{rule.title} in clear text",
        fix=rule.fix,
        references=rule.references,
        prefix=0 if rule.context else 4,
    )


def from_fault(key: KeyFault, before: int) -> Spotted:
    """Describe a fault of a key in a text that begins BEFORE lines into its file."""
    fault = key.fault
    return Spotted(
        check=fault.check,
        severity=fault.severity,
        confidence=fault.confidence,
        value=key.identity,
        line=key.line + before if key.line else 0,
        keys=(),
        message=fault.message,
        fix=fault.fix,
        references=advice.CHECKS[fault.check].references,
        length=key.length if fault.check == "embedded-private-key" else 0,
    )


def joined_fault(fault: Fault, spki: str) -> Spotted:
    """Describe a fault of a key that is known by its public half."""
    return from_fault(KeyFault(fault, 0, spki, 0), 0)


def as_sample(spotted: Spotted) -> Spotted:
    """Lower what stands in a document or a binary: it is most likely a sample."""
    return spotted._replace(severity=Severity.LOW, confidence=Confidence.LOW)


def from_candidate(candidate: judge.Candidate) -> Spotted:
    """Describe a judged entry by its fault or by the text of its check."""
    entry, fault = candidate.entry, candidate.fault
    text_of = advice.CHECKS[candidate.check]
    subject = redact.key_name(redact.without(entry.subject, entry.value))
    return Spotted(
        check=candidate.check,
        severity=candidate.severity,
        confidence=candidate.confidence,
        value=entry.value,
        line=entry.line,
        keys=entry.keys,
        message=(fault.message if fault else text_of.message) + (f" ({subject})" * bool(subject)),
        fix=fault.fix if fault else text_of.fix,
        references=text_of.references,
    )


def finding(
    spotted: Spotted, document: Document, keys: tuple[FingerprintKey, ...], root: str = ""
) -> Finding:
    """Describe a credential without repeating it."""
    evidence = redact.evidence(spotted.value, keys, prefix=spotted.prefix)
    if spotted.length >= 0:
        preview = evidence.preview if spotted.length else ""
        evidence = Evidence(preview, spotted.length, evidence.fingerprints)
    keys_shown = (redact.key_name(redact.without(key, spotted.value)) for key in spotted.keys)
    path = ".".join(keys_shown)[:200]
    parts = [spotted.check, evidence.fingerprints[0].value, document.path, path]
    identity = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass"))
    return Finding(
        check=spotted.check,
        severity=spotted.severity,
        confidence=spotted.confidence,
        location=Location(document.path, spotted.line, key_path=path, root=root),
        message=spotted.message,
        fix=spotted.fix,
        evidence=evidence,
        access=document.access,
        references=spotted.references,
        identity=identity.hexdigest()[:32],
    )
