"""What an audit log is, and whether one is whole: a chain of entries, each bound by hash. Pure.

A log is a file of JSON lines. An entry names its chain, its number (from 1, without gaps) and the
hash of the entry before it (64 zeros for the first); its own hash is the SHA-256 of its line up to
`,"sha256":`, closed by a brace:

    {"chain":"watcher","sequence":1,...,"before":"00...00","sha256":"..."}

Whoever changes, removes, adds or swaps lines breaks the chain, or makes it anew with other hashes;
whoever cuts its end off leaves a good chain that lacks entries. Both show beside a head (number and
hash of an entry) that was sent off the host. A line that was torn in writing is followed by an
entry that says how long it was and what its hash is; where a writer met a fault, an entry says so.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final, NamedTuple

import msgspec

from agent.events import Actor, Audit
from checks.errors import HygieneError
from checks.lazy import regex
from checks.printable import printable

LONGEST: Final = 16 * 1024
"""Bytes of a line with its line feed."""
HEALED: Final = "healed"
DAMAGED: Final = "damaged"
_BEGIN: Final = "0" * 64
_TEXT: Final = 512
_JOINT: Final = b',"sha256":"'
_END: Final = b'"}\n'
_HEAD: Final = regex(r"([1-9][0-9]{0,15}):([0-9a-f]{64})")
_MOST_FAULTS: Final = 20


class AuditError(HygieneError):
    """An audit log that cannot be written or read, or a head that is none."""


class Head(NamedTuple):
    """An entry by number and hash; as text "SEQUENCE:HASH"."""

    sequence: int = 0
    sha256: str = _BEGIN

    def __str__(self) -> str:
        """Give what `head` reads."""
        return f"{self.sequence}:{self.sha256}"


START: Final = Head()
"""What the first entry follows."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One act. at: seconds since 1970 in UTC; before: the hash of the entry before it."""

    chain: str
    sequence: int
    at: float
    actor: Actor
    act: str
    subject: str
    result: str
    before: str
    sha256: str

    @property
    def head(self) -> Head:
        """The head of a log that ends with it."""
        return Head(self.sequence, self.sha256)


class Said(NamedTuple):
    """What an entry is about, by whoever writes it. None of it may hold a secret."""

    act: str
    subject: str = ""
    result: str = ""


def head(text: str) -> Head:
    """Read "SEQUENCE:HASH"; raises AuditError."""
    found = _HEAD.fullmatch(text)
    if found is None:
        raise AuditError("head: expected a number, a colon and 64 hexadecimal digits")
    return Head(int(found[1]), found[2])


def line(chain: str, said: Said, actor: Actor, at: float, behind: Head) -> bytes:
    """Write an entry behind another one."""
    body = {
        "chain": chain,
        "sequence": behind.sequence + 1,
        "at": round(at, 6),
        "actor": msgspec.to_builtins(actor),
        "act": printable(said.act, longest=_TEXT),
        "subject": printable(said.subject, longest=_TEXT),
        "result": printable(said.result, longest=_TEXT),
        "before": behind.sha256,
    }
    plain = json.dumps(body, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
    return plain[:-1] + _JOINT + hashlib.sha256(plain).hexdigest().encode() + _END


def entry(data: bytes) -> Entry | None:
    """Read a line with its line feed; None for what is no entry or does not have its own hash."""
    body, joint, own = data.rpartition(_JOINT)
    if len(data) > LONGEST or not joint or hashlib.sha256(body + b"}").hexdigest() != _hash(own):
        return None
    try:
        return msgspec.json.decode(data, type=Entry)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _hash(own: bytes) -> str:
    return own.removesuffix(_END).decode("ascii", "replace") if own.endswith(_END) else ""


class Fragment:
    """What stands where an entry should be, described without keeping it."""

    def __init__(self, data: bytes, line: int = 0) -> None:
        """Begin with some bytes, in a line."""
        self.line = line
        self._hash = hashlib.sha256()
        self._length = 0
        self.ended = False
        """The last line feed; it is written when the fragment is healed, and no part of it."""
        self.add(data)

    def add(self, data: bytes) -> None:
        """Go on with further bytes."""
        held = b"\n" * self.ended + data
        self.ended = held.endswith(b"\n")
        held = held.removesuffix(b"\n")
        self._hash.update(held)
        self._length += len(held)

    def __str__(self) -> str:
        """Give what the entry behind it says of it."""
        return f"{self._length} bytes, sha256 {self._hash.hexdigest()}"


def told(one: Entry) -> Audit:
    """Give an entry as what is reported of it."""
    return Audit(
        chain=one.chain,
        sequence=one.sequence,
        sha256=one.sha256,
        at=one.at,
        actor=one.actor,
        act=one.act,
        subject=one.subject,
        result=one.result,
    )


class Checker:
    """Goes through the lines of a log, in order, and keeps what is wrong with it."""

    def __init__(self, chain: str, head: Head = START) -> None:
        """Begin behind an entry."""
        self._chain, self._lines = chain, 0
        self._torn: Fragment | None = None
        self.head = head
        self.healed = 0
        """Torn lines that the log itself explains."""
        self.faults: list[str] = []
        """The first of what is wrong, by line."""

    def take(self, data: bytes) -> Entry | None:
        """Take the next line with its line feed; give the entry that it is."""
        self._lines += 1
        one = entry(data)
        if one is None:
            if self._torn is None:
                self._torn = Fragment(data, self._lines)
            else:
                self._torn.add(data)
            return None
        self._explain(one)
        if one.chain != self._chain:
            self._wrong(f"entry {one.sequence} is of the log {printable(one.chain, longest=64)}")
        if one.sequence != self.head.sequence + 1 or one.before != self.head.sha256:
            self._wrong(f"entry {one.sequence} does not follow entry {self.head.sequence}")
        if one.act == DAMAGED:
            self._wrong(f"entry {one.sequence}: its writer met {printable(one.result)}")
        self.head = one.head
        return one

    def _explain(self, following: Entry | None) -> None:
        """Ask of what was no entry whether the one behind it says why."""
        torn, self._torn = self._torn, None
        if torn is None:
            return
        if following is not None and following.act == HEALED and following.result == str(torn):
            self.healed += 1
        else:
            self._wrong("not an entry, or changed", torn.line)

    def end(self) -> None:
        """Take the end; a line that is torn there is explained when the log goes on."""
        if self.ended:
            self._explain(None)

    @property
    def torn(self) -> bool:
        """The last line taken was no entry, and nothing explained it yet."""
        return self._torn is not None

    @property
    def ended(self) -> bool:
        """That line is torn and has its end, which only happens while a log is healed."""
        return self._torn is not None and self._torn.ended

    def _wrong(self, what: str, line: int = 0) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(f"line {line or self._lines}: {what}")
