"""Read TLS profiles: those that are shipped, and one's own of the same form, strictly."""

from __future__ import annotations

import datetime  # noqa: TC003 - msgspec resolves it
from collections import Counter
from functools import cache
from typing import Annotated, Any, TypeVar

import msgspec

from checks import mismatch, packaged, redact
from checks.errors import PolicyError
from checks.policy import SeverityName  # noqa: TC001 - msgspec resolves it
from checks.tls.profilecertificate import Keys, Lifetime, Signatures, Status
from checks.tls.profileconfig import KeyFile, ServerName, Setting
from checks.tls.profilewire import (
    Faultless,
    Feature,
    Groups,
    Hsts,
    Primes,
    Strength,
    Suites,
    Versions,
)

AnyRule = (
    Versions
    | Suites
    | Strength
    | Groups
    | Primes
    | Keys
    | Signatures
    | Lifetime
    | Status
    | Hsts
    | Feature
    | Faultless
    | Setting
    | KeyFile
)
_T = TypeVar("_T")
_Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.\-]{0,63}$")]
_Title = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class Unjudged(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A clause of the standard that no rule here judges, and why."""

    clause: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    reason: _Text


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One standard.

    version, published, source: of the document; read: which public text of it the rules were
    compared with; server: the one it is about, None for any; severity: of a broken rule that names
    none; unjudged: what it has that no rule can tell.
    """

    id: _Id
    title: _Title
    rules: tuple[AnyRule, ...]
    version: str = ""
    published: datetime.date | None = None
    source: str = ""
    read: str = ""
    note: str = ""
    server: ServerName | None = None
    severity: SeverityName = "medium"
    unjudged: tuple[Unjudged, ...] = ()

    def __post_init__(self) -> None:
        counted = Counter(rule.id for rule in self.rules)
        if twice := [name for name, times in counted.items() if times > 1]:
            got = redact.shown(twice[0])
            raise ValueError(f"expected each rule's id once, got {got!r} twice")


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an own profile changes in a shipped one: rules of the same id are replaced."""

    id: _Id
    title: _Title
    base: str
    without: tuple[str, ...] = ()
    rules: tuple[AnyRule, ...] = ()
    severity: SeverityName | None = None


def schema() -> dict[str, Any]:
    """Give the JSON Schema of a profile file."""
    (whole, change), shared = msgspec.json.schema_components(
        (Profile, Change), ref_template="#/$defs/{name}"
    )
    return {"anyOf": [whole, change], "$defs": shared}


@cache
def names() -> tuple[str, ...]:
    """Name the profiles that are shipped, sorted."""
    from importlib import resources  # heavy

    files = resources.files(__package__).joinpath("profiles").iterdir()
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml")))


@cache
def shipped(name: str) -> Profile:
    """Give a shipped profile; raises PolicyError for a name that none has."""
    if name not in names():
        known = ", ".join(names())
        raise PolicyError(f"profile: expected one of {known}, got {redact.shown(name[:80])!r}")
    return parse(f"{name}.yaml", packaged.text(__package__, f"profiles/{name}.yaml"))


def parse(name: str, text: str) -> Profile:
    """Read a profile file; raises PolicyError with the file's name and the place."""
    import yaml

    try:
        raw = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - it is the safe loader, in C
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else "?"
        raise PolicyError(f"{name}: not YAML, line {line}") from error
    except (ValueError, RecursionError) as error:  # a date that is none, nesting without end
        raise PolicyError(f"{name}: not YAML: {type(error).__name__}") from error
    return from_mapping(raw, name)


def from_mapping(raw: object, where: str = "profile", step: str = ": ") -> Profile:
    """Check a decoded profile; raises PolicyError("WHERE: rules[2].days: expected int, ...").

    step: what leads from WHERE to a key, "." where the profile stands inside another document.
    """
    if not (isinstance(raw, dict) and "base" in raw):
        return _converted(raw, Profile, where, step)
    change = _converted(raw, Change, where, step)
    where += step
    if change.base not in names():
        got = redact.shown(change.base[:80])
        raise PolicyError(f"{where}base: expected one of {', '.join(names())}, got {got!r}")
    return _changed(shipped(change.base), change, where)


def _changed(base: Profile, change: Change, where: str) -> Profile:
    known = {rule.id for rule in base.rules}
    for i, name in enumerate(change.without):
        if name not in known:
            got = redact.shown(name[:80])
            raise PolicyError(f"{where}without[{i}]: expected a rule of {base.id}, got {got!r}")
    gone = {rule.id for rule in change.rules} | {*change.without}
    rules = (*(rule for rule in base.rules if rule.id not in gone), *change.rules)
    try:
        return msgspec.structs.replace(
            base,
            id=change.id,
            title=change.title,
            severity=change.severity or base.severity,
            rules=rules,
        )
    except ValueError as error:
        raise PolicyError(f"{where}rules: {error}") from error


def _converted(raw: object, wanted: type[_T], where: str, step: str) -> _T:
    try:
        return msgspec.convert(raw, wanted)
    except msgspec.ValidationError as error:
        told = mismatch.explained(raw, str(error), msgspec.json.schema(wanted), "")
        between = "" if told.startswith(":") else step
        raise PolicyError(f"{where}{between}{told}") from error
