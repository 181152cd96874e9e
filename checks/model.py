"""The words of the domain: facts in, findings and outcomes out, all frozen."""

from __future__ import annotations

import enum
from typing import NamedTuple

import msgspec


class Severity(enum.IntEnum):
    """How much it matters, INFO lowest."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @classmethod
    def named(cls, name: str) -> Severity:
        """Give the severity called NAME in lower case; raises KeyError for any other word."""
        if not name.islower():
            raise KeyError(name)
        return cls[name.upper()]

    @property
    def label(self) -> str:
        """The lower-case word used in files and outputs."""
        return self.name.lower()


class Confidence(enum.IntEnum):
    """How sure the detection is."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2

    @property
    def label(self) -> str:
        """The lower-case word used in files and outputs."""
        return self.name.lower()


class Role(enum.IntEnum):
    """What a format itself knows about a value, before anybody judges it."""

    NAMED = 0
    """An ordinary value: its key path says what it is."""
    SECRET = 1
    """The place is by definition a clear-text credential (a netrc password, a PSK)."""
    HASH = 2
    """The place is by definition a password hash (shadow, htpasswd)."""
    COMMAND = 3
    """A command line; its arguments may carry credentials."""
    ENCODED = 4
    """Base64 of a value that sits in a secret container (Kubernetes `data`)."""


class Entry(NamedTuple):
    """One value of a parsed file with the way to it.

    keys: the path, outermost first, list positions as "[0]"; line: 1-based, of the value's start;
    subject: whose credential it is where the format says so (a user, a host), else "".
    """

    keys: tuple[str, ...]
    value: str
    line: int
    role: Role = Role.NAMED
    quoted: bool = False
    subject: str = ""

    def __repr__(self) -> str:
        """Leave the value out: an entry may hold a secret."""
        return f"<Entry of {len(self.keys)} keys, line {self.line}>"


class Fingerprint(msgspec.Struct, frozen=True):
    """HMAC-SHA256 of a value under the key named `key`, both in hex."""

    key: str
    value: str


class Evidence(msgspec.Struct, frozen=True):
    """What may be said about a secret: a masked preview, its length in characters, fingerprints.

    A fault of a key that is no leak has fingerprints only: preview "", length 0.
    """

    preview: str
    length: int
    fingerprints: tuple[Fingerprint, ...] = ()


class Access(msgspec.Struct, frozen=True):
    """Who may read the file: numeric owner and group, names where known, mode bits."""

    uid: int
    gid: int
    mode: int
    owner: str = ""
    group: str = ""

    @property
    def readers(self) -> str:
        """The widest class that can read: "everyone", "group" or "owner"."""
        if self.mode & 0o004:
            return "everyone"
        return "group" if self.mode & 0o040 else "owner"


class Location(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where it is. path: as scanned, archive members after "!/"; line and column are 1-based.

    root: the scanned path that `path` lies under.
    """

    path: str
    line: int = 0
    column: int = 0
    key_path: str = ""
    layer: str = ""
    root: str = ""


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where in an image something is, and how it came there.

    layer: from 1, the lowest, of `layers`; digest: of the layer; step, built: number and words of
    the build step that made it, 0 and "" where the image does not say; fate: "deleted" or
    "replaced" by the layer `by`, which hides it from who runs the image and from nobody who has it;
    base: the layer is the base image's, None where none was given.
    """

    layer: int
    layers: int
    digest: str = ""
    step: int = 0
    built: str = ""
    fate: str = ""
    by: int = 0
    base: bool | None = None


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault at one place, with what is wrong and how to mend it.

    origin: of what is in a layer of an image; snippet: lines for the very server's configuration
    that mend it, or the command that does, with line feeds between them; "" where the server is not
    known or no line mends it.
    """

    check: str
    severity: Severity
    confidence: Confidence
    location: Location
    message: str
    fix: str
    evidence: Evidence | None = None
    access: Access | None = None
    references: tuple[str, ...] = ()
    identity: str = ""
    snippet: str = ""
    origin: Origin | None = None


class Inconclusive(msgspec.Struct, frozen=True):
    """Something that exists and has content could not be looked at, or not wholly."""

    path: str
    reason: str
    detail: str = ""


class Suppression(msgspec.Struct, frozen=True):
    """Why a finding does not count: by "mark", "waiver" or "baseline", with who answers for it."""

    kind: str
    owner: str
    reason: str
    until: str = ""


class Suppressed(msgspec.Struct, frozen=True):
    """A finding that stays listed but does not count."""

    finding: Finding
    suppression: Suppression
