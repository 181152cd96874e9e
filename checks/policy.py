"""The policy of a scan: strict, typed, with errors that name the place of the fault."""

from __future__ import annotations

import datetime  # noqa: TC003 - msgspec resolves it
import re
from typing import Annotated, Any, Final, Literal

import msgspec

from checks import redact
from checks.errors import PolicyError
from checks.lazy import regex
from checks.model import Severity

SeverityName = Literal["info", "low", "medium", "high", "critical"]
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
    rules: tuple[str, ...] = ()
    """Further rule files, relative to the policy file."""


class TlsPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How TLS is judged; disable and severity as for secrets.

    profiles: those that have to be kept, by name; exclude: globs on "address:port" that are left
    alone.
    """

    profiles: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    expiring: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] = 1 / 3
    """The share of a certificate's life that has to be left."""
    disable: tuple[str, ...] = ()
    severity: dict[str, SeverityName] = {}
    seconds: Annotated[float, msgspec.Meta(gt=0.0, le=600.0)] = 8.0
    """How long one endpoint may take."""


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

    @property
    def threshold(self) -> Severity:
        """The severity from which a finding fails the scan."""
        return Severity.named(self.fail_on)


def from_mapping(raw: object) -> Policy:
    """Check a decoded policy; raises PolicyError("files.exclude: expected array, got int")."""
    try:
        return msgspec.convert(raw, Policy)
    except msgspec.ValidationError as error:
        raise PolicyError(_explained(raw, str(error))) from error


def schema() -> dict[str, Any]:
    """Give the JSON Schema of a policy file."""
    return msgspec.json.schema(Policy)


_STEP: Final = regex(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_FIELD: Final = regex(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)


def _explained(raw: object, error: str) -> str:
    """Say where a fault is, what was expected there and what was found; ERROR is msgspec's."""
    what, _, at = error.partition(" - at `")
    place, value, node = _reached(raw, at.rpartition("$")[2].rstrip("`"))
    if field := _FIELD.match(what):
        inner = f"{place}.{redact.shown(field[2])}".lstrip(".")
        if field[1] == "missing required":
            return f"{inner}: expected a value, got none"
        return f"{inner}: unknown key, expected one of {', '.join(sorted(node['properties']))}"
    if at.startswith("key`"):
        return f"{place or 'policy'}: expected names as keys, got another type"
    expected = what.removeprefix("Expected ").partition(", got ")[0]
    expected = expected.replace("`", "").replace(" | ", " or ")
    if "enum" in node:
        expected = f"one of {', '.join(map(str, node['enum']))}"
    elif node.get("format") == "date":
        expected = "a date such as 2027-03-31"
    return f"{place or 'policy'}: expected {expected}, got {_named(value)}"


def _reached(raw: Any, path: str) -> tuple[str, Any, dict[str, Any]]:  # noqa: ANN401 - any YAML
    """Follow a path such as "waivers[0].until": its spelling, the value and the schema there."""
    whole = schema()
    place, value, node = "", raw, _resolved(whole, whole)
    for name, index in _STEP.findall(path):
        if name:
            step, node = name, node["properties"][name]
        elif index == "...":  # some value of a mapping: the first that is not allowed
            node = node["additionalProperties"]
            step = next(key for key, one in value.items() if one not in node["enum"])
        else:
            step, node = int(index), node["items"]
        place += f"[{step}]" if isinstance(step, int) else f".{redact.shown(step)}"
        value, node = value[step], _resolved(whole, node)
    return place.lstrip("."), value, node


def _resolved(whole: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    reference = str(node.get("$ref", ""))
    found: dict[str, Any] = whole["$defs"][reference.rpartition("/")[2]] if reference else node
    return found


def _named(value: object) -> str:
    """Name what was found: a word or a small number as it is, anything else by its type."""
    if isinstance(value, str):
        return repr(redact.shown(value[:40]))
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) < 10**12:
        return str(value)
    return {"dict": "object", "list": "array"}.get(type(value).__name__, type(value).__name__)
