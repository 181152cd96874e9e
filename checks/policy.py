"""The policy of a scan: strict, typed, with errors that name the place of the fault."""

from __future__ import annotations

import datetime  # noqa: TC003 - msgspec resolves it
import re
from typing import Annotated, Any, Final, Literal

import msgspec

from checks.errors import PolicyError
from checks.model import Severity

SeverityName = Literal["info", "low", "medium", "high", "critical"]
_Positive = Annotated[int, msgspec.Meta(ge=1)]


class ArchivePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits on what is unpacked in memory; what is over a limit is reported as not looked at."""

    enabled: bool = True
    depth: Annotated[int, msgspec.Meta(ge=1, le=16)] = 4
    members: _Positive = 20_000
    total_mib: _Positive = 512
    member_mib: _Positive = 64
    ratio: _Positive = 200


class FilesPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which files are looked at. exclude: globs on whole paths; `*` crosses slashes."""

    exclude: tuple[str, ...] = ()
    seconds_per_file: _Positive = 60
    ignore_files: bool = False
    """Believe files named .hygieneignore inside the scanned tree: one glob a line."""


class SecretsPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which checks count. disable: check ids, whose findings are listed apart; severity: by id."""

    disable: tuple[str, ...] = ()
    severity: dict[str, SeverityName] = {}
    rules: tuple[str, ...] = ()
    """Further rule files, relative to the policy file."""


class Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A known deviation somebody answers for until a date.

    check and path are globs; fingerprint narrows it to one value.
    """

    check: str
    path: str
    owner: Annotated[str, msgspec.Meta(min_length=1)]
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    until: datetime.date
    fingerprint: str = ""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a scan may be told."""

    version: Literal[1] = 1
    name: str = "built-in"
    fail_on: SeverityName = "medium"
    marks: bool | None = None
    """Believe inline marks; unset: only for a scan a person starts on files of their own."""
    files: FilesPolicy = FilesPolicy()
    archives: ArchivePolicy = ArchivePolicy()
    secrets: SecretsPolicy = SecretsPolicy()
    waivers: tuple[Waiver, ...] = ()

    @property
    def threshold(self) -> Severity:
        """The severity from which a finding fails the scan."""
        return Severity.named(self.fail_on)


_AT: Final = re.compile(r" - at `(?:key in )?\$\.?(.*)`$")


def from_mapping(raw: object) -> Policy:
    """Check a decoded policy; raises PolicyError("files.exclude: expected array, got int")."""
    try:
        return msgspec.convert(raw, Policy)
    except msgspec.ValidationError as error:
        text = str(error)
        at = _AT.search(text)
        what = _AT.sub("", text).replace("`", "")
        what = what.replace("object contains unknown field", "unknown key")
        message = f"{at[1] if at and at[1] else 'policy'}: {what[:1].lower()}{what[1:]}"
        raise PolicyError(message) from error


def schema() -> dict[str, Any]:
    """Give the JSON Schema of a policy file."""
    return msgspec.json.schema(Policy)
