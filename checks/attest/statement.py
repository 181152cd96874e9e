"""What an attestation says: an in-toto Statement v1 about a scan, and the predicate of our own.

https://github.com/in-toto/attestation, spec/v1/statement.md. It holds counts and hashes only: no
finding, no path, no value. Fields that are not known are passed over, as the specification asks.
"""

from __future__ import annotations

import datetime  # noqa: TC003 - msgspec resolves it
from typing import Annotated, Final, Literal

import msgspec

from checks.attest import dsse
from checks.errors import AttestationError
from checks.policy import SeverityName  # noqa: TC001 - msgspec resolves it

TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "https://hygiene-agent.example/scan/v1"
"""The name of our predicate; nothing has to be there."""
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Text = Annotated[str, msgspec.Meta(max_length=1024)]
_Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Counts = Annotated[dict[_Text, _Count], msgspec.Meta(max_length=256)]
_Digests = Annotated[dict[_Text, _Text], msgspec.Meta(min_length=1, max_length=8)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of the statement."""


class Subject(_Part, frozen=True):
    """What it is about. digest: in hex, by algorithm."""

    digest: _Digests
    name: _Text = ""


class Tool(_Part, frozen=True):
    """What looked."""

    name: _Text
    version: _Text


class Policy(_Part, frozen=True):
    """By what it was judged. sha256: of what it says beside what is built in.

    rules: SHA-256 of all rules that were in use; editions: of each layer, where it is a store's.
    """

    name: _Text
    sha256: _Hash
    rules: _Hash
    editions: _Counts = {}


class Verdict(_Part, frozen=True):
    """Whether it passed the gate; only_new: what the base image has did not count.

    incomplete: nothing reached the threshold, but not everything could be looked at.
    """

    result: Literal["passed", "failed", "incomplete"]
    fail_on: SeverityName
    only_new: bool = False


class Coverage(_Part, frozen=True):
    """How much was looked at. not_looked_at: how many, by the reason."""

    files: _Count
    bytes: _Count
    archive_members: _Count = 0
    degraded: _Count = 0
    not_applicable: _Counts = {}
    not_looked_at: _Counts = {}


class Predicate(_Part, frozen=True, kw_only=True):
    """One scan. scanned: what it looked at; findings: by severity; suppressed: by the kind."""

    scanned: Literal["image", "root", "paths"]
    tool: Tool
    started: Annotated[datetime.datetime, msgspec.Meta(tz=True)]
    seconds: Annotated[float, msgspec.Meta(ge=0)]
    policy: Policy
    verdict: Verdict
    findings: dict[SeverityName, _Count]
    suppressed: _Counts = {}
    coverage: Coverage


class Statement(msgspec.Struct, frozen=True):
    """The whole, as it is believed."""

    subjects: tuple[Subject, ...]
    predicate: Predicate


class _Written(_Part, frozen=True):
    type: str = msgspec.field(name="_type")
    subject: Annotated[tuple[Subject, ...], msgspec.Meta(min_length=1, max_length=1000)]
    predicate_type: str
    predicate: msgspec.Raw


def write(told: Statement) -> bytes:
    """Give a statement as JSON."""
    predicate = msgspec.Raw(msgspec.json.encode(told.predicate))
    written = _Written(
        type=TYPE, subject=told.subjects, predicate_type=PREDICATE, predicate=predicate
    )
    return msgspec.json.encode(written)


def read(payload: bytes) -> Statement:
    """Read what was signed; raises AttestationError, which repeats nothing of it."""
    written = dsse.decoded(payload, _Written, "statement")
    if written.type != TYPE:
        raise AttestationError(f"statement: expected type {TYPE}, it is another")
    if written.predicate_type != PREDICATE:
        raise AttestationError("statement: is about no scan by hygiene-agent")
    return Statement(
        written.subject, dsse.decoded(bytes(written.predicate), Predicate, "predicate")
    )
