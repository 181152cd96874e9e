"""The policy of a scan: strict, typed, with errors that name the place of the fault."""

from __future__ import annotations

import datetime  # noqa: TC003 - msgspec resolves it
from typing import Annotated, Any, Literal

import msgspec

from checks import mismatch
from checks.errors import AttestationError, PolicyError
from checks.managed.wanted import Managed, Path  # noqa: TC001 - msgspec resolves them
from checks.model import Severity

SeverityName = Literal["info", "low", "medium", "high", "critical"]
_Pem = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
_Positive = Annotated[int, msgspec.Meta(ge=1, le=10**9)]


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
    rules: tuple[str | dict[str, Any], ...] = ()
    """Further rules: files relative to the policy file, or written out here."""


class TlsPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How TLS is judged; disable and severity as for secrets.

    profiles: those that have to be kept: names of shipped ones, own ones as files relative to the
    policy file or written out here; exclude: listeners that are left alone, by globs on
    "address:port", on the whole path of their executable or on their systemd unit.
    """

    profiles: tuple[str | dict[str, Any], ...] = ()
    exclude: tuple[str, ...] = ()
    expiring: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 1 / 3
    """The share of a certificate's life that has to be left."""
    disable: tuple[str, ...] = ()
    severity: dict[str, SeverityName] = {}
    seconds: Annotated[float, msgspec.Meta(gt=0.0, le=600.0)] = 8.0
    """How long one endpoint may take."""
    deep: bool = False
    """Have sslyze try known attacks on each endpoint too; the daemon does so once a week."""
    deep_seconds: Annotated[int, msgspec.Meta(ge=1, le=600)] = 60
    """How long sslyze may take for one endpoint."""


class ImagePolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wanted of the image that a host was made from.

    attested: a scan attested that it passed its gate; keys: public ones in PEM, one of which has to
    have signed that; max_age: days since that scan, 0 for any.
    """

    attested: bool = False
    keys: Annotated[tuple[_Pem, ...], msgspec.Meta(max_length=16)] = ()
    max_age: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 0

    def __post_init__(self) -> None:
        """Refuse what could not be checked; raises ValueError."""
        if self.attested and not self.keys:
            raise ValueError("expected keys by which the image is attested")
        if self.keys:
            from checks.attest import publickeys  # heavy

            try:
                for one in self.keys:
                    publickeys.read(one.encode())
            except AttestationError as error:
                raise ValueError("expected keys of Ed25519, or ECDSA on P-256 or P-384") from error


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
    tls: TlsPolicy = TlsPolicy()
    waivers: tuple[Waiver, ...] = ()
    image: ImagePolicy = ImagePolicy()
    managed: dict[Path, Managed] = {}
    """Paths whose approved state is known, and what is done where they differ from it."""
    full_state_epoch: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0
    """Raised by whoever receives reports to be told everything anew, once."""

    @property
    def threshold(self) -> Severity:
        """The severity from which a finding fails the scan."""
        return Severity.named(self.fail_on)


def from_mapping(raw: object) -> Policy:
    """Check a decoded policy; raises PolicyError("files.exclude: expected array, got int")."""
    try:
        return msgspec.convert(raw, Policy)
    except msgspec.ValidationError as error:
        raise PolicyError(mismatch.explained(raw, str(error), schema(), "policy")) from error


def schema() -> dict[str, Any]:
    """Give the JSON Schema of a policy file."""
    return msgspec.json.schema(Policy)
