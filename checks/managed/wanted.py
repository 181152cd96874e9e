"""What policy says of a managed file: its approved content, or what may be told of it, and answers.

A folder is managed file by file; `only` of a folder says that nothing else may be in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated, Final, Literal

import msgspec

_Sha256 = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64}|)$")]
_Mode = Annotated[str, msgspec.Meta(pattern="^(0[0-7]{3}|)$")]
_Word = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.@\-]*|)$", max_length=64)]
_Endpoint = Annotated[str, msgspec.Meta(min_length=3, max_length=600)]
Path = Annotated[
    str, msgspec.Meta(pattern=r"^(/(?!\.{1,2}(/|$))[A-Za-z0-9_.@+,:\-]{1,255}){1,64}$")
]
"""An absolute path with nothing in it that leads back."""
LARGEST: Final = 1024 * 1024
"""Bytes of approved content."""


class Assertion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a value in a configuration file has to be.

    key: a glob on the way to it, such as `http.server.ssl_protocols`; values: those allowed, with
    one space between words; absent: none there is right as well.
    """

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    values: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=100)]
    absent: bool = False


class Managed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One path. Nothing is compared of which nothing is said.

    content: approved, as text; base64: as bytes; file: beside the policy, written out in it before
    it is used; sha256: its hash alone; link: where a symbolic
    link has to lead; absent: nothing may be there; only: a folder in which nothing may be that is
    not managed. owner, group: names; mode: octal. immutable: part of what an image brought, which
    nothing may change. answer: report; restore; or prove, which restores, has `test` done, then
    `action`, and sees that no endpoint ("ADDRESS:PORT" or "ADDRESS:PORT/NAME") is worse for it.
    """

    content: str | None = None
    base64: str = ""
    file: str = ""
    sha256: _Sha256 = ""
    link: str = ""
    absent: bool = False
    only: bool = False
    owner: _Word = ""
    group: _Word = ""
    mode: _Mode = ""
    asserts: tuple[Assertion, ...] = ()
    immutable: bool = False
    answer: Literal["report", "restore", "prove"] = "report"
    test: _Word = ""
    action: _Word = ""
    endpoints: tuple[_Endpoint, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what says two things, or asks for what nothing can give; raises ValueError."""
        if self.file:
            raise ValueError("file: expected to be written out before the policy is used")
        content = (self.content is not None) + bool(self.base64) + bool(self.sha256)
        if content + bool(self.link) + self.absent + self.only > 1:
            raise ValueError("expected one of content, base64, sha256, link, absent, only")
        if self.answer != "report" and (self.sha256 or self.asserts or self.immutable):
            raise ValueError(f"answer {self.answer}: expected approved content, which this has not")
        if self.answer != "prove" and (self.test or self.action or self.endpoints):
            raise ValueError("test, action, endpoints: expected answer prove")
        if (self.content is not None or self.base64) and len(self.approved or b"") > LARGEST:
            raise ValueError(f"content: expected at most {LARGEST} bytes")

    @property
    def approved(self) -> bytes | None:
        """The approved content, None where only something is said of it."""
        if self.content is not None:
            return self.content.encode()
        if not self.base64:
            return None
        try:
            return base64.b64decode(self.base64, validate=True)
        except binascii.Error as error:
            raise ValueError("base64: not Base64") from error

    @property
    def hash(self) -> str:
        """SHA-256 of the approved content in hex, "" where nothing is said of it."""
        approved = self.approved
        return self.sha256 if approved is None else hashlib.sha256(approved).hexdigest()

    @property
    def bits(self) -> int | None:
        """Give the mode as a number, None where nothing is said of it."""
        return int(self.mode, 8) if self.mode else None
